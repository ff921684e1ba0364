package netserver

import (
	"math"
	"sync"

	"github.com/redistill/redistill/command"
	"github.com/redistill/redistill/internal/config"
	"github.com/redistill/redistill/internal/invariants"
	"github.com/redistill/redistill/internal/resp"
)

const (
	// flushAt is how many bytes of replies end a batch.
	flushAt = 64 << 10
	// maxReplies is how many bytes of replies one batch may leave behind where client-output-buffer-limit sets no limit. It is above
	// what a single command replies with, and keeps a transaction full of large replies from growing without bound.
	maxReplies = 2 << 30
)

// Why a client is closed.
const (
	queryTooLong   = "it sent more than client-query-buffer-limit allows"
	repliesTooLong = "its replies are above client-output-buffer-limit"
	repliesUnread  = "it did not read its replies within connection_timeout"
	noMemory       = "the system has no memory for what it sends"
)

// verdict is what a connection has to do after conn.execute. In each case it writes the replies first.
type verdict uint8

const (
	more    verdict = iota // read on: there is no complete command left
	again                  // call execute again soon: the batch ended because of the size of its replies, or to let others run
	waiting                // call execute again when the session was woken: a command has to wait (conn.held)
	closing                // close the connection
	drop                   // close the connection without writing anything
)

// conn is the part of a connection that all I/O paths share. It does no I/O. Only the goroutine or loop that owns the connection
// touches it.
type conn struct {
	session     *command.Session
	parser      resp.Parser
	held        [][]byte // a copy of the command that has to wait, or is not done, or nil
	heldIn      []byte   // what its words lie in; of command.Buffers if it is longer than idleSize
	heldTouched int      // bytes of it that were written to at most
	reason      string   // why drop was returned, for the log and the counters
}

// batch is what conn.run needs to look at several commands before it executes the first. It is scratch, which one goroutine at a time
// uses, for one connection after the other.
type batch struct {
	requests []command.Request
	ends     []int    // where each ends in the input
	args     [][]byte // backs the words of the requests
}

const (
	batchMost = command.PrepareMost
	batchArgs = 1024 // words for which there is room in batch.args
	batchRoom = 128  // where less is left, no further command is looked at
)

func newBatch() *batch {
	return &batch{requests: make([]command.Request, 0, batchMost), ends: make([]int, 0, batchMost), args: make([][]byte, 0, batchArgs)}
}

// batchPool holds batches for connections that have a goroutine each.
type batchPool struct{ pool sync.Pool }

func (p *batchPool) get() *batch {
	if b, ok := p.pool.Get().(*batch); ok {
		return b
	}
	return newBatch()
}

func (p *batchPool) put(b *batch) { p.pool.Put(b) }

// clear forgets the requests, whose words would keep the input alive.
func (b *batch) clear() {
	clear(b.args)
	clear(b.requests)
	b.requests, b.ends, b.args = b.requests[:0], b.ends[:0], b.args[:0]
}

// add adds a request that ends at the given offset. Its words are those that the parser put behind b.args, or elsewhere if there was no
// room.
func (b *batch) add(args [][]byte, end int) {
	if len(args) <= cap(b.args)-len(b.args) {
		b.args = b.args[:len(b.args)+len(args)]
	}
	b.requests, b.ends = append(b.requests, command.Request{Args: args}), append(b.ends, end)
}

// full reports whether no further request is to be added.
func (b *batch) full() bool {
	return len(b.requests) == batchMost || cap(b.args)-len(b.args) < batchRoom
}

// execute runs the complete commands at the start of input and returns how many bytes of it they took. Replies gather in
// c.session.Out. inputCap is the size of the connection's own buffer, for CLIENT LIST. now is in Unix milliseconds. b is scratch.
//
// The bytes that are not taken must be passed again, at the same offset from the command's first byte but wherever they are then.
// While c.held is set, execute tries that command again before it looks at input.
func (c *conn) execute(b *batch, input []byte, inputCap int, now int64, v *config.Values) (n int, next verdict) {
	s := c.session
	s.OutLimit = replyLimit(v.ClientOutputBufferLimit.Normal)
	c.parser.MaxBulk = int(min(v.ProtoMaxBulkLen, math.MaxInt))
	c.parser.Authenticated = s.Authenticated()
	if int64(c.parser.Arrived(len(input))) > v.ClientQueryBufferLimit {
		c.reason = queryTooLong // also if all of it is there now
		return 0, drop
	}
	s.QueryLen, s.QueryCap = len(input), max(inputCap, len(input))
	s.BeginBatch(now)
	if next = c.retry(); next == more {
		n, next = c.run(b, input)
	}
	s.QueryLen, s.QueryCap = len(input)-n, max(inputCap, len(input)-n)
	s.EndBatch()
	switch {
	case s.Killed():
		return n, drop
	case int64(s.QueryLen-c.parser.Parsed()) > v.ClientQueryBufferLimit: // as in Redis, without words that are there
		c.reason = queryTooLong
		return n, drop
	}
	return n, next
}

