package netserver

import (
	"sync/atomic"
	"syscall"
	"time"

	"github.com/redistill/redistill/internal/config"
	"github.com/redistill/redistill/internal/invariants"
)

// loopConn is a connection that an event loop serves. Its fields belong to the loop's goroutine, unless said otherwise.
type loopConn struct {
	link
	loop      *loop     // constant, once admitted
	fd        int       // constant
	added     bool      // the loop watches fd
	closed    bool      // it has ended; fd is closed as soon as the poller is done with it
	queued    bool      // in loop.ready
	readable  bool      // a read may bring something
	hungUp    bool      // reads go on until they say how the connection ended
	ended     bool      // nothing more will arrive
	stuck     bool      // replies are not written yet: nothing is executed until they are
	sent      int       // bytes of the replies that are written
	stalled   int       // what sent was when the client's time to read began
	next      verdict   // what to do when the replies are written
	quietFrom time.Time // at shutdown, when to take the client for quiet
	lingering bool      // at shutdown, input is dropped until the client sees the end

	uringConn // the poller's, if that uses io_uring

	deadline atomic.Int64 // Unix milliseconds by which a stuck client must have read something, or 0; read by sweep
}

// wake makes the loop look at the connection. Any goroutine may call it, with locks held. A new connection counts as woken until its
// loop has it.
func (c *loopConn) wake() {
	if !c.woken.Swap(true) {
		c.loop.post(c)
	}
}

// cut ends reads and writes at once.
func (c *loopConn) cut() { _ = syscall.Shutdown(c.fd, syscall.SHUT_RDWR) }

// due reports whether the connection has to look at its idleness, or its client's.
func (c *loopConn) due(tick uint32, timeout time.Duration) bool {
	return c.link.due(tick, timeout) || c.late()
}

func (c *loopConn) watched() bool { return c.link.watched() || c.deadline.Load() != 0 }

// late reports whether a stuck client took too long to read. Any goroutine may call it.
func (c *loopConn) late() bool {
	d := c.deadline.Load()
	return d != 0 && time.Now().UnixMilli() >= d
}

// unfinished reports whether there is something to do without an event.
func (c *loopConn) unfinished() bool {
	return !c.stuck && (c.readable && !c.parked || c.next == again)
}

// over reports whether the connection is to be closed at shutdown. One whose replies wait for the
// client stays, and one whose command is being worked on, but none whose command has not begun.
func (c *loopConn) over(now time.Time) bool {
	switch {
	case c.stuck || c.drained.IsZero() || c.next == again || c.held != nil && c.session.Working():
		return false
	case c.lingering && now.After(c.drained):
		return unacknowledged(c.fd) == 0
	case now.After(c.quietFrom):
		// The loop may have been busy, or without a processor, for longer than drainQuiet, and not have seen yet what arrived meanwhile.
		return !c.unfinished() && !c.loop.io.undelivered() && unreceived(c.fd) == 0 && unacknowledged(c.fd) == 0
	}
	return false
}

// linger reports whether input is to be dropped: at shutdown, when the client had another command for so long that it is told that there
// will be no more replies.
func (c *loopConn) linger() bool {
	if c.lingering || !c.ends() {
		return c.lingering
	}
	c.lingering, c.drained = true, time.Now().Add(c.srv.drainMost)
	_ = syscall.Shutdown(c.fd, syscall.SHUT_WR)
	return true
}

// ends reports whether the client has had its time for further commands, at shutdown.
func (c *loopConn) ends() bool {
	return c.lingering || !c.drained.IsZero() && time.Now().After(c.drained)
}

// serve does what can be done now, and reports whether the connection stays. A panic while a command ran ends the connection, and
// nothing else: the replies of the commands before it are still sent. input is what the poller read, if it did.
func (c *loopConn) serve(woken bool, input []byte) (stays bool) {
	defer func() {
		if v := recover(); v != nil {
			c.session.Recovered(v)
			c.next = closing
			stays = c.flush(c.srv.config()) && c.stuck
		}
	}()
	v := c.srv.config()
	switch {
	case woken:
		return c.interrupted(v)
	case input != nil:
		return c.received(v, input)
	}
	return c.proceed(v)
}

