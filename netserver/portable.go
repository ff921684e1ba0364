package netserver

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/redistill/redistill/command"
	"github.com/redistill/redistill/internal/config"
)

// writeChunk is how much is written at once, so that progress with a large reply can be seen.
const writeChunk = 256 << 10

// past is a deadline that interrupts at once.
var past = time.Unix(1, 0)

// netConn is a connection on the portable path. Its fields belong to its goroutine, unless said otherwise.
type netConn struct {
	link
	nc      net.Conn   // the socket
	tls     *tlsStream // what is spoken on it, or nil for plain text
	limited bool       // a write deadline is set
	broken  bool       // a write failed

	kick chan struct{} // has room for one: there is something to look at while the connection does not read

	shared atomic.Pointer[command.Session] // session, for wake
}

// cut ends the connection's reads and writes at once.
func (c *netConn) cut() {
	_ = c.nc.SetDeadline(past)
	_ = c.nc.Close()
}

// wake interrupts the goroutine's read, now or the next one. If the session was killed, it ends writes too, for ever. Any goroutine may
// call it, with locks held.
func (c *netConn) wake() {
	select {
	case c.kick <- struct{}{}:
	default: // it was told already
	}
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
	if !c.handshake() {
		return
	}
	for {
		c.unclog()
		room := c.roomToRead(readSize) // each connection has a room that waits for input
		if room == nil {
			return
		}
		n, err := c.read(room)
		c.in.add(n)
		c.session.CountInput(n)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			if !c.interrupted() {
				return
			}
		case err != nil:
			return
		case c.held == nil:
			if !c.process() {
				return
			}
			if !c.drain() {
				c.linger()
				return
			}
		default:
			if c.settle(false); !c.room() {
				return
			}
		}
		if !c.park() {
			return
		}
	}
}

// park waits until the connection may read on, and reports whether it stays.
func (c *netConn) park() bool {
	for c.parked {
		<-c.kick
		if c.srv.stopping() || !c.interrupted() {
			return false
		}
		c.parked = !c.session.MayRead()
	}
	return true
}

func (c *netConn) read(p []byte) (int, error) {
	if c.tls != nil {
		return c.tls.Read(p)
	}
	return c.nc.Read(p)
}

// clogPause is how long a connection waits for others to give their memory back before it looks
// again.
const clogPause = 100 * time.Microsecond

// unclog waits until clients that were closed have given their memory back, or for long enough. It
// does not wait if this client is one of them.
func (c *netConn) unclog() {
	for c.srv.commands.Clogged() && !c.session.Killed() {
		time.Sleep(clogPause)
	}
}

// process executes what was read, and reports whether the connection stays.
func (c *netConn) process() bool {
	b, began := c.srv.batches.get(), c.srv.cycles.Begin()
	defer func() {
		c.srv.batches.put(b)
		c.srv.cycles.End(began)
	}()
	for {
		c.unclog()
		v := c.srv.config()
		c.touch()
		n, next := c.execute(b, c.in.bytes(), c.in.capacity(), time.Now().UnixMilli(), v)
		c.in.consume(n)
		c.settle(next == more)
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
	c.await()
	sent := 0
	var err error
	if out.Len() > readSize {
		c.session.SetBehind(true)
		defer c.session.SetBehind(false)
	}
	for sent < out.Len() && err == nil {
		c.limitWrite(v, out.Len()-sent)
		if sent > 0 {
			c.touch()
		}
		var n int64
		n, err = c.writeSome(sent)
		sent += int(n)
	}
	if c.limited && errors.Is(err, os.ErrDeadlineExceeded) && !c.session.Killed() && !c.srv.stopping() {
		c.logStall(v, out.Len()-sent)
	}
	c.emptied()
	c.session.CountOutput(sent)
	c.delivered()
	c.broken = err != nil
	return err == nil
}

// writeSome writes up to writeChunk bytes of the replies, from an offset on.
func (c *netConn) writeSome(from int) (int64, error) {
	out := &c.session.Out
	if c.tls != nil {
		return c.tls.send(out.Rest(make([][]byte, 0, gatherSize/readSize), from, gatherSize), &c.srv.records)
	}
	if len(out.Pieces) == 0 {
		n, err := c.nc.Write(out.B[from:min(from+writeChunk, len(out.B))])
		return int64(n), err
	}
	slices := net.Buffers(out.Rest(make([][]byte, 0, writeChunk/readSize), from, writeChunk))
	return slices.WriteTo(c.nc)
}

// limitWrite sets the time that a client has to read, if it is limited. left is how many bytes wait for it. A killed session's
// deadline, which is in the past, is set again behind it.
func (c *netConn) limitWrite(v *config.Values, left int) {
	limit, _ := writeLimit(v, left)
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
	if !c.drained.IsZero() && c.held == nil {
		arrived := unreceived(c.session.FD) > 0 // and was not read, because the deadline had passed when this goroutine had a processor again
		if arrived && c.drain() {
			return true
		}
		if arrived || unacknowledged(c.session.FD) > 0 {
			c.linger()
		}
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
	if c.takeInbox(); c.reason != "" {
		return false
	}
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
		c.drained = time.Now().Add(c.srv.drainMost)
		if c.held != nil {
			return c.session.Working()
		}
		return c.drain()
	}
	return c.rest(v)
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

// linger tells the client that there will be no more replies, and drops input until it has them all.
func (c *netConn) linger() {
	c.notifyClose()
	half, ok := c.nc.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	for end := time.Now().Add(c.srv.drainMost); ; {
		_ = c.nc.SetReadDeadline(time.Now().Add(drainQuiet))
		_, err := c.nc.Read(c.in.space(0))
		quiet := errors.Is(err, os.ErrDeadlineExceeded)
		switch {
		case err != nil && !quiet:
			return
		case (quiet || time.Now().After(end)) && unacknowledged(c.session.FD) == 0:
			return
		}
	}
}

// finish ends the connection. A panic while a command ran ends it too, and nothing else: the replies of the commands before it are
// still sent.
func (c *netConn) finish() {
	if v := recover(); v != nil {
		c.session.Recovered(v)
		c.flush(c.srv.config())
	}
	c.end()
	c.session.Sent(0)
	if tcp, ok := c.nc.(*net.TCPConn); ok && c.broken && c.discards() {
		_ = tcp.SetLinger(0)
	}
	c.notifyClose()
	c.srv.remove(c) // first, because another goroutine may use the descriptor of a connection that is known
	c.repay()
	_ = c.nc.Close()
}