// retry runs the command that had to wait, or for its next turn, if there is one. It returns more
// if commands behind it may run.
func (c *conn) retry() verdict {
	if c.held == nil {
		return more
	}
	switch c.session.Exec(&command.Request{Args: c.held}) {
	case command.Wait:
		return waiting
	case command.Yield:
		return again
	}
	c.unhold()
	return more
}

// result runs a command, keeping it if it is not done. It returns more if commands behind it may
// run.
func (c *conn) result(r *command.Request) verdict {
	switch c.session.Exec(r) {
	case command.Wait:
		return c.hold(r.Args, waiting)
	case command.Yield:
		return c.hold(r.Args, again)
	}
	return more
}

// replyLimit returns how many bytes of replies may wait to be written.
func replyLimit(l config.OutputBufLimit) int64 {
	if l.Hard == 0 {
		return maxReplies
	}
	return min(l.Hard, maxReplies)
}

// run is the loop over commands.
func (c *conn) run(b *batch, input []byte) (n int, next verdict) {
	defer b.clear()
	for {
		begin, err := c.ahead(b, input, n)
		n = begin
		if len(b.requests) > 1 {
			c.session.Prepare(b.requests)
		}
		for i := range b.requests {
			if next = c.pending(); next != more {
				c.parser.Forget()
				return n, next
			}
			r := &b.requests[i]
			n = b.ends[i]
			if next = c.result(r); next != more {
				c.parser.Forget()
				return n, next
			}
			if c.session.Authenticated() != c.parser.Authenticated {
				c.parser.Forget() // other limits hold from here on
				break
			}
		}
		switch next = c.pending(); {
		case next == closing || next == drop:
			return n, next
		case err != nil:
			c.session.Out.Error("ERR " + err.Error())
			return n, closing
		case len(b.requests) == 0:
			return n, more
		case next == again && n < len(input):
			c.parser.Forget()
			return n, again
		}
		b.clear()
	}
}

// pending returns more if the next command may be executed, or what has to come before that.
func (c *conn) pending() verdict {
	s := c.session
	switch {
	case s.Closing:
		return closing
	case s.Killed():
		return drop
	case s.Out.Cut, int64(s.Out.Len()) > s.OutLimit:
		c.reason = repliesTooLong
		return drop
	case s.Out.Len() > flushAt, s.Out.Len() > readSize && s.Pressed():
		return again
	}
	return more
}

// ahead adds to b the complete commands of the input from offset n on, as many as may be looked at before the first is executed, and
// returns where the first begins. The parser is behind them then. An error is that of the input behind the commands.
func (c *conn) ahead(b *batch, input []byte, n int) (begin int, err error) {
	c.parser.Authenticated = c.session.Authenticated()
	begin = n
	for !b.full() {
		// An inline command cannot be parsed twice, and before the password is given a command decides about the limits of the next.
		if k := len(b.requests); k > 0 && (!c.parser.Authenticated || n < len(input) && input[n] != '*') {
			break
		}
		used, args, err := c.parser.Next(input[n:], b.args[len(b.args):])
		if err != nil || used == 0 {
			return begin, err
		}
		n += used
		switch k := len(b.requests); {
		case len(args) > 0:
			b.add(args, n)
		case k > 0: // an empty command goes with the one before it
			b.ends[k-1] = n
		default:
			begin = n
		}
	}
	return begin, nil
}

// hold keeps a command that has to wait, and returns next, or drop where there is no memory. It is
// a copy, because the input may move meanwhile, and an inline command cannot be parsed a second
// time.
func (c *conn) hold(args [][]byte, next verdict) verdict {
	size, touched := 0, 0
	for _, a := range args {
		size += len(a)
	}
	if size <= idleSize {
		c.heldIn = make([]byte, size)
	} else if c.heldIn, touched = c.session.Buffers().Get(size); c.heldIn == nil {
		c.reason = noMemory
		return drop
	}
	c.heldTouched = max(size, touched)
	c.held = make([][]byte, len(args))
	end := 0
	for i, a := range args {
		start := end
		end += copy(c.heldIn[end:], a)
		c.held[i] = c.heldIn[start:end:end]
	}
	return next
}

// heldMemory returns how many bytes of memory the command takes that has to wait.
func (c *conn) heldMemory() int64 {
	if len(c.heldIn) <= idleSize {
		return listBytes(len(c.held))
	}
	return c.session.Buffers().Held(len(c.heldIn), c.heldTouched) + listBytes(len(c.held))
}

// unhold gives up the command that had to wait, if there is one.
func (c *conn) unhold() {
	if len(c.heldIn) > idleSize {
		c.session.Buffers().Put(c.heldIn, c.heldTouched)
	} else {
		invariants.Mangle(c.heldIn)
	}
	c.held, c.heldIn, c.heldTouched = nil, nil, 0
}

// listBytes returns about what the lists of words and keys take that are made of a command with so
// many words, if these are many.
func listBytes(words int) int64 {
	const wordBytes = 64
	return int64(max(words-batchArgs, 0)) * wordBytes
}
