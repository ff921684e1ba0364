package netserver

import (
	"errors"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redistill/redistill/internal/config"
	"github.com/redistill/redistill/test/await"
)

const megabyte = 1 << 20

// flood stores a megabyte and asks for it again and again, without reading, until the server takes no more. A server that is slow is flooded
// less, which makes no test fail.
func (c *client) flood(key string) {
	c.t.Helper()
	if got := c.do("SET", key, strings.Repeat("x", megabyte)); got != "+OK\r\n" {
		c.t.Fatalf("got %q", got)
	}
	c.send(strings.Repeat(encode("GET", key), 100))
	gets := []byte(strings.Repeat(encode("GET", key), 1000))
	for {
		_ = c.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
		if _, err := c.Write(gets); errors.Is(err, os.ErrDeadlineExceeded) {
			_ = c.SetWriteDeadline(time.Time{})
			return
		} else if err != nil {
			return // closed
		}
	}
}

// TestNeverReading: a client that asks for much and reads nothing takes bounded memory, disturbs nobody, and can be killed.
func TestNeverReading(t *testing.T) { eachPath(t, testNeverReading) }

func testNeverReading(t *testing.T, path string) {
	s := startServer(t, path)
	c := s.dial()
	id := strings.Trim(c.do("CLIENT", "ID"), ":\r\n")
	c.flood("k")

	other := s.dial()
	for range 100 {
		if got := other.do("PING"); got != "+PONG\r\n" {
			t.Fatalf("got %q", got)
		}
	}
	line := other.do("CLIENT", "LIST", "ID", id)
	if n := field(t, line, "tot-mem"); n > 4*megabyte {
		t.Errorf("it takes %d bytes: %s", n, line)
	}
	if got := other.do("CLIENT", "KILL", "ID", id); got != ":1\r\n" {
		t.Errorf("got %q", got)
	}
	await.True(t, "the killed client's connection ends", func() bool { return s.connections() == 1 })
}

// TestReadingLate: what waits for a client takes from the memory for unread replies until it reads.
func TestReadingLate(t *testing.T) { eachPath(t, testReadingLate) }

func testReadingLate(t *testing.T, path string) {
	s := startServer(t, path)
	c := s.dial()
	value := strings.Repeat("x", 32*megabyte) // far more than the socket's buffers hold
	c.do("SET", "k", value)
	unread := func() int64 { return s.commands.Store.External() }
	c.send(encode("GET", "k"))
	await.True(t, "replies wait", func() bool { return unread() > 0 })
	c.expect(bulk(value))
	await.True(t, "nothing waits", func() bool { return unread() == 0 })
}

// field returns a number of a line of CLIENT LIST.
func field(t *testing.T, line, name string) int {
	t.Helper()
	_, rest, found := strings.Cut(line, " "+name+"=")
	digits, _, _ := strings.Cut(strings.Replace(rest, "\n", " ", 1), " ")
	n, err := strconv.Atoi(digits)
	if !found || err != nil {
		t.Fatalf("no number %s in %q", name, line)
	}
	return n
}

// connections returns the number of connections that have not ended.
func (s *testServer) connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// TestKill: a client that waits for a reply, or for nothing, is gone at once.
func TestKill(t *testing.T) { eachPath(t, testKill) }

func testKill(t *testing.T, path string) {
	s := startServer(t, path)
	admin, idle, paused := s.dial(), s.dial(), s.dial()
	idle.do("PING")
	paused.do("PING")
	admin.do("CLIENT", "PAUSE", "100000", "WRITE")
	paused.send(encode("SET", "k", "v"))
	await.True(t, "the write waits", func() bool { return strings.Contains(admin.do("CLIENT", "LIST"), " flags=b ") })
	if got := admin.do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"); got != ":2\r\n" {
		t.Errorf("got %q", got)
	}
	idle.expectClosed()
	paused.expectClosed()
	admin.do("CLIENT", "UNPAUSE")
	if got := admin.do("EXISTS", "k"); got != ":0\r\n" {
		t.Errorf("a killed client's command ran: %q", got)
	}
	admin.send(encode("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no"))
	admin.expect(":1\r\n")
	admin.expectClosed()
}

// TestReset: a client that goes away in the middle of a command leaves nothing of it.
func TestReset(t *testing.T) { eachPath(t, testReset) }

func testReset(t *testing.T, path string) {
	s := startServer(t, path)
	for _, input := range []string{"*", "*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$100000\r\n" + strings.Repeat("x", 70_000), "PIN"} {
		for _, linger := range []int{0, -1} {
			c := s.dial()
			c.send(encode("SET", "a", "1"))
			c.expect("+OK\r\n")
			c.send(input)
			if linger == 0 {
				_ = c.socket().SetLinger(0) // Close sends a reset
			}
			_ = c.Close()
		}
	}
	await.True(t, "the connections end", func() bool { return s.connections() == 0 })
	c := s.dial()
	c.send(encode("MGET", "a", "b"))
	c.expect("*2\r\n$1\r\n1\r\n$-1\r\n")
}

