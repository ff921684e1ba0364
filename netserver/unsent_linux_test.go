package netserver

import (
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/redistill/redistill/test/await"
)

// sockets returns what sockets hold of clients that do not read, as INFO shows it.
func (c *client) sockets() (n int) {
	c.t.Helper()
	_, text, _ := strings.Cut(c.do("INFO", "memory"), "redistill_clients_sockets_bytes:")
	if _, err := fmt.Sscan(text, &n); err != nil {
		c.t.Fatal(err)
	}
	return n
}

const unreadSize, unreadTimes = 400_000, 25

// unread makes a client ask for much, and waits until the system takes no more of the replies. It
// returns how much that has.
func (s *testServer) unread(c *client) int {
	s.t.Helper()
	if err := c.socket().SetReadBuffer(64 << 10); err != nil { // or else its own system may take all
		s.t.Fatal(err)
	}
	other := s.dial()
	other.do("SET", "k", strings.Repeat("x", unreadSize))
	_ = other.Close()
	c.do("PING")
	conn := linkOf(s.connOf(c))
	c.send(strings.Repeat("GET k\r\n", unreadTimes)) // so little that no buffer is worth looking at
	var n int
	await.True(s.t, "the system takes no more", func() bool {
		was := n
		n = unacknowledged(conn.session.FD)
		return conn.session.Unwritten() && n > 0 && n == was
	})
	return n
}

// TestUnreadRepliesInSockets: what the system holds of replies is little for each client, counts for
// the budget while the client takes nothing, and no more when it has read.
func TestUnreadRepliesInSockets(t *testing.T) { eachPath(t, testUnreadRepliesInSockets) }

func testUnreadRepliesInSockets(t *testing.T, path string) {
	s := startServer(t, path)
	c, other := s.dial(), s.dial()
	if n := s.unread(c); n > 256<<10 {
		t.Errorf("the system holds %d bytes for a client", n)
	}
	conn := linkOf(s.connOf(c))
	s.pass(1)
	if n := other.sockets(); n != 0 && s.tick.Load()-conn.tick.Load() < idleTicks {
		t.Errorf("%d bytes count before the client was given time", n)
	}
	await.True(t, "what the system holds counts", func() bool {
		s.pass(1)
		n := other.sockets()
		return n > 0 && n == unacknowledged(conn.session.FD)
	})
	c.expect(strings.Repeat(bulk(strings.Repeat("x", unreadSize)), unreadTimes))
	await.True(t, "nothing counts any more", func() bool {
		s.pass(1)
		return other.sockets() == 0
	})
}

// TestReadersMayHaveMore: a client that took much may leave more with the system, as much as the limit
// of memory allows to each, until it takes nothing for a while.
func TestReadersMayHaveMore(t *testing.T) { eachPath(t, testReadersMayHaveMore) }

func testReadersMayHaveMore(t *testing.T, path string) {
	const clients = 3
	for _, test := range []struct {
		limit string
		want  int
	}{{"0", 0}, {"8gb", 8 << 30 / unsentShare / clients}} {
		s := startServer(t, path)
		s.set("maxmemory", test.limit)
		c, other := s.dial(), s.dial()
		s.dial().do("PING")
		s.unread(c)
		fd := linkOf(s.connOf(c)).session.FD
		allowed := func() int {
			n, err := syscall.GetsockoptInt(fd, syscall.IPPROTO_TCP, tcpNotSentLowat)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if n := allowed(); n != unsentFirst {
			t.Errorf("limit %s: at first the system may hold %d bytes", test.limit, n)
		}
		c.expect(strings.Repeat(bulk(strings.Repeat("x", unreadSize)), unreadTimes))
		await.True(t, "the system may hold more", func() bool { return allowed() == test.want })
		s.unread(c)
		await.True(t, "the system may not hold more any longer", func() bool {
			s.pass(1)
			return other.sockets() > 0 && allowed() == unsentFirst
		})
	}
}

// TestSocketsCountForTheBudget: clients that do not read are closed for what the system holds for
// them, and the system gives it back at once.
func TestSocketsCountForTheBudget(t *testing.T) { eachPath(t, testSocketsCountForTheBudget) }

func testSocketsCountForTheBudget(t *testing.T, path string) {
	s := startServer(t, path)
	c := s.dial()
	held := s.unread(c)
	s.set("maxmemory", "8gb")
	s.set("maxmemory-clients", fmt.Sprint(s.commands.Store.External()+int64(held)/2))
	if s.connOf(c) == nil {
		t.Fatal("the client is closed for its buffers alone")
	}
	await.True(t, "the client is closed", func() bool {
		s.pass(1)
		return s.connections() == 0
	})
	kept := 0
	await.True(t, "the socket is closed", func() (closed bool) {
		kept, closed = c.kept()
		return closed
	})
	if kept > 1 { // a byte is the end of the stream
		t.Errorf("the system keeps %d bytes of its replies", kept)
	}
}

// kept returns how much the system still has for the client after the server closed its socket. The
// client's own system may have taken all before.
func (c *client) kept() (n int, closed bool) {
	c.t.Helper()
	list, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		c.t.Fatal(err)
	}
	server, own := c.socket().RemoteAddr().(*net.TCPAddr), c.socket().LocalAddr().(*net.TCPAddr)
	ends := fmt.Sprintf(":%04X 0100007F:%04X ", server.Port, own.Port)
	_, line, found := strings.Cut(string(list), ends)
	if !found {
		return 0, true
	}
	state := 0
	if _, err := fmt.Sscanf(line, "%X %X:", &state, &n); err != nil {
		c.t.Fatal(err)
	}
	return n, state != 1
}

// TestLongPipelines: a client may write a pipeline to its end before it reads, though its own system
// holds few of the replies.
func TestLongPipelines(t *testing.T) { eachPath(t, testLongPipelines) }

func testLongPipelines(t *testing.T, path string) {
	const commands = 20_000
	s := startServer(t, path)
	s.set("maxmemory", "8gb")
	c, text := s.dial(), strings.Repeat("x", 50)
	set := "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n" + bulk(strings.Repeat("x", 1000))
	c.send(strings.Repeat(set+"ECHO "+text+"\r\n", commands))
	c.expect(strings.Repeat("+OK\r\n"+bulk(text), commands))
	conn := linkOf(s.connOf(c))
	await.True(t, "what was lent is given back", func() bool {
		s.pass(1)
		return s.lent.Load() == 0 && conn.lent.Load() == 0
	})
}

// TestLentIsBounded: clients that write without reading have a sixteenth of the limit together, and
// give it back when they go.
func TestLentIsBounded(t *testing.T) { eachPath(t, testLentIsBounded) }

func testLentIsBounded(t *testing.T, path string) {
	s := startServer(t, path)
	s.set("maxmemory", "100mb")
	most := s.config().MaxMemory / unsentShare
	var lent []int64
	for range 4 {
		lent = append(lent, s.takeUnsent())
	}
	if lent[0] != lendMost || lent[1] != most-lendMost || lent[2]+lent[3] != 0 || s.lent.Load() != most {
		t.Errorf("lent %v of %d", lent, most)
	}
	s.lent.Store(0)
	c := s.dial()
	c.do("PING")
	conn := linkOf(s.connOf(c))
	conn.lent.Store(s.takeUnsent())
	_ = c.Close()
	await.True(t, "what was lent to a client that is gone is given back", func() bool { return s.lent.Load() == 0 })
}
