package faults

import (
	"net"
	"testing"

	"github.com/tidwall/redcon"

	"github.com/redistill/redistill/test/await"
	"github.com/redistill/redistill/test/servertest"
	"github.com/redistill/redistill/tools/client"
)

// peer sends commands and reads replies, as few words as tests need.
type peer struct {
	t    *testing.T
	conn net.Conn
	in   *client.Reader
	out  []byte
}

// maxReply bounds the replies of the servers.
const maxReply = 64 << 20

func dial(t *testing.T, addr string) *peer {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Error(err)
		t.FailNow()
	}
	return &peer{t: t, conn: conn, in: client.NewReader(conn, maxReply)}
}

func (c *peer) close() { _ = c.conn.Close() }

// say appends a command to those that flush sends.
func (c *peer) say(words ...string) {
	c.out = redcon.AppendArray(c.out, len(words))
	for _, w := range words {
		c.out = redcon.AppendBulkString(c.out, w)
	}
}

// flush sends what was said, and reports whether the server took it.
func (c *peer) flush() bool {
	_ = c.conn.SetWriteDeadline(await.Deadline())
	_, err := c.conn.Write(c.out)
	c.out = c.out[:0]
	return err == nil
}

// next reads a reply.
func (c *peer) next() (redcon.RESP, error) {
	_ = c.conn.SetReadDeadline(await.Deadline())
	return c.in.Read()
}

// reply reads a reply: its first byte, and its text.
func (c *peer) reply() (string, error) {
	r, err := c.next()
	switch {
	case err != nil:
		return "", err
	case r.Type == redcon.Bulk && r.Data == nil:
		return "$-1", nil
	}
	return string(r.Type) + r.String(), nil
}

// do sends a command and returns its reply, or what went wrong as if it were one.
func (c *peer) do(words ...string) string {
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
func dialLoaded(t *testing.T, s *servertest.Server) *peer {
	t.Helper()
	c := dial(t, s.Addr)
	s.Eventually("it has loaded its snapshot", func() bool { return c.do("PING") == "+PONG" })
	return c
}

// expect fails the test unless a command has this reply.
func (c *peer) expect(want string, words ...string) {
	if got := c.do(words...); got != want {
		c.t.Errorf("%.100q answers %.100q, want %q", words, got, want)
	}
}

// transact executes commands in a transaction, none of which may fail or have a reply of several parts.
func (c *peer) transact(commands ...[]string) {
	c.say("MULTI")
	for _, words := range commands {
		c.say(words...)
	}
	c.say("EXEC")
	c.flush()
	for i := range len(commands) + 2 { // OK, QUEUED for each, and an array of all replies
		reply, err := c.next()
		failed := err != nil || reply.Type == redcon.Error || (i > len(commands)) != (reply.Type == redcon.Array)
		if !failed && reply.Type == redcon.Array {
			failed = reply.Count != len(commands)
			reply.ForEach(func(r redcon.RESP) bool {
				failed = failed || r.Type == redcon.Error
				return true
			})
		}
		if failed {
			c.t.Errorf("a transaction of %d commands, the first of which is %.100q: %.100q, %v", len(commands), commands[0], reply.Raw, err)
			return
		}
	}
}
