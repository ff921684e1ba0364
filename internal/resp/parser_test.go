package resp

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"unsafe"
)

const ping = "*1\r\n$4\r\nPING\r\n"

// feed gives input to p in pieces of the given sizes (the rest as one piece)
// and returns a line for every command and error, and the number of bytes left
// over. Each piece arrives in a new buffer while the old one is scribbled
// over, so a slice kept by the parser shows up as garbage.
func feed(t *testing.T, p *Parser, input string, argsCap int, sizes ...int) (transcript []string, rest int) {
	t.Helper()
	var buf []byte
	args := make([][]byte, 0, argsCap)
	for len(input) > 0 {
		size := len(input)
		if len(sizes) > 0 {
			size, sizes = min(sizes[0], size), sizes[1:]
		}
		moved := append(slices.Clone(buf), input[:size]...)
		for i := range buf {
			buf[i] = 0xAA
		}
		buf, input = moved, input[size:]
		for len(buf) > 0 {
			behind := string(buf)
			n, out, err := p.Next(buf, args[:0:argsCap])
			if err != nil {
				checkFailed(t, n, out, err)
				return append(transcript, err.Error()), len(buf) + len(input)
			}
			checkResult(t, p, buf, n, out)
			if n == 0 {
				break
			}
			if string(buf[n:]) != behind[n:] {
				t.Fatalf("Next wrote behind the %d bytes it consumed", n)
			}
			transcript = append(transcript, fmt.Sprintf("%q", out))
			buf = buf[n:]
		}
	}
	return transcript, len(buf)
}

func checkFailed(t *testing.T, n int, out [][]byte, err error) {
	t.Helper()
	var perr *ProtocolError
	if !errors.As(err, &perr) || n != 0 || len(out) != 0 {
		t.Fatalf("Next = %d, %q, %v; want a *ProtocolError alone", n, out, err)
	}
}

// checkResult checks what holds for every result without an error.
func checkResult(t *testing.T, p *Parser, buf []byte, n int, out [][]byte) {
	t.Helper()
	if n < 0 || n > len(buf) {
		t.Fatalf("consumed %d of %d bytes", n, len(buf))
	}
	if n == 0 && len(out) > 0 {
		t.Fatalf("arguments %q without consuming anything", out)
	}
	if need := p.Need(); need < 0 || n > 0 && need != 0 {
		t.Fatalf("Need() = %d after consuming %d bytes", need, n)
	}
	start := uintptr(unsafe.Pointer(unsafe.SliceData(buf)))
	for _, arg := range out {
		at := uintptr(unsafe.Pointer(unsafe.SliceData(arg)))
		if cap(arg) != len(arg) || len(arg) > 0 && (at < start || at+uintptr(len(arg)) > start+uintptr(n)) {
			t.Fatalf("argument %q is not a slice of the %d consumed bytes, or has capacity beyond its end", arg, n)
		}
	}
}

func authenticated() *Parser { return &Parser{Limits: Limits{Authenticated: true}} }

