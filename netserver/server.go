package netserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redistill/redistill/command"
	"github.com/redistill/redistill/internal/config"
)

// The I/O paths, as --io, INFO and the log name them.
const (
	IOUring  = "io_uring" // an event loop for each core, on an io_uring
	Epoll    = "epoll"    // an event loop for each core, on epoll
	Portable = "portable" // a goroutine for each connection
)

// ChoosePath returns the I/O path that a value of --io stands for on this system: "auto" is the best one. fallback says why it is not
// a better one, and is empty if there is none. The error says that the system does not have the path.
func ChoosePath(io string) (path, fallback string, err error) {
	if io == Portable {
		return Portable, "", nil
	}
	if !haveLoops {
		missing := fmt.Sprintf("there are event loops on Linux only, not on %s", runtime.GOOS)
		if io == "auto" {
			return Portable, missing, nil
		}
		return "", "", fmt.Errorf("the I/O path %q does not exist: %s", io, missing)
	}
	if io == Epoll {
		return Epoll, "", nil
	}
	refused := probeIOUring()
	switch {
	case refused == nil:
		return IOUring, "", nil
	case io == "auto":
		return Epoll, "io_uring cannot be used: " + refused.Error(), nil
	}
	return "", "", fmt.Errorf("the I/O path %q cannot be used: %w", io, refused)
}

// ErrServerClosed is returned by Serve after Shutdown.
var ErrServerClosed = errors.New("netserver: the server is closed")

// sweepPeriod is the time between two looks at all connections, the unit of Server.tick.
const sweepPeriod = time.Second

// Options configure a Server.
type Options struct {
	Commands *command.Server // runs what clients send; its configuration and log are used here too. Required
	Path     string          // as ChoosePath returned it; empty is Portable
	Loops    int             // number of event loops; 0 is one for each core that the process may use
	Others   int             // files that the rest of the process may keep open, beside those of its own: see FitConnections

	tinyRings        bool          // tests: rings have too little of everything
	handshakeTimeout time.Duration // tests: in place of the constant
}

// Server accepts connections and runs them. Its methods may be called from any goroutine.
type Server struct {
	commands         *command.Server
	log              *slog.Logger
	records          recordPool
	batches          batchPool
	cycles           *command.Cycles // of the connections that have a goroutine each
	rate             acceptRate
	tick             atomic.Uint32 // counts sweeps; the clock of what may be a second off
	lookout          atomic.Bool   // a connection has memory to give back, or replies wait for a client: sweep has to look at them
	stop             chan struct{} // closed by Shutdown
	running          sync.WaitGroup
	path             string
	threads          int             // event loops to start
	tinyRings        bool            // see Options
	handshakeTimeout time.Duration   // likewise
	otherFiles       int             // Options.Others
	drainMost        time.Duration   // the constant, unless a test changes it before Shutdown
	loops            []*loop         // started by Serve; constant after
	listeners        []*loopListener // what the loops accept from; likewise

	lent atomic.Int64 // sum of link.lent

	mu        sync.Mutex // guards the fields below
	stopped   bool       // stop is closed
	acceptors []*netAcceptor
	conns     map[served]struct{}
}

// served is a connection, as the server sees it.
type served interface {
	wake()                                       // see command.NewSession
	cut()                                        // ends reads and writes at once; called with Server.mu held, before remove
	due(tick uint32, timeout time.Duration) bool // has to be woken for its idleness
	watched() bool                               // may be due soon even if there is no timeout; see Server.lookout
	weigh(tick uint32)                           // counts what its socket holds; called once a second with Server.mu held
}

// New returns a server that serves nothing yet.
func New(o Options) *Server {
	s := &Server{commands: o.Commands, log: o.Commands.Log, stop: make(chan struct{}), conns: map[served]struct{}{}}
	s.cycles = o.Commands.NewCycles()
	s.path, s.threads, s.tinyRings = cmp.Or(o.Path, Portable), o.Loops, o.tinyRings
	s.otherFiles = o.Others
	s.handshakeTimeout, s.drainMost = cmp.Or(o.handshakeTimeout, handshakeTimeout), drainMost
	if s.threads == 0 {
		s.threads = runtime.GOMAXPROCS(0)
	}
	return s
}

func (s *Server) config() *config.Values { return s.commands.Config.Values() }

// Serve accepts connections from all listeners, which it closes in the end, and serves them. It blocks until Shutdown is called and then
// returns ErrServerClosed at once, while Shutdown waits for the connections. It returns another error if the event loops cannot be
// started. If a listener is closed by someone else, Serve goes on with the others. It may be called once.
//
// Event loops raise GOMAXPROCS, for each keeps a processor while it waits for more requests.
func (s *Server) Serve(listeners ...net.Listener) error {
	if err := s.begin(listeners); err != nil {
		closeAll(listeners)
		return err
	}
	<-s.stop
	return ErrServerClosed
}

// begin starts everything that runs until Shutdown.
func (s *Server) begin(listeners []net.Listener) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return ErrServerClosed
	}
	for _, l := range listeners {
		if err := s.acceptFrom(l); err != nil {
			s.stopLocked()
			return err
		}
	}
	if err := s.startLoops(); err != nil {
		return err
	}
	for _, a := range s.acceptors {
		s.running.Go(a.run)
	}
	s.running.Go(s.sweep)
	return nil
}

// startLoops makes the event loops, if the path has any, and runs them.
func (s *Server) startLoops() error {
	if s.path == Portable {
		return nil
	}
	loops, err := newLoops(s, s.threads)
	if err != nil {
		s.stopLocked()
		return err
	}
	s.loops = loops
	started := make(chan error, len(loops))
	for _, l := range loops {
		s.running.Go(func() { l.run(started) })
	}
	for range loops {
		err = errors.Join(err, <-started)
	}
	if err != nil {
		s.stopLocked()
	}
	return err
}

// stopLocked makes everything that runs end. s.mu is held.
func (s *Server) stopLocked() {
	if !s.stopped {
		s.stopped = true
		close(s.stop)
		closeAll(s.acceptors)
		closeAll(s.listeners)
	}
	for c := range s.conns {
		c.wake()
	}
	wakeLoops(s.loops)
}

// Shutdown stops accepting, lets the commands that have arrived answer, and closes the connections. It returns nil when that is done.
// When ctx ends before, it closes all connections at once and returns the error of ctx; a command that still runs then goes on
// without anyone to answer to.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.stopLocked()
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
		c.cut()
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

func closeAll[C io.Closer](list []C) {
	for _, c := range list {
		_ = c.Close()
	}
}

// start runs a connection by calling run, which must not block, unless the server stops.
func (s *Server) start(c served, run func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return false
	}
	s.conns[c] = struct{}{}
	run()
	return true
}

// remove forgets a connection that has ended.
func (s *Server) remove(c served) {
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
		s.commands.LookAtArrivals()
		s.wakeIdle(s.tick.Add(1), s.config().ConnectionTimeout)
	}
}

// wakeIdle passes over the connections, which may be many, where none can be due.
func (s *Server) wakeIdle(tick uint32, timeout time.Duration) {
	if !s.lookout.Swap(false) && timeout == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.weigh(tick)
		if c.due(tick, timeout) {
			c.wake()
		}
		if c.watched() {
			s.lookout.Store(true)
		}
	}
}
