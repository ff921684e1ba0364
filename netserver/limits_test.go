package netserver

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redistill/redistill/internal/config"
	"github.com/redistill/redistill/test/await"
)

func TestAcceptRate(t *testing.T) {
	var r acceptRate
	start := time.Unix(1000, 0)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	for _, step := range []struct{ ms, limit, wait int }{
		{0, 2, 0}, {300, 2, 0}, {400, 2, 600}, {999, 2, 1}, {1000, 2, 0}, {1500, 2, 0}, {1500, 2, 500}, {1500, 3, 0}, {1600, 0, 0},
		{9000, 1, 0}, {9001, 1, 999},
	} {
		if got := r.take(step.limit, at(step.ms)); got != time.Duration(step.wait)*time.Millisecond {
			t.Errorf("%+v: wait %v", step, got)
		}
	}
}

// TestAcceptRateGiveBack: who took a place for which there was no connection leaves it to the next.
func TestAcceptRateGiveBack(t *testing.T) {
	var r acceptRate
	now := time.Unix(1000, 0)
	r.giveBack()
	for range 3 {
		if r.take(1, now) != 0 || r.take(1, now) == 0 {
			t.Fatal("not one place is free")
		}
		r.giveBack()
	}
}

// TestConnectionRate: those above the rate are served later, none is lost.
func TestConnectionRate(t *testing.T) { eachPath(t, testConnectionRate) }

func testConnectionRate(t *testing.T, path string) {
	s := startServer(t, path, "server.connection_rate_limit", "3")
	var seconds []time.Time // the one in which each connection was served
	for range 4 {
		if got := s.dial().do("PING"); got != "+PONG\r\n" {
			t.Errorf("got %q", got)
		}
		s.rate.mu.Lock()
		seconds = append(seconds, s.rate.begin)
		s.rate.mu.Unlock()
	}
	if seconds[0].IsZero() || seconds[3].Equal(seconds[0]) {
		t.Errorf("4 connections at 3 a second were served in the seconds that began at %v", seconds)
	}
}

func TestMaxConnections(t *testing.T) { eachPath(t, testMaxConnections) }

func testMaxConnections(t *testing.T, path string) {
	s := startServer(t, path, "server.max_connections", "2")
	first, second := s.dial(), s.dial()
	first.do("PING")
	second.do("PING")
	third := s.dial()
	if path != overTLS { // who gets no handshake can be told nothing
		third.expect("-ERR max number of clients reached\r\n")
	}
	third.expectClosed()
	if got := first.do("INFO", "stats"); !strings.Contains(got, "rejected_connections:1\r\n") {
		t.Errorf("got %s", got)
	}
	if got := first.do("CONFIG", "SET", "maxclients", "3"); got != "+OK\r\n" {
		t.Fatalf("got %q", got)
	}
	if got := s.dial().do("PING"); got != "+PONG\r\n" {
		t.Errorf("got %q after the limit was raised", got)
	}
	_ = second.Close()
	await.True(t, "a place is free again", func() bool { return s.commands.Connected() == 2 })
	if got := s.dial().do("PING"); got != "+PONG\r\n" {
		t.Errorf("got %q in the place of a client that left", got)
	}
}

func TestIdleTimeout(t *testing.T) { eachPath(t, testIdleTimeout) }

