// Package population writes what a plan describes into a server, to measure what
// it takes there, and reads from a live server what its keys are like, to plan
// with them.
package population

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"
)

// ErrInterrupted is the reason of what a context ended.
var ErrInterrupted = errors.New("interrupted")

// ErrClosed is the reason of what the server ended.
var ErrClosed = errors.New("the server closed the connection")

// ServerError is an error that the server replied, without control characters.
type ServerError string

func (e ServerError) Error() string { return "the server replied: " + string(e) }

var errNotRedis = errors.New("the server does not speak Redis's protocol")

// Limits of a reply, so that a peer that is no server cannot take all memory.
const (
	maxReply = 64 << 20
	maxDepth = 8
)

// conn sends commands over a connection that has logged in. It serves one
// goroutine at a time.
type conn struct {
	net     net.Conn
	in      *bufio.Reader
	out     []byte // commands to be sent
	waiting int    // replies to them
	timeout time.Duration
	stop    func() bool
	ctx     context.Context
}

// newConn uses nc, which stays the caller's, until ctx ends. timeout is how long
// to wait for each batch of commands.
func newConn(ctx context.Context, nc net.Conn, timeout time.Duration) *conn {
	c := &conn{net: nc, in: bufio.NewReader(nc), timeout: timeout, ctx: ctx}
	c.stop = context.AfterFunc(ctx, func() { _ = nc.SetDeadline(time.Unix(1, 0)) })
	return c
}

// add appends a command to the batch.
func (c *conn) add(words ...string) {
	c.begin(len(words))
	for _, w := range words {
		c.out = append(strconv.AppendInt(append(c.out, '$'), int64(len(w)), 10), "\r\n"...)
		c.out = append(append(c.out, w...), "\r\n"...)
	}
}

// begin appends the header of a command of n words.
func (c *conn) begin(n int) {
	c.out = append(strconv.AppendInt(append(c.out, '*'), int64(n), 10), "\r\n"...)
	c.waiting++
}

// send sends the batch and passes each reply in turn to each.
func (c *conn) send(each func(r *reply) error) error {
	err := c.net.SetDeadline(time.Now().Add(c.timeout))
	if c.ctx.Err() != nil {
		return ErrInterrupted
	}
	if err == nil {
		_, err = c.net.Write(c.out)
	}
	n := c.waiting
	c.out, c.waiting = c.out[:0], 0
	for i := 0; i < n && err == nil; i++ {
		left := maxReply
		var r reply
		if err = c.read(&r, &left, 0); err == nil {
			err = each(&r)
		}
	}
	return c.reason(err)
}

// do sends one command and returns its reply, which is not an error.
func (c *conn) do(words ...string) (reply, error) {
	var got reply
	c.add(words...)
	err := c.send(func(r *reply) error { got = *r; return r.err() })
	return got, err
}

// reason makes errors of the network plain.
func (c *conn) reason(err error) error {
	var op *net.OpError
	switch {
	case err == nil:
		return nil
	case c.ctx.Err() != nil:
		return ErrInterrupted
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return ErrClosed
	case errors.As(err, &op) && op.Timeout():
		return fmt.Errorf("the server did not answer within %v", c.timeout)
	case errors.As(err, &op):
		return op.Err
	}
	return err
}

// reply is one reply: text of a string, number or error, or elements.
type reply struct {
	kind     byte
	text     string
	null     bool
	elements []reply
}

func (r *reply) err() error {
	if r.kind == '-' {
		return ServerError(printable(r.text))
	}
	return nil
}

// number returns the reply as a number; of another it is an error.
func (r *reply) number() (int64, error) {
	if err := r.err(); err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(r.text, 10, 64)
	if err != nil {
		return 0, errNotRedis
	}
	return n, nil
}

// read reads a reply inside of depth arrays, and takes what it needs from left.
func (c *conn) read(r *reply, left *int, depth int) error {
	line, err := c.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return errNotRedis
	}
	if err != nil {
		return err
	}
	if *left -= len(line); *left < 0 || len(line) < 3 || line[len(line)-2] != '\r' {
		return errNotRedis
	}
	*r = reply{kind: line[0], text: string(line[1 : len(line)-2])}
	switch r.kind {
	case '+', ':', '-':
		return nil
	case '$', '*':
	default:
		return errNotRedis
	}
	n, err := strconv.Atoi(r.text)
	if n == -1 && err == nil {
		r.null = true
		return nil
	}
	if err != nil || n < 0 || n > *left || depth == maxDepth {
		return errNotRedis
	}
	if r.kind == '*' {
		for range n { // each takes bytes from left, which bounds a false length
			r.elements = append(r.elements, reply{})
			if err := c.read(&r.elements[len(r.elements)-1], left, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	*left -= n
	data := make([]byte, n+2)
	if _, err := io.ReadFull(c.in, data); err != nil {
		return err
	}
	r.text = string(data[:n])
	return nil
}

// printable replaces what could control a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, text)
}

// info returns the numbers in a section of INFO.
func (c *conn) info(section string) (map[string]int64, error) {
	r, err := c.do("INFO", section)
	if err != nil {
		return nil, err
	}
	fields := map[string]int64{}
	for line := range strings.Lines(r.text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if n, err := strconv.ParseInt(value, 10, 64); err == nil {
			fields[name] = n
		}
	}
	return fields, nil
}
