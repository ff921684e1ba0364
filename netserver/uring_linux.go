package netserver

import (
	"math"
	"runtime"
	"syscall"
	"unsafe"

	"github.com/redistill/redistill/internal/invariants"
)

// uringPoller has input brought to it and replies taken away by an io_uring: one system call submits the replies of all connections and
// brings the next input of all of them.
//
// A connection is received from by one request that goes on for ever (multishot), into buffers that all connections of the loop share, so
// that an idle one has none. One with a large value under way has a buffer of its own, into which the loop reads by itself, as with epoll;
// what tells it that there is something to read is a poll then. Such a connection, which its replies may make stuck as well, is not read
// from faster than it is served.
//
// Its descriptor may be closed only when no request for it is under way.
type uringPoller struct {
	loop *loop
	ring *ring
	one  [1][]byte // scratch of write
}

// uringConn is what a uringPoller keeps in a loopConn.
type uringConn struct {
	requests  int8   // under way
	receiving bool   // a multishot receive is under way
	polling   bool   // or a multishot poll in its place
	switching bool   // it was cancelled, for the other to take its place
	missed    bool   // the receive before found no buffer
	full      uint8  // so many buffers in a row were filled
	sending   bool   // replies are on their way
	send      uint32 // the number of the request that they are on their way with
}

// sizeOfRing returns the size of a loop's ring. Buffers are needed for what arrives between two looks. In a tiny ring, requests are handed
// over in the middle of a turn, completions overflow into a list of the kernel's, and input often finds no buffer.
func sizeOfRing(tiny bool) ringSize {
	if tiny {
		return ringSize{requests: 16, completions: 32, buffers: 2}
	}
	return ringSize{requests: 1024, completions: 4096, buffers: 64}
}

// action is what a request does. With the descriptor it is what the kernel returns with the completion.
type action uint8

const (
	actReceive action = iota
	actPoll
	actSend
	actCancel
	actListen
	actNothing
)

func newUringPoller(l *loop) (*uringPoller, error) {
	r, err := newRing(sizeOfRing(l.srv.tinyRings))
	if err != nil {
		return nil, err
	}
	return &uringPoller{loop: l, ring: r}, nil
}

// probeIOUring returns why io_uring cannot be used, nil if it can. Many container runtimes forbid it, and it takes Linux 6.1.
func probeIOUring() error {
	r, err := newRing(sizeOfRing(true))
	if err == nil {
		r.close()
	}
	return err
}

func (p *uringPoller) begin() error {
	if err := p.ring.enable(); err != nil {
		return err
	}
	p.poll(p.loop.bell)
	return nil
}

func (p *uringPoller) close() { p.ring.close() }

// request returns a new request.
func (p *uringPoller) request(opcode uint8, a action, fd int) *sqe {
	e := p.ring.next()
	e.opcode, e.fd, e.userData = opcode, int32(fd), uint64(fd)<<8|uint64(a)
	return e
}

// poll asks for an event whenever a descriptor becomes readable again.
func (p *uringPoller) poll(fd int) {
	e := p.request(opPollAdd, actPoll, fd)
	e.len, e.opFlags = pollMultishot, syscall.EPOLLIN|syscall.EPOLLRDHUP
}

// ringListeners is how many loops watch the listeners. Each of them is woken for each connection: the system takes one with a poll under
// way for one that waits, so that it cannot be told to wake only one, which might be running a long command.
const ringListeners = 4

// listen asks for one event when a connection waits.
func (p *uringPoller) listen(fd int) error {
	if p.loop.index < ringListeners {
		p.request(opPollAdd, actListen, fd).opFlags = syscall.EPOLLIN
	}
	return nil
}

func (p *uringPoller) watch(c *loopConn) error {
	p.settle(c)
	return nil
}

// fullMost is how many buffers that are filled in a row make a connection one that is read from in
// turn. The kernel would fill all buffers with what a flood of commands brings, for one turn.
const fullMost = loopReadSize / bufferSize

