package netserver

import (
	"runtime"
	"syscall"
	"unsafe"
)

// epollPoller reports when a socket becomes readable or writable again; reading and writing are calls of their own.
type epollPoller struct {
	loop   *loop
	fd     int // the epoll instance
	n      int // events to be delivered
	events [256]syscall.EpollEvent
}

func newEpollPoller(l *loop) (*epollPoller, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	p := &epollPoller{loop: l, fd: fd}
	if err := p.add(l.bell); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *epollPoller) begin() error { return nil }

func (p *epollPoller) close() { _ = syscall.Close(p.fd) }

// add asks for events of a file descriptor: one whenever it becomes readable or writable again (edge-triggered), so that neither a
// short write nor what follows it needs another call.
func (p *epollPoller) add(fd int) error {
	e := syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLOUT | syscall.EPOLLRDHUP | syscall.EPOLLET&0xffffffff, Fd: int32(fd)}
	return syscall.EpollCtl(p.fd, syscall.EPOLL_CTL_ADD, fd, &e)
}

func (p *epollPoller) watch(c *loopConn) error { return p.add(c.fd) }

// listen asks for events as long as connections wait, of which each wakes one loop that waits for events.
func (p *epollPoller) listen(fd int) error {
	e := syscall.EpollEvent{Events: syscall.EPOLLIN | epollExclusive, Fd: int32(fd)}
	return syscall.EpollCtl(p.fd, syscall.EPOLL_CTL_ADD, fd, &e)
}

// epollExclusive is EPOLLEXCLUSIVE.
const epollExclusive = 1 << 28

// unwatch has nothing to take back: the kernel drops a descriptor that is closed.
func (p *epollPoller) unwatch(c *loopConn) { p.loop.release(c) }

// settle has nothing to do: events go on.
func (p *epollPoller) settle(*loopConn) {}

func (p *epollPoller) wait() {
	timeout := 0
	for {
		n, errno := epollWait(p.fd, p.events[:], timeout)
		switch {
		case errno == syscall.EINTR:
			runtime.Gosched()
		case n > 0 || len(p.loop.ready) > 0:
			p.n = n
			return
		case timeout == 0:
			timeout = rawWait
		default:
			n, _ = syscall.EpollWait(p.fd, p.events[:], p.loop.patience()) // fails with EINTR only
			p.n = max(n, 0)
			return
		}
	}
}

func (p *epollPoller) deliver() {
	for i := range p.events[:p.n] {
		p.event(&p.events[i])
	}
	p.n = 0
}

func (p *epollPoller) undelivered() bool { return false }

// event notes what happened to a connection and serves it.
func (p *epollPoller) event(e *syscall.EpollEvent) {
	l, fd := p.loop, int(e.Fd)
	if fd >= len(l.conns) || l.conns[fd] == nil { // the bell, a listener, or a connection that was closed a moment ago
		if i := l.listenerOf(fd); i >= 0 && !l.accept(i) {
			_ = syscall.EpollCtl(p.fd, syscall.EPOLL_CTL_DEL, fd, nil) // it is gone already if it was closed
		}
		return
	}
	c := l.conns[fd]
	if e.Events&^syscall.EPOLLOUT != 0 {
		c.readable = true
	}
	if e.Events&(syscall.EPOLLRDHUP|syscall.EPOLLHUP|syscall.EPOLLERR) != 0 {
		c.hungUp = true
	}
	if !c.queued { // else its turn comes
		l.attend(c, false, nil)
	}
}

func (p *epollPoller) write(c *loopConn) (done, ok bool) { return c.writeMore() }

func (p *epollPoller) open(*loopConn) bool { return false }

// epollWait waits for events for at most timeout milliseconds, without telling the scheduler.
func epollWait(epoll int, events []syscall.EpollEvent, timeout int) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, uintptr(epoll), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)),
		uintptr(timeout), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}
