package netserver

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// haveLoops says whether this system has event loops.
const haveLoops = true

const (
	loopReadSize = 64 << 10 // the read buffer that a loop's connections share
	loopEvents   = 256      // events taken at once
	// extraProcs is how many goroutines can run while all loops wait. It is more than one for the garbage collector.
	extraProcs = 2
	// rawWait is how long a loop keeps its processor while nothing happens, in milliseconds. It also bounds how long a request of the
	// scheduler that just missed the wait goes unheard.
	rawWait = 10
	// drainWait is how often a loop looks at its connections at shutdown, in milliseconds.
	drainWait = 10
)

// loop serves its share of the connections in one goroutine on a thread of its own. Its fields belong to that goroutine, unless said
// otherwise.
type loop struct {
	srv      *Server
	index    int // constant
	epoll    int // the epoll instance
	bell     int // an eventfd: something was posted
	buf      []byte
	batch    *batch
	events   [loopEvents]syscall.EpollEvent
	conns    []*loopConn // by file descriptor
	ready    []*loopConn // can go on without an event
	turn     []*loopConn // the ready ones whose turn it is
	draining bool        // the server stops

	count atomic.Int32 // connections, with those that are on the way here; raised with Server.mu held

	mu     sync.Mutex // guards the fields below
	posted []*loopConn
	spare  []*loopConn // backs posted in turn
	rung   bool        // bell was rung since posted was last taken
	closed bool        // the loop has ended
}

// newLoops makes n loops that do not run yet.
func newLoops(s *Server, n int) ([]*loop, error) {
	var loops []*loop
	for i := range n {
		l, err := newLoop(s, i)
		if err != nil {
			closeLoops(loops)
			return nil, fmt.Errorf("cannot start an event loop: %w", err)
		}
		loops = append(loops, l)
	}
	if procs := n + extraProcs; runtime.GOMAXPROCS(0) < procs {
		runtime.GOMAXPROCS(procs)
	}
	return loops, nil
}

func newLoop(s *Server, index int) (*loop, error) {
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	bell, err := eventfd()
	if err != nil {
		_ = syscall.Close(epoll)
		return nil, err
	}
	l := &loop{srv: s, index: index, epoll: epoll, bell: bell, buf: make([]byte, loopReadSize), batch: newBatch()}
	if err := l.watch(bell); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// watch asks for events of a file descriptor: one whenever it becomes readable or writable again (edge-triggered), so that neither a
// short write nor what follows it needs another call.
func (l *loop) watch(fd int) error {
	e := syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLOUT | syscall.EPOLLRDHUP | syscall.EPOLLET&0xffffffff, Fd: int32(fd)}
	return syscall.EpollCtl(l.epoll, syscall.EPOLL_CTL_ADD, fd, &e)
}

func closeLoops(loops []*loop) {
	for _, l := range loops {
		l.close()
	}
}

func (l *loop) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	_ = syscall.Close(l.epoll)
	_ = syscall.Close(l.bell)
}

// wakeLoops makes every loop look whether the server stops.
func wakeLoops(loops []*loop) {
	for _, l := range loops {
		l.post(nil)
	}
}

// post makes the loop call c.interrupted, if c is not nil. Any goroutine may call it, with locks held.
func (l *loop) post(c *loopConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	if c != nil {
		l.posted = append(l.posted, c)
	}
	if !l.rung {
		l.rung = true
		// Never read, so that it is "readable again" each time. It fails only after 2^64 times.
		_, _ = syscall.Write(l.bell, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	}
}

// run is the goroutine of the loop. It ends when the server stops and the last connection is closed.
func (l *loop) run() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer l.close()
	for !l.draining || l.count.Load() > 0 {
		n := l.wait()
		l.turn, l.ready = l.ready, l.turn[:0]
		for i := range l.events[:n] {
			l.event(&l.events[i])
		}
		for _, c := range l.turn {
			c.queued = false
			l.attend(c, false)
		}
		clear(l.turn)
		l.takePosted()
		if l.draining {
			l.drain()
		}
	}
}

// event notes what happened to a connection and serves it.
func (l *loop) event(e *syscall.EpollEvent) {
	fd := int(e.Fd)
	if fd >= len(l.conns) || l.conns[fd] == nil {
		return // the bell, or a connection that was closed a moment ago
	}
	c := l.conns[fd]
	if e.Events&^syscall.EPOLLOUT != 0 {
		c.readable = true
	}
	if e.Events&(syscall.EPOLLRDHUP|syscall.EPOLLHUP|syscall.EPOLLERR) != 0 {
		c.hungUp = true
	}
	if !c.queued { // else its turn comes
		l.attend(c, false)
	}
}

// attend serves a connection, and closes it or remembers that there is more to do.
func (l *loop) attend(c *loopConn, woken bool) {
	switch {
	case c.closed:
	case !c.serve(woken):
		l.forget(c)
	case c.unfinished() && !c.queued:
		c.queued = true
		l.ready = append(l.ready, c)
	}
}

// takePosted serves the connections for which another goroutine has something. New ones are among them.
func (l *loop) takePosted() {
	l.mu.Lock()
	if !l.rung {
		l.mu.Unlock()
		return
	}
	taken := l.posted
	l.posted, l.spare, l.rung = l.spare[:0], taken, false
	l.mu.Unlock()
	l.draining = l.draining || l.srv.stopping()
	for _, c := range taken {
		l.attend(c, true)
	}
	clear(taken)
}

// add begins to serve a connection.
func (l *loop) add(c *loopConn) error {
	for c.fd >= len(l.conns) {
		l.conns = append(l.conns, make([]*loopConn, c.fd+1-len(l.conns))...)
	}
	l.conns[c.fd] = c
	return l.watch(c.fd)
}

// forget closes a connection.
func (l *loop) forget(c *loopConn) {
	l.conns[c.fd] = nil
	c.closed = true
	c.count(c.sent)
	c.end()
	c.srv.remove(c) // first, because another goroutine may use the descriptor of a connection that is known
	_ = syscall.Close(c.fd)
	l.count.Add(-1)
}

// drain closes, at shutdown, the connections that have nothing more to say.
func (l *loop) drain() {
	now := time.Now()
	for _, c := range l.conns {
		if c != nil && c.over(now) {
			l.forget(c)
		}
	}
}

// wait returns the number of new events, in l.events. While there is work in l.ready or posted, it does not wait.
//
// It hides its waiting from the scheduler, which would otherwise hand the processor to another thread and back each time. In return it
// has to let the scheduler in whenever that interrupts it (EINTR), and give the processor up when nothing happens.
func (l *loop) wait() int {
	timeout := 0
	for {
		n, errno := epollWait(l.epoll, l.events[:], timeout)
		switch {
		case errno == syscall.EINTR:
			runtime.Gosched()
		case n > 0 || len(l.ready) > 0:
			return n
		case timeout == 0:
			timeout = rawWait
		default:
			return l.sleep()
		}
	}
}

// sleep is wait for a loop that has nothing to do.
func (l *loop) sleep() int {
	timeout := -1
	if l.draining {
		timeout = drainWait
	}
	n, _ := syscall.EpollWait(l.epoll, l.events[:], timeout) // fails with EINTR only
	return max(n, 0)
}
