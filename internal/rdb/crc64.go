package rdb

import (
	"encoding/binary"
	"sync"
)

// The checksum is the CRC-64 of Jones: reflected, from 0, without a final inversion. Eight bytes are taken at a time (Kounavis and Berry,
// ISCC 2005).
const jones = 0x95ac9329ac4bc9b5 // 0xad93d23594c935a9 with the bits in reverse order

// crcTables returns the tables: of the first, the effect of one byte; of table i, that of a byte with i bytes of zero behind it.
var crcTables = sync.OnceValue(func() *[8][256]uint64 {
	t := new([8][256]uint64)
	for i := range t[0] {
		c := uint64(i)
		for range 8 {
			c = c>>1 ^ jones&-(c&1)
		}
		t[0][i] = c
	}
	for i := range t[0] {
		for j := 1; j < 8; j++ {
			t[j][i] = t[j-1][i]>>8 ^ t[0][t[j-1][i]&0xff]
		}
	}
	return t
})

// Checksum continues the checksum crc, which is 0 at the start, over b.
func Checksum(crc uint64, b []byte) uint64 {
	t := crcTables()
	for len(b) >= 8 {
		crc ^= binary.LittleEndian.Uint64(b)
		crc = t[7][crc&0xff] ^ t[6][crc>>8&0xff] ^ t[5][crc>>16&0xff] ^ t[4][crc>>24&0xff] ^
			t[3][crc>>32&0xff] ^ t[2][crc>>40&0xff] ^ t[1][crc>>48&0xff] ^ t[0][crc>>56]
		b = b[8:]
	}
	for _, c := range b {
		crc = crc>>8 ^ t[0][uint8(crc)^c]
	}
	return crc
}
