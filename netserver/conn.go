package netserver

import (
	"math"

	"github.com/redistill/redistill/internal/command"
	"github.com/redistill/redistill/internal/config"
	"github.com/redistill/redistill/internal/resp"
)

const (
	// flushAt is how many bytes of replies end a batch.
	flushAt = 64 << 10
	// maxReplies is how many bytes of replies one batch may leave behind where client-output-buffer-limit sets no limit. It is above
	// what a single command replies with, and keeps a transaction full of large replies from growing without bound.
	maxReplies = 2 << 30
	// argsKept is the number of arguments for which the slice of arguments is kept between batches.
	argsKept = 1 << 10
)

// Why a client is closed.
const (
	queryTooLong   = "it sent more than client-query-buffer-limit allows"
	repliesTooLong = "its replies are above client-output-buffer-limit"
	repliesUnread  = "it did not read its replies within connection_timeout"
)

// verdict is what a connection has to do after conn.execute. In each case it writes the replies first.
type verdict uint8

const (
	more    verdict = iota // read on: there is no complete command left
	again                  // call execute again at once: the batch ended because of the size of its replies
	waiting                // call execute again when the session was woken: a command has to wait (conn.held)
	closing                // close the connection
	drop                   // close the connection without writing anything
)

// conn is the part of a connection that all I/O paths share. It does no I/O. Only the goroutine or loop that owns the connection
// touches it.
type conn struct {
	session *command.Session
	parser  resp.Parser
	args    [][]byte // of the command being run; reused
	held    [][]byte // a copy of the command that has to wait, or nil
	reason  string   // why drop was returned, for the log and the counters
}

// execute runs the complete commands at the start of input and returns how many bytes of it they took. Replies gather in
// c.session.Out. inputCap is the size of the connection's own buffer, for CLIENT LIST. now is in Unix milliseconds.
//
// The bytes that are not taken must be passed again, at the same offset from the command's first byte but wherever they are then.
// While c.held is set, execute tries that command again before it looks at input.
func (c *conn) execute(input []byte, inputCap int, now int64, v *config.Values) (n int, next verdict) {
	s := c.session
	c.parser.MaxBulk = int(min(v.ProtoMaxBulkLen, math.MaxInt))
	c.parser.Authenticated = s.Authenticated()
	s.BeginBatch(now)
	if next = c.retry(); next == more {
		n, next = c.run(input, replyLimit(v.ClientOutputBufferLimit.Normal))
	}
	s.QueryLen, s.QueryCap = len(input)-n, max(inputCap, len(input)-n)
	s.EndBatch()
	if cap(c.args) > argsKept {
		c.args = nil
	}
	switch {
	case s.Killed():
		return n, drop
	case int64(s.QueryLen) > v.ClientQueryBufferLimit:
		c.reason = queryTooLong
		return n, drop
	}
	return n, next
}

// retry runs the command that had to wait, if there is one. It returns more if commands behind it may run.
func (c *conn) retry() verdict {
	if c.held == nil {
		return more
	}
	if c.session.Exec(c.held) == command.Wait {
		return waiting
	}
	c.held = nil
	return more
}

// replyLimit returns how many bytes of replies may wait to be written.
func replyLimit(l config.OutputBufLimit) int64 {
	if l.Hard == 0 {
		return maxReplies
	}
	return min(l.Hard, maxReplies)
}

// run is the loop over commands. limit is the most bytes of replies.
func (c *conn) run(input []byte, limit int64) (n int, next verdict) {
	s := c.session
	for !s.Closing {
		if int64(len(s.Out.B)) > limit {
			c.reason = repliesTooLong
			return n, drop
		}
		if len(s.Out.B) > flushAt && n < len(input) {
			return n, again
		}
		used, args, err := c.parser.Next(input[n:], c.args)
		if err != nil {
			s.Out.Error("ERR " + err.Error())
			return n, closing
		}
		if used == 0 {
			return n, more
		}
		n += used
		c.args = args
		if len(args) == 0 {
			continue
		}
		if s.Exec(args) == command.Wait {
			c.hold(args)
			return n, waiting
		}
		c.parser.Authenticated = s.Authenticated()
	}
	return n, closing
}

// hold keeps a command that has to wait. It is a copy, because the input may move meanwhile, and an inline command cannot be parsed a
// second time.
func (c *conn) hold(args [][]byte) {
	size := 0
	for _, a := range args {
		size += len(a)
	}
	bytes := make([]byte, 0, size)
	c.held = make([][]byte, len(args))
	for i, a := range args {
		start := len(bytes)
		bytes = append(bytes, a...)
		c.held[i] = bytes[start:len(bytes):len(bytes)]
	}
}