func testIdleTimeout(t *testing.T, path string) {
	s := startServer(t, path)
	idle, paused, monitor := s.dial(), s.dial(), s.dial()
	monitor.do("MONITOR")
	idle.do("CLIENT", "PAUSE", "100000", "WRITE")
	paused.send(encode("SET", "k", "v"))
	await.True(t, "the write waits", func() bool { return strings.Contains(idle.do("CLIENT", "LIST"), " flags=b ") })
	if got := idle.do("CONFIG", "SET", "timeout", "3600"); got != "+OK\r\n" {
		t.Fatalf("got %q", got)
	}
	for range 3 { // for longer than an hour in all
		s.pass(1800)
		if got := idle.do("PING"); got != "+PONG\r\n" {
			t.Fatalf("a client that was idle for half an hour got %q", got)
		}
	}
	await.True(t, "the idle client is closed", func() bool {
		s.pass(3602)
		return s.connOf(idle) == nil
	})
	idle.expectClosed()
	// A client that waits for the server is not idle.
	c := s.dial()
	if got := c.do("CLIENT", "UNPAUSE"); got != "+OK\r\n" {
		t.Fatalf("got %q", got)
	}
	paused.expect("+OK\r\n")
	// A monitor may be silent, even when it is told nothing either.
	conn := s.connOf(monitor)
	if conn == nil {
		t.Fatal("the monitor was closed as an idle client")
	}
	for range 3 { // when it looks again, the time before is over
		s.pass(3602)
		conn.wake()
		await.True(t, "the monitor's connection has looked at the clock", func() bool { return !linkOf(conn).woken.Load() })
	}
	s.dial().do("ECHO", "still there")
	for got := ""; !strings.HasSuffix(got, `"ECHO" "still there"`+"\r\n"); {
		got = monitor.reply()
	}
}

func TestIsIdle(t *testing.T) {
	for _, test := range []struct {
		quiet   uint32
		timeout time.Duration
		want    bool
	}{{0, 0, false}, {1 << 31, 0, false}, {1, time.Second, false}, {2, time.Second, true}, {300, 300 * time.Second, false}, {301, 300 * time.Second, true}} {
		if got := isIdle(test.quiet, test.timeout); got != test.want {
			t.Errorf("%+v: got %v", test, got)
		}
	}
}

// TestStalledWrite: with a timeout, a client that does not read what it asked for is closed.
func TestStalledWrite(t *testing.T) { eachPath(t, testStalledWrite) }

func testStalledWrite(t *testing.T, path string) {
	t.Parallel()
	s := startServer(t, path, "server.connection_timeout", "1")
	c := s.dial()
	c.flood("k")
	await.True(t, "the client is closed", func() bool { return s.commands.Connected() == 0 })
	if !strings.Contains(s.logged.String(), repliesUnread) {
		t.Errorf("the log does not say why: %s", s.logged)
	}
	s.set("timeout", "0") // the next client may be slow
	s.expectClosedByLimits(0, 0)
}

// TestSoftOutputLimit: a client that does not read what is above its soft limit is closed, whatever the timeout for others is.
func TestSoftOutputLimit(t *testing.T) { eachPath(t, testSoftOutputLimit) }

func testSoftOutputLimit(t *testing.T, path string) {
	t.Parallel()
	for _, test := range []struct{ timeout, seconds string }{{"10000", "0"}, {"10000", "1"}, {"0", "1"}} {
		s := startServer(t, path, "server.connection_timeout", test.timeout)
		s.set("client-output-buffer-limit", "normal 0 100kb "+test.seconds)
		c := s.dial()
		c.do("SET", "k", strings.Repeat("x", 32*megabyte)) // far more than the socket's buffers hold, so that the limit is passed for good
		_ = c.Close()
		await.True(t, "nobody has to be looked after", func() bool { return s.commands.Connected() == 0 && !s.lookout.Load() })
		c = s.dial()
		c.do("PING")
		c.send(encode("GET", "k"))
		await.True(t, "the client is closed", func() bool { return s.commands.Connected() == 0 })
		if !strings.Contains(s.logged.String(), repliesTooLong) {
			t.Errorf("the log does not say why: %s", s.logged)
		}
		s.expectClosedByLimits(0, 1)
	}
}

