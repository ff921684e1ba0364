package netserver

import (
	"sync/atomic"
	"time"

	"github.com/redistill/redistill/internal/config"
	"github.com/redistill/redistill/internal/resp"
)

const (
	// At shutdown, commands may be under way to the server. A connection goes on until it was quiet for drainQuiet, which an idle one
	// is from the start, but no longer than drainMost, for some clients always have another command. Such a one is told that there will be no
	// more replies; its input is dropped, again until it is quiet or for drainMost. In either case the client's system has to have all
	// replies first. A socket that is closed before, or with input that was not read, may lose them: for whatever arrives then, the
	// system answers with a reset.
	drainQuiet = 50 * time.Millisecond
	drainMost  = time.Second
	// idleTicks is the number of ticks without a command after which a connection gives its buffers back.
	idleTicks = 2
)

// link is a connection's buffers and what all I/O paths do with them. Its fields belong to the goroutine or loop that owns the
// connection, unless said otherwise.
type link struct {
	conn
	srv       *Server
	in        queryBuffer
	inputHeld int64     // bytes of memory that hold input, as the session was told
	parked    bool      // it may not read until the session says so
	begun     bool      // the session was told of the beginning of a command
	bulky     bool      // it sent large values lately
	outPeak   int       // the most bytes of replies written at once since the last trim
	drained   time.Time // when to stop taking commands; zero unless the server stops

	woken atomic.Bool   // there is something to look at
	tick  atomic.Uint32 // Server.tick when the client was last active; read by sweep
	large atomic.Bool   // there is memory to give back when idle; read by sweep

	weighed bool // the session was told what the socket holds; guarded by Server.mu

	reads   atomic.Bool  // the client takes its replies, so that the system may hold more of them
	takenAt atomic.Int64 // bytes that the client had taken when it was last found to take none
	lent    atomic.Int64 // bytes that the system may hold beyond unsentFirst, of Server.lent
}

func (c *link) init(s *Server) {
	c.srv, c.in.from = s, s.commands.Buffers()
	c.tick.Store(s.tick.Load())
}

// due reports whether the connection has been idle for so long that it has to do something about it.
func (c *link) due(tick uint32, timeout time.Duration) bool {
	quiet := tick - c.tick.Load()
	return c.large.Load() && c.gives(quiet) || isIdle(quiet, timeout)
}

// gives reports whether a connection that has had no command for so many ticks gives back what it
// does not need: where memory is short at once, so that no client is closed for what another keeps.
func (c *link) gives(quiet uint32) bool { return quiet >= idleTicks || c.srv.commands.Pressed() }

// watched reports whether sweep has to look at the connection.
func (c *link) watched() bool {
	return c.large.Load() || c.session.Unwritten() || c.lent.Load() != 0
}

// await has sweep look at the connection, because replies wait to be written.
func (c *link) await() {
	if !c.srv.lookout.Load() {
		c.srv.lookout.Store(true)
	}
}

// strangerLimit is the most input that may wait behind a command of a client that has not logged in. Its commands are short.
const strangerLimit = 1 << 20

// room reports whether the query buffer is below its limit while a command waits.
func (c *link) room() bool {
	limit := c.srv.config().ClientQueryBufferLimit
	if !c.session.Authenticated() {
		limit = min(limit, strangerLimit)
	}
	if int64(len(c.in.bytes())-c.parser.Parsed()) <= limit {
		return true
	}
	c.reason = queryTooLong
	c.logReason()
	return false
}

// roomToRead returns where the next input goes in the connection's own buffer; none where the
// system has no memory. More than little is read at once only if it is data to come.
func (c *link) roomToRead(little int) []byte {
	room := c.in.space(c.parser.Need())
	if room == nil {
		c.reason = noMemory
		c.logReason()
	}
	most := little
	if c.session.Arriving() {
		most = readMost
	}
	return room[:min(len(room), most)]
}

// put keeps input that was read elsewhere, and reports whether there is memory for it. need is as
// in queryBuffer.put.
func (c *link) put(input []byte, need int) bool {
	if c.in.put(input, need) {
		return true
	}
	c.reason = noMemory
	c.logReason()
	return false
}

// takeInbox appends what other goroutines sent the client to its replies. If that is too much,
// there is a reason to close it.
func (c *link) takeInbox() {
	if c.session.TakeInbox(); c.session.Out.Cut && !c.session.Killed() {
		c.reason = repliesTooLong
		c.logReason()
	}
}

