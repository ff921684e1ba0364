package command

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/redistill/redistill/engine"
)

// sumOf is what INCRBYFLOAT replies to where old, "" if missing, is stored and delta is added, as text or error.
func sumOf(old, delta string) string {
	a, ok := floatOrZero(engine.Value{}, false)
	if old != "" {
		a, ok = parseFloat([]byte(old))
	}
	if !ok {
		return errNotFloat.Error()
	}
	b, ok := parseFloat([]byte(delta))
	if !ok {
		return errNotFloat.Error()
	}
	sum, err := appendSum([]byte("00"), a, b)
	if err != nil {
		return err.Error()
	}
	return string(sum[2:])
}

func TestSum(t *testing.T) {
	for _, c := range []struct{ old, delta, want string }{
		{"0.1", "0.2", "0.3"},
		{"10.5", "0.1", "10.6"},
		{"", "3", "3"},
		{"5.0e3", "2.0e2", "5200"},
		{"1", "-1", "0"},
		{"-1e-30", "0", "0"},
		{"100", "0", "100"},
		{"inf", "1", errNotFinite.Error()},
		{"1e4932", "1e4932", errNotFinite.Error()},
		{"x", "1", errNotFloat.Error()},
	} {
		if got := sumOf(c.old, c.delta); got != c.want {
			t.Errorf("%s + %s = %s, want %s", c.old, c.delta, got, c.want)
		}
	}
}

// oddNumbers are at the edges of the syntax and of the 80-bit format.
var oddNumbers = []string{
	"0", "-0", "+0", "+1", "1.", ".5", "-.5", ".", "-", "+", "e5", ".e5", "1e", "1e+", "1e-", "1e+2", "1E2", "1e2.5", "1_000", "1,5", "0x",
	"0x1", "0x1p", "0x1p3", "-0x1.8p1", "0X.8P1", "0x.p1", "0x1p-3", "0xg", "0xAbC", "1p3", "0b1", "0o7", "017", "inf", "-inf", "+INF",
	"Infinity", "-infinity", "infinit", "nan", "-nan", "nan(1)", " 1", "1 ", "\t1", "1\n", "1\x00", "\x001", "--1", "+-1", "1..2", "1.2.3",
	"1e4931", "1e4932", "1.18973149535723176502e4932", "1.18973149535723176509e4932", "1e4933", "-1e4933", "1e99999999999999999999",
	"0e99999999999999999999", "0x0p99999999999", "1e-4950", "3e-4951", "1.8e-4951", "1.9e-4951", "1e-4952", "1e-99999999999999999999",
	"0x1p16383", "0x1p16384", "0x1.fffffffffffffffep16383", "0x1.ffffffffffffffffp16383", "0x1p-16445", "0x1p-16446", "0x1.1p-16446",
	"0x1p-16447", "9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616", "18446744073709551617",
	"-18446744073709551617", "0.00000000000000001", "0.000000000000000005", "0.000000000000000015", "0.5e-17", "1.5e-17", "2.5e-17",
	"0x1p-18", "0x3p-18", "0x5p-18", "99999999999999999.99999999999999999", "1e17", "1e18", "1e19", "1e20", "3.0000000000000000", "1e0000001",
	strings.Repeat("1", 4932), strings.Repeat("1", 4934), strings.Repeat("0", 5118) + "1", strings.Repeat("0", 5119) + "1",
	"0." + strings.Repeat("0", 4990) + "1e4995", strings.Repeat("9", 5000) + "e-5000", strings.Repeat("9", 100) + ".5",
}

// randomNumber returns a number of one of the kinds that clients store, or an odd one.
func randomNumber(rng *rand.Rand) string {
	switch rng.IntN(9) {
	case 0:
		return strconv.Itoa(rng.IntN(2_000) - 1_000)
	case 1:
		return strconv.FormatInt(int64(rng.Uint64()), 10)
	case 2:
		return strconv.FormatFloat(rng.NormFloat64()*100, 'f', rng.IntN(20), 64)
	case 3:
		return strconv.FormatFloat(math.Float64frombits(rng.Uint64()), 'g', -1, 64)
	case 4:
		return fmt.Sprintf("%d.%de%d", rng.IntN(10), rng.Uint64(), rng.IntN(80)-40)
	case 5:
		return fmt.Sprintf("%d.%02d", rng.IntN(1000), rng.IntN(100))
	case 6:
		return fmt.Sprintf("-%d%d.%d", rng.Uint64(), rng.Uint64(), rng.Uint64())
	case 7:
		return fmt.Sprintf("0x%x.%xp%d", rng.Uint32(), rng.Uint64(), rng.IntN(100)-80)
	}
	return oddNumbers[rng.IntN(len(oddNumbers))]
}

func TestSumIsRedis(t *testing.T) {
	o := startOracle(t)
	check := func(old, delta string) {
		o.do("DEL", "k")
		if old != "" {
			o.do("SET", "k", old)
		}
		want := fmt.Sprint(o.do("INCRBYFLOAT", "k", delta))
		if got := sumOf(old, delta); got != want {
			t.Errorf("%.99q + %.99q = %.99q, redis-server says %.99q", old, delta, got, want)
		}
	}
	for _, n := range oddNumbers {
		check("", n)
		check(n, "0")
		check(n, "1")
		check(n, n)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		check(randomNumber(rng), randomNumber(rng))
	}
}