// parserCases are streams and what they hold. Those without limits of their
// own are also sent to redis-server.
var parserCases = []struct {
	input string
	want  []string
	rest  int
}{
	{"", nil, 0},
	{ping, []string{`["PING"]`}, 0},
	{ping + ping, []string{`["PING"]`, `["PING"]`}, 0},
	{"*2\r\n$4\r\nECHO\r\n$0\r\n\r\n", []string{`["ECHO" ""]`}, 0},
	{"*2\r\n$4\r\nECHO\r\n$9\r\na\r\nb\x00c$-1\r\n" + ping, []string{`["ECHO" "a\r\nb\x00c$-1"]`, `["PING"]`}, 0},
	{"*2\r\n$4\r\nECHO\r\n$5\r\nab", nil, 20},
	{"*11\r\n" + strings.Repeat("$1\r\na\r\n", 11), []string{`["a" "a" "a" "a" "a" "a" "a" "a" "a" "a" "a"]`}, 0},

	// Empty commands.
	{"*0\r\n" + ping, []string{`[]`, `["PING"]`}, 0},
	{"*-1\r\n*-9223372036854775808\r\n" + ping, []string{`[]`, `[]`, `["PING"]`}, 0},
	{"\r\n\n \r\n\r\r\n" + ping, []string{`[]`, `[]`, `[]`, `[]`, `["PING"]`}, 0},

	// Counts.
	{"*\r\n", []string{errCount.Text}, 3},
	{"*-\r\n", []string{errCount.Text}, 4},
	{"*+1\r\n" + ping, []string{errCount.Text}, 19},
	{"*01\r\n", []string{errCount.Text}, 5},
	{"*-0\r\n", []string{errCount.Text}, 5},
	{"* 1\r\n", []string{errCount.Text}, 5},
	{"*A\r\n$1\r\na\r\n", []string{errCount.Text}, 11},
	{"*:\r\n" + strings.Repeat("$1\r\na\r\n", 10), []string{errCount.Text}, 74},
	{"*1:\r\n" + strings.Repeat("$1\r\na\r\n", 20), []string{errCount.Text}, 145},
	{"*1A\r\n", []string{errCount.Text}, 5},
	{"*\xff\r\n", []string{errCount.Text}, 4},
	{"*2147483648\r\n", []string{errCount.Text}, 13},
	{"*99999999999999999999999\r\n", []string{errCount.Text}, 26},
	{"*2147483647\r\n", nil, 13},
	{"*1\n$4\nPING\n", nil, 11},

	// Lengths.
	{"*1\r\n$\r\n", []string{errBulk.Text}, 7},
	{"*1\r\n$-1\r\n", []string{errBulk.Text}, 9},
	{"*1\r\n$+4\r\nPING\r\n", []string{errBulk.Text}, 15},
	{"*1\r\n$04\r\nPING\r\n", []string{errBulk.Text}, 15},
	{"*1\r\n$00\r\n\r\n", []string{errBulk.Text}, 11},
	{"*1\r\n$4x\r\nPING\r\n", []string{errBulk.Text}, 15},
	{"*1\r\n$x\r\nPING\r\n", []string{errBulk.Text}, 14},
	{"*1\r\n$536870912\r\n", nil, 16},
	{"*1\r\n$536870913\r\n", []string{errBulk.Text}, 16},
	{"*1\r\n$1073741824\r\n", []string{errBulk.Text}, 17},
	{"*1\r\n$9223372036854775807\r\n", []string{errBulk.Text}, 26},
	{ping + "*2\r\n$4\r\nECHO\r\n$-1\r\n", []string{`["PING"]`, errBulk.Text}, 19},
	{"*1\r\nPING\r\n", []string{"Protocol error: expected '$', got 'P'"}, 10},
	{"*2\r\n$4\r\nECHO\r\n:1\r\n", []string{"Protocol error: expected '$', got ':'"}, 18},
	{"*1\r\n\r\n", []string{"Protocol error: expected '$', got '\r'"}, 6},
	{"*1\r\n\n\r\n", []string{"Protocol error: expected '$', got '\n'"}, 7},
	{"*1\r\n\xff\r\n", []string{"Protocol error: expected '$', got '\xff'"}, 7},
	{"*1\r\nP", nil, 5},

	// What Redis does not look at.
	{"*1\rX$4\rXPINGXX" + ping, []string{`["PING"]`, `["PING"]`}, 0},
	{"*1\r\n$4\r\nPINGXX" + ping, []string{`["PING"]`, `["PING"]`}, 0},

	// A NUL hides the end of its line.
	{"*1\x00\r\n", nil, 5},
	{"*1\r\n$4\x00\r\n", nil, 9},
	{"PI\x00NG\r\n" + ping, nil, 21},
	{"\x00\n", nil, 2},

	// Lines without an end.
	{"*" + strings.Repeat("1", 65535), nil, 65536},
	{"*" + strings.Repeat("1", 65536), []string{errCountTooBig.Text}, 65537},
	{"*1\x00\r\n" + strings.Repeat("a", 65536), []string{errCountTooBig.Text}, 65541},
	{"*1\r\n$" + strings.Repeat("1", 65535), nil, 65540},
	{"*1\r\n$" + strings.Repeat("1", 65536), []string{errBulkTooBig.Text}, 65541},
	{strings.Repeat("a", 65536), nil, 65536},
	{strings.Repeat("a", 65537), []string{errInlineTooBig.Text}, 65537},

	// Inline commands.
	{"PING\r\n", []string{`["PING"]`}, 0},
	{"PING\n" + ping, []string{`["PING"]`, `["PING"]`}, 0},
	{"PING", nil, 4},
	{"\v\f \tECHO \t a\r\n", []string{`["ECHO" "a"]`}, 0},
	{"ECHO a\vb\n", []string{`["ECHO" "a\vb"]`}, 0},
	{"ECHO\ra\n", []string{`["ECHO" "a"]`}, 0},
	{`ECHO "a\x41\xfF\n\r\t\b\a\\\"\q'"` + "\r\n", []string{`["ECHO" "aA\xff\n\r\t\b\a\\\"q'"]`}, 0},
	{`ECHO 'a\'b\n\\"'` + "\r\n", []string{`["ECHO" "a'b\\n\\\\\""]`}, 0},
	{`ECHO "\x4"` + "\n", []string{`["ECHO" "x4"]`}, 0},
	{`ECHO "\xg1"` + "\n", []string{`["ECHO" "xg1"]`}, 0},
	{`ECHO a\x41` + "\n", []string{`["ECHO" "a\\x41"]`}, 0},
	{`ECHO a"b c"` + "\n", []string{`["ECHO" "ab c"]`}, 0},
	{`ECHO ""` + "\n", []string{`["ECHO" ""]`}, 0},
	{"ECHO ''\v\r\n", []string{`["ECHO" ""]`}, 0},
	{`EVAL "return ARGV" 0 "a" 'b' c"d" ''` + "\n", []string{`["EVAL" "return ARGV" "0" "a" "b" "cd" ""]`}, 0},
	{"ECHO \"a\r\n", []string{errInlineUnquoted.Text}, 9},
	{"ECHO 'a\r\n", []string{errInlineUnquoted.Text}, 9},
	{`ECHO "a"b` + "\n", []string{errInlineUnquoted.Text}, 10},
	{`ECHO 'a'b` + "\n", []string{errInlineUnquoted.Text}, 10},
	{`ECHO "a\` + "\r\n", []string{errInlineUnquoted.Text}, 10},
	{`ECHO "\x4` + "\n", []string{errInlineUnquoted.Text}, 10},
	{`ECHO "\x` + "\n", []string{errInlineUnquoted.Text}, 9},
	{`ECHO "a\"` + "\n", []string{errInlineUnquoted.Text}, 10},
	{`ECHO 'a\'` + "\n", []string{errInlineUnquoted.Text}, 10},
	{ping + "ECHO \"\n", []string{`["PING"]`, errInlineUnquoted.Text}, 7},
}

// caseName shortens the long inputs of tests.
func caseName(input string) string {
	if len(input) > 60 {
		return fmt.Sprintf("%q... %d bytes", input[:40], len(input))
	}
	return fmt.Sprintf("%q", input)
}

// TestParser reads every case whole, through the first pass of Next and with
// an argument slice too small for it, which leaves all to resume.
func TestParser(t *testing.T) {
	for _, c := range parserCases {
		for _, argsCap := range []int{128, 0} {
			got, rest := feed(t, authenticated(), c.input, argsCap)
			if !slices.Equal(got, c.want) || rest != c.rest {
				t.Errorf("%s (args capacity %d):\n got %q, %d bytes left\nwant %q, %d", caseName(c.input), argsCap, got, rest, c.want, c.rest)
			}
		}
	}
}

// TestParserSplits cuts every case at every point, and into single bytes.
func TestParserSplits(t *testing.T) {
	for _, c := range parserCases {
		if len(c.input) > 1000 {
			continue // TestParserLongLines
		}
		single := slices.Repeat([]int{1}, len(c.input))
		splits := [][]int{single}
		for i := 1; i < len(c.input); i++ {
			splits = append(splits, []int{i})
		}
		for _, sizes := range splits {
			got, _ := feed(t, authenticated(), c.input, 128, sizes...)
			if !slices.Equal(got, c.want) {
				t.Errorf("%s in pieces of %v: got %q, want %q", caseName(c.input), sizes, got, c.want)
			}
		}
	}
}

// TestParserLongLines checks that a line is too long wherever it is cut, also
// when its end has arrived too.
func TestParserLongLines(t *testing.T) {
	limits := Limits{MaxInline: 100, Authenticated: true}
	for _, c := range []struct {
		prefix, end string
		err         *ProtocolError
		valid       string
	}{
		{"*", "\r\n", errCountTooBig, errCount.Text},
		{"*1\r\n$", "\r\n", errBulkTooBig, errBulk.Text},
		{"a", "\n", errInlineTooBig, fmt.Sprintf("[%q]", strings.Repeat("a", 100))},
		{"a", "\r\n", errInlineTooBig, fmt.Sprintf("[%q]", strings.Repeat("a", 100))},
	} {
		// The line end comes behind exactly MaxInline bytes of its line.
		body := strings.Repeat("1", 99)
		if c.prefix == "a" {
			body = strings.Repeat("a", 99)
		}
		longest := c.prefix + body + c.end
		for i := 1; i < len(longest); i++ {
			p := &Parser{Limits: limits}
			if got, _ := feed(t, p, longest, 0, i); !slices.Equal(got, []string{c.valid}) {
				t.Fatalf("%q cut at %d: got %q, want %q", longest, i, got, c.valid)
			}
			tooLong := c.prefix + body[:1] + body + c.end
			p = &Parser{Limits: limits}
			if got, _ := feed(t, p, tooLong, 0, i); !slices.Equal(got, []string{c.err.Text}) {
				t.Fatalf("%q cut at %d: got %q, want %q", tooLong, i, got, c.err.Text)
			}
		}
	}
}

func TestParserLimits(t *testing.T) {
	small := Limits{MaxBulk: 8, MaxArgs: 3, Authenticated: true}
	eleven := "*11\r\n" + strings.Repeat("$1\r\na\r\n", 11)
	ten := "*10\r\n" + strings.Repeat("$1\r\na\r\n", 10)
	for _, c := range []struct {
		limits Limits
		input  string
		err    string
	}{
		{small, "*3\r\n" + strings.Repeat("$8\r\n12345678\r\n", 3), ""},
		{small, "*4\r\n$1\r\na\r\n", errCount.Text},
		{small, "*1\r\n$9\r\n123456789\r\n", errBulk.Text},
		{Limits{MaxBulk: math.MaxInt, Authenticated: true}, fmt.Sprintf("*1\r\n$%d\r\nabc", math.MaxInt), errBulk.Text},
		{Limits{}, ten, ""},
		{Limits{}, eleven, errCountAuth.Text},
		{Limits{}, "*-11\r\n", ""},
		{Limits{}, "*2147483648\r\n", errCount.Text},
		{Limits{}, "*1\r\n" + bulk(strings.Repeat("a", 16384)), ""},
		{Limits{}, "*1\r\n$16385\r\n", errBulkAuth.Text},
		{Limits{}, "*1\r\n$536870913\r\n", errBulk.Text},
		{Limits{Authenticated: true}, eleven, ""},
		{Limits{Authenticated: true}, "*1\r\n" + bulk(strings.Repeat("a", 16385)), ""},
	} {
		for _, argsCap := range []int{128, 0} {
			got, rest := feed(t, &Parser{Limits: c.limits}, c.input, argsCap)
			failed := len(got) == 1 && got[0] == c.err
			if c.err == "" && (rest != 0 || len(got) != 1) || c.err != "" && !failed {
				t.Errorf("%+v: %s: got %.200q, %d bytes left; want error %q", c.limits, caseName(c.input), got, rest, c.err)
			}
		}
	}
}

// TestParserAuthenticate lifts the limits between two commands, as AUTH does.
func TestParserAuthenticate(t *testing.T) {
	p := &Parser{}
	if got, _ := feed(t, p, ping, 8); !slices.Equal(got, []string{`["PING"]`}) {
		t.Fatal(got)
	}
	p.Authenticated = true
	if got, _ := feed(t, p, "*11\r\n"+strings.Repeat("$1\r\na\r\n", 11), 8); len(got) != 1 || got[0] == errCountAuth.Text {
		t.Fatal(got)
	}
}

func TestParserNeed(t *testing.T) {
	p := authenticated()
	stream := "*2\r\n$3\r\nGET\r\n$100000\r\n" + strings.Repeat("x", 100000) + "\r\n"
	for _, step := range []struct{ have, need int }{
		{3, 0}, {7, 0}, {9, 4}, {12, 1}, {13, 0}, {20, 0}, {22, 100002}, {1022, 99002}, {len(stream) - 1, 1},
	} {
		n, out, err := p.Next([]byte(stream[:step.have]), nil)
		if n != 0 || len(out) != 0 || err != nil || p.Need() != step.need {
			t.Fatalf("with %d bytes: Next = %d, %q, %v, Need() = %d, want %d", step.have, n, out, err, p.Need(), step.need)
		}
	}
	if n, out, err := p.Next([]byte(stream), nil); n != len(stream) || len(out) != 2 || err != nil || p.Need() != 0 {
		t.Fatalf("Next = %d, %d arguments, %v, Need() = %d", n, len(out), err, p.Need())
	}
}

// TestParserParsed: words that have arrived are told from the one that is on its way.
func TestParserParsed(t *testing.T) {
	p := authenticated()
	stream := "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$10\r\n0123456789\r\n"
	for _, step := range []struct{ have, parsed, arrived int }{
		{3, 0, 0}, {6, 4, 0}, {9, 8, 1}, {13, 13, 0}, {24, 20, 0}, {25, 25, 0}, {30, 25, 5}, {36, 25, 11},
	} {
		_, _, err := p.Next([]byte(stream[:step.have]), nil)
		if err != nil || p.Parsed() != step.parsed || p.Arrived(step.have) != step.arrived {
			t.Fatalf("with %d bytes: %d are parsed, %d of the argument have arrived, want %d and %d: %v",
				step.have, p.Parsed(), p.Arrived(step.have), step.parsed, step.arrived, err)
		}
	}
	if got := p.Arrived(len(stream) + 100); got != 12 {
		t.Errorf("%d bytes of the argument have arrived with the next command, want 12", got)
	}
	if _, _, err := p.Next([]byte(stream), nil); err != nil || p.Parsed() != 0 || p.Arrived(100) != 0 {
		t.Errorf("behind the command: %d are parsed, %d have arrived: %v", p.Parsed(), p.Arrived(100), err)
	}
}

// TestParserManyArguments sends 200,000 arguments in steps of 7 bytes: rereading
// the command at each step would be 10^11 steps, and not end.
func TestParserManyArguments(t *testing.T) {
	const count = 200_000
	stream := []byte(fmt.Sprintf("*%d\r\n%s", count, strings.Repeat("$5\r\nhello\r\n", count)))
	p := authenticated()
	for have := 0; have < len(stream); have += 7 {
		if n, out, err := p.Next(stream[:have], nil); n != 0 || out != nil || err != nil {
			t.Fatalf("with %d bytes: Next = %d, %d arguments, %v", have, n, len(out), err)
		}
	}
	n, out, err := p.Next(stream, nil)
	if n != len(stream) || len(out) != count || err != nil {
		t.Fatalf("Next = %d, %d arguments, %v", n, len(out), err)
	}
	for _, arg := range out {
		if string(arg) != "hello" {
			t.Fatalf("argument %q", arg)
		}
	}
}

// TestParserAllocations checks that common commands need no memory, and that
// neither do announcements.
func TestParserAllocations(t *testing.T) {
	args := make([][]byte, 0, 8)
	for _, input := range []string{
		benchGET, setCommand(256), setCommand(20000), "SET key \"a \\x41\"\r\n", "*0\r\n",
		"*2147483647\r\n$3\r\nGET\r\n$536870912\r\nabc", "*10000000\r\n", "*3\r\n$3\r\nSET\r\n$1",
	} {
		buf := []byte(input)
		allocs := testing.AllocsPerRun(100, func() {
			p := Parser{Limits: Limits{Authenticated: true}}
			for _, cut := range []int{len(buf) / 2, len(buf)} {
				if _, _, err := p.Next(buf[:cut], args); err != nil {
					t.Fatal(err)
				}
			}
			copy(buf, input)
		})
		if allocs != 0 {
			t.Errorf("%s: %v allocations", caseName(input), allocs)
		}
	}
}

// FuzzParser parses any bytes in any pieces and expects what they give whole,
// by either path. The bits of seed choose limits and pieces.
func FuzzParser(f *testing.F) {
	for i, c := range parserCases {
		if len(c.input) < 1000 {
			f.Add([]byte(c.input), uint64(i)*0x9E3779B97F4A7C15)
		}
	}
	f.Fuzz(func(t *testing.T, input []byte, seed uint64) {
		limits := Limits{Authenticated: seed&1 != 0}
		if seed&2 != 0 {
			limits.MaxBulk, limits.MaxArgs = 12, 4
		}
		if seed&4 != 0 {
			limits.MaxInline = 20
		}
		var sizes []int
		for total := 0; total < len(input); {
			seed = seed*6364136223846793005 + 1442695040888963407
			size := 1 + int(seed>>33)%(1+int(seed>>61)*4)
			sizes = append(sizes, size)
			total += size
		}
		want, rest := feed(t, &Parser{Limits: limits}, string(input), 0)
		for _, pieces := range [][]int{nil, sizes} {
			got, left := feed(t, &Parser{Limits: limits}, string(input), 128, pieces...)
			if !slices.Equal(got, want) || left != rest {
				t.Fatalf("pieces %v:\n got %q, %d left\nwant %q, %d", pieces, got, left, want, rest)
			}
		}
	})
}

// FuzzRoundTrip sends arguments as a client would and expects them back, by
// RESP and quoted inline.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("SET"), []byte("key"), []byte("va\r\n\x00lue"))
	f.Fuzz(func(t *testing.T, a, b, c []byte) {
		sent := [][]byte{a, b, c}
		out := Out{Proto: 2}
		out.Array(len(sent))
		var line []byte
		for _, arg := range sent {
			out.Bulk(arg)
			line = append(line, '"')
			for _, x := range arg {
				line = fmt.Appendf(line, "\\x%02x", x)
			}
			line = append(line, `" `...)
		}
		line = append(line, '\n')
		for _, buf := range [][]byte{out.B, line} {
			n, got, err := authenticated().Next(buf, make([][]byte, 0, 4))
			if len(line) > DefaultMaxInline && err == errInlineTooBig {
				continue
			}
			if n != len(buf) || err != nil || !slices.EqualFunc(got, sent, bytes.Equal) {
				t.Fatalf("Next = %d, %q, %v; sent %q", n, got, err, sent)
			}
		}
	})
}
