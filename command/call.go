package command

import (
	"math"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/resp"
)

// Call is one command being run for one client. It is valid while its handler runs.
type Call struct {
	Args [][]byte     // the command's words; they alias the connection's read buffer
	Keys []engine.Key // the keys among Args, hashed and locked
	Cmd  *Command     // the row being run
	Tx   *engine.Tx   // holds the locks that the row asks for
	Out  *resp.Out    // the client's replies
	Now  int64        // Unix milliseconds, read once per batch
	S    *Session     // the client
	Srv  *Server      // what all clients share
}

// is reports whether word, of any case, is the option named lower. lower is in lower case.
func is(word []byte, lower string) bool {
	if len(word) != len(lower) {
		return false
	}
	for i := 0; i < len(word); i++ {
		c := word[i]
		if c-'A' < 26 {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// int parses an argument as an integer.
func (c *Call) int(i int) (int64, error) {
	n, ok := resp.ParseInt(c.Args[i])
	if !ok {
		return 0, errNotInteger
	}
	return n, nil
}

// intBetween parses an argument as an integer from lo to hi.
func (c *Call) intBetween(i int, lo, hi int64) (int64, error) {
	n, err := c.int(i)
	if err == nil && (n < lo || n > hi) {
		text := append([]byte("ERR value is out of range, value must between "), resp.AppendInt(nil, lo)...)
		return 0, Error(resp.AppendInt(append(text, " and "...), hi))
	}
	return n, err
}

// database parses an argument as the number of a database.
func (c *Call) database(i int) (int, error) {
	n, err := c.intBetween(i, math.MinInt32, math.MaxInt32)
	if err == nil && (n < 0 || n >= engine.Databases) {
		err = errDBRange
	}
	return int(n), err
}

// has reports whether a key exists. It is the look that a write takes, not a read that counts as a hit or miss.
func (c *Call) has(k engine.Key) bool {
	ok := false
	c.Tx.Quietly(func() { ok = c.Tx.Exists(k) })
	return ok
}

// maxReply is how many bytes a command that can repeat the same value without end replies with at most.
const maxReply = 1 << 30

// isTooLong reports whether a reply that began at index start is longer than a reply may be, or the
// client is not to have it.
func (c *Call) isTooLong(start int) bool { return c.Out.Cut || c.Out.Len()-start > c.Srv.maxReply }

// repeat replies with n elements, each of which one appends. head begins the reply. A long reply is
// made in turns, each as long as a batch of replies, between which others may change the key: where
// it is gone, one has to append null. In EXEC there are no turns.
func (c *Call) repeat(n int64, head, one func()) error {
	s := c.S
	if s.unsent == 0 {
		head()
		s.unsent = n
	}
	start := c.Out.Len()
	for ; s.unsent > 0; s.unsent-- {
		switch {
		case c.Out.Len() < replyStep:
		case s.multi.running && !c.isTooLong(start):
		case s.multi.running:
			s.unsent = 0
			return errReplyTooLong
		case !c.Out.Cut:
			return errYield
		}
		one()
		if c.Out.Cut {
			s.unsent = 1 // the client is closed
		}
	}
	return nil
}

// putFirst moves what was appended to the replies last, from index head on, before what was appended from index start on. It serves
// replies that are longer than is known when they begin; the part from head on must be short.
func (c *Call) putFirst(start, head int) {
	if c.Out.Cut {
		return
	}
	var part [96]byte
	n := copy(part[:], c.Out.B[head:])
	copy(c.Out.B[start+n:], c.Out.B[start:head])
	copy(c.Out.B[start:], part[:n])
}

// ok replies +OK unless err is set, which it returns.
func (c *Call) ok(err error) error {
	if err == nil {
		c.Out.OK()
	}
	return err
}

// integer replies with n unless err is set, which it returns.
func (c *Call) integer(n int64, err error) error {
	if err == nil {
		c.Out.Int(n)
	}
	return err
}

// boolean replies :1 or :0 unless err is set, which it returns.
func (c *Call) boolean(b bool, err error) error {
	n := int64(0)
	if b {
		n = 1
	}
	return c.integer(n, err)
}

// value replies with a string, or null if ok is false, unless err is set, which it returns.
func (c *Call) value(v engine.Value, ok bool, err error) error {
	if err != nil {
		return err
	}
	if !ok {
		c.Out.Null()
		return nil
	}
	c.bulk(v)
	return nil
}

// bulk appends a value as a bulk string.
func (c *Call) bulk(v engine.Value) {
	n, copied := v.Sizes()
	if !c.Out.BeginBulk(n, copied) {
		return
	}
	if copied == n {
		c.Out.B = v.AppendTo(c.Out.B)
	} else {
		var pieces [][]byte
		c.Out.B, pieces = v.Pin(&c.S.pins, c.Out.B, nil)
		c.Out.Share(pieces)
	}
	c.Out.EndBulk()
}
