package command

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/acl"
	"github.com/redistill/redistill/internal/config"
	"github.com/redistill/redistill/internal/latency"
)

// Options configure a Server.
type Options struct {
	Store    *engine.Store
	Config   *config.Config
	Log      *slog.Logger
	Version  string          // the product's own version
	IO       string          // the I/O path in use, for INFO
	Shutdown func(save bool) // starts an orderly stop of the process; called by Stop

	// Certificate tells, for INFO, when the certificate of the TLS port expires, and how many were found that could not be used. It is
	// nil without TLS.
	Certificate func() (notAfter time.Time, failures uint64)

	Rewrite func() error // brings what CONFIG SET changed into the configuration file; nil if there is none

	IOFallback string // why the I/O path is not the best one, for INFO; empty if it is
}

// Server is what all clients share: the keyspace, the configuration, the command table and the registry of clients. Its methods may be
// called from any goroutine.
type Server struct {
	Options
	table    *table
	exec     *Command // the row of EXEC, which the gate treats apart
	started  time.Time
	counting atomic.Int64 // nanoseconds from the start to the last CONFIG RESETSTAT
	runID    string

	alert     atomic.Uint32 // alertPause and so on: what a command has to heed before it runs
	clients   registry
	closing   sync.Mutex   // held while clients are chosen to be closed for what they hold
	unpinning *Session     // the last that was closed for what it pinned; guarded by closing
	charged   atomic.Int64 // bytes that clients hold, but for those that were closed a moment ago
	strangers atomic.Int64 // those of them of clients who have not logged in
	clogged   atomic.Int64 // nanotime since when Clogged says yes, 0 if it does not
	noRoom    atomic.Bool  // the Store has none because of pins; see makeWay
	pinning   atomic.Int64 // nanotime since when too much is pinned, 0 if it is not
	pinGrace  atomic.Int64 // the constant, but in tests
	arrivals  arrivals
	pause     pause
	expiry    expiryHold
	monitors  monitors
	blocked   atomic.Int64 // sessions that block was called for
	stripes   []*Stats     // shared out among the sessions, added up by INFO
	total     totals
	users     *acl.Users
	aclLog    acl.Log
	told      told
	logins    loginLimit
	slowFrom  atomic.Int64 // nanoseconds from which on a command is looked at by slowlog or latency
	slowlog   slowlog
	latency   latency.Monitor
	underWay  sync.WaitGroup // of DEBUG and Stop, which use the Store
	reloads   sync.WaitGroup // of DEBUG RELOAD that are under way
	files     sync.Mutex     // see Call.aside
	sampler   sampler
	cycles    allCycles
	saver     saver
	walks     sync.Pool               // of *walk that are not in use
	loader    atomic.Pointer[loading] // of the snapshot that was loaded at the start, or is; nil if none

	stopLoading  atomic.Bool
	oomScore     oomScore // of configureOOMScore
	startupBytes int64    // memory in use at the start
	maxReply     int      // see the constant; tests have less
	configFile   string   // the file that settings came from, or empty
}

// Bits of Server.alert.
const (
	alertPause    uint32 = 1 << iota // CLIENT PAUSE is in effect
	alertMonitors                    // some client is in MONITOR mode
	alertLoading                     // a snapshot is being loaded
	alertCut                         // CutOff was called
)

// NewServer returns a server without clients. o.Store, o.Config and o.Log are required. Close ends it.
func NewServer(o Options) *Server { return newServer(o, Commands()) }

// newServer is NewServer with other rows in the table, for tests.
func newServer(o Options, rows []Command) *Server {
	s := &Server{Options: o, table: newTable(rows), started: time.Now(), runID: newRunID(), maxReply: maxReply}
	s.exec = s.table.find("exec")
	s.users = acl.NewUsers(s.table.catalog())
	s.clients.byID = map[int64]*Session{}
	s.pause.srv, s.monitors.srv = s, s
	for range min(2*runtime.GOMAXPROCS(0), 32) {
		s.stripes = append(s.stripes, newStats(s.table))
	}
	s.total.io = make([]ioTotals, len(s.stripes))
	s.applyConfig()
	s.pinGrace.Store(pinGrace)
	s.startupBytes, s.configFile = s.usedMemory(), configFile(o.Config)
	o.Store.OnTick(s.background)
	s.saver = saver{srv: s, last: s.started, took: -1}
	if o.Config.Values().Persistence {
		s.alert.Store(alertLoading)
	}
	return s
}

// Close ends what is under way. All sessions have been closed. The Store, in whose background the server takes samples, is closed after.
func (srv *Server) Close() {
	srv.pause.end()
	srv.saver.close()
	srv.StopLoading()
	srv.underWay.Wait()
}

// CutOff ends what still runs when the grace period of the end is over: no command begins any more,
// one that takes turns has no other, and a transaction stops between two of its commands. What a
// transaction did stays, although nobody is told. Any goroutine may call it.
func (srv *Server) CutOff() { srv.alert.Or(alertCut) }

