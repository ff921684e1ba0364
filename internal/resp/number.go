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

// AppendDouble appends f to dst as Redis 7.2 prints doubles (7.0 prints
// %.17g): whole numbers up to 2^62 as integers, others with the fewest digits
// that read back as f, in the layout of appendLayout; "inf", "-inf", "nan" and
// "-0". Redis's generator ends one double in 400 differently (still reading back
// as f), since it settles for a short number where this is the nearest one.
func AppendDouble(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "nan"...)
	case math.IsInf(f, 1):
		return append(dst, "inf"...)
	case math.IsInf(f, -1):
		return append(dst, "-inf"...)
	case f == 0 && math.Signbit(f):
		return append(dst, "-0"...)
	case math.Abs(f) <= 1<<62 && f == math.Trunc(f):
		return AppendInt(dst, int64(f))
	}
	if f < 0 {
		dst, f = append(dst, '-'), -f
	}
	// "d.ddde-dd": squeeze out the point, split off the exponent.
	var scratch [32]byte
	digits := strconv.AppendFloat(scratch[:0], f, 'e', -1, 64)
	mark := len(digits) - 1
	for digits[mark] != 'e' {
		mark--
	}
	exp := 0
	for _, c := range digits[mark+2:] {
		exp = exp*10 + int(c-'0')
	}
	if digits[mark+1] == '-' {
		exp = -exp
	}
	digits = digits[:mark]
	if len(digits) > 1 {
		digits = digits[:1+copy(digits[1:], digits[2:])]
	}
	return appendLayout(dst, digits, exp)
}

// appendLayout appends the number d.ddd * 10^exp: plainly if it is whole with
// at most 7 zeros to add, or has at most 6 decimals, or if exp is -3 to 3; else
// in scientific notation.
func appendLayout(dst, digits []byte, exp int) []byte {
	last := exp - (len(digits) - 1) // the power of ten of the last digit
	abs := max(exp, -exp)
	switch {
	case last >= 0 && abs < len(digits)+7:
		dst = append(dst, digits...)
		for range last {
			dst = append(dst, '0')
		}
		return dst
	case last < 0 && (last > -7 || abs < 4):
		if exp >= 0 {
			dst = append(dst, digits[:exp+1]...)
			dst = append(dst, '.')
			return append(dst, digits[exp+1:]...)
		}
		dst = append(dst, '0', '.')
		for range -exp - 1 {
			dst = append(dst, '0')
		}
		return append(dst, digits...)
	}
	dst = append(dst, digits[0])
	if len(digits) > 1 {
		dst = append(dst, '.')
		dst = append(dst, digits[1:]...)
	}
	dst = append(dst, 'e', '+')
	if exp < 0 {
		dst[len(dst)-1] = '-'
	}
	return AppendInt(dst, int64(abs))
}
