// Package status serves over HTTP what a server tells of itself: whether it lives and is ready, its figures for people and for Prometheus,
// and profiles. Nothing here is needed to serve clients, and nothing here costs them anything: figures are gathered when someone asks.
//
//	/health   figures as JSON; 503 unless the server is ready
//	/healthz  200 as long as the process answers
//	/readyz   200 if clients are served; 503 while data is loaded and while the server stops
//	/metrics  everything for Prometheus (metrics.go, collector.go)
//	/debug/pprof/  profiles of the Go runtime, if Options.Profiles is set
//
// There is no password: the listener is on loopback unless the operator says otherwise, and no answer has keys, values, passwords or
// arguments of commands in it. The command line, which may hold a password, is left out of the profiles. What reaches loopback need not be
// meant for it: see localOnly.
package status

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/redistill/redistill/internal/command"
)

// State is what the server is doing.
type State int32

// The states, in the order in which a server passes through them.
const (
	Loading  State = iota // data is being read; clients are not served
	Ready                 // clients are served
	Draining              // the server stops: what was sent is answered, new clients are not accepted
)

var stateNames = [...]string{Loading: "loading", Ready: "ok", Draining: "draining"}

// String returns the state as /health writes it.
func (s State) String() string { return stateNames[s] }

// Limits of the listener. Whoever can reach it shall not take more than a little memory.
const (
	maxConnections  = 64
	maxHeaderBytes  = 16 << 10
	headerTimeout   = 5 * time.Second
	requestTimeout  = 10 * time.Second
	responseTimeout = 30 * time.Second // profiles may take longer
	idleTimeout     = 2 * time.Minute
)

// Options configure a Server.
type Options struct {
	Observe  func() *command.Observation // gathers the figures; required
	Log      *slog.Logger                // required
	Profiles bool                        // serve /debug/pprof/
}

// Server answers HTTP requests. Its methods may be called from any goroutine.
type Server struct {
	options Options
	state   atomic.Int32
	http    http.Server
}

// New returns a server in the state Loading, which serves nothing yet.
func New(o Options) *Server {
	s := &Server{options: o}
	s.http = http.Server{
		Handler: s.routes(), MaxHeaderBytes: maxHeaderBytes, ReadHeaderTimeout: headerTimeout, ReadTimeout: requestTimeout,
		WriteTimeout: responseTimeout, IdleTimeout: idleTimeout, ErrorLog: slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
	}
	return s
}

// SetState says what the server is doing from now on.
func (s *Server) SetState(state State) { s.state.Store(int32(state)) }

// State returns what SetState was called with last.
func (s *Server) State() State { return State(s.state.Load()) }

// Serve answers requests until Close, and then returns nil. On loopback only requests are answered whose Host names this machine.
func (s *Server) Serve(l net.Listener) error {
	if a, ok := l.Addr().(*net.TCPAddr); ok && a.IP.IsLoopback() {
		s.http.Handler = localOnly(s.http.Handler)
	}
	err := s.http.Serve(&limitedListener{l, make(chan struct{}, maxConnections), make(chan struct{})})
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// closeTimeout is how long Close waits for requests.
const closeTimeout = time.Second

// Close stops serving. Requests that take long are cut off.
func (s *Server) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		_ = s.http.Close()
	}
}

// limitedListener lets connections wait while maxConnections are open.
type limitedListener struct {
	net.Listener
	places chan struct{} // holds one for each connection
	closed chan struct{}
}

// Close ends an Accept that waits for a place too. It is called once.
func (l *limitedListener) Close() error {
	close(l.closed)
	return l.Listener.Close()
}

func (l *limitedListener) Accept() (net.Conn, error) {
	select {
	case l.places <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	nc, err := l.Listener.Accept()
	if err != nil {
		<-l.places
		return nil, err
	}
	return &limitedConn{Conn: nc, places: l.places}, nil
}

type limitedConn struct {
	net.Conn
	places chan struct{}
	closed atomic.Bool
}

func (c *limitedConn) Close() error {
	if !c.closed.Swap(true) {
		<-c.places
	}
	return c.Conn.Close()
}
