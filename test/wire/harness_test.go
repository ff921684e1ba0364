package wire

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestRewriteKeepsWhatIsRight(t *testing.T) {
	const text = `# Comment.
password x

[first]
> SET k "a b"
+OK
b> HGETALL h
2 pairs "*2\r\n$1\r\na\r\n$1\r\n1\r\n"
3 pairs "%1\r\n$1\r\na\r\n$1\r\n1\r\n"
>> "PI" "NG\r\n"
<
match \+P.*

[second]
> QUIT
closed
# End.
`
	s, err := parseScript("x.txt", text)
	if err != nil {
		t.Fatal(err)
	}
	s.password = "" // so that both protocols are written
	got := string(s.rewritten())
	if got != text {
		t.Errorf("rewritten without a change:\n%s", got)
	}
}

func TestRewriteReplacesAndSplits(t *testing.T) {
	s, err := parseScript("x.txt", "[b]\n> GET k\n+old\n\n> PING\n")
	if err != nil {
		t.Fatal(err)
	}
	get, ping := s.blocks[0].steps[0], s.blocks[0].steps[1]
	get.want[2] = mustUpdate(t, get.want[2], "$-1\r\n")
	get.want[3] = mustUpdate(t, get.want[3], "_\r\n")
	for v := range ping.want {
		ping.want[v] = mustUpdate(t, ping.want[v], "+PONG\r\n")
	}
	want := "[b]\n> GET k\n2 \"$-1\\r\\n\"\n3 _\n\n> PING\n+PONG\n"
	if got := string(s.rewritten()); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func mustUpdate(t *testing.T, e expectation, wire string) expectation {
	t.Helper()
	e, err := e.updated(observe(t, wire))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func observe(t *testing.T, wire string) observation {
	t.Helper()
	if wire == "" {
		return observation{closed: true}
	}
	n, err := parseNode([]byte(wire))
	if err != nil {
		t.Fatal(err)
	}
	return observation{reply: n}
}

func TestParseScriptRefuses(t *testing.T) {
	for _, text := range []string{
		"> PING",                      // no block
		"[b]\n+OK",                    // expectation without a command
		"[b]\n>> \"PING\"\n+OK",       // >> reads nothing
		"[b]\n> SET \"k",              // open literal
		"[b]\n> SET \"k\"x2",          // neither space nor *N
		"[b]\n> PING\n+OK\n2 +OK",     // two expectations
		"[b]\n> PING\n*1",             // needs quotes
		"[b]\n> PING\nbetween 1",      // one bound
		"[b]\n> PING\n\n+OK",          // expectation after an empty line
		"[b]\n> PING\n+OK\n[b]\n> PI", // name used twice
		"[b]\n< PING",                 // text after <
		"[b]\n>",                      // nothing to send
	} {
		if _, err := parseScript("x.txt", text); err == nil {
			t.Errorf("no error for %q", text)
		}
	}
}

func TestExpectations(t *testing.T) {
	for _, tt := range []struct {
		line, wire string
		want       bool
	}{
		{"+OK", "+OK\r\n", true},
		{"+OK", "+OK \r\n", false},
		{`"$2\r\n\r\n\r\n"`, "$2\r\n\r\n\r\n", true},
		{`"$02\r\nab\r\n"`, "$2\r\nab\r\n", false},
		{"closed", "", true},
		{"closed", "+OK\r\n", false},
		{"+OK", "", false},
		{"match .*", "", false},
		{`unordered "*2\r\n:1\r\n:2\r\n"`, "*2\r\n:2\r\n:1\r\n", true},
		{`unordered "*2\r\n:1\r\n:2\r\n"`, "~2\r\n:2\r\n:1\r\n", false},
		{`unordered "*2\r\n:1\r\n:1\r\n"`, "*2\r\n:1\r\n:2\r\n", false},
		{`pairs "*4\r\n:1\r\n:2\r\n:3\r\n:4\r\n"`, "*4\r\n:3\r\n:4\r\n:1\r\n:2\r\n", true},
		{`pairs "*4\r\n:1\r\n:2\r\n:3\r\n:4\r\n"`, "*4\r\n:1\r\n:4\r\n:3\r\n:2\r\n", false},
		{`unordered "%2\r\n:1\r\n:2\r\n:3\r\n:4\r\n"`, "%2\r\n:1\r\n:4\r\n:3\r\n:2\r\n", false},
		{`unordered "*2\r\n$1\r\n0\r\n*2\r\n:1\r\n:2\r\n"`, "*2\r\n$1\r\n0\r\n*2\r\n:2\r\n:1\r\n", true},
		{"between 5 7", ":7\r\n", true},
		{"between 5 7", ":8\r\n", false},
		{"between 5 7", "$1\r\n6\r\n", false},
		{`match :\d+\r\n`, ":12\r\n", true},
		{`match :\d`, ":12\r\n", false},
	} {
		e, err := parseExpectation(tt.line)
		if err != nil {
			t.Fatal(err)
		}
		if got := e.accepts(observe(t, tt.wire)); got != tt.want {
			t.Errorf("%s accepts %q: %v, want %v", tt.line, tt.wire, got, tt.want)
		}
	}
}

func TestTimePasses(t *testing.T) {
	for _, tt := range []struct {
		command string
		reply   string
		taken   time.Duration
		want    bool
	}{
		{"TTL k", ":9\r\n", 0, false},
		{"TTL k", ":7\r\n", 3 * time.Second, true},
		{"TTL k", ":21\r\n", 3 * time.Second, false},
		{"pttl k", ":7\r\n", 3 * time.Millisecond, true},
		{"pttl k", ":6\r\n", 3 * time.Millisecond, false},
		{"OBJECT IDLETIME k", ":23\r\n", 3 * time.Second, true},
		{"OBJECT IDLETIME k", ":7\r\n", 3 * time.Second, false},
		{"STRLEN k", ":7\r\n", 3 * time.Second, false},
	} {
		e, err := parseExpectation("between 10 20")
		if err != nil {
			t.Fatal(err)
		}
		o := observe(t, tt.reply)
		o.passed(&step{text: tt.command}, tt.taken)
		if got := e.accepts(o); got != tt.want {
			t.Errorf("%s: %q after %v is accepted: %v, want %v", tt.command, tt.reply, tt.taken, got, tt.want)
		}
	}
}

func TestLikeness(t *testing.T) {
	for _, tt := range []struct {
		command, a, b string
		want          bool
	}{
		{"GET k", "$1\r\na\r\n", "$1\r\nb\r\n", false},
		{"TTL k", ":100\r\n", ":99\r\n", true},
		{"TTL k", ":100\r\n", ":96\r\n", false},
		{"ttl k", ":-1\r\n", ":-2\r\n", false},
		{"PTTL k", ":5000\r\n", ":2997\r\n", true},
		{"PTTL k", ":5000\r\n", ":2990\r\n", false},
		{"KEYS *", "*2\r\n:1\r\n:2\r\n", "*2\r\n:2\r\n:1\r\n", true},
		{"HRANDFIELD h", "$1\r\na\r\n", "$1\r\nb\r\n", true},
		{"HRANDFIELD h", "$1\r\na\r\n", "$-1\r\n", false},
		{"HRANDFIELD h", "-ERR a\r\n", "-ERR b\r\n", false},
		{"SMEMBERS s", "~2\r\n:1\r\n:2\r\n", "~2\r\n:2\r\n:1\r\n", true},
		{"SMEMBERS s", "~1\r\n:1\r\n", "*1\r\n:1\r\n", false},
		{"OBJECT ENCODING s", "$8\r\nlistpack\r\n", "$9\r\nhashtable\r\n", true},
		{"OBJECT ENCODING s", "$9\r\nhashtable\r\n", "$8\r\nlistpack\r\n", false},
		{"SCAN 0", "*2\r\n$1\r\n0\r\n*1\r\n:1\r\n", "*2\r\n$1\r\n0\r\n*1\r\n:2\r\n", false},
		{"SSCAN s 0", "*2\r\n$1\r\n0\r\n*2\r\n:1\r\n:2\r\n", "*2\r\n$1\r\n0\r\n*2\r\n:2\r\n:1\r\n", true},
		{"SCAN 0", "*2\r\n$1\r\n8\r\n*1\r\n:1\r\n", "*2\r\n$1\r\n0\r\n*1\r\n:2\r\n", true},
		{"SCAN 7", "*2\r\n$1\r\n0\r\n*1\r\n:1\r\n", "*2\r\n$1\r\n0\r\n*0\r\n", true},
		{"HSCAN k 0", "*2\r\n$1\r\n0\r\n*2\r\n:1\r\n:2\r\n", "*2\r\n$1\r\n0\r\n*2\r\n:2\r\n:1\r\n", false},
	} {
		a, b := observe(t, tt.a).reply, observe(t, tt.b).reply
		if got := likenessOf(strings.Fields(tt.command)).alike(a, b, time.Second); got != tt.want {
			t.Errorf("%s: %q and %q alike: %v, want %v", tt.command, tt.a, tt.b, got, tt.want)
		}
	}
}

func TestMinimise(t *testing.T) {
	ops := make([]op, 100)
	for i := range ops {
		ops[i] = op{conn: i}
	}
	needs := func(ops []op, conn int) bool {
		return slices.ContainsFunc(ops, func(o op) bool { return o.conn == conn })
	}
	got := minimise(ops, func(ops []op) bool { return needs(ops, 13) && needs(ops, 14) && needs(ops, 99) })
	if len(got) != 3 {
		t.Errorf("minimised to %d commands, want 3: %v", len(got), got)
	}
}

func TestFormatArgsRoundTrip(t *testing.T) {
	want := []string{"SET", "", "a b", "\x00\xff\r\n", `"`, "ü"}
	got, err := splitArgs(formatArgs(want))
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}
