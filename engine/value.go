package engine

import (
	"strconv"

	"github.com/redistill/redistill/internal/invariants"
)

// Value is a view of a string value. It aliases the engine's memory and is valid until the Tx is
// unlocked or writes. Builds with the tag invariants panic where one is used later.
type Value struct {
	lease lease
	bytes []byte     // the value, or the first bytes of one in parts
	num   int64      // the value, if isNum
	isNum bool       // the value is kept as a number
	rest  *restParts // what follows bytes, nil if nothing does
}

// restParts says where the parts of a value are.
type restParts struct {
	parts
	first uint32 // number of the first part
	total int    // length of the whole value
}

// Len returns the length in bytes.
func (v Value) Len() int {
	v.lease.check()
	switch {
	case v.isNum:
		return digits(v.num)
	case v.rest != nil:
		return v.rest.total
	}
	return len(v.bytes)
}

// AppendTo appends the value's bytes to dst.
func (v Value) AppendTo(dst []byte) []byte {
	v.lease.check()
	if v.isNum {
		return strconv.AppendInt(dst, v.num, 10)
	}
	dst = append(dst, v.bytes...)
	if v.rest == nil {
		return dst
	}
	for no, left := v.rest.first, v.rest.total-len(v.bytes); left > 0; no++ {
		b := v.rest.part(no)
		b = b[:min(len(b), left)]
		dst = append(dst, b...)
		left -= len(b)
	}
	return dst
}

// zeros stand for a part that is missing.
var zeros [partData]byte

// part returns the bytes of one part. That one is missing can only be an error in this package; Len has been promised by then, so zero
// bytes take its place. Those who can do better ask intact first.
func (r *restParts) part(no uint32) []byte {
	_, p, ok := r.find(no)
	if !ok {
		invariants.Violated("a part of a value is missing")
		return zeros[:]
	}
	return partBytes(p)
}

// intact reports whether all parts of the value are there.
func (v Value) intact() bool {
	if v.rest == nil {
		return true
	}
	for i := range partCount(v.rest.total - len(v.bytes)) {
		if _, _, ok := v.rest.find(v.rest.first + uint32(i)); !ok {
			invariants.Violated("a part of a value is missing")
			return false
		}
	}
	return true
}

// AppendRange appends the bytes from start up to but not including end, which must be in range, to dst.
func (v Value) AppendRange(dst []byte, start, end int) []byte {
	v.lease.check()
	if v.rest == nil {
		if v.isNum {
			var text [20]byte
			return append(dst, strconv.AppendInt(text[:0], v.num, 10)[start:end]...)
		}
		return append(dst, v.bytes[start:end]...)
	}
	head := len(v.bytes)
	if start < head {
		stop := min(end, head)
		dst = append(dst, v.bytes[start:stop]...)
		start = stop
	}
	for start < end {
		b := v.rest.part(v.rest.first + uint32((start-head)/partData))
		off := (start - head) % partData
		n := min(len(b)-off, end-start)
		dst = append(dst, b[off:off+n]...)
		start += n
	}
	return dst
}

// Int returns the value as an integer, if it is the canonical text of an int64.
func (v Value) Int() (int64, bool) {
	v.lease.check()
	if v.isNum {
		return v.num, true
	}
	if v.rest != nil {
		return 0, false
	}
	return parseInt(v.bytes)
}

// digits is the length of n in decimal.
func digits(n int64) int {
	var text [20]byte
	return len(strconv.AppendInt(text[:0], n, 10))
}

// parseInt reads the canonical text of an int64: digits without leading zeros, with a minus sign if negative, nothing else.
func parseInt(b []byte) (int64, bool) {
	neg := false
	digits := b
	if len(b) > 0 && b[0] == '-' {
		neg, digits = true, b[1:]
	}
	if len(digits) == 0 || len(digits) > 19 {
		return 0, false
	}
	if digits[0] == '0' {
		return 0, len(b) == 1
	}
	var n uint64
	for _, c := range digits {
		if c-'0' > 9 {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	if neg {
		return -int64(n), n <= 1<<63
	}
	return int64(n), n < 1<<63
}
