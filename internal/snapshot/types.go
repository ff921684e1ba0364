package snapshot

import (
	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/rdb"
)

// rdbTypes are the encodings in which values are written.
var rdbTypes = [...]rdb.Type{engine.String: rdb.String, engine.Hash: rdb.Hash, engine.Set: rdb.Set}

// engineTypes are the types of the values that are read.
var engineTypes = [...]engine.Type{
	rdb.String: engine.String,

	rdb.Hash:         engine.Hash,
	rdb.HashZipmap:   engine.Hash,
	rdb.HashZiplist:  engine.Hash,
	rdb.HashListpack: engine.Hash,

	rdb.Set:         engine.Set,
	rdb.SetIntset:   engine.Set,
	rdb.SetListpack: engine.Set,
}