// proceed writes what waits to be written, and goes on behind it.
func (c *loopConn) proceed(v *config.Values) bool {
	if c.stuck {
		if !c.flush(v) {
			return false
		}
		if c.stuck {
			return true
		}
		if c.next == closing || !c.deliver(v) {
			return false
		}
	}
	switch {
	case c.stuck:
		return true
	case c.next == again:
		if !c.process(v, nil) {
			return false
		}
	case c.readable && !c.parked:
		return c.read(v)
	}
	return !c.ended || c.stuck || c.next == again
}

// received executes what the poller read, or keeps it until that can be done.
func (c *loopConn) received(v *config.Values, input []byte) bool {
	c.touch()
	c.arrived(len(input))
	// The next replies may go with those before, unless these are the last: then all are sent
	// first.
	waits := c.stuck && (c.next != more || !c.loop.io.open(c) || c.ends())
	busy := waits || c.held != nil || c.next == again
	if !busy && len(c.in.bytes()) == 0 {
		return c.process(v, input)
	}
	if !c.put(input, max(c.parser.Need()-len(input), 0)) {
		return false
	}
	switch {
	case !busy:
		return c.process(v, nil)
	case c.next == more:
		c.next = again // when the replies are written
	}
	c.settle(false)
	if waits && len(c.in.bytes()) >= readSize {
		c.lend()
	}
	return c.room()
}

// arrived counts n bytes of input.
func (c *loopConn) arrived(n int) {
	c.session.CountInput(n)
	c.progress()
}

// progress puts the end at shutdown off.
func (c *loopConn) progress() {
	if !c.drained.IsZero() {
		c.quietFrom = time.Now().Add(drainQuiet)
	}
}

// read reads once and executes what came. One read a turn is fair to the other connections.
func (c *loopConn) read(v *config.Values) bool {
	if c.srv.commands.Clogged() {
		return true // it is still readable
	}
	c.touch()
	// Mostly whole commands arrive: they are executed where they were read, in the buffer that all connections share, which is in the
	// processor's caches. The rest of a command goes behind its beginning. Who sends large values gets more room, for whole ones to fit.
	own := len(c.in.bytes()) > 0 || c.held != nil
	most := loopReadSize
	if c.srv.commands.Pressed() {
		most = readSize // of which less may be left that has to wait
	}
	buf := c.loop.buf[:most]
	switch {
	case own:
		if buf = c.roomToRead(most); buf == nil {
			return false
		}
	case c.bulky && most == loopReadSize:
		buf = c.loop.buf
	}
	n, errno := receive(c.fd, buf)
	switch {
	case errno == syscall.EINTR:
		return true // it is still readable
	case errno == syscall.EAGAIN:
		c.readable = false
		return true
	case errno != 0 || n == 0:
		return false
	}
	if n < len(buf) {
		c.full = 0
	}
	c.readable = n == len(buf) || c.hungUp
	c.arrived(n)
	if own {
		c.in.add(n)
		buf = nil
	}
	if c.held != nil {
		c.settle(false)
		return c.room()
	}
	return c.process(v, buf[:min(n, len(buf))])
}

// process executes input, or what c.in holds if input is nil, and writes the replies. It reports whether the connection stays.
func (c *loopConn) process(v *config.Values, input []byte) bool {
	if c.held == nil && c.linger() {
		c.in.consume(len(c.in.bytes()))
		c.next = more
		return true
	}
	if c.srv.commands.Clogged() {
		c.next = again
		stays := c.put(input, c.parser.Need())
		c.settle(false)
		return stays
	}
	now := time.Now().UnixMilli()
	if input != nil {
		n, next := c.execute(c.loop.batch, input, c.in.capacity(), now, v)
		c.next = next
		if next != drop && !c.put(input[n:], c.parser.Need()) {
			return false
		}
		invariants.Mangle(input)
	} else {
		n, next := c.execute(c.loop.batch, c.in.bytes(), c.in.capacity(), now, v)
		c.next = next
		c.in.consume(n)
	}
	c.settle(c.next == more)
	if c.next == drop {
		c.logReason()
		return false
	}
	return c.flush(v) && (c.stuck || c.next != closing)
}