// TestResetWhilePaused: a connection that waits notices that its client went away, and its command does not run.
func TestResetWhilePaused(t *testing.T) { eachPath(t, testResetWhilePaused) }

func testResetWhilePaused(t *testing.T, path string) {
	s := startServer(t, path)
	admin, c := s.dial(), s.dial()
	admin.do("CLIENT", "PAUSE", "100000", "WRITE")
	c.send(encode("SET", "k", "v"))
	await.True(t, "the write waits", func() bool { return strings.Contains(admin.do("CLIENT", "LIST"), " flags=b ") })
	_ = c.Close()
	await.True(t, "the connection ends", func() bool { return s.connections() == 1 })
	admin.do("CLIENT", "UNPAUSE")
	if got := admin.do("EXISTS", "k"); got != ":0\r\n" {
		t.Errorf("got %q", got)
	}
}

// TestPause: what waits runs in its order and once, inline commands too, together with what was sent meanwhile.
func TestPause(t *testing.T) { eachPath(t, testPause) }

func testPause(t *testing.T, path string) {
	s := startServer(t, path)
	admin, c, reader := s.dial(), s.dial(), s.dial()
	admin.do("CLIENT", "PAUSE", "100000", "WRITE")
	c.send("PING\r\nAPPEND k \"a\\x20\\\"b\"\r\nGET k\r\n" + encode("APPEND", "k", "c"))
	c.expect("+PONG\r\n")
	await.True(t, "the write waits", func() bool { return strings.Contains(admin.do("CLIENT", "LIST"), " flags=b ") })
	long := strings.Repeat("y", 100_000)
	c.send(encode("ECHO", long))
	reader.send(encode("GET", "k"))
	reader.expect("$-1\r\n")
	admin.do("CLIENT", "UNPAUSE")
	c.expect(":4\r\n" + bulk(`a "b`) + ":5\r\n" + bulk(long))
	if got := admin.do("GET", "k"); got != bulk(`a "bc`) {
		t.Errorf("got %q", got)
	}
}

func TestProtocolErrors(t *testing.T) { eachPath(t, testProtocolErrors) }

