// Package status serves over HTTP what a server tells of itself: whether it lives and is ready, its figures for people and for Prometheus,
// and profiles. Nothing here is needed to serve clients, and nothing here costs them anything: figures are gathered when someone asks.
//
//	/health   figures as JSON; 503 unless the server is ready
//	/healthz  200 as long as the process answers
//	/readyz   200 if clients are served; 503 while data is loaded and while the server stops
//	/metrics  everything for Prometheus (metrics.go, collector.go)
//	/debug/pprof/  profiles of the Go runtime, if Options.Profiles is set
//
// Probes (the first three) are answered whatever other clients do. See listener for connections
// that are left open. What takes memory or time is bounded apart from probes: maxScrapes and
// maxProfiles.
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

	"github.com/redistill/redistill/command"
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

// Limits of what a connection takes, beside MaxConnections. A client can make the server hold a
// little memory for a short time, and no more.
const (
	maxHeaderBytes  = 16 << 10
	requestTimeout  = 2 * time.Second  // from the first byte of a request, or the accept, to its last
	responseTimeout = 10 * time.Second // from there to the end of the answer; profiles have more
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

	profiling chan struct{} // holds one for each profile that is being made
}

// New returns a server in the state Loading, which serves nothing yet.
func New(o Options) *Server {
	s := &Server{options: o, profiling: make(chan struct{}, maxProfiles)}
	s.http = http.Server{
		Handler: s.routes(), MaxHeaderBytes: maxHeaderBytes, ReadTimeout: requestTimeout, WriteTimeout: responseTimeout,
		IdleTimeout: idleTimeout, ConnState: note, ErrorLog: slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
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
	err := s.http.Serve(newListener(l, s.options.Log))
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
