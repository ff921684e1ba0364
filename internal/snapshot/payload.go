package snapshot

import (
	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/rdb"
)

// Payload is an engine.Sink that takes one key, for DUMP.
type Payload struct {
	B []byte // the type of the value and the value, as in a file
}

// Key begins the value.
func (p *Payload) Key(k *engine.SnapshotKey) error {
	p.B = append(p.B, byte(rdbTypes[k.Type]))
	if k.Type != engine.String {
		p.B = rdb.AppendLen(p.B, uint64(k.Elements))
	}
	return nil
}

// String appends a string.
func (p *Payload) String(b []byte) error {
	p.B = rdb.AppendString(p.B, b)
	return nil
}

// Len begins a string of n bytes.
func (p *Payload) Len(n int) error {
	p.B = rdb.AppendLen(p.B, uint64(n))
	return nil
}

// Bytes appends bytes of a string that was begun.
func (p *Payload) Bytes(b []byte) error {
	p.B = append(p.B, b...)
	return nil
}
