package rdb

import "strconv"

// Version is that of what is written.
const Version = 9

// newest is the last version that is read.
const newest = 11

const magic = "REDIS"

// Opcodes.
const (
	opFunctions   = 245 // a library of functions
	opFunctionsRC = 246 // the same in a release candidate of Redis 7
	opModuleAux   = 247
	opIdle        = 248
	opFreq        = 249
	opAux         = 250
	opResize      = 251
	opExpireMs    = 252
	opExpire      = 253
	opSelect      = 254
	opEnd         = 255
)

// Type is the type of a value as it is encoded.
type Type uint8

// The encodings. Those that only are skipped have no name outside.
const (
	String Type = 0
	list   Type = 1
	set    Type = 2
	zset   Type = 3
	Hash   Type = 4
	zset2  Type = 5

	module       Type = 6
	module2      Type = 7
	HashZipmap   Type = 9
	listZiplist  Type = 10
	setIntset    Type = 11
	zsetZiplist  Type = 12
	HashZiplist  Type = 13
	quicklist    Type = 14
	stream1      Type = 15
	HashListpack Type = 16
	zsetListpack Type = 17
	quicklist2   Type = 18
	stream2      Type = 19
	setListpack  Type = 20
	stream3      Type = 21
)

// Library stands for the type of a library of functions.
const Library = "library of functions"

// Name returns what Redis calls the type.
func (t Type) Name() string {
	switch t {
	case String:
		return "string"
	case list, listZiplist, quicklist, quicklist2:
		return "list"
	case set, setIntset, setListpack:
		return "set"
	case zset, zset2, zsetZiplist, zsetListpack:
		return "zset"
	case Hash, HashZipmap, HashZiplist, HashListpack:
		return "hash"
	case stream1, stream2, stream3:
		return "stream"
	case module, module2:
		return "module"
	}
	return "type " + strconv.Itoa(int(t))
}

// Decodable reports whether a Decoder can read values of the type.
func (t Type) Decodable() bool {
	switch t {
	case String, Hash, HashZipmap, HashZiplist, HashListpack:
		return true
	}
	return false
}

// Lengths begin with two bits that say how many more there are.
const (
	len6    = 0x00
	len14   = 0x40
	len32   = 0x80 // the whole byte, then four, big-endian
	len64   = 0x81 // then eight
	encoded = 0xc0 // no length but one of the encodings of a string
	lenMask = 0xc0
)

// Encodings of strings.
const (
	encInt8  = 0
	encInt16 = 1
	encInt32 = 2
	encLZF   = 3
)
