// Package rdb reads and writes Redis's file format for snapshots of a keyspace, and the payloads of DUMP and RESTORE, which are one value in
// the same encoding. It knows neither the engine nor sockets.
//
// # The format
//
//	"REDIS" and four digits of the version
//	opcodes with what belongs to them: an attribute (aux), a database and its size, the deadline, the idle time or the frequency of the
//	key that follows
//	a key: the type of its value (one byte), the key (a string), the value
//	the opcode of the end, and 8 bytes of checksum
//
// Lengths take 6, 14, 32 or 64 bits, as their first two bits say. A length of the fourth kind is no length: the string that it begins is an
// integer in binary, or compressed by LZF. The values of small hashes are a single string with a packed form inside: a zipmap in the times of
// Redis 2, then a ziplist, and since Redis 7 a listpack; those of small sets are an intset, or since Redis 7.2 a listpack.
//
// Written is version 9, which Redis 5 and later load: strings as they are, or as integers where they are short and canonical; hashes as
// fields and values, sets as members. Nothing is compressed, for that costs more time than the disk. Read are the versions up to 11, which is Redis 7.2.
//
// # Reading
//
// Reader splits a file into frames without looking into values: a frame is one key with its value as it is in the file, or with a part of
// the elements if it is a large one. Frames are handed out in batches of about 128 KB, so that several goroutines can decode them, each with a
// Decoder of its own. Memory is bounded by the longest string, and that by Reader.MaxString and by what the file really has: no
// allocation follows from a length that is merely claimed. What a compressed string claims is known before it is decompressed (Frame.Size), and
// it claims no more than its bytes can stand for.
//
// The types that a caller does not want are skipped, also those that this package cannot decode; every type up to version 11 is recognised,
// with streams and modules.
//
// An *Error says where in the file something is wrong, and what; or what is right but more than is accepted.
package rdb
