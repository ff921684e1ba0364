package netserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redistill/redistill/command"
	"github.com/redistill/redistill/internal/config"
	"github.com/redistill/redistill/test/await"
)

// longCommands makes each change of maxclients a command that tells when it begins, and takes until it is told to end.
func (s *testServer) longCommands() (began <-chan struct{}, end chan<- struct{}) {
	b, e := make(chan struct{}), make(chan struct{})
	s.cfg.OnChange("server.max_connections", func(*config.Values) error {
		b <- struct{}{}
		<-e
		return nil
	})
	return b, e
}

// shutdown begins to shut the server down, and returns what tells how that ended.
func (s *testServer) shutdown(ctx context.Context) <-chan error {
	s.t.Helper()
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(ctx) }()
	await.True(s.t, "the server stops", s.stopping)
	return done
}

// TestShutdown: the commands that were sent are answered, all of them; then everything is closed.
func TestShutdown(t *testing.T) { eachPath(t, testShutdown) }

func testShutdown(t *testing.T, path string) {
	s := startServer(t, path)
	s.drainMost = await.Limit
	idle, busy, half := s.dial(), s.dial(), s.dial()
	began, end := s.longCommands()
	idle.fill(5000)
	half.send("*2\r\n$4\r\nECHO\r\n$100\r\nonly a part")
	busy.do("PING")
	long := strings.Repeat("x", 50_000)
	busy.send(encode("CONFIG", "SET", "maxclients", "5000") + encode("KEYS", "none*") + strings.Repeat(encode("ECHO", long), 50) +
		encode("KEYS", "none*") + encode("SET", "k", "v"))
	<-began

	done := s.shutdown(await.Context(t))
	end <- struct{}{}
	idle.expectClosed()
	half.expectClosed()
	busy.expect("+OK\r\n*0\r\n" + strings.Repeat(bulk(long), 50) + "*0\r\n+OK\r\n")
	busy.expectClosed()
	if err := <-done; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if err := <-s.served; !errors.Is(err, ErrServerClosed) {
		t.Errorf("Serve: %v", err)
	}
	if nc, err := net.Dial("tcp", s.addr); err == nil {
		_ = nc.Close()
		t.Error("a connection was accepted after the shutdown")
	}
	if err := s.Serve(); !errors.Is(err, ErrServerClosed) {
		t.Errorf("a second Serve: %v", err)
	}
}

// TestShutdownBusy: clients that never stop sending get the replies to all of their commands that were executed, and then the end.
func TestShutdownBusy(t *testing.T) { eachPath(t, testShutdownBusy) }

func testShutdownBusy(t *testing.T, path string) {
	s := startServer(t, path)
	s.drainMost = 20 * time.Millisecond // the clients are told to stop soon; how soon makes no difference
	session, err := s.commands.NewSession("inside", "inside", -1, func() {})
	if err != nil {
		t.Fatal(err)
	}
	inside := func(words ...string) string { // asks without a connection
		args := make([][]byte, len(words))
		for i, w := range words {
			args[i] = []byte(w)
		}
		session.Out.B = session.Out.B[:0]
		session.BeginBatch(time.Now().UnixMilli())
		session.Exec(&command.Request{Args: args})
		session.EndBatch()
		return string(session.Out.B)
	}
	var clients []*client
	var talking sync.WaitGroup
	for i := range 5 {
		c := s.dial()
		c.do("PING")
		clients = append(clients, c)
		pipeline := []byte(strings.Repeat(encode("INCR", fmt.Sprint("counter", i)), 1+i*50))
		talking.Go(func() {
			for err := error(nil); err == nil; {
				_, err = c.Write(pipeline)
			}
		})
	}
	read := make([]int, len(clients))
	for i, c := range clients {
		talking.Go(func() {
			for {
				line, err := c.r.ReadString('\n')
				if line == "" {
					return
				}
				if read[i]++; line != fmt.Sprintf(":%d\r\n", read[i]) {
					t.Errorf("client %d got %q as reply %d: %v", i, line, read[i], err)
					return
				}
			}
		})
	}
	await.True(t, "all clients have counted", func() bool { return inside("DBSIZE") == fmt.Sprintf(":%d\r\n", len(clients)) })
	if err := s.Shutdown(await.Context(t)); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	talking.Wait()
	for i := range clients {
		if executed := inside("GET", fmt.Sprint("counter", i)); executed != bulk(fmt.Sprint(read[i])) {
			t.Errorf("client %d has %d replies, but executed were %q", i, read[i], executed)
		}
	}
	session.Close()
}

// TestShutdownGrace: when the time is over, the connections of commands that still run are closed.
func TestShutdownGrace(t *testing.T) { eachPath(t, testShutdownGrace) }

func testShutdownGrace(t *testing.T, path string) {
	s := startServer(t, path)
	began, end := s.longCommands()
	defer close(end)
	c, stuck := s.dial(), s.dial()
	stuck.flood("k")
	c.send(encode("CONFIG", "SET", "maxclients", "5000"))
	<-began
	ctx, over := context.WithCancel(t.Context())
	done := s.shutdown(ctx)
	over()
	if err := await.Receive(t, "the shutdown ends", done); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown: %v", err)
	}
	c.expectClosed()
}

// TestShutdownCommand: SHUTDOWN has no reply but the end of the connection, for all.
func TestShutdownCommand(t *testing.T) { eachPath(t, testShutdownCommand) }

