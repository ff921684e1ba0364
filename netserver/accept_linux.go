package netserver

import (
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"github.com/redistill/redistill/internal/config"
)

// acceptMost is how many connections a loop accepts at once. More have to wait for its next turn, behind those that it serves.
const acceptMost = 16

// loopListener is a listening socket that loops watch. One that has nothing else to do accepts, and deals the connections out. (A listening
// socket for each loop, with SO_REUSEPORT, would leave the dealing out to a hash of the client's address, which spreads a few connections
// unevenly.)
type loopListener struct {
	srv     *Server
	fd      int      // not known to the Go runtime, which would wake a thread of its own for each connection
	address net.Addr // constant, like all but the last four
	unlink  string   // the file of a Unix socket, or empty
	local   string   // the server's end of all connections; empty where each has its own
	options options  // what connections inherit from it, which those of Multipath TCP do not

	users   atomic.Int32 // who may use fd: the server until Close, and the loops
	emptied atomic.Bool  // none waits any more that came before options was set
	paused  atomic.Bool  // nothing is accepted for the moment
	backoff atomic.Int64 // the last pause because of an error, in nanoseconds; 0 if none was since the last connection
}

// options are those of sockets that settings are for.
type options struct {
	noDelay   bool
	keepalive time.Duration
}

func optionsOf(v *config.Values) options { return options{v.TCPNoDelay, v.TCPKeepalive} }

// newLoopListener returns a listener in place of l, which it closes.
func newLoopListener(s *Server, l socketListener) (*loopListener, error) {
	defer func() { _ = l.Close() }()
	raw, err := l.SyscallConn()
	if err != nil {
		return nil, err
	}
	a := &loopListener{srv: s, address: l.Addr()}
	errno := syscall.Errno(0)
	err = raw.Control(func(fd uintptr) {
		var dup uintptr
		dup, _, errno = syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_DUPFD_CLOEXEC, 0)
		a.fd = int(dup)
	})
	if err == nil && errno != 0 {
		err = os.NewSyscallError("fcntl", errno)
	}
	if err != nil {
		return nil, err
	}
	a.users.Store(1)
	switch at := a.address.(type) {
	case *net.UnixAddr:
		a.local = unixText(at.Name)
		if u, ok := l.(*net.UnixListener); ok && !isAbstract(at.Name) {
			u.SetUnlinkOnClose(false)
			a.unlink = at.Name
		}
	case *net.TCPAddr:
		if !at.IP.IsUnspecified() {
			a.local = at.String()
		}
		if protocol, err := syscall.GetsockoptInt(a.fd, syscall.SOL_SOCKET, syscall.SO_PROTOCOL); err == nil && protocol == syscall.IPPROTO_TCP {
			a.options = optionsOf(s.config())
			a.options.set(a.fd)
		}
	}
	return a, nil
}

// Close ends the listening. It is called once.
func (a *loopListener) Close() error {
	if a.unlink != "" {
		_ = os.Remove(a.unlink) // if it is gone, somebody else did
	}
	_ = syscall.Shutdown(a.fd, syscall.SHUT_RD) // for the loops still have it
	a.leave()
	return nil
}

// leave says that one of the users does not use the descriptor any more.
func (a *loopListener) leave() {
	if a.users.Add(-1) == 0 {
		_ = syscall.Close(a.fd)
	}
}

// peer is scratch for the address of a client, which the system writes.
type peer struct {
	addr syscall.RawSockaddrAny
	size uint32
}

// accept takes a connection. The error is EAGAIN if none waits.
func (a *loopListener) accept(from *peer) (fd int, errno syscall.Errno) {
	flags := uintptr(syscall.SOCK_CLOEXEC)
	if a.srv.path == Epoll {
		flags |= syscall.SOCK_NONBLOCK // io_uring waits by itself, unless the descriptor forbids it
	}
	from.size = uint32(unsafe.Sizeof(from.addr))
	n, _, errno := syscall.RawSyscall6(syscall.SYS_ACCEPT4, uintptr(a.fd), uintptr(unsafe.Pointer(&from.addr)),
		uintptr(unsafe.Pointer(&from.size)), flags, 0, 0)
	return int(n), errno
}

// addresses returns the ends of a connection as Redis writes them. from is the client's.
func (a *loopListener) addresses(fd int, from *peer) (remote, local string) {
	if a.address.Network() == "unix" {
		return a.local, a.local
	}
	remote, local = from.String(), a.local
	if local == "" {
		from.size = uint32(unsafe.Sizeof(from.addr))
		_, _, _ = syscall.RawSyscall(syscall.SYS_GETSOCKNAME, uintptr(fd), uintptr(unsafe.Pointer(&from.addr)),
			uintptr(unsafe.Pointer(&from.size))) // a connected socket has an address
		local = from.String()
	}
	return remote, local
}

