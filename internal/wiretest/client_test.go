package wiretest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"syscall"

	"github.com/redistill/redistill/test/await"
)

// client is one connection to a server. It sends bytes and reads values and
// otherwise knows nothing of the protocol. One goroutine uses it at a time. A
// server which does not answer fails a test instead of hanging it.
type client struct {
	conn net.Conn
	r    *bufio.Reader
}

func dial(addr string) (*client, error) {
	conn, err := net.DialTimeout("tcp", addr, await.Limit)
	if err != nil {
		return nil, err
	}
	return &client{conn: conn, r: bufio.NewReader(conn)}, nil
}

// send writes wire. That the server has closed the connection is not an error
// here: the next read tells, after the replies sent before the close.
func (c *client) send(wire []byte) error {
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
func (c *client) read() (node, error) {
	if err := c.conn.SetReadDeadline(await.Deadline()); err != nil {
		return node{}, err
	}
	n, err := readNode(c.r)
	if errors.Is(err, syscall.ECONNRESET) {
		return node{}, io.EOF
	}
	return n, err
}

// do sends one command and reads its reply.
func (c *client) do(args ...string) (node, error) {
	if err := c.send(appendCommand(nil, args)); err != nil {
		return node{}, err
	}
	return c.read()
}

// mustReply is do for the harness's own commands, whose reply is known.
func (c *client) mustReply(want string, args ...string) error {
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
func (c *client) quit() error {
	if err := c.mustReply("+OK", "QUIT"); err != nil {
		return err
	}
	if n, err := c.read(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("after QUIT: %q, %v, want the end of the connection", n.wire(), err)
	}
	return nil
}

func (c *client) close() { _ = c.conn.Close() }

// appendCommand appends args as a RESP array of bulk strings.
func appendCommand(dst []byte, args []string) []byte {
	dst = append(dst, '*')
	dst = strconv.AppendInt(dst, int64(len(args)), 10)
	dst = append(dst, "\r\n"...)
	for _, a := range args {
		dst = append(dst, '$')
		dst = strconv.AppendInt(dst, int64(len(a)), 10)
		dst = append(dst, "\r\n"...)
		dst = append(dst, a...)
		dst = append(dst, "\r\n"...)
	}
	return dst
}
