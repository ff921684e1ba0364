package netserver

import (
	"errors"
	"net"
	"syscall"
	"time"

	"github.com/redistill/redistill/internal/config"
)

// Pauses of a listener that cannot accept, mostly for want of file descriptors.
const (
	firstPause = 5 * time.Millisecond
	lastPause  = time.Second
)

// nextPause returns the pause that follows one of the given length, or none.
func nextPause(last time.Duration) time.Duration { return min(max(firstPause, 2*last), lastPause) }

// socketListener is a listener on a socket, without anything between that and its connections: a *net.TCPListener or *net.UnixListener.
type socketListener interface {
	net.Listener
	syscall.Conn
}

// acceptFrom arranges for a listener, which it may close, to be served. What is no plain socket is served on the portable path.
func (s *Server) acceptFrom(l net.Listener) error {
	plain, ok := l.(socketListener)
	if !ok || s.path == Portable {
		s.acceptors = append(s.acceptors, &netAcceptor{Listener: l, srv: s})
		return nil
	}
	watched, err := newLoopListener(s, plain)
	if err == nil {
		s.listeners = append(s.listeners, watched)
	}
	return err
}

// awaitTurn waits until connection_rate_limit lets another connection be served. It returns false if the server stops meanwhile.
func (s *Server) awaitTurn() bool {
	for {
		wait := s.rate.take(s.config().ConnectionRateLimit, time.Now())
		if wait == 0 {
			return true
		}
		if !s.sleep(wait) {
			return false
		}
	}
}

// sleep waits, and returns false if the server stops meanwhile.
func (s *Server) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.stop:
		return false
	}
}

// netAcceptor accepts connections for the portable path.
type netAcceptor struct {
	net.Listener
	srv *Server
}

// run takes connections until the listener is closed.
func (a *netAcceptor) run() {
	s, pause := a.srv, time.Duration(0)
	for {
		nc, err := a.Accept()
		switch {
		case err == nil:
			pause = 0
			if !s.awaitTurn() {
				_ = nc.Close()
				return
			}
			a.newConn(nc).admit()
		case errors.Is(err, net.ErrClosed):
			if !s.stopping() {
				s.log.Error("a listener was closed", "address", a.Addr().String())
			}
			return
		default:
			if pause == 0 {
				s.log.Error("accepting connections pauses", "error", err)
			}
			pause = nextPause(pause)
			if !s.sleep(pause) {
				return
			}
		}
	}
}

func (a *netAcceptor) newConn(nc net.Conn) *netConn {
	c := &netConn{nc: nc, kick: make(chan struct{}, 1)}
	if l, ok := a.Listener.(*tlsListener); ok {
		c.tls = newTLSStream(nc, l.config)
	}
	c.init(a.srv)
	return c
}

// admit starts to serve a connection, or tells the client why not.
func (c *netConn) admit() {
	nc, s := c.nc, c.srv
	remote, local := addressTexts(nc)
	if c.tls != nil {
		_ = nc.SetDeadline(time.Now().Add(s.handshakeTimeout)) // before anyone can wake the connection
	}
	session, err := s.commands.NewSession(remote, local, descriptor(nc), c.wake)
	if err != nil {
		// A new socket has room for this line, so that the write does not wait. A TLS client could not read it.
		if c.tls == nil {
			_, _ = nc.Write([]byte("-" + err.Error() + "\r\n"))
		}
		_ = nc.Close()
		return
	}
	c.session = session
	c.shared.Store(session)
	if session.Killed() {
		_ = nc.SetDeadline(past)
	}
	tune(nc, s.config())
	if !s.start(c, func() { s.running.Go(c.serve) }) {
		session.Close()
		_ = nc.Close()
	}
}

// addressTexts writes the addresses of a connection's ends as Redis does. Those of a Unix socket are its path.
func addressTexts(nc net.Conn) (remote, local string) {
	if a, ok := nc.LocalAddr().(*net.UnixAddr); ok {
		text := unixText(a.Name)
		return text, text
	}
	return nc.RemoteAddr().String(), nc.LocalAddr().String()
}

// unixText writes the path of a Unix socket as the address of those who use it.
func unixText(path string) string { return path + ":0" }

// keepaliveProbes is how many probes a dead client leaves unanswered, as in Redis.
const keepaliveProbes = 3

// probeInterval returns the time between two of them.
func probeInterval(keepalive time.Duration) time.Duration {
	return max(keepalive/keepaliveProbes, time.Second)
}

// tune sets the options of a new connection's socket. What a system refuses is left as it is: the connection works without.
func tune(nc net.Conn, v *config.Values) {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return
	}
	if !v.TCPNoDelay { // on by default in Go
		_ = tcp.SetNoDelay(false)
	}
	if v.TCPKeepalive > 0 {
		_ = tcp.SetKeepAliveConfig(net.KeepAliveConfig{
			Enable: true, Idle: v.TCPKeepalive, Interval: probeInterval(v.TCPKeepalive), Count: keepaliveProbes,
		})
	}
}

// descriptor returns the connection's file descriptor, or -1 if it has none to show.
func descriptor(nc net.Conn) int {
	sc, ok := nc.(interface {
		SyscallConn() (syscall.RawConn, error)
	})
	if !ok {
		return -1
	}
	fd := -1
	raw, err := sc.SyscallConn()
	if err == nil {
		_ = raw.Control(func(n uintptr) { fd = int(n) })
	}
	return fd
}