// settle starts the request that brings a connection's input, or cancels it for another to take its place.
func (p *uringPoller) settle(c *loopConn) {
	direct := c.bulky || c.full >= fullMost || len(c.in.bytes()) >= readSize || p.loop.srv.commands.Pressed()
	switch {
	case c.switching || c.ended:
	case c.receiving && (direct || c.stuck && !c.sending): // what a client sends that does not read would pile up
		p.cancel(c, actReceive)
	case c.polling && !direct && !c.stuck && !c.readable:
		p.cancel(c, actPoll)
	case c.receiving || c.polling:
	case c.readable && !direct: // the loop's own read comes first, or two would be at it
	case direct:
		p.poll(c.fd)
		c.polling = true
		c.requests++
	default:
		e := p.request(opRecv, actReceive, c.fd)
		e.flags, e.ioprio = sqeBufferSelect, recvMultishot
		c.receiving = true
		c.requests++
	}
}

// cancel ends the request that brings input.
func (p *uringPoller) cancel(c *loopConn, a action) {
	c.switching = true
	c.requests++
	p.request(opAsyncCancel, actCancel, c.fd).addr = uint64(c.fd)<<8 | uint64(a)
}

// withdraw takes back replies that are on their way with a request that was not handed over yet.
func (p *uringPoller) withdraw(c *loopConn, e *sqe) {
	*e = sqe{opcode: opNop, fd: int32(c.fd), userData: uint64(c.fd)<<8 | uint64(actNothing)}
	c.sending = false
}

func (p *uringPoller) unwatch(c *loopConn) {
	if c.sending {
		// Commands may have run since, whose replies are dropped, and moved those before to other memory.
		if e := p.ring.withheld(c.send); e != nil {
			p.withdraw(c, e)
		}
	}
	if c.requests == 0 {
		p.loop.release(c)
		return
	}
	c.requests++
	p.request(opAsyncCancel, actCancel, c.fd).opFlags = cancelByFD | cancelAll
}

// cancelled tries again where nothing was cancelled: the kernel does not find a request that it is about to run once more.
func (p *uringPoller) cancelled(c *loopConn, e cqe) {
	switch {
	case c.closed && (c.receiving || c.polling || c.sending):
		p.unwatch(c)
	case !c.closed && e.res < 0:
		c.switching = false
		p.settle(c)
	}
}

func (p *uringPoller) wait() {
	r := p.ring
	for {
		if len(p.loop.ready) > 0 || r.pending() {
			_ = r.enter(0, enterGetEvents, 0) // what fails is tried again
			return
		}
		errno := r.enter(1, enterGetEvents, rawWait)
		switch {
		case r.pending():
			return
		case errno == syscall.ETIME:
			r.sleep(p.loop.patience())
			return
		default:
			runtime.Gosched()
		}
	}
}

// deliver stops short where there may be no room for the requests that follow from a completion.
// Where clients hold much, the kernel gets no buffers back: it would fill them faster than commands
// are executed. Connections for whose input there is none are read from as with epoll.
func (p *uringPoller) deliver() {
	r := p.ring
	for r.pending() && r.room() >= 8 {
		p.completed(r.take())
	}
	if !p.loop.srv.commands.Pressed() {
		r.publishBuffers()
	}
}

func (p *uringPoller) undelivered() bool { return p.ring.pending() }

// completed tells a connection what came of one of its requests.
func (p *uringPoller) completed(e cqe) {
	l, a, fd := p.loop, action(e.userData), int(e.userData>>8)
	if fd == l.bell {
		if e.flags&cqeMore == 0 {
			p.poll(fd)
		}
		return
	}
	if a == actListen {
		if i := l.listenerOf(fd); l.accept(i) {
			_ = p.listen(fd)
		}
		return
	}
	c := l.conns[fd]
	if e.flags&cqeMore == 0 {
		c.requests--
	}
	switch a {
	case actReceive:
		p.received(c, e)
	case actPoll:
		p.polled(c, e)
	case actSend:
		p.sent(c, e)
	case actCancel:
		p.cancelled(c, e)
	}
	if c.closed && c.requests == 0 && l.conns[fd] == c {
		l.release(c)
	}
}

