package netserver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// NoPort as a port of Endpoints stands for none.
const NoPort = -1

// Endpoints say where to listen.
type Endpoints struct {
	Addresses []string    // IP addresses and host names; each gets the TCP ports
	Port      int         // of all addresses; 0 is a free one that the system chooses
	TLSPort   int         // likewise, for clients that speak TLS; unused without TLS
	TLS       *tls.Config // how TLS is spoken; nil is not at all
	Unix      string      // path of a Unix socket; empty is none
	UnixMode  os.FileMode // permissions of that; 0 leaves them to the umask
	Backlog   int         // connections that may wait to be accepted, of which the system may allow fewer; 0 is as many as it allows
}

// Ports returns the TCP ports that are listened on without and with TLS, 0 for none.
func Ports(listeners []net.Listener) (plain, secure int) {
	for _, l := range listeners {
		a, ok := l.Addr().(*net.TCPAddr)
		if !ok {
			continue
		}
		if _, ok := l.(*tlsListener); ok {
			secure = a.Port
		} else {
			plain = a.Port
		}
	}
	return plain, secure
}

// Listen listens on all endpoints. On an error nothing is listened on.
func Listen(at Endpoints) ([]net.Listener, error) {
	listeners, err := at.listen()
	for _, l := range listeners {
		if err == nil && at.Backlog > 0 {
			err = setBacklog(l, at.Backlog)
		}
	}
	if err != nil {
		closeAll(listeners)
		return nil, fmt.Errorf("cannot serve: %w", err)
	}
	return listeners, nil
}

// listen returns the listeners so far, with an error too.
func (at *Endpoints) listen() ([]net.Listener, error) {
	listeners, err := at.listenTCP(at.Port)
	if err != nil {
		return listeners, err
	}
	if at.TLS != nil {
		secure, err := at.listenTCP(at.TLSPort)
		for _, l := range secure {
			listeners = append(listeners, &tlsListener{l, at.TLS})
		}
		if err != nil {
			return listeners, err
		}
	}
	if at.Unix == "" {
		return listeners, nil
	}
	l, err := listenUnix(at.Unix, at.UnixMode)
	if err != nil {
		return listeners, err
	}
	return append(listeners, l), nil
}

// listenTCP listens on a port of all addresses. It returns the listeners so far with an error too.
func (at *Endpoints) listenTCP(port int) ([]net.Listener, error) {
	if port == NoPort {
		return nil, nil
	}
	var listeners []net.Listener
	for _, address := range at.Addresses {
		l, err := listenTCP(address, port)
		if err != nil {
			return listeners, err
		}
		listeners = append(listeners, l)
		if a, ok := l.Addr().(*net.TCPAddr); ok {
			port = a.Port
		}
	}
	return listeners, nil
}

func listenTCP(address string, port int) (net.Listener, error) {
	network := "tcp"
	if ip, err := netip.ParseAddr(address); err == nil {
		// Named apart, for "::" not to take the IPv4 port as well.
		if network = "tcp6"; ip.Is4() {
			network = "tcp4"
		}
	}
	// Keepalive is set for each connection, as the configuration is then.
	lc := net.ListenConfig{KeepAlive: -1, Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) { limitUnsent(int(fd), unsentFirst) })
	}}
	lc.SetMultipathTCP(false) // which would cost every connection something, and few clients speak it
	return lc.Listen(context.Background(), network, net.JoinHostPort(address, strconv.Itoa(port)))
}

// listenUnix listens on a Unix socket, whose file goes when the listener is closed. A socket that a dead process left behind is replaced;
// one that is listened on, and any other file, is an error.
func listenUnix(path string, mode os.FileMode) (net.Listener, error) {
	if err := removeStale(path); err != nil {
		return nil, err
	}
	if mode == 0 {
		return net.Listen("unix", path)
	}
	return listenUnixAs(path, mode)
}

// staleTimeout bounds how long a process is waited for that may listen on a Unix socket.
const staleTimeout = time.Second

// removeStale removes a Unix socket that nobody listens on.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Type() != os.ModeSocket {
		return nil // listening says what is wrong, if anything is
	}
	nc, err := net.DialTimeout("unix", path, staleTimeout)
	if err == nil {
		return errors.Join(fmt.Errorf("unix socket %s: another server listens there", path), nc.Close())
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return err
	}
	return os.Remove(path)
}

// isAbstract reports whether a Unix socket has no file, but a name that only Linux knows.
func isAbstract(path string) bool { return strings.HasPrefix(path, "@") }