// A client has no more time for what is at its soft limit than the timeout for all leaves it; above, the shorter of both counts.
func TestWriteLimit(t *testing.T) {
	for _, test := range []struct {
		timeout, softSeconds int64
		left                 int
		limit                time.Duration
		reason               string
	}{
		{0, 5, 1000, 0, repliesUnread},
		{0, 5, 1001, 5 * time.Second, repliesTooLong},
		{7, 5, 1000, 7 * time.Second, repliesUnread},
		{7, 5, 1001, 5 * time.Second, repliesTooLong},
		{5, 5, 1001, 5 * time.Second, repliesUnread},
		{3, 5, 1001, 3 * time.Second, repliesUnread},
		{0, 0, 1001, time.Second, repliesTooLong}, // whole seconds
	} {
		v := &config.Values{ConnectionTimeout: time.Duration(test.timeout) * time.Second}
		v.ClientOutputBufferLimit.Normal = config.OutputBufLimit{Soft: 1000, SoftSeconds: test.softSeconds}
		if limit, reason := writeLimit(v, test.left); limit != test.limit || reason != test.reason {
			t.Errorf("%+v: got %v, %q", test, limit, reason)
		}
	}
	if limit, reason := writeLimit(&config.Values{}, 1<<40); limit != 0 || reason != repliesUnread {
		t.Errorf("without limits: got %v, %q", limit, reason)
	}
}

// expectClosedByLimits compares how many clients INFO says were closed for their input, and for their replies.
func (s *testServer) expectClosedByLimits(query, output int) {
	s.t.Helper()
	got := s.dial().do("INFO", "stats")
	for name, want := range map[string]int{"client_query_buffer_limit_disconnections": query, "client_output_buffer_limit_disconnections": output} {
		if line := fmt.Sprintf("\r\n%s:%d\r\n", name, want); !strings.Contains(got, line) {
			s.t.Errorf("not %s:%d: %s", name, want, got)
		}
	}
}

func TestQueryBufferLimit(t *testing.T) { eachPath(t, testQueryBufferLimit) }

func testQueryBufferLimit(t *testing.T, path string) {
	s := startServer(t, path)
	s.set("client-query-buffer-limit", "1mb")
	c := s.dial()
	c.do("SET", "k", strings.Repeat("x", 1<<20-100)) // fits
	c.send("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2000000\r\n")
	_, _ = c.Write(make([]byte, 1_900_000)) // fails as soon as the server closes
	c.expectClosed()
	if !strings.Contains(s.logged.String(), queryTooLong) {
		t.Errorf("the log does not say why: %s", s.logged)
	}
	s.expectClosedByLimits(1, 0)
}

// TestQueryBufferLimitOfWords: as in Redis, words that have arrived do not count while the rest of
// their command is on its way, and one that is beyond the limit does, also if it arrives whole.
func TestQueryBufferLimitOfWords(t *testing.T) { eachPath(t, testQueryBufferLimitOfWords) }

func testQueryBufferLimitOfWords(t *testing.T, path string) {
	s := startServer(t, path)
	s.set("client-query-buffer-limit", "1mb")
	half := strings.Repeat("x", 600_000)
	c := s.dial()
	if got := c.do("MSET", "a", half, "b", half, "c", half); got != "+OK\r\n" {
		t.Errorf("MSET of three words within the limit: %.100q", got)
	}
	var many []string
	for i := range 100_000 {
		many = append(many, fmt.Sprintf("key:%08d", i))
	}
	if got := c.do(append([]string{"EXISTS"}, many...)...); got != ":0\r\n" {
		t.Errorf("EXISTS of many words: %.100q", got)
	}
	s.expectClosedByLimits(0, 0)
	c = s.dial()
	c.send("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1048577\r\n")
	_, _ = c.Write(make([]byte, 1<<20+1)) // fails as soon as the server closes
	_, _ = c.Write([]byte("\r\n"))
	c.expectClosed()
	s.expectClosedByLimits(1, 0)
}

// TestPausedInput: a client that goes on sending while it has to wait is closed at the same limit.
func TestPausedInput(t *testing.T) { eachPath(t, testPausedInput) }

func testPausedInput(t *testing.T, path string) {
	s := startServer(t, path)
	s.set("client-query-buffer-limit", "1mb")
	c := s.dial()
	s.dial().do("CLIENT", "PAUSE", "100000", "WRITE")
	c.send(encode("SET", "k", "v"))
	_, _ = c.Write([]byte(strings.Repeat(encode("PING"), 200_000)))
	c.expectClosed()
	s.expectClosedByLimits(1, 0)
}

