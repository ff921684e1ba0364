package command

import (
	"bytes"
	"math"
	"math/big"

	"github.com/redistill/redistill/internal/resp"
)

// INCRBYFLOAT and HINCRBYFLOAT count in the 80-bit floats of x87, with a mantissa of 64 bits, because Redis does (C's long double): in
// these 0.1 + 0.2 comes out as 0.3. A big.Float of that precision rounds the same way. Its exponents have no limit worth the name, so
// the limits of the 80-bit format are checked by hand.
const (
	floatBits        = 64
	floatMaxExponent = 16384  // a mantissa in [0.5, 1) times 2 to this is the largest
	floatMinExponent = -16445 // half of the smallest positive one is 0.5 times 2 to this, and is rounded to zero
	floatMaxText     = 5119   // bytes of a number that is taken; longer ones are none
	floatDecimals    = 17     // of the result
)

// parseFloat parses b as C's strtold does, which also knows "inf" and hexadecimal numbers, but takes no space around it. "nan" and what
// is too large or too small for 80 bits are refused.
func parseFloat(b []byte) (f *big.Float, ok bool) {
	if len(b) == 0 || len(b) > floatMaxText {
		return nil, false
	}
	digits := b
	if b[0] == '+' || b[0] == '-' {
		digits = b[1:]
	}
	f = new(big.Float).SetPrec(floatBits)
	if is(digits, "inf") || is(digits, "infinity") {
		return f.SetInf(b[0] == '-'), true
	}
	base, zero, ok := scanFloat(digits)
	if !ok {
		return nil, false
	}
	if zero { // whatever the exponent
		return f, true
	}
	if _, _, err := f.Parse(string(b), base); err != nil {
		return nil, false
	}
	return f, inFloatRange(f)
}

// inFloatRange reports whether f is not zero and becomes neither zero nor infinite in 80 bits.
func inFloatRange(f *big.Float) bool {
	mant := new(big.Float)
	exp := f.MantExp(mant)
	if exp == floatMinExponent {
		m, _ := mant.Float64()
		return math.Abs(m) > 0.5
	}
	return floatMinExponent < exp && exp <= floatMaxExponent
}

// scanFloat checks the syntax of a number without its sign and returns its base for big.Float. An exponent that is far out of range
// is not ok, unless the number is zero: parsing could take very long.
func scanFloat(b []byte) (base int, zero, ok bool) {
	base, marker, farOut := 10, byte('e'), int64(2*floatMaxText)
	if len(b) > 2 && b[0] == '0' && b[1]|0x20 == 'x' {
		base, marker, farOut = 0, 'p', 8*floatMaxText
		b = b[2:]
	}
	n, digits := 0, 0
	for point := false; n < len(b) && (isDigit(b[n], base) || b[n] == '.' && !point); n++ {
		if b[n] == '.' {
			point = true
			continue
		}
		digits++
	}
	zero = len(bytes.Trim(b[:n], "0.")) == 0
	if n == len(b) || digits == 0 {
		return base, zero, digits > 0
	}
	if b[n]|0x20 != marker {
		return base, zero, false
	}
	exp, ok := scanExponent(b[n+1:])
	return base, zero, ok && (zero || exp <= farOut)
}

// scanExponent returns the absolute value of an exponent, or math.MaxInt64 if it does not fit.
func scanExponent(b []byte) (exp int64, ok bool) {
	if len(b) > 0 && (b[0] == '+' || b[0] == '-') {
		b = b[1:]
	}
	for _, c := range b {
		if !isDigit(c, 10) {
			return 0, false
		}
	}
	significant := bytes.TrimLeft(b, "0")
	if len(significant) == 0 {
		return 0, len(b) > 0
	}
	if exp, ok = resp.ParseInt(significant); !ok {
		exp = math.MaxInt64
	}
	return exp, true
}

func isDigit(c byte, base int) bool {
	return c-'0' < 10 || base != 10 && c|0x20-'a' < 6
}

// appendSum appends the decimal text of a + b to dst, without exponent. It fails if the sum is no finite number.
func appendSum(dst []byte, a, b *big.Float) ([]byte, error) {
	if a.IsInf() || b.IsInf() {
		return dst, errNotFinite
	}
	sum := new(big.Float).SetPrec(floatBits).Add(a, b)
	if sum.MantExp(nil) > floatMaxExponent {
		return dst, errNotFinite
	}
	start := len(dst)
	dst = bytes.TrimRight(sum.Append(dst, 'f', floatDecimals), "0") // there is a point that stops it
	dst = bytes.TrimSuffix(dst, []byte("."))
	if string(dst[start:]) == "-0" {
		dst = append(dst[:start], '0')
	}
	return dst, nil
}
