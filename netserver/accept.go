package netserver

import (
	"errors"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/redistill/redistill/internal/config"
)

// Pauses of a listener that cannot accept, mostly for want of file descriptors.
const (
	firstPause = 5 * time.Millisecond
	lastPause  = time.Second
)

// acceptor takes the connections of one listener.
type acceptor interface {
	next() (newcomer, error) // waits for a connection; net.ErrClosed after Close
	address() string         // of the listener
	Close() error
}

// newcomer is a connection that is not served yet. One of its methods is called.
type newcomer interface {
	admit() // starts to serve it, or tells the client why not
	refuse()
}

// socketListener is a listener on a socket, without anything between that and its connections: a *net.TCPListener or *net.UnixListener.
type socketListener interface {
	net.Listener
	File() (*os.File, error)
}

// acceptorOf returns the acceptor of a listener, which it may close. What is no plain socket is served on the portable path.
func (s *Server) acceptorOf(l net.Listener) (acceptor, error) {
	if l, ok := l.(socketListener); ok && s.path != Portable {
		return newLoopAcceptor(s, l)
	}
	return &netAcceptor{Listener: l, srv: s}, nil
}

// accept takes connections from a until it is closed.
func (s *Server) accept(a acceptor) {
	pause := time.Duration(0)
	for {
		n, err := a.next()
		switch {
		case err == nil:
			pause = 0
			if !s.awaitTurn() {
				n.refuse()
				return
			}
			n.admit()
		case errors.Is(err, net.ErrClosed):
			if !s.stopping() {
				s.log.Error("a listener was closed", "address", a.address())
			}
			return
		default:
			if pause == 0 {
				s.log.Error("accepting connections pauses", "error", err)
			}
			pause = min(max(firstPause, 2*pause), lastPause)
			if !s.sleep(pause) {
				return
			}
		}
	}
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

// netAcceptor is an acceptor for the portable path.
type netAcceptor struct {
	net.Listener
	srv *Server
}

func (a *netAcceptor) address() string { return a.Addr().String() }

func (a *netAcceptor) next() (newcomer, error) {
	nc, err := a.Accept()
	if err != nil {
		return nil, err
	}
	c := &netConn{nc: nc}
	if l, ok := a.Listener.(*tlsListener); ok {
		c.tls = newTLSStream(nc, l.config)
	}
	c.init(a.srv)
	return c, nil
}

func (c *netConn) refuse() { _ = c.nc.Close() }

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
