package netserver

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/redistill/redistill/test/await"
)

// TestLongCommand: while a loop runs a command that takes long, the others serve their connections.
func TestLongCommand(t *testing.T) { eachPath(t, testLongCommand) }

func testLongCommand(t *testing.T, path string) {
	s := startServer(t, path)
	busy, other := s.dial(), s.dial() // on different loops, because each goes to the one with the fewest
	busy.do("PING")
	other.do("PING")
	began, end := s.longCommands()
	busy.send(encode("CONFIG", "SET", "maxclients", "5000"))
	<-began
	defer busy.expect("+OK\r\n")
	defer close(end)
	for i := range 100 {
		if got := other.do("SET", "k", fmt.Sprint(i)) + other.do("PING"); got != "+OK\r\n+PONG\r\n" {
			t.Fatalf("got %q", got)
		}
	}
}

// TestFlood: a client that sends tiny commands as fast as it can does not keep others from being served, on the same loop too.
func TestFlood(t *testing.T) { eachPath(t, testFlood) }

func testFlood(t *testing.T, path string) {
	s := startServer(t, path)
	var flooding sync.WaitGroup
	defer flooding.Wait()
	for range testLoops {
		c := s.dial()
		defer func() { _ = c.Close() }()
		flooding.Go(func() { _, _ = io.Copy(io.Discard, c.Conn) })
		flooding.Go(func() {
			for pings := []byte(strings.Repeat("PING\r\n", 20_000)); ; {
				if _, err := c.Write(pings); err != nil {
					return
				}
			}
		})
	}
	for range 2 * testLoops {
		c := s.dial()
		for i := range 5 {
			word := fmt.Sprint(i)
			if got := c.do("ECHO", word); got != bulk(word) {
				t.Fatalf("got %q", got)
			}
		}
	}
}

// TestByteByByte: a client whose bytes come one at a time is understood, and nobody waits for it.
func TestByteByByte(t *testing.T) { eachPath(t, testByteByByte) }

func testByteByByte(t *testing.T, path string) {
	s := startServer(t, path)
	slow, other := s.dial(), s.dial()
	id := strings.Trim(slow.do("CLIENT", "ID"), ":\r\n")
	for _, command := range []string{encode("SET", "k", "a\r\nb"), "SET k \"a\\r\\nb\"\r\n"} {
		for i := range len(command) - 1 {
			slow.send(command[i : i+1])
			await.True(t, "the byte is read", func() bool { return field(t, other.do("CLIENT", "LIST", "ID", id), "qbuf") == i+1 })
		}
		slow.send(command[len(command)-1:])
		slow.expect("+OK\r\n")
		if got := other.do("GET", "k"); got != bulk("a\r\nb") {
			t.Errorf("got %q", got)
		}
	}
}
