package resp

import (
	"math"
	"strconv"
)

// ParseInt reads a decimal integer the way Redis does wherever it expects one:
// the whole of b must be the one canonical spelling of an int64. No plus sign,
// space, leading zero or "-0" is taken, thus AppendInt(nil, n) restores b.
func ParseInt(b []byte) (n int64, ok bool) {
	neg := len(b) > 0 && b[0] == '-'
	digits := b
	if neg {
		digits = b[1:]
	}
	// 19 digits always fit uint64, and no int64 has more.
	if len(digits) == 0 || len(digits) > 19 {
		return 0, false
	}
	if digits[0] == '0' {
		return 0, len(b) == 1
	}
	var u uint64
	for _, c := range digits {
		d := c - '0'
		if d > 9 {
			return 0, false
		}
		u = u*10 + uint64(d)
	}
	if neg {
		return -int64(u), u <= -math.MinInt64
	}
	return int64(u), u <= math.MaxInt64
}

// AppendInt appends the decimal digits of n to dst, no header and no CRLF.
func AppendInt(dst []byte, n int64) []byte { return strconv.AppendInt(dst, n, 10) }

// AppendDouble appends f to dst as Redis 7.2 prints doubles: the fewest digits
// that read back as f, "inf", "-inf", "nan" and "-0".
func AppendDouble(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "nan"...)
	case math.IsInf(f, 1):
		return append(dst, "inf"...)
	case math.IsInf(f, -1):
		return append(dst, "-inf"...)
	}
	return strconv.AppendFloat(dst, f, 'g', -1, 64)
}