func testShutdownCommand(t *testing.T, path string) {
	s := startServer(t, path)
	c, other := s.dial(), s.dial()
	other.do("PING")
	c.send(encode("SHUTDOWN", "NOSAVE") + encode("PING"))
	c.expectClosed()
	other.expectClosed()
	if err := <-s.served; !errors.Is(err, ErrServerClosed) {
		t.Errorf("Serve: %v", err)
	}
}

// TestShutdownPaused: a command that waits for the end of CLIENT PAUSE does not hold up the shutdown, and does not run.
func TestShutdownPaused(t *testing.T) { eachPath(t, testShutdownPaused) }

func testShutdownPaused(t *testing.T, path string) {
	s := startServer(t, path)
	c := s.dial()
	s.dial().do("CLIENT", "PAUSE", "100000")
	c.send(encode("SET", "k", "v"))
	if err := s.Shutdown(await.Context(t)); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	c.expectClosed()
}

// TestShutdownPausedLate: nor does one that comes when its connection knows that the server stops.
func TestShutdownPausedLate(t *testing.T) { eachPath(t, testShutdownPausedLate) }

func testShutdownPausedLate(t *testing.T, path string) {
	s := startServer(t, path)
	c := s.dial()
	s.dial().do("CLIENT", "PAUSE", "100000", "WRITE")
	stopped := make(chan error, 1)
	go func() { stopped <- s.Shutdown(await.Context(t)) }()
	await.True(t, "the server stops", s.stopping)
	ping, pong := encode("PING"), "+PONG\r\n"
	for range 50 { // it is not quiet, and not closed unless this test is held up
		if _, err := io.WriteString(c, ping); err != nil {
			break
		}
		if _, err := io.ReadFull(c.r, make([]byte, len(pong))); err != nil {
			break
		}
	}
	_, _ = io.WriteString(c, encode("SET", "k", "v"))
	if err := await.Receive(t, "the end", stopped); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if rest, _ := io.ReadAll(c.r); len(rest) > 0 {
		t.Errorf("got %q", rest)
	}
}

// slowFile makes each change of timeout a command that tells when it begins to read a file, and
// reads until it is told to end.
func (s *testServer) slowFile() (began <-chan struct{}, end chan<- struct{}) {
	b, e := make(chan struct{}), make(chan struct{})
	s.cfg.OnChangeRead("timeout", func(*config.Values) error {
		b <- struct{}{}
		<-e
		return nil
	})
	return b, e
}

// TestSlowFile: while a command waits for a disk, other clients are served, and those wait with it
// whose commands have to come after it. In a transaction, which cannot wait, they fail.
func TestSlowFile(t *testing.T) { eachPath(t, testSlowFile) }

func testSlowFile(t *testing.T, path string) {
	s := startServer(t, path)
	began, end := s.slowFile()
	waiting, late := s.dial(), s.dial()
	waiting.send(encode("CONFIG", "SET", "timeout", "5") + encode("GET", "k"))
	await.Receive(t, "the file is read", began)
	late.send(encode("CONFIG", "SET", "maxclients", "5000") + encode("ECHO", "late"))
	const refused = "-ERR CONFIG SET failed (possibly related to argument 'maxclients') - " +
		"files have to be read, which is not done in a transaction\r\n"
	for range 4 * testLoops {
		c := s.dial()
		c.send(encode("SET", "other", "v") + encode("MULTI") + encode("CONFIG", "SET", "maxclients", "9") + encode("EXEC"))
		c.expect("+OK\r\n+OK\r\n+QUEUED\r\n*1\r\n" + refused)
	}
	if v := s.config(); v.MaxConnections != 10000 || v.ConnectionTimeout != 0 {
		t.Errorf("while the file is read: maxclients %d, timeout %s", v.MaxConnections, v.ConnectionTimeout)
	}
	end <- struct{}{}
	waiting.expect("+OK\r\n$-1\r\n")
	late.expect("+OK\r\n" + bulk("late"))
	if v := s.config(); v.MaxConnections != 5000 || v.ConnectionTimeout != 5*time.Second {
		t.Errorf("in the end: maxclients %d, timeout %s", v.MaxConnections, v.ConnectionTimeout)
	}
}

// TestShutdownSlowFile: a command that waits for a disk is answered at shutdown, though it takes
// longer than a client may go on sending. One that has not begun is not.
func TestShutdownSlowFile(t *testing.T) { eachPath(t, testShutdownSlowFile) }

func testShutdownSlowFile(t *testing.T, path string) {
	s := startServer(t, path)
	s.drainMost = time.Nanosecond
	began, end := s.slowFile()
	waiting, paused, idle := s.dial(), s.dial(), s.dial()
	idle.do("PING")
	waiting.send(encode("CONFIG", "SET", "timeout", "5"))
	await.Receive(t, "the file is read", began)
	paused.do("CLIENT", "PAUSE", "1000000", "WRITE")
	paused.send(encode("SET", "k", "v"))
	await.True(t, "the client is paused", func() bool { return strings.Contains(idle.do("INFO", "clients"), "blocked_clients:1\r\n") })
	done := s.shutdown(await.Context(t))
	idle.expectClosed()
	paused.expectClosed()
	end <- struct{}{}
	waiting.expect("+OK\r\n")
	waiting.expectClosed()
	if err := await.Receive(t, "the end", done); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}
