package command

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/resp/resptest"
)

// TestReadsThatCount checks what is a hit or a miss: what a client reads, once a command, and not the look that a write takes.
func TestReadsThatCount(t *testing.T) {
	srv := newTestServer(t)
	c := connect(t, srv)
	c.do("SET k 1")
	c.do("HSET h a 1 b 2 c 3")
	for _, test := range []struct {
		command      string
		hits, misses uint64
	}{
		{"GET k", 1, 0},
		{"GET none", 0, 1},
		{"MGET k none k", 2, 1},
		{"EXISTS k none", 1, 1},
		{"TTL k", 1, 0},
		{"SET k 1 NX", 0, 0},
		{"SET k 1 XX GET", 1, 0},
		{"SETNX k 1", 0, 0},
		{"MSETNX k 1 l 1", 0, 0},
		{"INCRBYFLOAT k 1", 0, 0},
		{"APPEND k 1", 0, 0},
		{"EXPIRE k 100 GT", 0, 0},
		{"PERSIST k", 0, 0},
		{"RENAMENX k h", 0, 0},
		{"HGET h a", 1, 0},
		{"HMGET h a b c none", 1, 0},
		{"HMGET none a b", 0, 1},
		{"HGETALL h", 1, 0},
		{"HRANDFIELD h -10", 1, 0},
		{"HRANDFIELD h 2", 1, 0},
		{"HSETNX h a 1", 0, 0},
		{"HINCRBYFLOAT h a 1", 0, 0},
		{"HSCAN h 0", 1, 0},
		{"GET h", 1, 0}, // of the wrong type, but there
		{"GET k", 1, 0}, // counting goes on after all of these
	} {
		srv.Store.NewTx().ResetStats()
		c.do(test.command)
		if st := srv.Store.Stats(); st.Hits != test.hits || st.Misses != test.misses {
			t.Errorf("%s: %d hits and %d misses, want %d and %d", test.command, st.Hits, st.Misses, test.hits, test.misses)
		}
	}
}

// fieldsOf returns the strings of a reply that is an array of them.
func fieldsOf(reply string) []string {
	var fields []string
	for line := range strings.SplitSeq(strings.TrimSuffix(reply, "\r\n"), "\r\n") {
		if line[0] != '*' && line[0] != '$' {
			fields = append(fields, line)
		}
	}
	return fields
}

// TestRandomFieldsAreFair takes some fields of hashes of sizes that HRANDFIELD treats in different ways, many times.
func TestRandomFieldsAreFair(t *testing.T) {
	for _, test := range []struct{ size, count, times int }{
		{10, 3, 3000}, {10, 10, 3}, {10, 20, 3}, {400, 20, 2000}, {400, 200, 200}, {10, -30, 300},
	} {
		c := connect(t, newTestServer(t))
		for i := range test.size {
			c.do(fmt.Sprintf("HSET h f%d v%d", i, i))
		}
		got := map[string]int{}
		want := min(test.count, test.size)
		if test.count < 0 {
			want = -test.count
		}
		for range test.times {
			fields := fieldsOf(c.do(fmt.Sprintf("HRANDFIELD h %d", test.count)))
			for _, f := range fields {
				got[f]++
			}
			slices.Sort(fields)
			if n := len(slices.Compact(slices.Clone(fields))); len(fields) != want || test.count > 0 && n != want {
				t.Fatalf("%+v: %d fields, %d different, want %d", test, len(fields), n, want)
			}
		}
		// How often a field comes is binomial: seven standard deviations off come once in 10^11 fields. Those of a large hash are in buckets, each
		// of which comes a little more or less often than its share: among 70 to 130 times, 20 or 250 come once in 10^11.
		p := float64(want) / float64(test.size)
		mean := p * float64(test.times)
		far := 7*math.Sqrt(mean*max(0, 1-p)+1) + 1
		if test.count < 0 {
			far = 7*math.Sqrt(mean) + 1
		}
		least, most := mean-far, mean+far
		if test.size > 10 {
			least, most = mean/5, 2.5*mean
		}
		for i := range test.size {
			if n := float64(got[fmt.Sprint("f", i)]); n < least || n > most {
				t.Errorf("%+v: f%d comes %v times, want about %v", test, i, n, mean)
			}
		}
	}
}

