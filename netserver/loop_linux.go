package netserver

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/redistill/redistill/command"
)

// haveLoops says whether this system has event loops.
const haveLoops = true

const (
	loopReadSize  = 64 << 10  // read at once from a connection, into a buffer that all of a loop share
	largeReadSize = 256 << 10 // the same from one that sends large values; the size of that buffer
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
	srv       *Server
	index     int // constant
	io        poller
	bell      int    // an eventfd: something was posted. It is never read, so that each write to it is an event
	buf       []byte // what is read goes here first
	batch     *batch
	cycles    *command.Cycles
	vector    vector      // scratch of loopConn.writeMore
	conns     []*loopConn // by file descriptor
	ready     []*loopConn // can go on without an event
	turn      []*loopConn // the ready ones whose turn it is
	draining  bool        // the server stops
	listening []bool      // which of Server.listeners are watched
	peer      peer        // scratch of accept

	count atomic.Int32 // connections, with those that are on the way here; raised with Server.mu held

	mu     sync.Mutex // guards the fields below
	posted []*loopConn
	spare  []*loopConn // backs posted in turn
	rung   bool        // bell was rung since posted was last taken
	closed bool        // the loop has ended
}

// poller is how a loop learns what happens to its sockets, and writes to them. All methods but close are called by the loop's goroutine.
type poller interface {
	begin() error            // is called once, before the others
	watch(c *loopConn) error // begins to report on a connection
	unwatch(c *loopConn)     // ends that; when nothing is under way any more, release is called
	listen(fd int) error     // begins to call loop.accept when connections wait at a listening socket, until that returns false
	settle(c *loopConn)      // is called when a connection was attended and stays

	// wait waits for something to deliver; but not while there is work in loop.ready.
	//
	// It hides its waiting from the scheduler, which would otherwise hand the processor to another thread and back each time. In return
	// it has to let the scheduler in whenever that interrupts it (EINTR), and give the processor up when nothing happens for rawWait.
	wait()
	deliver()          // tells the connections what happened to them
	undelivered() bool // is whether there is something that deliver has left for the next time

	// write writes replies from c.sent on, and adds to that. Where not all are written at once, done is false, and the connection is
	// attended again when there is progress. ok is false if the connection is broken.
	write(c *loopConn) (done, ok bool)
	open(c *loopConn) bool // is whether more replies can join those that write has left for later
	close()
}

// newPoller returns what the server's I/O path uses.
func newPoller(l *loop) (poller, error) {
	if l.srv.path == IOUring {
		return newUringPoller(l)
	}
	return newEpollPoller(l)
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
	bell, err := eventfd()
	if err != nil {
		return nil, err
	}
	l := &loop{srv: s, index: index, bell: bell, buf: make([]byte, largeReadSize), batch: newBatch(),
		cycles: s.commands.NewCycles(), listening: make([]bool, len(s.listeners))}
	if l.io, err = newPoller(l); err != nil {
		_ = syscall.Close(bell)
		return nil, err
	}
	for _, a := range s.listeners {
		a.users.Add(1)
	}
	return l, nil
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
	l.io.close()
	_ = syscall.Close(l.bell)
	for _, a := range l.srv.listeners {
		a.leave()
	}
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
		_, _ = syscall.Write(l.bell, []byte{1, 0, 0, 0, 0, 0, 0, 0}) // fails only after 2^64 times
	}
}

// run is the goroutine of the loop. It ends when the server stops and the last connection is closed. started is told when the loop
// runs, or why it does not.
func (l *loop) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer l.close()
	err := l.io.begin()
	started <- err
	if err != nil {
		return
	}
	l.listen()
	for !l.draining || l.count.Load() > 0 {
		l.io.wait()
		began := l.cycles.Begin()
		l.turn, l.ready = l.ready, l.turn[:0]
		l.io.deliver()
		for _, c := range l.turn {
			c.queued = false
			l.attend(c, false, nil)
		}
		clear(l.turn)
		l.takePosted()
		if l.draining {
			l.drain()
		}
		l.cycles.End(began)
	}
}

// attend serves a connection, and closes it or remembers that there is more to do.
// input is what the poller read for it, if it did.
func (l *loop) attend(c *loopConn, woken bool, input []byte) {
	if c.closed {
		return
	}
	if !c.serve(woken, input) {
		l.forget(c)
		return
	}
	if c.unfinished() && !c.queued {
		c.queued = true
		l.ready = append(l.ready, c)
	}
	l.io.settle(c)
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
	l.listen()
	for _, c := range taken {
		l.attend(c, true, nil)
	}
	clear(taken)
}

// add begins to serve a connection.
func (l *loop) add(c *loopConn) error {
	for c.fd >= len(l.conns) {
		l.conns = append(l.conns, make([]*loopConn, c.fd+1-len(l.conns))...)
	}
	l.conns[c.fd] = c
	return l.io.watch(c)
}

// forget ends a connection. Its descriptor stays open until the poller is done with it, and calls release.
func (l *loop) forget(c *loopConn) {
	c.closed = true
	c.session.CountOutput(c.sent)
	c.end()
	l.io.unwatch(c)
}

// release closes the descriptor of a connection that was forgotten.
func (l *loop) release(c *loopConn) {
	if c.fd < len(l.conns) {
		l.conns[c.fd] = nil
	}
	c.session.Sent(0)
	if c.stuck && c.discards() {
		discard(c.fd)
	}
	c.srv.remove(c) // first, because another goroutine may use the descriptor of a connection that is known
	c.repay()
	_ = syscall.Close(c.fd)
	l.count.Add(-1)
}

// drain closes, at shutdown, the connections that have nothing more to say.
func (l *loop) drain() {
	now := time.Now()
	for _, c := range l.conns {
		if c != nil && !c.closed && c.over(now) {
			l.forget(c)
		}
	}
}

// patience returns how many milliseconds a poller may sleep, -1 for ever.
func (l *loop) patience() int {
	if l.draining {
		return drainWait
	}
	return -1
}
