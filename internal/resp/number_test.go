package resp

import (
	"math"
	"strconv"
	"testing"
)

func TestParseInt(t *testing.T) {
	for _, c := range []struct {
		in string
		n  int64
		ok bool
	}{
		{"0", 0, true}, {"7", 7, true}, {"-1", -1, true}, {"10", 10, true}, {"-120", -120, true},
		{"9223372036854775807", math.MaxInt64, true}, {"-9223372036854775808", math.MinInt64, true},
		{"9223372036854775808", 0, false}, {"-9223372036854775809", 0, false},
		{"9999999999999999999", 0, false}, {"18446744073709551616", 0, false}, {"100000000000000000000", 0, false},
		{"", 0, false}, {"-", 0, false}, {"+1", 0, false}, {"-0", 0, false}, {"00", 0, false}, {"01", 0, false},
		{"-01", 0, false}, {" 1", 0, false}, {"1 ", 0, false}, {"1.0", 0, false}, {"1e3", 0, false},
		{"0x1", 0, false}, {"--1", 0, false}, {"1\x00", 0, false}, {"/", 0, false}, {":", 0, false},
	} {
		n, ok := ParseInt([]byte(c.in))
		if ok != c.ok || ok && n != c.n {
			t.Errorf("ParseInt(%q) = %d, %v; want %d, %v", c.in, n, ok, c.n, c.ok)
		}
	}
}

// FuzzParseInt compares with strconv: a number is taken exactly if printing it
// gives the same bytes again.
func FuzzParseInt(f *testing.F) {
	for _, s := range []string{"0", "-0", "9223372036854775807", "-9223372036854775808", "+1", "1_0", "01"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		want, err := strconv.ParseInt(string(b), 10, 64)
		wantOK := err == nil && strconv.FormatInt(want, 10) == string(b)
		n, ok := ParseInt(b)
		if ok != wantOK || ok && n != want {
			t.Fatalf("ParseInt(%q) = %d, %v; want %d, %v", b, n, ok, want, wantOK)
		}
		if ok && string(AppendInt(nil, n)) != string(b) {
			t.Fatalf("AppendInt(%d) = %q, want %q", n, AppendInt(nil, n), b)
		}
	})
}

func TestAppendDouble(t *testing.T) {
	for _, c := range []struct {
		f    float64
		want string
	}{
		{0, "0"}, {math.Copysign(0, -1), "-0"}, {1, "1"}, {-1, "-1"}, {3.1415, "3.1415"}, {-2.5, "-2.5"}, {0.1, "0.1"},
		{math.Inf(1), "inf"}, {math.Inf(-1), "-inf"}, {math.NaN(), "nan"},
		{1e17, "100000000000000000"}, {1 << 62, "4611686018427387904"}, {1e19, "1e+19"}, {-1e19, "-1e+19"},
		{1e100, "1e+100"}, {1.5e300, "1.5e+300"}, {5e-324, "5e-324"}, {math.MaxFloat64, "1.7976931348623157e+308"},
		{1.2345678901234567e23, "123456789012345670000000"}, {1.2345678901234567e24, "1.2345678901234568e+24"},
		{0.00001, "0.00001"}, {0.000001, "0.000001"}, {1e-7, "1e-7"}, {1.5e-7, "1.5e-7"}, {-1.5e-10, "-1.5e-10"},
		{123.45678901, "123.45678901"}, {1700000000.123456, "1700000000.123456"},
		{1700000000.1234567, "1.7000000001234567e+9"}, {0.001234567891, "0.001234567891"},
	} {
		if got := string(AppendDouble([]byte("x"), c.f)); got != "x"+c.want {
			t.Errorf("AppendDouble(%g) = %q, want %q", c.f, got[1:], c.want)
		}
	}
}

// FuzzAppendDouble reads every double back and expects the same one.
func FuzzAppendDouble(f *testing.F) {
	for _, x := range []float64{0, 1.5, -1e19, 1e-7, 5e-324, math.MaxFloat64, 0.001234567891} {
		f.Add(math.Float64bits(x))
	}
	f.Fuzz(func(t *testing.T, bits uint64) {
		want := math.Float64frombits(bits)
		text := AppendDouble(nil, want)
		got, err := strconv.ParseFloat(string(text), 64)
		if err != nil || math.Float64bits(got) != bits && !math.IsNaN(want) {
			t.Fatalf("%v printed as %q reads %v, %v", want, text, got, err)
		}
	})
}
