package client

import (
	"cmp"
	"context"
	"net"
	"time"

	"github.com/tidwall/redcon"
)

// Options are how a Conn waits and what it takes.
type Options struct {
	Timeout time.Duration // for each step of connecting, and the replies to a batch
	Limit   int           // bytes of a reply; 0 is defaultLimit
}

// defaultLimit has room for a value of 64 MB.
const defaultLimit = 65 << 20

// Conn is a connection to a server, in RESP2. It is not safe for use by several
// goroutines.
type Conn struct {
	nc      net.Conn
	in      *Reader
	out     []byte // commands to be sent
	waiting int    // replies to them
	sent    int64  // bytes
	timeout time.Duration
	ctx     context.Context
}

// New returns a Conn of a connection that needs no login, and takes it over.
func New(nc net.Conn, o Options) *Conn {
	return &Conn{
		nc: nc, in: NewReader(nc, cmp.Or(o.Limit, defaultLimit)),
		timeout: o.Timeout, ctx: context.Background(),
	}
}

// Close ends the connection.
func (c *Conn) Close() { _ = c.nc.Close() }

// Until has commands fail with ErrInterrupted when ctx ends, also those that wait
// for replies by then. The returned function ends that.
func (c *Conn) Until(ctx context.Context) (stop func()) {
	c.ctx = ctx
	end := context.AfterFunc(ctx, func() { _ = c.nc.SetDeadline(time.Unix(1, 0)) })
	return func() {
		end()
		c.ctx = context.Background()
	}
}

// Begin appends the head of a command of n words, which have to follow, to those
// that Send will send.
func (c *Conn) Begin(n int) {
	c.out = redcon.AppendArray(c.out, n)
	c.waiting++
}

// Word appends a word of a command.
func (c *Conn) Word(w string) { c.out = redcon.AppendBulkString(c.out, w) }

// Bytes appends a word of a command.
func (c *Conn) Bytes(w []byte) { c.out = redcon.AppendBulk(c.out, w) }

// Add appends a command to those that Send will send.
func (c *Conn) Add(words ...string) {
	c.Begin(len(words))
	for _, w := range words {
		c.Word(w)
	}
}

// Queued returns how many commands Send would send, and their bytes.
func (c *Conn) Queued() (commands, bytes int) { return c.waiting, len(c.out) }

// Send sends the commands and passes each reply in turn to each. A reply is valid
// until each returns; that it is an error of the server is for each to see.
func (c *Conn) Send(each func(r redcon.RESP) error) error {
	err := c.nc.SetDeadline(time.Now().Add(c.timeout))
	if c.ctx.Err() != nil { // its end may have set a deadline before
		return ErrInterrupted
	}
	if err == nil {
		err = c.Write(c.out)
	}
	n := c.waiting
	c.out, c.waiting = c.out[:0], 0
	if err != nil {
		return err
	}
	for range n {
		r, err := c.in.Read()
		if err != nil {
			return c.reason(err)
		}
		if err := each(r); err != nil {
			return err
		}
	}
	return nil
}

// Do sends a command and returns its reply, which is valid until the next call. An
// error that the server replies is a ServerError.
func (c *Conn) Do(words ...string) (redcon.RESP, error) {
	var last redcon.RESP
	c.Add(words...)
	err := c.Send(func(r redcon.RESP) error {
		last = r
		return ErrorOf(r)
	})
	return last, err
}

// SetDeadline is that of net.Conn, for those who use Write, Next and Fill.
func (c *Conn) SetDeadline(t time.Time) error { return c.nc.SetDeadline(t) }

// Write sends commands that are made already.
func (c *Conn) Write(commands []byte) error {
	n, err := c.nc.Write(commands)
	c.sent += int64(n)
	if err != nil {
		return c.reason(err)
	}
	return nil
}

// Next returns the bytes of the next reply if it was read whole, else nil. They are
// valid until the next call of Fill.
func (c *Conn) Next() (raw []byte, err error) { return c.in.next() }

// Fill waits for more of a reply.
func (c *Conn) Fill() error {
	if err := c.in.fill(); err != nil {
		return c.reason(err)
	}
	return nil
}

// Traffic returns how many bytes were sent and received.
func (c *Conn) Traffic() (sent, received int64) { return c.sent, c.in.received }

// reason makes an error of the connection plain.
func (c *Conn) reason(err error) error {
	if c.ctx.Err() != nil {
		return ErrInterrupted
	}
	return plain(err, c.timeout)
}