// IsCutOff reports whether CutOff was called.
func (srv *Server) IsCutOff() bool { return srv.alert.Load()&alertCut != 0 }

// newRunID returns 40 random hexadecimal digits, as Redis names a run of the server.
func newRunID() string {
	var b [20]byte
	_, _ = rand.Read(b[:]) // documented never to fail
	return hex.EncodeToString(b[:])
}

// totals are counters since the start or CONFIG RESETSTAT.
type totals struct {
	connections atomic.Int64                     // accepted
	rejected    atomic.Int64                     // refused for max_connections, or by protected mode
	queryLimit  atomic.Int64                     // clients closed for what they sent
	outputLimit atomic.Int64                     // clients closed for what they did not read
	tlsFailures atomic.Int64                     // clients closed because the TLS handshake failed
	evicted     atomic.Int64                     // clients closed because all together held too much
	io          []ioTotals                       // shared out among the sessions like Server.stripes
	denied      [acl.DeniedCert + 1]atomic.Int64 // logins and commands that were refused, by reason
}

// ioTotals are bytes read from and written to sockets. It fills a cache line.
type ioTotals struct {
	in, out atomic.Int64
	_       [48]byte
}

// network returns the bytes read from and written to all clients.
func (t *totals) network() (in, out int64) {
	for i := range t.io {
		in += t.io[i].in.Load()
		out += t.io[i].out.Load()
	}
	return in, out
}

// reset sets everything to zero.
func (t *totals) reset() {
	for _, n := range []*atomic.Int64{&t.connections, &t.rejected, &t.queryLimit, &t.outputLimit, &t.tlsFailures, &t.evicted} {
		n.Store(0)
	}
	for i := range t.denied {
		t.denied[i].Store(0)
	}
	for i := range t.io {
		t.io[i].in.Store(0)
		t.io[i].out.Store(0)
	}
}

// registry knows the clients that are connected.
type registry struct {
	mu     sync.Mutex
	byID   map[int64]*Session
	lastID int64
}

// add registers a client, unless there are limit already, and gives it its ID.
func (r *registry) add(s *Session, limit int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.byID) >= limit {
		return false
	}
	r.lastID++
	s.ID = r.lastID
	r.byID[s.ID] = s
	return true
}

// remove forgets a client and reports whether it was known.
func (r *registry) remove(s *Session) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, known := r.byID[s.ID]
	delete(r.byID, s.ID)
	return known
}

// find returns a client, or nil.
func (r *registry) find(id int64) *Session {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.byID[id]
}

// len returns the number of clients.
func (r *registry) len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.byID)
}

// list returns the clients in the order in which they came.
func (r *registry) list() []*Session {
	r.mu.Lock()
	all := make([]*Session, 0, len(r.byID))
	for _, s := range r.byID {
		all = append(all, s)
	}
	r.mu.Unlock()
	slices.SortFunc(all, func(a, b *Session) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// Connected returns the number of clients.
func (srv *Server) Connected() int { return srv.clients.len() }

// NewSession registers a client that has connected. addr and laddr are the two ends of the connection as Redis writes them:
// "127.0.0.1:50000", "[::1]:50000", and "/path:0" at both ends of a Unix socket. fd is the file descriptor, shown by CLIENT LIST.
//
// wake is called when another goroutine has something for the client: bytes to be taken with TakeInbox, the end of a Wait, or that
// Killed has become true, which shall also end a write that waits for the client to read. It may be called from any goroutine, with
// locks held, also after Close; it must not block, and a call that comes while the connection is busy must not be lost.
//
// The error is the reply for a client that is refused because there are max_connections already, or by protected mode.
func (srv *Server) NewSession(addr, laddr string, fd int, wake func()) (*Session, error) {
	srv.Store.Stir()
	if srv.protectedFrom(addr) {
		return nil, srv.refuse(addr, "protected mode", errProtected)
	}
	c := &Session{Addr: addr, LAddr: laddr, FD: fd, srv: srv, tx: srv.Store.NewTx(), wake: wake, created: time.Now().UnixMilli()}
	c.unix = isUnix(addr)
	c.Out.Proto, c.Out.More = 2, c.more
	c.active.Store(c.created)
	c.proto.Store(2)
	c.queued.Store(-1)
	c.user.Store(srv.users.Default())
	c.call.S, c.call.Srv, c.call.Tx, c.call.Out, c.call.Now = c, srv, c.tx, &c.Out, c.created
	srv.total.connections.Add(1)
	if !srv.clients.add(c, srv.Config.Values().MaxConnections) {
		return nil, srv.refuse(addr, "max_connections", errMaxClients)
	}
	c.logout() // now that changes of the rules reach it
	n := c.ID % int64(len(srv.stripes))
	c.stats, c.io = srv.stripes[n], &srv.total.io[n]
	return c, nil
}

// refuse counts and logs a client that is not let in, and returns the error.
func (srv *Server) refuse(addr, because string, err Error) error {
	srv.total.rejected.Add(1)
	srv.told.refused.warn(srv.Log, "connection refused", "because", because, "client", addr)
	return err
}
