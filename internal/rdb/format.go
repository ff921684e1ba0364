package rdb

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