// A reply of random fields has no end of its own: it is made as far as the client reads, while
// others change the hash; in EXEC it has the longest reply that is allowed.
func TestRandomFieldsAreMadeInSteps(t *testing.T) {
	srv := newTestServer(t)
	c, other := connect(t, srv), connect(t, srv)
	c.expect("HSET h f v", ":1")
	const command = "HRANDFIELD h -9223372036854775807"
	got, next := c.turn(command)
	if next != Yield || !strings.HasPrefix(got, "*9223372036854775807\r\n$1\r\nf\r\n") || len(got) > 2*replyStep {
		t.Fatalf("%v, %d bytes: %.60q", next, len(got), got)
	}
	if got, _ := c.turn(command); len(got) < replyStep || strings.Trim(got, "$1f\r\n") != "" {
		t.Errorf("the next step: %.60q", got)
	}
	other.expect("DEL h", ":1")
	if got, _ := c.turn(command); len(got) < replyStep || strings.Trim(got, "$-1\r\n") != "" {
		t.Errorf("when the hash is gone: %.60q", got)
	}
	srv.maxReply = 1 << 20
	other.expect("HSET h f v", ":1", "MULTI", "+OK", "HRANDFIELD h -9223372036854775807", "+QUEUED", "EXEC", "*1 -"+string(errReplyTooLong))
}

// All elements come, whatever their number is, and pairs as pairs.
func TestRandomFieldsOfManySteps(t *testing.T) {
	srv := newTestServer(t)
	c := connect(t, srv)
	c.expect("HSET h f v", ":1", "HSET other f v", ":1")
	const pair = "$1\r\nf\r\n$1\r\nv\r\n"
	if got := c.do("HRANDFIELD h -30000 WITHVALUES"); got != "*60000\r\n"+strings.Repeat(pair, 30000) {
		t.Errorf("got %d bytes: %.60q", len(got), got)
	}
	c.do("HELLO 3")
	if got := c.do("HRANDFIELD h -30000 WITHVALUES"); got != "*30000\r\n"+strings.Repeat("*2\r\n"+pair, 30000) {
		t.Errorf("got %d bytes in RESP3: %.60q", len(got), got)
	}
	const command = "HRANDFIELD h -30000 WITHVALUES"
	c.turn(command)
	connect(t, srv).expect("DEL h", ":1")
	if got, _ := c.turn(command); !strings.HasPrefix(got, "*2\r\n_\r\n_\r\n*2\r\n") {
		t.Errorf("pairs of a hash that is gone: %.60q", got)
	}
}

// A command that names a value many times gets the longest reply that is allowed, and an error in the place of one that is longer.
func TestRepliesHaveALimit(t *testing.T) {
	srv := newTestServer(t)
	c := connect(t, srv)
	c.expect("SET k 12345", "+OK", "HSET h f 12345", ":1")
	for _, command := range []string{"MGET k k k", "HMGET h f f f"} {
		srv.maxReply = maxReply
		whole := c.do(command)
		srv.maxReply = len(whole)
		if got := c.do(command); got != whole {
			t.Errorf("%s: got %q at the limit, want %q", command, got, whole)
		}
		srv.maxReply = len(whole) - 1
		c.expect(command, "-"+string(errReplyTooLong))
	}
}

func TestFrequencyAndIdleTime(t *testing.T) {
	srv := newTestServer(t)
	c := connect(t, srv)
	c.expect("SET k v", "+OK", "OBJECT FREQ none", "$-1", "OBJECT IDLETIME none", "$-1")
	for p := range engine.Policies() {
		srv.Store.SetPolicy(engine.Policy(p))
		freq, idle := c.do("OBJECT FREQ k"), c.do("OBJECT IDLETIME k")
		kept := strings.HasSuffix(engine.Policy(p).String(), "lfu")
		if kept != (freq[0] == ':') || kept != (idle[0] == '-') {
			t.Errorf("%s: OBJECT FREQ %q, OBJECT IDLETIME %q", engine.Policy(p), freq, idle)
		}
	}
}

