package netserver

import (
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redistill/redistill/test/await"
)

// eachLoopPath is eachPath for those that have event loops.
func eachLoopPath(t *testing.T, test func(t *testing.T, path string)) {
	for _, path := range []string{Epoll, IOUring, tinyIOUring} {
		t.Run(path, func(t *testing.T) { test(t, path) })
	}
}

// loopOf returns the index of the loop that serves a connection.
func loopOf(c served) int { return c.(*loopConn).loop.index }

// TestBalance: every loop gets its share of the connections, of those that stay and of those that come later, also when those of one
// loop went.
func TestBalance(t *testing.T) { eachLoopPath(t, testBalance) }

func testBalance(t *testing.T, path string) {
	s := startServer(t, path)
	clients := map[string]*client{} // by address
	open := func(n int) {
		for range n {
			c := s.dial()
			c.do("PING")
			clients[c.LocalAddr().String()] = c
		}
	}
	check := func() {
		t.Helper()
		total := len(clients)
		counts := make([]int, testLoops)
		s.mu.Lock()
		defer s.mu.Unlock()
		for c := range s.conns {
			counts[loopOf(c)]++
		}
		for i, n := range counts {
			if n*100 < total*40 {
				t.Errorf("loop %d has %d of %d connections", i, n, total)
			}
		}
	}
	open(50)
	check()
	closing := 20
	s.mu.Lock()
	for c := range s.conns {
		if addr := linkOf(c).session.Addr; loopOf(c) == 0 && closing > 0 {
			_ = clients[addr].Close()
			delete(clients, addr)
			closing--
		}
	}
	s.mu.Unlock()
	await.True(t, "the connections end", func() bool { return s.connections() == len(clients) })
	open(30)
	check()
}

// TestAcceptBesideLongCommand: while one loop runs a long command, whichever it is, another accepts.
func TestAcceptBesideLongCommand(t *testing.T) { eachLoopPath(t, testAcceptBesideLongCommand) }

func testAcceptBesideLongCommand(t *testing.T, path string) {
	t.Parallel()
	s := startServer(t, path)
	clients := make([]*client, testLoops)
	for i := range clients {
		clients[i] = s.dial()
		clients[i].do("PING")
	}
	began, end := s.longCommands()
	defer close(end)
	for i, busy := range clients {
		busy.send(encode("CONFIG", "SET", "maxclients", fmt.Sprint(5000+i)))
		<-began
		if got := s.dial().do("PING"); got != "+PONG\r\n" {
			t.Errorf("got %q", got)
		}
		end <- struct{}{}
		busy.expect("+OK\r\n")
	}
}

// TestLoopsEnd: a stopped server leaves no descriptor open, and a late wake does no harm.
func TestLoopsEnd(t *testing.T) { eachLoopPath(t, testLoopsEnd) }

func testLoopsEnd(t *testing.T, path string) {
	descriptors := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	s := startServer(t, path)
	s.dial().do("PING") // now everything runs
	before := descriptors()
	c := s.dial()
	c.do("PING")
	var session served
	s.mu.Lock()
	for session = range s.conns {
	}
	s.mu.Unlock()
	_ = c.Close()
	await.True(t, "the descriptor is closed", func() bool { return descriptors() <= before })
	session.wake()
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	session.wake()
	// Gone are a listener, the first connection, and a poller's descriptor and an eventfd for each loop.
	await.True(t, "the descriptors are closed", func() bool { return descriptors() <= before-2-2*testLoops })
}

// TestReadingBelowTheLimit: the soft limit is for what the client has still to read.
func TestReadingBelowTheLimit(t *testing.T) { eachLoopPath(t, testReadingBelowTheLimit) }

func testReadingBelowTheLimit(t *testing.T, path string) {
	s := startServer(t, path)
	s.set("client-output-buffer-limit", "normal 0 32mb 3600")
	c := s.dial()
	if err := c.socket().SetReadBuffer(64 << 10); err != nil {
		t.Fatal(err)
	}
	c.do("SET", "k", strings.Repeat("x", 64*megabyte)) // twice as much as the limit, and far more than the socket's buffers hold
	c.send(encode("GET", "k"))
	conn := s.connOf(c).(*loopConn)
	await.True(t, "the client's time runs", func() bool { return conn.deadline.Load() != 0 })
	if _, err := io.CopyN(io.Discard, c.r, 40*megabyte); err != nil {
		t.Fatal(err)
	}
	await.True(t, "the client has its time again", func() bool { return conn.deadline.Load() == 0 })
}

// TestIdleLoop: a loop wakes up from the wait that the scheduler knows of.
func TestIdleLoop(t *testing.T) { eachLoopPath(t, testIdleLoop) }

func testIdleLoop(t *testing.T, path string) {
	s := startServer(t, path)
	c := s.dial()
	// Looking interrupts a loop, and it falls asleep only when nothing happens for rawWait.
	const pause = 5 * rawWait * time.Millisecond
	for range 5 {
		await.TrueEvery(t, pause, "the loops are asleep", func() bool { return loopsIn("[syscall") == testLoops })
		if got := c.do("PING"); got != "+PONG\r\n" {
			t.Fatalf("got %q", got)
		}
	}
}

// loopsIn returns how many loops wait in a state, as the beginnings of stack traces name it: in the wait that hides from the scheduler a
// loop is "[running", in the one that the scheduler knows of "[syscall".
func loopsIn(state string) (n int) {
	text := make([]byte, 1<<20)
	for trace := range strings.SplitSeq(string(text[:runtime.Stack(text, true)]), "\n\n") {
		head, stack, _ := strings.Cut(trace, "\n")
		if strings.Contains(stack, "Poller).wait(") && strings.Contains(head, state) {
			n++
		}
	}
	return n
}

// TestDescriptorsExhausted: without descriptors accepting pauses, those who are connected are served, and accepting resumes.
func TestDescriptorsExhausted(t *testing.T) { eachPath(t, testDescriptorsExhausted) }

func testDescriptorsExhausted(t *testing.T, path string) {
	s := startServer(t, path)
	old := s.dial()
	old.do("PING")
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	// The lowest free descriptor is the client's; the server gets none.
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(fd), "client")
	low := limit
	low.Cur = uint64(fd)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	restore := func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			t.Error(err)
		}
	}
	address := &syscall.SockaddrInet4{Port: s.port(), Addr: [4]byte{127, 0, 0, 1}}
	if err := syscall.Connect(fd, address); err != nil {
		restore()
		t.Fatal(err)
	}
	await.True(t, "accepting pauses", func() bool { return strings.Contains(s.logged.String(), "too many open files") })
	got := old.do("PING")
	restore()
	if got != "+PONG\r\n" {
		t.Errorf("got %q", got)
	}
	nc, err := net.FileConn(file)
	_ = file.Close()
	if err != nil {
		t.Fatal(err)
	}
	if got := s.over(nc).do("PING"); got != "+PONG\r\n" {
		t.Errorf("got %q", got)
	}
}

func (s *testServer) port() int {
	a, err := net.ResolveTCPAddr("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	return a.Port
}