func testProtocolErrors(t *testing.T, path string) {
	s := startServer(t, path)
	for _, test := range []struct{ input, want string }{
		{"*1\r\n+PING\r\n", "-ERR Protocol error: expected '$', got '+'\r\n"},
		{"*x\r\n", "-ERR Protocol error: invalid multibulk length\r\n"},
		{"*3000000000\r\n", "-ERR Protocol error: invalid multibulk length\r\n"},
		{"*2\r\n$3\r\nGET\r\n$1073741824\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
		{"*1\r\n$-5\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
		{"set \"a b\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n"},
		{strings.Repeat("x", 70_000), "-ERR Protocol error: too big inline request\r\n"},
		{"*" + strings.Repeat("1", 70_000), "-ERR Protocol error: too big mbulk count string\r\n"},
	} {
		c := s.dial()
		_, _ = c.Write([]byte(encode("PING") + test.input)) // fails if the server has closed before the end of a long one
		c.expect("+PONG\r\n" + test.want)
		c.expectClosed()
	}
	// What is announced and never sent costs nothing.
	for range 50 {
		c := s.dial()
		c.send("*10000000\r\n$536870912\r\nx")
	}
	if got := s.dial().do("PING"); got != "+PONG\r\n" {
		t.Errorf("got %q", got)
	}
}

// TestPanic: a panic in a command ends its connection and nothing else, and holds no lock.
func TestPanic(t *testing.T) { eachPath(t, testPanic) }

func testPanic(t *testing.T, path string) {
	s := startServer(t, path)
	s.cfg.OnChange("server.max_connections", func(*config.Values) error { panic("injected") })
	c, other := s.dial(), s.dial()
	c.send(encode("SET", "k", "1") + encode("MULTI") + encode("INCR", "k") + encode("CONFIG", "SET", "maxclients", "5"))
	c.expect("+OK\r\n+OK\r\n+QUEUED\r\n+QUEUED\r\n")
	c.send(encode("PING") + encode("EXEC") + encode("PING"))
	c.expect("+QUEUED\r\n")
	c.expectClosed()
	other.send(encode("INCR", "k") + encode("FLUSHALL"))
	other.expect(":3\r\n+OK\r\n")
	log := s.logged.String()
	for _, want := range []string{"injected", "faults_test.go", "exec"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log has no %q: %s", want, log)
		}
	}
	await.True(t, "the connection ends", func() bool { return s.connections() == 1 })
}

// TestAcceptErrors: a listener that is out of descriptors pauses and goes on.
func TestAcceptErrors(t *testing.T) { eachPath(t, testAcceptErrors) }

func testAcceptErrors(t *testing.T, path string) {
	listeners, err := Listen(Endpoints{Addresses: []string{"127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	failures := []error{syscall.EMFILE, syscall.ENFILE, syscall.ECONNABORTED}
	s := startOn(t, path, []net.Listener{&brokenListener{listeners[0], failures}})
	if got := s.dial().do("PING"); got != "+PONG\r\n" {
		t.Errorf("got %q", got)
	}
	if n := strings.Count(s.logged.String(), "accepting connections pauses"); n != 1 {
		t.Errorf("%d lines in the log for one pause: %s", n, s.logged)
	}
}

// TestMonitor: pushed lines reach a client that waits in a read, and never fall into the middle of a reply.
func TestMonitor(t *testing.T) { eachPath(t, testMonitor) }

func testMonitor(t *testing.T, path string) {
	s := startServer(t, path)
	m, c := s.dial(), s.dial()
	if got := m.do("MONITOR"); got != "+OK\r\n" {
		t.Fatalf("got %q", got)
	}
	c.do("ECHO", "first")
	if got := m.reply(); !strings.HasSuffix(got, `"ECHO" "first"`+"\r\n") {
		t.Errorf("got %q", got)
	}
	const n = 1000
	long := strings.Repeat("z", 500)
	go func() { _, _ = c.Write([]byte(strings.Repeat(encode("ECHO", "pushed"), n))) }()
	go func() { _, _ = m.Write([]byte(strings.Repeat(encode("ECHO", long), n))) }()
	replies, pushed, own := 0, 0, 0
	for replies < n || pushed < n || own < n {
		switch got := m.reply(); {
		case got == bulk(long):
			replies++
		case strings.HasSuffix(got, `"ECHO" "pushed"`+"\r\n"):
			pushed++
		case strings.HasSuffix(got, `"ECHO" "`+long+"\"\r\n"):
			own++
		default:
			t.Fatalf("got %q", got)
		}
	}
	c.expect(strings.Repeat(bulk("pushed"), n))
}

// TestMonitorNeverReading: a monitor that does not read is closed at its limit.
func TestMonitorNeverReading(t *testing.T) { eachPath(t, testMonitorNeverReading) }

func testMonitorNeverReading(t *testing.T, path string) {
	s := startServer(t, path)
	s.set("client-output-buffer-limit", "replica 1mb 0 0")
	m, c := s.dial(), s.dial()
	c.do("PING")
	m.do("MONITOR")
	word := strings.Repeat("x", 100_000)
	for s.connections() == 2 {
		if got := c.do("ECHO", word); got != bulk(word) {
			t.Fatalf("got %.100q", got)
		}
	}
}

// linkOf returns what a connection has on every path.
func linkOf(c served) *link { return c.(interface{ base() *link }).base() }

// TestIdleMemory: a connection that was busy gives its buffers back when it is idle.
func TestIdleMemory(t *testing.T) { eachPath(t, testIdleMemory) }

func testIdleMemory(t *testing.T, path string) {
	s := startServer(t, path)
	admin := s.dial()
	var clients []*client
	var ids []string
	for _, size := range []int{50_000, 100_000} {
		c := s.dial()
		clients, ids = append(clients, c), append(ids, strings.Trim(c.do("CLIENT", "ID"), ":\r\n"))
		word := strings.Repeat("x", size)
		c.send(encode("ECHO", word))
		c.expect(bulk(word))
		await.True(t, "the connection knows that its buffers are large", linkOf(s.connOf(c)).large.Load)
	}
	await.True(t, "the buffers are given back", func() bool {
		s.pass(idleTicks)
		return !slices.ContainsFunc(clients, func(c *client) bool { return linkOf(s.connOf(c)).large.Load() })
	})
	for _, id := range ids {
		if line := admin.do("CLIENT", "LIST", "ID", id); field(t, line, "tot-mem") > 16<<10 {
			t.Errorf("an idle client counts for %s", line)
		}
	}
	for i, c := range clients {
		c.do("PING")
		line := admin.do("CLIENT", "LIST", "ID", ids[i])
		if field(t, line, "qbuf")+field(t, line, "qbuf-free") > idleSize || field(t, line, "rbs") > idleSize {
			t.Errorf("got %s", line)
		}
	}
}

// TestIdleMemoryWhereItIsShort: where clients hold much, the buffers of those without a command are
// given back at the next look.
func TestIdleMemoryWhereItIsShort(t *testing.T) { eachPath(t, testIdleMemoryWhereItIsShort) }

func testIdleMemoryWhereItIsShort(t *testing.T, path string) {
	s := startServer(t, path)
	s.set("maxmemory", "8gb")
	s.set("maxmemory-clients", "2mb")
	admin, c, other := s.dial(), s.dial(), s.dial()
	id := strings.Trim(c.do("CLIENT", "ID"), ":\r\n")
	c.do("SET", "k", strings.Repeat("x", 100_000))
	conn := linkOf(s.connOf(c))
	await.True(t, "the connection knows that its buffer is large", conn.large.Load)
	other.send("*2\r\n$4\r\nECHO\r\n$1000000\r\n" + strings.Repeat("x", 900_000))
	await.True(t, "clients hold much", s.commands.Pressed)
	await.True(t, "the buffer is given back", func() bool {
		conn.tick.Store(s.tick.Load()) // as if it had just had its command
		s.wakeIdle(s.tick.Load(), 0)
		return field(t, admin.do("CLIENT", "LIST", "ID", id), "tot-mem") < 16<<10
	})
	if got := c.do("PING"); got != "+PONG\r\n" {
		t.Errorf("got %q", got)
	}
}
