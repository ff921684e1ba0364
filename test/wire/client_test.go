package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"github.com/tidwall/redcon"

	"github.com/redistill/redistill/test/await"
	"github.com/redistill/redistill/tools/client"
)

// peer is one connection to a server. It sends bytes and reads values and
// otherwise knows nothing of the protocol. One goroutine uses it at a time. A
// server which does not answer fails a test instead of hanging it.
type peer struct {
	conn net.Conn
	in   *client.Reader
}

// maxReply bounds the replies of servers that are tested.
const maxReply = 1 << 30

func dial(addr string) (*peer, error) {
	conn, err := net.DialTimeout("tcp", addr, await.Limit)
	if err != nil {
		return nil, err
	}
	return &peer{conn: conn, in: client.NewReader(conn, maxReply)}, nil
}

// send writes wire. That the server has closed the connection is not an error
// here: the next read tells, after the replies sent before the close.
func (c *peer) send(wire []byte) error {
	if err := c.conn.SetWriteDeadline(await.Deadline()); err != nil {
		return err
	}
	_, err := c.conn.Write(wire)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
		return nil
	}
	return err
}

// read reads one reply. io.EOF means that the server closed the connection
// between two replies.
func (c *peer) read() (node, error) {
	if err := c.conn.SetReadDeadline(await.Deadline()); err != nil {
		return node{}, err
	}
	wire, err := c.in.Raw()
	if errors.Is(err, syscall.ECONNRESET) {
		return node{}, io.EOF
	}
	if err != nil {
		return node{}, err
	}
	return parseNode(bytes.Clone(wire))
}

// do sends one command and reads its reply.
func (c *peer) do(args ...string) (node, error) {
	if err := c.send(appendCommand(nil, args)); err != nil {
		return node{}, err
	}
	return c.read()
}

// mustReply is do for the harness's own commands, whose reply is known.
func (c *peer) mustReply(want string, args ...string) error {
	n, err := c.do(args...)
	if err != nil {
		return fmt.Errorf("%q: %w", args, err)
	}
	if string(n.head) != want {
		return fmt.Errorf("%q answered %q, want %q", args, n.wire(), want)
	}
	return nil
}

// quit ends the connection and waits for the server's end, so that the server
// does not count or list the connection any more.
func (c *peer) quit() error {
	if err := c.mustReply("+OK", "QUIT"); err != nil {
		return err
	}
	if n, err := c.read(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("after QUIT: %q, %v, want the end of the connection", n.wire(), err)
	}
	return nil
}

func (c *peer) close() { _ = c.conn.Close() }

// appendCommand appends args as a RESP array of bulk strings.
func appendCommand(dst []byte, args []string) []byte {
	dst = redcon.AppendArray(dst, len(args))
	for _, a := range args {
		dst = redcon.AppendBulkString(dst, a)
	}
	return dst
}