// received passes input on to its connection.
func (p *uringPoller) received(c *loopConn, e cqe) {
	if e.flags&cqeMore == 0 {
		c.receiving, c.switching = false, false
	}
	if e.flags&cqeBuffer != 0 {
		id := uint16(e.flags >> 16)
		if e.res > 0 {
			if c.full = min(c.full+1, fullMost); e.res < bufferSize {
				c.full = 0
			}
			input := p.ring.buffer(id, int(e.res))
			p.loop.attend(c, false, input)
			invariants.Mangle(input) // what has to wait was copied
		}
		p.ring.giveBack(id)
	}
	switch errno := syscall.Errno(-e.res); {
	case e.res > 0:
		c.missed = false
	case e.res == 0:
		c.ended = true
		p.loop.attend(c, false, nil)
	case errno == syscall.ENOBUFS && c.missed:
		// Those in front of the queue could take all buffers for ever. Whoever missed twice is read
		// from once by the loop.
		c.missed, c.readable = false, true
		p.loop.attend(c, false, nil)
	case errno == syscall.ENOBUFS:
		c.missed = true
		if !c.closed {
			p.settle(c)
		}
	case errno == syscall.ECANCELED, errno == syscall.EINTR, errno == syscall.EAGAIN:
		if !c.closed {
			p.settle(c)
		}
	default:
		p.broken(c)
	}
}

// polled notes that a connection has something to read.
func (p *uringPoller) polled(c *loopConn, e cqe) {
	if e.flags&cqeMore == 0 {
		c.polling, c.switching = false, false
	}
	if e.res > 0 {
		c.readable = true
		c.hungUp = c.hungUp || e.res&(syscall.EPOLLRDHUP|syscall.EPOLLHUP|syscall.EPOLLERR) != 0
		if c.stuck && !c.closed {
			c.lend()
		}
	}
	switch {
	case c.closed:
	case c.queued: // its turn comes
		p.settle(c)
	default:
		p.loop.attend(c, false, nil)
	}
}

// sent notes how much was written.
func (p *uringPoller) sent(c *loopConn, e cqe) {
	c.sending = false
	switch errno := syscall.Errno(-e.res); {
	case e.res >= 0:
		c.sent += int(e.res)
	case errno != syscall.EINTR && errno != syscall.EAGAIN:
		p.broken(c)
		return
	}
	p.loop.attend(c, false, nil)
}

// broken ends a connection.
func (p *uringPoller) broken(c *loopConn) {
	if !c.closed {
		p.loop.forget(c)
	}
}

// open reports whether replies that are on their way are not handed over yet, so that more can go
// with them.
func (p *uringPoller) open(c *loopConn) bool { return c.sending && p.ring.withheld(c.send) != nil }

func (p *uringPoller) write(c *loopConn) (done, ok bool) {
	out := &c.session.Out
	var e *sqe // the request that the replies before these go with
	if c.sending {
		if e = p.ring.withheld(c.send); e == nil {
			return false, true
		}
	}
	switch {
	case out.Len()-c.sent > readSize || len(out.Pieces) > 0:
		// At once: a turn of many connections with large replies would hold all of them in memory, and call their clients slow.
		if e != nil {
			p.withdraw(c, e)
			e = nil
		}
		if done, ok = c.writeMore(); done || !ok {
			return done, ok
		}
	case c.sent == len(out.B):
		return true, true
	}
	b := out.B[min(c.sent, len(out.B)):]
	if len(out.Pieces) > 0 {
		b = out.Rest(p.one[:0], c.sent, math.MaxInt32)[0]
		p.one[0] = nil // which would keep the buffer of a connection that has gone
	}
	if e == nil {
		e = p.request(opSend, actSend, c.fd)
		c.send, c.sending = p.ring.last(), true
		c.requests++
	}
	e.addr, e.len, e.opFlags = uint64(uintptr(unsafe.Pointer(&b[0]))), uint32(min(len(b), math.MaxInt32)), syscall.MSG_NOSIGNAL
	return false, true
}
