package bench

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/redistill/redistill/internal/resp"
)

// ServerError is an error that the server replied.
type ServerError struct{ Text string }

func (e *ServerError) Error() string { return "the server replied: " + e.Text }

// client is a connection. It is not safe for use by several goroutines.
type client struct {
	conn       net.Conn
	buf        []byte // what was read; [start:end] is not looked at yet
	start, end int
	sent, got  int64 // bytes
}

const readBuffer = 16 << 10

// dial connects to t, gives the password and selects the database.
func dial(ctx context.Context, t Target, timeout time.Duration) (*client, error) {
	d := net.Dialer{Timeout: timeout}
	conn, err := d.DialContext(ctx, t.Network, t.Address)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", t, plain(err))
	}
	if t.TLS != nil {
		secured, err := secure(ctx, conn, t.TLS, timeout)
		if err != nil {
			conn.Close()
			return nil, fmt.Errorf("connecting to %s: %w", t, err)
		}
		conn = secured
	}
	c := &client{conn: conn, buf: make([]byte, readBuffer)}
	if err := c.greet(t, timeout); err != nil {
		conn.Close()
		return nil, fmt.Errorf("connecting to %s: %w", t, err)
	}
	return c, nil
}

// secure begins TLS on conn, which stays the caller's if that fails.
func secure(ctx context.Context, conn net.Conn, cfg *tls.Config, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	c := tls.Client(conn, cfg.Clone())
	err := c.HandshakeContext(ctx)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return nil, errors.New("TLS: no answer in time")
	case errors.Is(err, io.EOF):
		return nil, errors.New("TLS: the server closed the connection")
	case err != nil:
		return nil, fmt.Errorf("TLS: %w", plain(err))
	}
	return c, nil
}

// errNoAnswer is the reason of what a timeout ended.
var errNoAnswer = errors.New("no answer in time")

// plain takes the address out of an error of the network, where the message
// names it already.
func plain(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		if op.Timeout() {
			return errNoAnswer
		}
		return op.Err
	}
	return err
}

func (c *client) greet(t Target, timeout time.Duration) error {
	if t.Password != "" {
		args := []string{"AUTH", t.Password}
		if t.User != "" {
			args = []string{"AUTH", t.User, t.Password}
		}
		if _, err := c.do(timeout, args...); err != nil {
			return err
		}
	}
	if t.DB != 0 {
		if _, err := c.do(timeout, "SELECT", strconv.Itoa(t.DB)); err != nil {
			return err
		}
	}
	_, err := c.do(timeout, "PING")
	return err
}

// do sends a command and returns its reply, with its type and CRLFs, valid until
// the next call. An error reply is a *ServerError.
func (c *client) do(timeout time.Duration, args ...string) ([]byte, error) {
	cmd := append(strconv.AppendInt([]byte{'*'}, int64(len(args)), 10), "\r\n"...)
	for _, arg := range args {
		cmd = appendBulk(cmd, arg)
	}
	if err := c.conn.SetDeadline(time.Now().Add(timeout)); err != nil {
		return nil, err
	}
	if _, err := c.conn.Write(cmd); err != nil {
		return nil, plain(err)
	}
	for {
		reply, err := c.next()
		if err != nil {
			return nil, err
		}
		if reply == nil {
			if err := c.fill(); err != nil {
				return nil, err
			}
			continue
		}
		if reply[0] == '-' {
			return nil, serverError(reply)
		}
		return reply, nil
	}
}

func serverError(reply []byte) error { return &ServerError{string(reply[1 : len(reply)-2])} }

// next returns the next reply that was read whole, or nil. It is valid until
// the next call of fill.
func (c *client) next() ([]byte, error) {
	n, err := resp.ReplyLen(c.buf[c.start:c.end])
	if err != nil {
		return nil, fmt.Errorf("the target does not speak Redis's protocol: %w", err)
	}
	if n == 0 {
		return nil, nil
	}
	reply := c.buf[c.start : c.start+n]
	c.start += n
	return reply, nil
}

// fill reads more, and makes room for it.
func (c *client) fill() error {
	if c.start == c.end {
		c.start, c.end = 0, 0
	}
	if c.end == len(c.buf) {
		if c.start > 0 {
			c.end = copy(c.buf, c.buf[c.start:c.end])
			c.start = 0
		} else {
			c.buf = append(c.buf, make([]byte, len(c.buf))...)
		}
	}
	n, err := c.conn.Read(c.buf[c.end:])
	c.end += n
	c.got += int64(n)
	if n > 0 {
		return nil
	}
	if errors.Is(err, io.EOF) {
		return errors.New("the server closed the connection")
	}
	return plain(err)
}

// bigWrite is what a write may hold so that it surely ends although nobody reads
// the replies. A server may stop reading when its replies are not taken.
const bigWrite = 32 << 10

// write sends b. The returned function has to be called after the replies are
// read, and says whether all was sent.
func (c *client) write(b []byte) (wait func() error, err error) {
	c.sent += int64(len(b))
	if len(b) <= bigWrite {
		_, err := c.conn.Write(b)
		return nil, err
	}
	done := make(chan error, 1)
	go func() {
		_, err := c.conn.Write(b)
		done <- err
	}()
	return func() error { return <-done }, nil
}
