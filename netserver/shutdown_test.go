package netserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redistill/redistill/internal/command"
	"github.com/redistill/redistill/internal/config"
)

// TestShutdown: the commands that were sent are answered, all of them; then everything is closed.
func TestShutdown(t *testing.T) { eachPath(t, testShutdown) }

func testShutdown(t *testing.T, path string) {
	s := startServer(t, path, "security.enable_debug_command", "yes")
	s.drainMost = patience
	idle, busy, half := s.dial(), s.dial(), s.dial()
	idle.do("PING")
	half.send("*2\r\n$4\r\nECHO\r\n$100\r\nonly a part")
	busy.do("PING")
	long := strings.Repeat("x", 50_000)
	busy.send(encode("DEBUG", "SLEEP", "0.3") + strings.Repeat(encode("ECHO", long), 50) + encode("SET", "k", "v"))

	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(ctx) }()
	idle.expectClosed()
	half.expectClosed()
	busy.expect("+OK\r\n" + strings.Repeat(bulk(long), 50) + "+OK\r\n")
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
	s.eventually("all clients have counted", func() bool { return inside("DBSIZE") == fmt.Sprintf(":%d\r\n", len(clients)) })
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
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
	began, end := make(chan struct{}), make(chan struct{})
	defer close(end)
	s.cfg.OnChange("server.max_connections", func(*config.Values) error {
		close(began)
		<-end
		return nil
	})
	c, stuck := s.dial(), s.dial()
	stuck.flood("k")
	c.send(encode("CONFIG", "SET", "maxclients", "5000"))
	<-began
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
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
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	c.expectClosed()
}