// flush writes replies. When all are written it resets them; else the connection is stuck until they are. It returns false if the
// connection is broken.
func (c *loopConn) flush(v *config.Values) bool {
	out := &c.session.Out
	c.outPeak = max(c.outPeak, len(out.B))
	done, ok := c.loop.io.write(c)
	switch {
	case !ok:
		return false
	case !done:
		c.stall(v)
		return true
	}
	if c.stuck {
		c.stuck, c.stalled = false, 0
		c.session.SetBehind(false)
		c.limitStall(0)
		c.touch()
		c.progress()
	}
	c.emptied()
	c.session.CountOutput(c.sent)
	c.sent = 0
	c.delivered()
	return true
}

// writeMore writes until all replies are written or the socket is full.
func (c *loopConn) writeMore() (done, ok bool) {
	out := &c.session.Out
	for c.sent < out.Len() {
		n, errno := 0, syscall.Errno(0)
		if len(out.Pieces) == 0 {
			n, errno = send(c.fd, out.B[c.sent:])
		} else {
			n, errno = c.loop.vector.send(c.fd, out, c.sent)
		}
		switch errno {
		case 0:
			c.sent += n
		case syscall.EINTR:
		case syscall.EAGAIN:
			return false, true
		default:
			return false, false
		}
	}
	return true, true
}

// stall notes that not all replies could be written. A client that made progress, or has just become stuck, has its time again.
func (c *loopConn) stall(v *config.Values) {
	if !c.sending { // the socket is full
		c.lend()
	}
	if c.stuck && c.sent == c.stalled {
		return
	}
	c.touch()
	c.await()
	c.stuck, c.stalled = true, c.sent
	c.session.SetBehind(c.session.Out.Len() > readSize)
	if limit, _ := writeLimit(v, c.session.Out.Len()-c.sent); limit > 0 {
		c.limitStall(time.Now().Add(limit).UnixMilli())
	} else {
		c.limitStall(0)
	}
}

// limitStall sets when a stuck client is late, in Unix milliseconds; 0 is never.
func (c *loopConn) limitStall(deadline int64) {
	if c.deadline.Load() != deadline {
		c.deadline.Store(deadline)
		if deadline != 0 {
			c.srv.lookout.Store(true)
		}
	}
}

// deliver writes what other goroutines sent the client, and returns false if the connection is broken.
func (c *loopConn) deliver(v *config.Values) bool {
	if c.takeInbox(); len(c.session.Out.B) == 0 {
		return c.reason == ""
	}
	c.touch()
	return c.flush(v)
}

// interrupted does what the connection was woken for, and reports whether it stays.
func (c *loopConn) interrupted(v *config.Values) bool {
	// In this order no wake is lost: one that comes before the flag is cleared has left its reason before, and is seen below.
	c.woken.Store(false)
	if !c.added {
		c.added = true
		if err := c.loop.add(c); err != nil {
			c.srv.log.Error("a connection cannot be served", "client", c.session.Addr, "error", err)
			return false
		}
	}
	if c.session.Killed() {
		return false
	}
	if c.late() {
		c.logStall(v, c.session.Out.Len()-c.sent)
		return false
	}
	if c.drained.IsZero() && c.srv.stopping() {
		now := time.Now()
		c.drained, c.quietFrom = now.Add(c.srv.drainMost), now.Add(drainQuiet)
		if c.next == waiting && !c.session.Working() {
			return false
		}
	}
	if c.stuck || c.next == closing || c.lingering {
		return true
	}
	if c.parked && c.session.MayRead() {
		c.parked, c.readable = false, true
	}
	if !c.deliver(v) {
		return false
	}
	if c.held != nil && !c.stuck && !c.process(v, nil) {
		return false
	}
	return c.stuck || c.rest(v)
}
