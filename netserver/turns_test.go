package netserver

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redistill/redistill/test/await"
)

// fill makes the keys k0, k1 and so on, up to n.
func (c *client) fill(n int) {
	c.t.Helper()
	for i := range n {
		c.send(encode("SET", fmt.Sprint("k", i), "v"))
	}
	c.expect(strings.Repeat("+OK\r\n", n))
}

// TestTurns: a command of many turns is answered in its place, and the connection reads on.
func TestTurns(t *testing.T) { eachPath(t, testTurns) }

func testTurns(t *testing.T, path string) {
	s := startServer(t, path)
	c, other := s.dial(), s.dial()
	c.fill(10_000)
	for range 10 {
		c.send(encode("ECHO", "a") + encode("KEYS", "*99*9") + encode("ECHO", "b") + "KEYS none\r\n")
		c.send(encode("SCAN", "0", "COUNT", "100000", "MATCH", "k5") + encode("PING"))
		if got := other.do("ECHO", "c"); got != bulk("c") {
			t.Fatalf("got %q", got)
		}
	}
	for range 10 {
		c.expect(bulk("a"))
		got := c.reply()
		if n := strings.Count(got, "$"); n != 19 {
			t.Fatalf("KEYS: got %q", got)
		}
		c.expect(bulk("b") + "*0\r\n*2\r\n" + bulk("0") + "*1\r\n" + bulk("k5") + "+PONG\r\n")
	}
}

// TestOthersRunBetweenTurns: what a connection executes at a time is one turn, with the input
// behind the command left.
func TestOthersRunBetweenTurns(t *testing.T) {
	c, v := newTestConn(t)
	execute := func(input string) (int, verdict) {
		return c.execute(newBatch(), []byte(input), len(input), time.Now().UnixMilli(), v)
	}
	for i := range 20_000 {
		execute(encode("SET", fmt.Sprint("k", i), "v"))
		c.session.Out.B = c.session.Out.B[:0]
	}
	long := encode("KEYS", "none")
	n, next := execute(long + encode("PING"))
	if n != len(long) || next != again || len(c.session.Out.B) > 0 {
		t.Fatalf("took %d bytes of %d, verdict %d, replies %q", n, len(long), next, c.session.Out.B)
	}
	turns := 1
	for ; len(c.session.Out.B) == 0; turns++ {
		n, next = execute(encode("PING"))
	}
	if got := string(c.session.Out.B); turns < 4 || n != len(encode("PING")) || got != "*0\r\n+PONG\r\n" {
		t.Errorf("%d turns, and then %d bytes were taken, verdict %d, replies %q", turns, n, next, got)
	}
}

// TestShutdownBetweenTurns: a command of many turns is answered also where the time for further
// commands is over before its last one.
func TestShutdownBetweenTurns(t *testing.T) { eachPath(t, testShutdownBetweenTurns) }

func testShutdownBetweenTurns(t *testing.T, path string) {
	s := startServer(t, path)
	s.drainMost = 1
	c := s.dial()
	c.fill(20_000)
	began, end := s.longCommands()
	c.send(encode("CONFIG", "SET", "maxclients", "5000") + encode("KEYS", "none"))
	<-began
	done := s.shutdown(await.Context(t))
	close(end)
	c.expect("+OK\r\n*0\r\n")
	c.expectClosed()
	if err := <-done; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

// TestHeldCommandsCount: a command that waits is its client's memory, until it has run or the
// client is gone.
func TestHeldCommandsCount(t *testing.T) { eachPath(t, testHeldCommandsCount) }

func testHeldCommandsCount(t *testing.T, path string) {
	s := startServer(t, path)
	const size = 300_000
	other := s.dial()
	input := func() (n int) {
		reply := other.do("INFO", "memory")
		_, text, _ := strings.Cut(reply, "redistill_clients_input_bytes:")
		if _, err := fmt.Sscan(text, &n); err != nil {
			t.Fatalf("%v in %s", err, reply)
		}
		return n
	}
	for _, leaves := range []bool{true, false} {
		before := input()
		other.do("CLIENT", "PAUSE", "1000000", "WRITE")
		c := s.dial()
		c.send(encode("SET", "k", strings.Repeat("x", size)))
		await.True(t, "the command counts", func() bool { return input() >= before+size })
		if leaves {
			_ = c.Close()
		} else {
			other.do("CLIENT", "UNPAUSE")
			c.expect("+OK\r\n")
		}
		await.True(t, "it does not count any more", func() bool { return input() < before+size })
		other.do("CLIENT", "UNPAUSE")
	}
}

// TestClosedForMemory: a client that is closed for its memory is not said to be above the output
// limit as well.
func TestClosedForMemory(t *testing.T) {
	c, _ := newTestConn(t)
	c.session.OutLimit = maxReplies
	c.session.Kill()
	c.session.Out.Cut = true
	if next := c.pending(); next != drop || c.reason != "" {
		t.Errorf("verdict %d, because %q", next, c.reason)
	}
}
