package resp

import (
	"fmt"
	"math"
	"strconv"
	"testing"
)

var outCases = []struct {
	name         string
	reply        func(o *Out)
	resp2, resp3 string
}{
	{"Int", func(o *Out) { o.Int(-7) }, ":-7\r\n", ":-7\r\n"},
	{"Int min", func(o *Out) { o.Int(math.MinInt64) }, ":-9223372036854775808\r\n", ":-9223372036854775808\r\n"},
	{"Bulk", func(o *Out) { o.Bulk([]byte("a\r\nb")) }, "$4\r\na\r\nb\r\n", "$4\r\na\r\nb\r\n"},
	{"Bulk nil", func(o *Out) { o.Bulk(nil) }, "$0\r\n\r\n", "$0\r\n\r\n"},
	{"BulkString", func(o *Out) { o.BulkString("ab") }, "$2\r\nab\r\n", "$2\r\nab\r\n"},
	{"BulkInt", func(o *Out) { o.BulkInt(-120) }, "$4\r\n-120\r\n", "$4\r\n-120\r\n"},
	{"BeginBulk", func(o *Out) {
		if o.BeginBulk(3, 3) {
			o.B = append(o.B, "abc"...)
			o.EndBulk()
		}
	}, "$3\r\nabc\r\n", "$3\r\nabc\r\n"},
	{"Simple", func(o *Out) { o.Simple("PONG") }, "+PONG\r\n", "+PONG\r\n"},
	{"OK", func(o *Out) { o.OK() }, "+OK\r\n", "+OK\r\n"},
	{"Error", func(o *Out) { o.Error("ERR syntax error") }, "-ERR syntax error\r\n", "-ERR syntax error\r\n"},
	{"Error CRLF", func(o *Out) { o.Error("ERR a\r\nb\n+OK") }, "-ERR a  b +OK\r\n", "-ERR a  b +OK\r\n"},
	{"Null", func(o *Out) { o.Null() }, "$-1\r\n", "_\r\n"},
	{"NullArray", func(o *Out) { o.NullArray() }, "*-1\r\n", "_\r\n"},
	{"Array", func(o *Out) { o.Array(1); o.Int(1) }, "*1\r\n:1\r\n", "*1\r\n:1\r\n"},
	{"Array empty", func(o *Out) { o.Array(0) }, "*0\r\n", "*0\r\n"},
	{"Map", func(o *Out) { o.Map(1); o.Int(1); o.Null() }, "*2\r\n:1\r\n$-1\r\n", "%1\r\n:1\r\n_\r\n"},
	{"Set", func(o *Out) { o.Set(1); o.Int(1) }, "*1\r\n:1\r\n", "~1\r\n:1\r\n"},
	{"Attribute", func(o *Out) { o.Attribute(1); o.Int(1); o.Int(2); o.Int(3) },
		"|1\r\n:1\r\n:2\r\n:3\r\n", "|1\r\n:1\r\n:2\r\n:3\r\n"},
	{"Push", func(o *Out) { o.Push(1); o.Int(1) }, "*1\r\n:1\r\n", ">1\r\n:1\r\n"},
	{"Double", func(o *Out) { o.Double(3.1415) }, "$6\r\n3.1415\r\n", ",3.1415\r\n"},
	{"Double inf", func(o *Out) { o.Double(math.Inf(-1)) }, "$4\r\n-inf\r\n", ",-inf\r\n"},
	{"Bool true", func(o *Out) { o.Bool(true) }, ":1\r\n", "#t\r\n"},
	{"Bool false", func(o *Out) { o.Bool(false) }, ":0\r\n", "#f\r\n"},
	{"BigNumber", func(o *Out) { o.BigNumber("12345678901234567890") }, "$20\r\n12345678901234567890\r\n", "(12345678901234567890\r\n"},
	{"Verbatim", func(o *Out) { o.Verbatim("txt", []byte("a\nb")) }, "$3\r\na\nb\r\n", "=7\r\ntxt:a\nb\r\n"},
}

// TestOut checks the bytes of each reply, that appending keeps what is there,
// that nothing is allocated and that ReplyLen agrees on where it ends.
func TestOut(t *testing.T) {
	for _, c := range outCases {
		for proto, want := range map[int]string{2: c.resp2, 3: c.resp3} {
			o := Out{B: []byte("before"), Proto: proto}
			c.reply(&o)
			if got := string(o.B); got != "before"+want {
				t.Errorf("%s in RESP%d = %q, want %q", c.name, proto, got, "before"+want)
				continue
			}
			if n, err := ReplyLen(o.B[len("before"):]); n != len(want) || err != nil {
				t.Errorf("%s in RESP%d: ReplyLen = %d, %v, want %d", c.name, proto, n, err, len(want))
			}
			o.B = make([]byte, 0, 100)
			if n := testing.AllocsPerRun(100, func() { o.B = o.B[:0]; c.reply(&o) }); n != 0 {
				t.Errorf("%s in RESP%d: %v allocations", c.name, proto, n)
			}
		}
	}
}

// TestCutOut: where a limit has ended the replies, nothing is appended.
func TestCutOut(t *testing.T) {
	for _, c := range outCases {
		for _, proto := range []int{2, 3} {
			o := Out{Cut: true, Proto: proto}
			if c.reply(&o); len(o.B) > 0 {
				t.Errorf("%s in RESP%d appends %q", c.name, proto, o.B)
			}
		}
	}
}

// TestOutNumbers compares headers around every change of length with strconv.
func TestOutNumbers(t *testing.T) {
	numbers := []int64{0, math.MaxInt64, math.MinInt64, math.MinInt64 + 1}
	for power := int64(1); power < math.MaxInt64/10; power *= 10 {
		for _, n := range []int64{power - 1, power, power + 1, 9 * power, 5*power + 3} {
			numbers = append(numbers, n, -n)
		}
	}
	for n := range int64(2000) {
		numbers = append(numbers, n)
	}
	for _, n := range numbers {
		var o Out
		o.Int(n)
		if want := ":" + strconv.FormatInt(n, 10) + "\r\n"; string(o.B) != want {
			t.Fatalf("Int(%d) = %q, want %q", n, o.B, want)
		}
		if got := string(AppendInt([]byte("x"), n)); got != fmt.Sprintf("x%d", n) {
			t.Fatalf("AppendInt(%d) = %q", n, got)
		}
	}
}
