package command

import (
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
	c.Out.BulkHeader(v.Len())
	c.Out.B = v.AppendTo(c.Out.B)
	c.Out.CRLF()
	return nil
}