// What RESTORE says of the use of a key, OBJECT tells again: the time to the second, the frequency
// to a quarter.
func TestRestoredUse(t *testing.T) {
	srv := newTestServer(t)
	c := connect(t, srv)
	number := func(command string) int {
		n, err := strconv.Atoi(strings.Trim(c.do(command), ":\r\n"))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	restore := func(use string, n int) {
		c.expect(fmt.Sprintf("RESTORE k 0 \x00\x01\x76\x09\x00\x41\xfa\x9f\x7e\x4d\xbe\xe9\x7f REPLACE %s %d", use, n), "+OK")
	}
	idle := func(want int, began time.Time) {
		t.Helper()
		got := number("OBJECT IDLETIME k")
		if most := want + 1 + int(time.Since(began).Seconds()); got < want || got > most {
			t.Errorf("idle for %d s, want %d to %d", got, want, most)
		}
	}
	for _, n := range []int{100_000, 1000, 30} {
		began := time.Now()
		restore("IDLETIME", n)
		idle(n, began)
	}
	began := time.Now()
	c.do("GET k")
	idle(0, began)
	srv.Store.SetPolicy(engine.AllKeysLFU)
	for n := 5; n < 256; n++ {
		restore("FREQ", n)
		if got := number("OBJECT FREQ k"); n <= 12 && got != n || got < n-n/4 || got > n+n/4 {
			t.Errorf("FREQ %d: %d", n, got)
		}
	}
}

// sortedReply parses a reply, an array of strings, and sorts them.
func sortedReply(t *testing.T, reply any) []string {
	t.Helper()
	if text, ok := reply.(string); ok {
		var err error
		if reply, err = resptest.Parse([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	list := []string{}
	for _, e := range reply.([]any) {
		list = append(list, e.(string))
	}
	slices.Sort(list)
	return list
}

// randomText returns up to most random characters of an alphabet, at least one.
func randomText(rng *rand.Rand, alphabet string, most int) string {
	b := make([]byte, 1+rng.IntN(most))
	for i := range b {
		b[i] = alphabet[rng.IntN(len(alphabet))]
	}
	return string(b)
}

// TestKeysMatchesAsRedis sends odd patterns to KEYS of both servers, and long ones.
func TestKeysMatchesAsRedis(t *testing.T) {
	o, c := startOracle(t), connect(t, newTestServer(t))
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range 400 {
		key := randomText(rng, "ab^-]\\*\x80\xff", 4)
		if i >= 300 {
			key += strings.Repeat("ab", 10+rng.IntN(90)) + key
		}
		o.do("SET", key, "v")
		c.do("SET " + key + " v")
	}
	matched, long := 0, 0
	for i := range 6000 {
		pattern := randomText(rng, "ab*?[[]^-\\\x80\xff", 8)
		if i >= 5000 {
			few := strings.Repeat([]string{"a?", "[ab][ab]", "a[^a]", "?[a-c]"}[rng.IntN(4)], 1+rng.IntN(60))
			pattern = randomText(rng, "ab*?", 3) + "*" + few + "*" + randomText(rng, "ab*", 2)
		}
		got, want := sortedReply(t, c.do("KEYS "+pattern)), sortedReply(t, o.do("KEYS", pattern))
		if !slices.Equal(got, want) {
			t.Errorf("KEYS %q: got %q, want %q", pattern, got, want)
		}
		if matched += len(want); i >= 5000 {
			long += len(want)
		}
	}
	if matched == long || long == 0 {
		t.Errorf("%d keys matched, %d of them long patterns", matched, long)
	}
}

// TestConfigGetMatchesAsRedis sends odd patterns to CONFIG GET of both servers.
func TestConfigGetMatchesAsRedis(t *testing.T) {
	o, c := startOracle(t), connect(t, newTestServer(t))
	known := sortedReply(t, o.do("CONFIG", "GET", "*"))
	ours := sortedReply(t, c.do("CONFIG GET *"))
	names := func(reply any) []string { // of those that both know; values differ
		return slices.DeleteFunc(sortedReply(t, reply), func(name string) bool {
			_, here := slices.BinarySearch(ours, name)
			_, there := slices.BinarySearch(known, name)
			return !strings.Contains(name, "-") || !here || !there
		})
	}
	rng := rand.New(rand.NewPCG(5, 6))
	matched := 0
	for range 3000 {
		pattern := "*" + randomText(rng, "MAXmaxclients-*?[]^\\", 6) + "*"
		if rng.IntN(2) == 0 {
			pattern = pattern[1 : len(pattern)-1]
		}
		got, want := names(c.do("CONFIG GET "+pattern)), names(o.do("CONFIG", "GET", pattern))
		if !slices.Equal(got, want) {
			t.Errorf("CONFIG GET %q: got %q, want %q", pattern, got, want)
		}
		matched += len(want)
	}
	if matched < 1000 {
		t.Errorf("only %d names matched", matched)
	}
}

// TestPatternOfMegabytes has a class that a matcher which reads it again for each byte of a name
// would read for minutes.
func TestPatternOfMegabytes(t *testing.T) {
	c := connect(t, newTestServer(t))
	long, class := strings.Repeat("b", engine.MaxKey), "*["+strings.Repeat("~", 4<<20)
	c.expect("SET "+long+" v", "+OK", "KEYS "+class, "*0", "SCAN 0 MATCH "+class, "*2 $1 0 *0", "DEL "+long, ":1",
		"HSET h "+long+" v", ":1", "HSCAN h 0 MATCH "+class, "*2 $1 0 *0", "CONFIG GET "+class, "*0",
		"COMMAND LIST FILTERBY PATTERN "+class, "*0")
}

// TestPatternsHaveALimit has patterns that would take long for each byte of a name.
func TestPatternsHaveALimit(t *testing.T) {
	c := connect(t, newTestServer(t))
	c.expect("SET k v", "+OK", "HSET h f v", ":1")
	most, more := "*"+strings.Repeat("?", 256)+"*", "*"+strings.Repeat("?", 257)+"*"
	c.expect("KEYS "+most, "*0", "SCAN 0 MATCH "+most, "*2 $1 0 *0", "HSCAN h 0 MATCH "+most, "*2 $1 0 *0")
	for _, command := range []string{"KEYS ", "SCAN 0 MATCH ", "HSCAN h 0 MATCH "} {
		c.expect(command+more, "-"+string(errPattern))
	}
	c.expect("HSCAN none 0 MATCH "+more, "*2 $1 0 *0", "COMMAND LIST FILTERBY PATTERN "+more, "*0",
		"CONFIG GET "+more, "*0")
}

// TestHotCommandsAllocateNothing runs on a clock that stands still, so that nothing is allocated in the background.
func TestHotCommandsAllocateNothing(t *testing.T) { synctest.Test(t, testHotCommandsAllocateNothing) }

func testHotCommandsAllocateNothing(t *testing.T) {
	c := connect(t, newTestServer(t))
	c.do("MSET k value l value n 1")
	c.do("HSET h f v")
	for _, commands := range [][]string{
		{"GET k"}, {"GET none"}, {"SET k value"}, {"SET k value EX 1000"}, {"SET new value", "DEL new"}, {"SET k value XX KEEPTTL GET"},
		{"INCR n"}, {"MGET k l none"}, {"MSET k value l value"}, {"HSET h f v"}, {"HSET h new v", "HDEL h new"}, {"HGET h f"}, {"HMGET h f none"},
		{"HGETALL h"}, {"HINCRBY h n 1"}, {"EXPIRE k 1000"}, {"EXPIRE k 1000 GT"}, {"TTL k"}, {"EXISTS k"}, {"TYPE k"}, {"SCAN 0"},
	} {
		var batch [][][]byte
		for _, command := range commands {
			batch = append(batch, split(command))
		}
		n := testing.AllocsPerRun(200, func() {
			c.Out.B = c.Out.B[:0]
			for _, args := range batch {
				c.Exec(&Request{Args: args})
			}
		})
		if n != 0 || c.Out.B[0] == '-' {
			t.Errorf("%q: %v allocations, reply %q", commands, n, c.Out.B)
		}
	}
}
