package rdb

import (
	"encoding/binary"
	"strconv"
)

// An intset is how many bytes an integer has (2, 4 or 8) and the number of integers, four bytes
// each; and the integers. All are little-endian. An empty one is damaged, as Redis has it.
func eachInteger(d *Decoder, b []byte, words int,
	fn func(words [][]byte) error) (n int, err error) {
	const header = 8
	if len(b) <= header {
		return 0, errPacked
	}
	width, count := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
	b = b[header:]
	if width != 2 && width != 4 && width != 8 || uint64(count)*uint64(width) != uint64(len(b)) {
		return 0, errPacked
	}
	for ; len(b) > 0; n++ {
		d.scratch[0] = strconv.AppendInt(d.scratch[0][:0], littleInt(b[:width]), 10)
		d.words[0] = d.scratch[0]
		if err := fn(d.words[:words]); err != nil {
			return n, err
		}
		b = b[width:]
	}
	return n, nil
}
