package netserver

import (
	"math"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
	"unsafe"

	"github.com/redistill/redistill/internal/config"
	"github.com/redistill/redistill/internal/resp"
)

// The calls below do not tell the scheduler. None of them waits.

// eventfd returns a new eventfd, which never blocks.
func eventfd() (int, error) {
	fd, _, errno := syscall.RawSyscall(syscall.SYS_EVENTFD2, 0, syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}

// receive reads what has arrived on a socket, up to the size of p. 0 bytes are the end.
func receive(fd int, p []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)),
		syscall.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// send writes as much of p, which is not empty, as the socket has room for.
func send(fd int, p []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)),
		syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// unacknowledged returns how much of what was written to a socket the other end does not have yet. The end of the stream counts as a byte.
func unacknowledged(fd int) int {
	var n int32
	_, _, errno := syscall.RawSyscall(syscall.SYS_IOCTL, uintptr(fd), syscall.TIOCOUTQ, uintptr(unsafe.Pointer(&n)))
	if errno != 0 {
		return 0
	}
	return int(n)
}

// vector is scratch for sending replies that do not lie in one place.
type vector struct {
	slices  [64][]byte
	entries [64]syscall.Iovec
	header  messageHeader
}

// messageHeader is struct user_msghdr.
type messageHeader struct {
	name       unsafe.Pointer
	nameLen    uint32
	entries    *syscall.Iovec
	count      uintptr
	control    unsafe.Pointer
	controlLen uintptr
	flags      uint32
}

// send is send for the replies from an offset on, or as many as the vector has entries for.
func (v *vector) send(fd int, out *resp.Out, from int) (int, syscall.Errno) {
	slices := out.Rest(v.slices[:0], from, math.MaxInt)
	for i, b := range slices {
		v.entries[i].Base = &b[0]
		v.entries[i].SetLen(len(b))
	}
	v.header.entries, v.header.count = &v.entries[0], uintptr(len(slices))
	n, _, errno := syscall.RawSyscall(syscall.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&v.header)),
		syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL)
	clear(slices)
	clear(v.entries[:len(slices)])
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// loopAcceptor accepts connections and deals them out to the loops. A listening socket for each loop (SO_REUSEPORT) would leave that to
// a hash of the client's address, which spreads a few connections unevenly.
type loopAcceptor struct {
	srv    *Server
	listen string
	unlink string   // the file of a Unix socket, or empty
	file   *os.File // the listening socket
	raw    syscall.RawConn
}

// newLoopAcceptor returns an acceptor in place of l, which it closes.
func newLoopAcceptor(s *Server, l socketListener) (acceptor, error) {
	defer func() { _ = l.Close() }()
	file, err := l.File()
	if err != nil {
		return nil, err
	}
	raw, err := file.SyscallConn()
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	a := &loopAcceptor{srv: s, listen: l.Addr().String(), file: file, raw: raw}
	if u, ok := l.(*net.UnixListener); ok && !isAbstract(a.listen) {
		u.SetUnlinkOnClose(false)
		a.unlink = a.listen
	}
	return a, nil
}

func (a *loopAcceptor) address() string { return a.listen }

func (a *loopAcceptor) Close() error {
	if a.unlink != "" {
		_ = os.Remove(a.unlink) // if it is gone, somebody else did
	}
	return a.file.Close()
}

func (a *loopAcceptor) next() (newcomer, error) {
	flags := syscall.SOCK_CLOEXEC
	if a.srv.path == Epoll {
		flags |= syscall.SOCK_NONBLOCK // io_uring waits by itself, unless the descriptor forbids it
	}
	for {
		var fd int
		var from syscall.Sockaddr
		var failure error
		err := a.raw.Read(func(l uintptr) bool {
			fd, from, failure = syscall.Accept4(int(l), flags)
			return failure != syscall.EAGAIN
		})
		switch {
		case err != nil: // it does not call the function only if the file is closed
			return nil, net.ErrClosed
		case failure == nil:
			return a.newConn(fd, from), nil
		case failure != syscall.EINTR && failure != syscall.ECONNABORTED:
			return nil, os.NewSyscallError("accept4", failure)
		}
	}
}

// socket is a connection that was accepted.
type socket struct {
	*loopConn
	remote string
}

func (a *loopAcceptor) newConn(fd int, from syscall.Sockaddr) *socket {
	c := &loopConn{fd: fd}
	c.init(a.srv)
	c.woken.Store(true)
	return &socket{c, addressText(from)}
}

func (c *socket) refuse() { _ = syscall.Close(c.fd) }

func (c *socket) admit() {
	s := c.srv
	local, err := syscall.Getsockname(c.fd)
	if err != nil {
		c.refuse()
		return
	}
	c.loop = s.lightest()
	if _, ok := local.(*syscall.SockaddrUnix); ok {
		c.remote = addressText(local)
	}
	session, err := s.commands.NewSession(c.remote, addressText(local), c.fd, c.wake)
	if err != nil {
		_, _ = send(c.fd, []byte("-"+err.Error()+"\r\n")) // a new socket has room for a line; if not, it is closed all the same
		c.refuse()
		return
	}
	session.CountWith(c.loop.index)
	c.session = session
	tuneSocket(c.fd, s.config())
	if !s.start(c.loopConn, func() {
		c.loop.count.Add(1)
		c.loop.post(c.loopConn)
	}) {
		session.Close()
		c.refuse()
	}
}

// lightest returns the loop with the fewest connections.
func (s *Server) lightest() *loop {
	best := s.loops[0]
	for _, l := range s.loops[1:] {
		if l.count.Load() < best.count.Load() {
			best = l
		}
	}
	return best
}

// addressText writes an address as Redis does.
func addressText(a syscall.Sockaddr) string {
	switch a := a.(type) {
	case *syscall.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port)).String()
	case *syscall.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(a.Addr).Unmap(), uint16(a.Port)).String()
	case *syscall.SockaddrUnix:
		return unixText(a.Name)
	}
	return ""
}

// tuneSocket is tune for a file descriptor.
func tuneSocket(fd int, v *config.Values) {
	if v.TCPNoDelay {
		_ = syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
	}
	if v.TCPKeepalive > 0 {
		_ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_KEEPALIVE, 1)
		_ = syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE, int(v.TCPKeepalive/time.Second))
		_ = syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL, int(probeInterval(v.TCPKeepalive)/time.Second))
		_ = syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_KEEPCNT, keepaliveProbes)
	}
}