// String writes an IP address and port as Redis does.
func (p *peer) String() string {
	port := func(be uint16) uint16 { b := (*[2]byte)(unsafe.Pointer(&be)); return uint16(b[0])<<8 | uint16(b[1]) }
	switch p.addr.Addr.Family {
	case syscall.AF_INET:
		in := (*syscall.RawSockaddrInet4)(unsafe.Pointer(&p.addr))
		return netip.AddrPortFrom(netip.AddrFrom4(in.Addr), port(in.Port)).String()
	case syscall.AF_INET6:
		in := (*syscall.RawSockaddrInet6)(unsafe.Pointer(&p.addr))
		return netip.AddrPortFrom(netip.AddrFrom16(in.Addr).Unmap(), port(in.Port)).String()
	}
	return ""
}

// failed notes that the system refuses connections, mostly for want of file descriptors, and lets it rest.
func (a *loopListener) failed(errno syscall.Errno) {
	last := time.Duration(a.backoff.Load())
	if last == 0 {
		a.srv.log.Error("accepting connections pauses", "error", os.NewSyscallError("accept4", errno))
	}
	next := nextPause(last)
	a.backoff.Store(int64(next))
	a.pause(next)
}

// pause makes all loops leave the listener alone for a while.
func (a *loopListener) pause(d time.Duration) {
	if a.paused.Swap(true) {
		return
	}
	time.AfterFunc(d, func() {
		a.paused.Store(false)
		wakeLoops(a.srv.loops)
	})
}

// listen watches the listeners that are not watched, but not one that pauses.
func (l *loop) listen() {
	for i, a := range l.srv.listeners {
		if l.listening[i] || a.paused.Load() || l.draining {
			continue
		}
		if err := l.io.listen(a.fd); err != nil {
			l.srv.log.Error("connections cannot be accepted", "address", a.address.String(), "error", err)
			continue
		}
		l.listening[i] = true
	}
}

// listenerOf returns the number of the listener that has a descriptor, -1 if there is none.
func (l *loop) listenerOf(fd int) int {
	for i, a := range l.srv.listeners {
		if a.fd == fd {
			return i
		}
	}
	return -1
}

// accept takes connections that wait at a listener and deals them out. It reports whether the listener is to be watched on.
func (l *loop) accept(i int) bool {
	l.listening[i] = l.acceptSome(l.srv.listeners[i])
	return l.listening[i]
}

func (l *loop) acceptSome(a *loopListener) (more bool) {
	s := l.srv
	v := s.config()
	for range acceptMost {
		if s.stopping() || a.paused.Load() {
			return false
		}
		if wait := s.rate.take(v.ConnectionRateLimit, time.Now()); wait > 0 {
			a.pause(wait)
			return false
		}
		inherits := a.emptied.Load()
		fd, errno := a.accept(&l.peer)
		if errno == 0 {
			if a.backoff.Load() != 0 {
				a.backoff.Store(0)
			}
			l.admit(a, fd, inherits)
			continue
		}
		s.rate.giveBack()
		switch errno {
		case syscall.EAGAIN:
			if !inherits {
				a.emptied.Store(true)
			}
			return true
		case syscall.EINTR, syscall.ECONNABORTED:
		default:
			if !s.stopping() {
				a.failed(errno)
			}
			return false
		}
	}
	return true
}

// admit starts to serve a connection, or tells the client why not. inherits says whether the connection has the listener's options.
func (l *loop) admit(a *loopListener, fd int, inherits bool) {
	s := l.srv
	c := &loopConn{fd: fd, loop: l.lightest()}
	c.init(s)
	c.woken.Store(true)
	remote, local := a.addresses(fd, &l.peer)
	session, err := s.commands.NewSession(remote, local, fd, c.wake)
	if err != nil {
		_, _ = send(fd, []byte("-"+err.Error()+"\r\n")) // a new socket has room for a line; if not, it is closed all the same
		_ = syscall.Close(fd)
		return
	}
	session.CountWith(c.loop.index)
	c.session = session
	if o := optionsOf(s.config()); a.address.Network() == "tcp" && (!inherits || o != a.options) {
		o.set(fd)
	}
	switch {
	case !s.start(c, func() { c.loop.count.Add(1) }):
		session.Close()
		_ = syscall.Close(fd)
	case c.loop == l:
		l.attend(c, true, nil)
	default:
		c.loop.post(c)
	}
}

// lightest returns the loop with the fewest connections, and l if it is one of several.
func (l *loop) lightest() *loop {
	best := l
	for _, other := range l.srv.loops {
		if other.count.Load() < best.count.Load() {
			best = other
		}
	}
	return best
}

// set sets the options of a TCP socket. What the system refuses is left as it is: connections work without.
func (o options) set(fd int) {
	flag := func(yes bool) int {
		if yes {
			return 1
		}
		return 0
	}
	_ = syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, flag(o.noDelay))
	_ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_KEEPALIVE, flag(o.keepalive > 0))
	if o.keepalive > 0 {
		_ = syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE, int(o.keepalive/time.Second))
		_ = syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL, int(probeInterval(o.keepalive)/time.Second))
		_ = syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_KEEPCNT, keepaliveProbes)
	}
}