// TestStrangersInput: a client that has not logged in is closed much earlier.
func TestStrangersInput(t *testing.T) { eachPath(t, testStrangersInput) }

func testStrangersInput(t *testing.T, path string) {
	s := startServer(t, path, "security.password", "secret")
	c, admin := s.dial(), s.dial()
	admin.do("AUTH", "secret")
	admin.do("CLIENT", "PAUSE", "100000", "ALL")
	c.send(encode("AUTH", "secret"))
	_, _ = c.Write([]byte(strings.Repeat(encode("PING"), 200_000))) // fails as soon as the server closes
	c.expectClosed()
	if !strings.Contains(s.logged.String(), queryTooLong) {
		t.Errorf("the log does not say why: %s", s.logged)
	}
}

func TestOutputLimit(t *testing.T) { eachPath(t, testOutputLimit) }

func testOutputLimit(t *testing.T, path string) {
	s := startServer(t, path)
	s.set("client-output-buffer-limit", "normal 1mb 0 0")
	c := s.dial()
	half := strings.Repeat("x", 600_000)
	c.do("SET", "k", half)
	c.send(encode("GET", "k") + encode("GET", "k")) // above flushAt, each is a batch of its own
	c.expect(bulk(half) + bulk(half))
	c.send(encode("MGET", "k", "k"))
	c.expectClosed()
	if !strings.Contains(s.logged.String(), repliesTooLong) {
		t.Errorf("the log does not say why: %s", s.logged)
	}
	s.expectClosedByLimits(0, 1)
}

func TestUnauthenticatedLimits(t *testing.T) { eachPath(t, testUnauthenticatedLimits) }

func testUnauthenticatedLimits(t *testing.T, path string) {
	s := startServer(t, path, "security.password", "secret")
	long := strings.Repeat("x", 17<<10)
	announced := "*2\r\n$4\r\nECHO\r\n$17408\r\n"
	c := s.dial()
	c.send(announced) // the length alone is refused
	c.expect("-ERR Protocol error: unauthenticated bulk length\r\n")
	c.expectClosed()

	c = s.dial()
	c.send(encode("AUTH", "secret") + encode("ECHO", long)) // the limit goes within one batch
	c.expect("+OK\r\n" + bulk(long))
	c.send(encode("RESET") + announced) // and comes back
	c.expect("+RESET\r\n-ERR Protocol error: unauthenticated bulk length\r\n")
	c.expectClosed()
}

// TestWaitingValuesTakeLittle: a value that has to wait takes what has arrived of it, also in a
// buffer of which others used more.
func TestWaitingValuesTakeLittle(t *testing.T) { eachPath(t, testWaitingValuesTakeLittle) }

func testWaitingValuesTakeLittle(t *testing.T, path string) {
	s := startServer(t, path)
	if !s.commands.Buffers().Ahead() {
		t.Skip("skipped, because buffers take all of their memory from the start")
	}
	s.set("maxmemory", "1gb")
	const size, part = 700_000, 10_000
	arriving := func() int64 { return s.commands.Store.Stats().ArrivingBytes }
	start := func(announced int) *client {
		c := s.dial()
		c.send(fmt.Sprintf("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n%s", announced, strings.Repeat("x", part)))
		return c
	}
	await.True(t, "the first value was not taken for one that does not come any more", func() bool {
		s.dial().do("SET", "k", strings.Repeat("x", size)) // whose buffer is used again
		first := start(300 * megabyte)
		await.True(t, "the first value is arriving", func() bool { return arriving()+s.commands.Store.External() > 0 })
		before := arriving()
		second := start(size)
		await.True(t, "the second value waits", func() bool { return arriving()+s.commands.Store.External() > before })
		n, valid := arriving()-before, s.commands.Store.External() == 0
		if valid && n > 4*part {
			t.Errorf("of a value that waits %d bytes take memory", n)
		}
		_, _ = first.Close(), second.Close()
		await.True(t, "nothing is arriving", func() bool { return arriving()+s.commands.Store.External() == 0 })
		return valid
	})
}