// emptied resets the replies, which are written.
func (c *link) emptied() {
	keep := keepSize
	if cap(c.session.Out.B) > idleSize && c.srv.commands.Pressed() {
		keep = idleSize
	}
	c.session.Sent(keep)
	c.note()
}

// settle gives memory back that holds no input, if there is much of it or memory is short, and says
// how much does. It is called when input was executed, or kept; executed says that what is left is
// the beginning of a command. It may park the connection.
func (c *link) settle(executed bool) {
	n := c.in.memory()
	if n > 0 && len(c.in.bytes()) == 0 && (n > keepSize || c.srv.commands.Pressed()) {
		c.in.shrink()
		n = c.in.memory()
	}
	c.bulky = c.bulky || executed && c.parser.Need() > readSize
	var begun resp.Begun
	if n > 0 && executed && len(c.in.bytes()) > 0 {
		begun = c.parser.Begun(c.in.bytes())
		n += listBytes(begun.At)
	}
	if c.held != nil {
		n += c.heldMemory()
	}
	if n == c.inputHeld && begun.Name == nil && !c.begun {
		return // nothing has changed
	}
	c.begun = begun.Name != nil
	if n != c.inputHeld {
		c.inputHeld = n
		c.note()
	}
	c.parked = !c.input(n, begun)
}

// input is Session.Input, and gives memory back that a value which has to wait does not need yet,
// because the buffer was somebody else's.
func (c *link) input(n int64, begun resp.Begun) (readOn bool) {
	unused := c.in.memory() - c.in.used()
	if unused == 0 || begun.Name == nil || c.session.Arriving() && !c.parked {
		return c.session.Input(n, begun)
	}
	readOn = c.session.Input(n-unused, begun)
	if readOn && c.session.Arriving() {
		return c.session.Input(n, begun)
	}
	c.in.dropUnused()
	c.inputHeld -= unused
	return readOn
}

// note remembers whether there is memory to give back when the connection is idle.
func (c *link) note() {
	if large := c.in.size() > idleSize || cap(c.session.Out.B) > idleSize; c.large.Load() != large {
		c.large.Store(large)
		if large {
			c.srv.lookout.Store(true)
		}
	}
}

// rest does what a connection without a command has to do at times, and reports whether it stays.
func (c *link) rest(v *config.Values) bool {
	quiet := c.srv.tick.Load() - c.tick.Load()
	if c.held == nil && isIdle(quiet, v.ConnectionTimeout) && !c.session.StaysIdle() {
		c.srv.log.Debug("closing an idle client", "client", c.session.Addr)
		return false
	}
	if c.gives(quiet) {
		c.trim(true)
	}
	return true
}

// touch marks the connection as active, and does what is due once a tick.
func (c *link) touch() {
	if now := c.srv.tick.Load(); c.tick.Load() != now {
		c.tick.Store(now)
		c.trim(false)
	}
}

// trim gives memory back: what a busy connection did not use lately, nearly all of an idle one.
func (c *link) trim(idle bool) {
	c.bulky = c.bulky && c.in.peak > readSize
	c.in.trim(idle)
	if len(c.in.bytes()) == 0 {
		c.settle(false) // so that it does not count any more
	}
	out := &c.session.Out
	if len(out.B) == 0 && cap(out.B) > idleSize && (idle || c.outPeak < cap(out.B)/4) {
		c.session.Sent(idleSize)
	}
	c.outPeak = 0
	if idle {
		c.large.Store(false)
	}
}

// discards reports whether the system is not to keep what it has of the replies when the connection
// is closed: where the client is closed for not reading, it would keep it for minutes.
func (c *link) discards() bool {
	return (c.session.Killed() || c.reason != "") && !c.srv.stopping() && unacknowledged(c.session.FD) > 0
}

// logStall says that the client, for which left bytes wait, took too long to read.
func (c *link) logStall(v *config.Values, left int) {
	_, c.reason = writeLimit(v, left)
	c.logReason()
}

// end gives back what the connection holds, except for its socket, and the replies that may still be on their way.
func (c *link) end() {
	c.session.Close()
	c.unhold()
	c.in.release()
	c.session.Input(0, resp.Begun{})
}

// logReason counts and logs why the client is closed, if that is a limit.
func (c *link) logReason() {
	switch c.reason {
	case queryTooLong:
		c.session.CountQueryLimit()
	case repliesTooLong:
		c.session.CountOutputLimit()
	}
	if c.reason != "" {
		c.srv.log.Warn("closing a client", "because", c.reason, "client", c.session.Addr, "id", c.session.ID)
	}
}
