package netserver

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redistill/redistill/internal/command"
	"github.com/redistill/redistill/internal/config"
)

// IOPath is the name of the I/O path that this build uses, for the log and INFO.
const IOPath = "portable"

// ErrServerClosed is returned by Serve after Shutdown.
var ErrServerClosed = errors.New("netserver: the server is closed")

// sweepPeriod is the time between two looks at all connections, the unit of Server.tick.
const sweepPeriod = time.Second

// Options configure a Server.
type Options struct {
	Commands *command.Server // runs what clients send; its configuration and log are used here too. Required
}

// Server accepts connections and runs them. Its methods may be called from any goroutine.
type Server struct {
	commands *command.Server
	log      *slog.Logger
	buffers  readPool
	rate     acceptRate
	tick     atomic.Uint32 // counts sweeps; the clock of what may be a second off
	stop     chan struct{} // closed by Shutdown
	running  sync.WaitGroup

	mu        sync.Mutex // guards the fields below
	stopped   bool       // stop is closed
	listeners []net.Listener
	conns     map[*netConn]struct{}
}

// New returns a server that serves nothing yet.
func New(o Options) *Server {
	return &Server{commands: o.Commands, log: o.Commands.Log, stop: make(chan struct{}), conns: map[*netConn]struct{}{}}
}

func (s *Server) config() *config.Values { return s.commands.Config.Snapshot() }

// Serve accepts connections from all listeners, which it closes in the end, and serves each in a goroutine. It blocks until Shutdown is
// called and then returns ErrServerClosed at once, while Shutdown waits for the connections. If a listener is closed by someone else,
// Serve goes on with the others. It may be called once.
func (s *Server) Serve(listeners ...net.Listener) error {
	s.mu.Lock()
	if s.stopped {
		s.mu.Unlock()
		closeAll(listeners)
		return ErrServerClosed
	}
	s.listeners = listeners
	var accepting sync.WaitGroup
	for _, l := range listeners {
		accepting.Go(func() { s.accept(l) })
	}
	s.running.Go(s.sweep)
	s.mu.Unlock()
	accepting.Wait()
	<-s.stop
	return ErrServerClosed
}

// Shutdown stops accepting, lets the commands that have arrived answer, and closes the connections. It returns nil when that is done.
// When ctx ends before, it closes all connections at once and returns the error of ctx; a command that still runs then goes on
// without anyone to answer to.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	if !s.stopped {
		s.stopped = true
		close(s.stop)
		closeAll(s.listeners)
	}
	for c := range s.conns {
		c.wake()
	}
	s.mu.Unlock()

	done := make(chan struct{})
	go func() {
		s.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.nc.SetDeadline(past)
		_ = c.nc.Close()
	}
	return ctx.Err()
}

// stopping reports whether Shutdown was called.
func (s *Server) stopping() bool {
	select {
	case <-s.stop:
		return true
	default:
		return false
	}
}

func closeAll(listeners []net.Listener) {
	for _, l := range listeners {
		_ = l.Close()
	}
}

// start runs a connection, unless the server stops.
func (s *Server) start(c *netConn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return false
	}
	s.conns[c] = struct{}{}
	s.running.Go(c.serve)
	return true
}

// remove forgets a connection that has ended.
func (s *Server) remove(c *netConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// sweep wakes, once a second, the connections that have been idle for so long that they have to do something about it.
func (s *Server) sweep() {
	ticker := time.NewTicker(sweepPeriod)
	defer ticker.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-ticker.C:
		}
		s.wakeIdle(s.tick.Add(1), s.config().ConnectionTimeout)
	}
}

func (s *Server) wakeIdle(tick uint32, timeout time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		quiet := tick - c.tick.Load()
		if quiet >= idleTicks && c.large.Load() || isIdle(quiet, timeout) {
			c.wake()
		}
	}
}
