package netserver

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/redistill/redistill/internal/command"
	"github.com/redistill/redistill/internal/config"
)

const (
	// writeChunk is how much is written at once, so that progress with a large reply can be seen.
	writeChunk = 256 << 10
	// At shutdown, commands may be under way to the server. A connection goes on until it was quiet for drainQuiet, which an idle one
	// is from the start, but no longer than drainMost, for some clients always have another command.
	drainQuiet = 50 * time.Millisecond
	drainMost  = time.Second
	// idleTicks is the number of ticks without a command after which a connection gives its buffers back.
	idleTicks = 2
)

// past is a deadline that interrupts at once.
var past = time.Unix(1, 0)

// netConn is a connection on the portable path. Its fields belong to its goroutine, unless said otherwise.
type netConn struct {
	conn
	srv     *Server
	nc      net.Conn
	in      queryBuffer
	unread  int       // bytes read and not yet counted
	outPeak int       // the most bytes of replies written at once since the last trim
	limited bool      // a write deadline is set
	drained time.Time // when to stop taking commands; zero unless the server stops

	shared atomic.Pointer[command.Session] // session, for wake
	woken  atomic.Bool                     // the goroutine has something to look at
	tick   atomic.Uint32                   // Server.tick when the client was last active; read by sweep
	large  atomic.Bool                     // there is memory to give back when idle; read by sweep
}

// wake interrupts the goroutine's read, now or the next one. If the session was killed, it ends writes too, for ever. Any goroutine may
// call it, with locks held.
func (c *netConn) wake() {
	if s := c.shared.Load(); s != nil && s.Killed() {
		_ = c.nc.SetDeadline(past) // fails only if the connection is closed
		return
	}
	if !c.woken.Swap(true) {
		_ = c.nc.SetReadDeadline(past)
	}
}

// serve is the goroutine of the connection.
func (c *netConn) serve() {
	defer c.finish()
	for {
		n, err := c.nc.Read(c.in.space(c.parser.Need()))
		c.in.add(n)
		c.unread += n
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			if !c.interrupted() {
				return
			}
		case err != nil:
			return
		case c.held == nil:
			if !c.process() || !c.drain() {
				return
			}
		case !c.room():
			return
		}
	}
}

// room reports whether the query buffer is below its limit while a command waits.
func (c *netConn) room() bool {
	if int64(len(c.in.bytes())) <= c.srv.config().ClientQueryBufferLimit {
		return true
	}
	c.reason = queryTooLong
	c.logReason()
	return false
}

// process executes what was read, and reports whether the connection stays.
func (c *netConn) process() bool {
	for {
		v := c.srv.config()
		c.touch()
		n, next := c.execute(c.in.bytes(), c.in.size(), time.Now().UnixMilli(), v)
		c.in.consume(n)
		if next == drop {
			c.logReason()
			return false
		}
		if !c.flush(v) || next == closing {
			return false
		}
		if next != again {
			return true
		}
	}
}

// flush writes the replies, and reports whether that worked.
func (c *netConn) flush(v *config.Values) bool {
	out := &c.session.Out
	c.outPeak = max(c.outPeak, len(out.B))
	sent := 0
	var err error
	for sent < len(out.B) && err == nil {
		c.limitWrite(v, len(out.B)-sent)
		if sent > 0 {
			c.touch()
		}
		var n int
		n, err = c.nc.Write(out.B[sent:min(sent+writeChunk, len(out.B))])
		sent += n
	}
	c.session.CountIO(c.unread, sent)
	c.unread = 0
	if cap(out.B) > jumpSize {
		out.B = nil
	}
	out.B = out.B[:0]
	if large := c.in.size() > idleSize || cap(out.B) > idleSize; c.large.Load() != large {
		c.large.Store(large)
	}
	return err == nil
}

// limitWrite sets the time that a client has to read, if it is limited. left is how many bytes wait for it. A killed session's
// deadline, which is in the past, is set again behind it.
func (c *netConn) limitWrite(v *config.Values, left int) {
	limit := v.ConnectionTimeout
	if soft := v.ClientOutputBufferLimit.Normal; soft.Soft > 0 && int64(left) > soft.Soft {
		if d := time.Duration(soft.SoftSeconds) * time.Second; limit == 0 || d < limit {
			limit = d
		}
	}
	switch {
	case limit > 0:
		_ = c.nc.SetWriteDeadline(time.Now().Add(limit))
	case c.limited:
		_ = c.nc.SetWriteDeadline(time.Time{})
	default:
		return
	}
	c.limited = limit > 0
	if c.session.Killed() {
		_ = c.nc.SetWriteDeadline(past)
	}
}

// interrupted does what the goroutine was woken for, and reports whether the connection stays.
func (c *netConn) interrupted() bool {
	if !c.drained.IsZero() {
		return false
	}
	// In this order no wake is lost: one that comes before the flag is cleared has left its reason before, and is seen below; one that
	// comes after sets a deadline again.
	_ = c.nc.SetReadDeadline(time.Time{})
	c.woken.Store(false)
	s, v := c.session, c.srv.config()
	if s.Killed() {
		return false
	}
	s.Out.B = s.TakeInbox(s.Out.B)
	if len(s.Out.B) > 0 {
		c.touch()
		if !c.flush(v) {
			return false
		}
	}
	if c.held != nil && !c.process() {
		return false
	}
	return c.idle(v)
}

// idle does what a connection without a command has to do at times, and reports whether it stays.
func (c *netConn) idle(v *config.Values) bool {
	if c.srv.stopping() {
		c.drained = time.Now().Add(drainMost)
		return c.held == nil && c.drain()
	}
	quiet := c.srv.tick.Load() - c.tick.Load()
	if c.held == nil && isIdle(quiet, v.ConnectionTimeout) {
		c.srv.log.Debug("closing an idle client", "client", c.session.Addr)
		return false
	}
	if quiet >= idleTicks {
		c.trim(true)
	}
	return true
}

// drain reports whether the connection may read on, which at shutdown is so for a short while.
func (c *netConn) drain() bool {
	if c.drained.IsZero() {
		return true
	}
	now := time.Now()
	_ = c.nc.SetReadDeadline(now.Add(drainQuiet))
	return now.Before(c.drained)
}

// touch marks the connection as active, and does what is due once a tick.
func (c *netConn) touch() {
	if now := c.srv.tick.Load(); c.tick.Load() != now {
		c.tick.Store(now)
		c.trim(false)
	}
}

// trim gives memory back: what a busy connection did not use lately, nearly all of an idle one.
func (c *netConn) trim(idle bool) {
	c.in.trim(idle)
	out := &c.session.Out
	if len(out.B) == 0 && (idle && cap(out.B) > idleSize || cap(out.B) > keepSize && c.outPeak < cap(out.B)/4) {
		out.B = nil
	}
	c.outPeak = 0
	if idle {
		clear(c.args[:cap(c.args)]) // they would keep the buffer alive
		c.large.Store(false)
	}
}

// finish ends the connection. A panic while a command ran ends it too, and nothing else: the replies of the commands before it are
// still sent.
func (c *netConn) finish() {
	if v := recover(); v != nil {
		c.session.Recovered(v)
		c.flush(c.srv.config())
	}
	c.session.Close()
	c.in.release()
	_ = c.nc.Close()
	c.srv.remove(c)
}

// logReason says in the log why the client is closed, if that is not its own doing.
func (c *netConn) logReason() {
	if c.reason != "" {
		c.srv.log.Warn("closing a client", "because", c.reason, "client", c.session.Addr, "id", c.session.ID)
	}
}
