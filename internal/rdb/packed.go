package rdb

import (
	"encoding/binary"
	"errors"
	"strconv"
)

// Packed values, see unpacker.

var errPacked = errors.New("rdb: a packed value is damaged")

// A zipmap is the number of fields in a byte, then for each a field with its length, a value with its length and a byte that counts unused
// bytes behind the value; and 255 at the end. Lengths are a byte, or 254 and four bytes.
func eachZipmap(d *Decoder, b []byte, words int, fn func(words [][]byte) error) (n int, err error) {
	if len(b) == 0 {
		return 0, errPacked
	}
	for b = b[1:]; len(b) > 0 && b[0] != 255; n++ {
		field, rest, ok := zipmapString(b, false)
		if !ok {
			return n, errPacked
		}
		value, rest, ok := zipmapString(rest, true)
		if !ok {
			return n, errPacked
		}
		d.words = [maxWords][]byte{field, value}
		if err := fn(d.words[:words]); err != nil {
			return n, err
		}
		b = rest
	}
	if len(b) != 1 {
		return n, errPacked
	}
	return n, nil
}

// zipmapString reads a field, or a value with its unused bytes.
func zipmapString(b []byte, isValue bool) (s, rest []byte, ok bool) {
	if len(b) == 0 || b[0] == 255 {
		return nil, nil, false
	}
	n, head := int(b[0]), 1
	if n == 254 {
		if len(b) < 5 {
			return nil, nil, false
		}
		n, head = int(binary.LittleEndian.Uint32(b[1:])), 5
	}
	unused := 0
	if isValue && head < len(b) {
		unused = int(b[head])
		head++
	}
	if n > len(b)-head-unused {
		return nil, nil, false
	}
	return b[head : head+n], b[head+n+unused:], true
}

// A ziplist is its length in bytes and the offset of its last entry, four bytes each, and the number of entries in two; the entries; and
// 255. An entry is the length of the one before (a byte, or 254 and four bytes), the encoding, and a string or an integer.
func eachZiplist(d *Decoder, b []byte, words int, fn func(words [][]byte) error) (int, error) {
	const header = 10
	if len(b) < header+1 || uint64(binary.LittleEndian.Uint32(b)) != uint64(len(b)) {
		return 0, errPacked
	}
	return d.eachPacked(b[header:], ziplistEntry, words, fn)
}

// A listpack is its length in bytes in four bytes and the number of elements in two; the elements; and 255. An element is the encoding, a
// string or an integer, and the length of these two, seven bits to a byte, to be read from behind.
func eachListpack(d *Decoder, b []byte, words int, fn func(words [][]byte) error) (int, error) {
	const header = 6
	if len(b) < header+1 || uint64(binary.LittleEndian.Uint32(b)) != uint64(len(b)) {
		return 0, errPacked
	}
	return d.eachPacked(b[header:], listpackEntry, words, fn)
}

// packedEntry is an element of a packed list.
type packedEntry struct {
	text  []byte // nil if it is an integer
	num   int64
	total int // bytes that it takes
}

// eachPacked walks the entries of a packed list, of which so many make an element, up to the byte 255, which must be the last one.
func (d *Decoder) eachPacked(b []byte, next func(b []byte) (packedEntry, bool), words int, fn func(words [][]byte) error) (int, error) {
	n := 0 // entries
	for ; len(b) > 0 && b[0] != 255; n++ {
		e, ok := next(b)
		if !ok {
			return n / words, errPacked
		}
		i := n % words
		if e.text == nil {
			d.scratch[i] = strconv.AppendInt(d.scratch[i][:0], e.num, 10)
			e.text = d.scratch[i]
		}
		d.words[i] = e.text
		if i == words-1 {
			if err := fn(d.words[:words]); err != nil {
				return n / words, err
			}
		}
		b = b[e.total:]
	}
	if len(b) != 1 || n%words != 0 {
		return n / words, errPacked
	}
	return n / words, nil
}

// ziplistEntry decodes the entry at the start of b.
func ziplistEntry(b []byte) (packedEntry, bool) {
	head := 1
	if b[0] == 254 {
		head = 5
	}
	if len(b) <= head {
		return packedEntry{}, false
	}
	enc := b[head]
	rest := b[head+1:]
	switch {
	case enc>>6 == 0:
		return packedString(rest, head+1, int(enc&0x3f))
	case enc>>6 == 1 && len(rest) >= 1:
		return packedString(rest[1:], head+2, int(enc&0x3f)<<8|int(rest[0]))
	case enc == 0x80 && len(rest) >= 4:
		return packedString(rest[4:], head+5, int(binary.BigEndian.Uint32(rest)))
	case enc == 0xc0:
		return packedInt(rest, head+1, 2)
	case enc == 0xd0:
		return packedInt(rest, head+1, 4)
	case enc == 0xe0:
		return packedInt(rest, head+1, 8)
	case enc == 0xf0:
		return packedInt(rest, head+1, 3)
	case enc == 0xfe:
		return packedInt(rest, head+1, 1)
	case enc > 0xf0 && enc < 0xfe:
		return packedEntry{num: int64(enc&0x0f) - 1, total: head + 1}, true
	}
	return packedEntry{}, false
}

// listpackEntry decodes the element at the start of b.
func listpackEntry(b []byte) (e packedEntry, ok bool) {
	enc, rest := b[0], b[1:]
	switch {
	case enc < 0x80:
		e, ok = packedEntry{num: int64(enc), total: 1}, true
	case enc>>6 == 2:
		e, ok = packedString(rest, 1, int(enc&0x3f))
	case enc>>5 == 6 && len(rest) >= 1:
		n := int64(enc&0x1f)<<8 | int64(rest[0])
		e, ok = packedEntry{num: n << 51 >> 51, total: 2}, true
	case enc>>4 == 14 && len(rest) >= 1:
		e, ok = packedString(rest[1:], 2, int(enc&0x0f)<<8|int(rest[0]))
	case enc == 0xf0 && len(rest) >= 4:
		e, ok = packedString(rest[4:], 5, int(binary.LittleEndian.Uint32(rest)))
	case enc >= 0xf1 && enc <= 0xf4:
		e, ok = packedInt(rest, 1, [...]int{2, 3, 4, 8}[enc-0xf1])
	}
	if !ok {
		return e, false
	}
	back := 1
	for n := e.total >> 7; n > 0 && back < 5; n >>= 7 {
		back++
	}
	e.total += back
	return e, e.total <= len(b)
}

// packedString is an entry of n bytes, behind head bytes that were read already.
func packedString(b []byte, head, n int) (packedEntry, bool) {
	if n < 0 || n > len(b) {
		return packedEntry{}, false
	}
	return packedEntry{text: b[:n:n], total: head + n}, true
}

// packedInt is an entry that is an integer of n bytes.
func packedInt(b []byte, head, n int) (packedEntry, bool) {
	if n > len(b) {
		return packedEntry{}, false
	}
	return packedEntry{num: littleInt(b[:n]), total: head + n}, true
}
