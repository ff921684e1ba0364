package faults

import (
	"bufio"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/redistill/redistill/internal/resp"
	"github.com/redistill/redistill/internal/servertest"
	"github.com/redistill/redistill/test/await"
)

// client sends commands and reads replies, as few words as tests need.
type client struct {
	t    *testing.T
	conn *net.TCPConn
	in   *bufio.Reader
	out  resp.Out
}

func dial(t *testing.T, addr string) *client {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Error(err)
		t.FailNow()
	}
	return &client{t: t, conn: conn.(*net.TCPConn), in: bufio.NewReader(conn)}
}

func (c *client) close() { _ = c.conn.Close() }

// say appends a command to those that flush sends.
func (c *client) say(words ...string) {
	c.out.Array(len(words))
	for _, w := range words {
		c.out.BulkString(w)
	}
}

// flush sends what was said, and reports whether the server took it.
func (c *client) flush() bool {
	_ = c.conn.SetWriteDeadline(await.Deadline())
	_, err := c.conn.Write(c.out.B)
	c.out.B = c.out.B[:0]
	return err == nil
}

// reply reads a reply: its first byte, and its text. With an error comes what there was of it.
func (c *client) reply() (string, error) {
	_ = c.conn.SetReadDeadline(await.Deadline())
	line, err := c.in.ReadString('\n')
	if err != nil {
		return line, err
	}
	line = strings.TrimSuffix(line, "\r\n")
	if line[0] != '$' || line == "$-1" {
		return line, nil
	}
	n, err := strconv.Atoi(line[1:])
	if err != nil {
		return "", err
	}
	text := make([]byte, n+2)
	_, err = io.ReadFull(c.in, text)
	return "$" + string(text[:n]), err
}

// do sends a command and returns its reply, or what went wrong as if it were one.
func (c *client) do(words ...string) string {
	c.say(words...)
	if !c.flush() {
		return "not sent"
	}
	reply, err := c.reply()
	if err != nil {
		return err.Error()
	}
	return reply
}

// dialLoaded is dial for a server that may still load a snapshot, or look for one. It waits for the end of that.
func dialLoaded(t *testing.T, s *servertest.Server) *client {
	t.Helper()
	c := dial(t, s.Addr)
	s.Eventually("it has loaded its snapshot", func() bool { return c.do("PING") == "+PONG" })
	return c
}

// expect fails the test unless a command has this reply.
func (c *client) expect(want string, words ...string) {
	if got := c.do(words...); got != want {
		c.t.Errorf("%.100q answers %.100q, want %q", words, got, want)
	}
}

// transact executes commands in a transaction, none of which may fail or have a reply of several parts.
func (c *client) transact(commands ...[]string) {
	c.say("MULTI")
	for _, words := range commands {
		c.say(words...)
	}
	c.say("EXEC")
	c.flush()
	for range 2*len(commands) + 2 { // OK, QUEUED for each, an array, and the reply of each
		if reply, err := c.reply(); err != nil || reply[0] == '-' {
			c.t.Errorf("a transaction of %d commands, the first of which is %.100q: %.100q, %v", len(commands), commands[0], reply, err)
			return
		}
	}
}
