package command

import (
	"errors"
	"io"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/acl"
	"github.com/redistill/redistill/internal/config"
	"github.com/redistill/redistill/internal/resp"
)

// Session is one client's state. Unless a field or method says otherwise, only the goroutine that serves the connection touches it.
type Session struct {
	ID    int64    // unique since the start; constant
	Addr  string   // the client's address; constant
	LAddr string   // the address that it connected to; constant
	FD    int      // the connection's file descriptor, for CLIENT LIST; constant
	Out   resp.Out // replies not yet written; the connection writes and resets it

	// Closing is set when the connection shall be closed after Out is written.
	Closing bool

	// QueryLen and QueryCap are the bytes of input that the connection has, and the size of the
	// buffer that they are in, for CLIENT LIST. The connection sets them before it executes
	// commands and again before EndBatch, to what is left.
	QueryLen, QueryCap int

	// OutLimit is the most bytes of replies that may wait to be written; 0 is no limit. The
	// connection sets it before BeginBatch.
	OutLimit int64

	srv     *Server
	stats   *Stats    // where this session counts, with others
	io      *ioTotals // likewise
	tx      *engine.Tx
	pins    engine.Pins // what holds the pieces of Out in their places
	replies growing     // what Out.B lies in
	kept    growing     // what turns of a walk have found, to which the reply refers
	unsent  int64       // elements of the reply that further turns of the command append
	arrival arrival     // the value on its way in
	call    Call
	start   int          // where in Out the reply of the command being run starts
	keys    []engine.Key // backs call.Keys
	scratch []engine.Key // backs the keys that LockWatched and LockQueued lock
	found   []keyUse     // scratch: keys among arguments
	state   state
	multi   transaction
	silence silence // CLIENT REPLY
	noEvict bool    // CLIENT NO-EVICT
	clock   int64   // nanoseconds, when the command before ended; the start of the next one
	outPeak int     // the most bytes that Out held at the end of a batch
	ran     int64   // commands so far
	created int64   // Unix milliseconds; constant
	unix    bool    // connected over a Unix socket; constant
	wake    func()  // see NewSession; constant

	pending *pending // the work that the client waits for, nil if it does not
	walk    *walk    // the KEYS, SCAN, HSCAN or SSCAN whose next turn follows, nil if none does
	spent   int64    // nanoseconds that its turns have taken

	user    atomic.Pointer[acl.User] // written by the session alone
	marks   atomic.Uint32            // what others want the session to heed: markKilled, markRules
	behind  atomic.Bool              // replies wait for the client to read
	pinned  atomic.Int64             // bytes of them that lie in the Store
	blocked atomic.Bool              // waits for something to happen; see block

	published

	mu        sync.Mutex // guards the fields below
	name      label
	libName   label
	libVer    label
	inbox     []byte // pushed by other goroutines, to be written after Out
	softSince int64  // Unix milliseconds since when the inbox is above its soft limit, or 0
	closed    bool   // nothing is put into inbox any more

	messages growing         // what inbox lies in
	stranger bool            // the client has not logged in, and has to
	held     [numKinds]int64 // bytes of engine.Buffers, and of names
	there    int64           // bytes counted as external memory
	socket   int64           // bytes of replies that the system holds; see HoldUnsent
	charged  atomic.Int64    // what of all these counts for the budget; mu is held for writing
	strange  atomic.Int64    // what of it counts for strangers; likewise
}

// state is a set of conditions under which the gate looks closer at a command. It is 0 for nearly all clients nearly all the time.
type state uint8

const (
	unauthenticated state = 1 << iota // the client did not log in, and has to
	inMulti                           // MULTI was said
	monitoring                        // MONITOR was said
	restricted                        // the user may not do everything
)

// Bits of Session.marks.
const (
	markKilled uint32 = 1 << iota // Kill was called
	markRules                     // the rules of the user have changed
)

// silence is the state of CLIENT REPLY.
type silence uint8

const (
	speak    silence = iota // replies are sent
	skipNext                // CLIENT REPLY SKIP was said: the next command's is not sent
	skipThis                // this command's reply is not sent
	mute                    // CLIENT REPLY OFF
)

// published is what CLIENT LIST shows of a session to other goroutines. The session writes it at the end of a batch.
type published struct {
	active   atomic.Int64 // Unix milliseconds of the last batch
	last     atomic.Pointer[Command]
	db       atomic.Int32
	proto    atomic.Int32
	queued   atomic.Int64 // commands queued by MULTI, -1 outside
	multiMem atomic.Int64 // bytes that the queue and the watched keys take
	argvMem  atomic.Int64 // bytes of the arguments of the command being run
	queryLen atomic.Int64
	queryCap atomic.Int64
	outLen   atomic.Int64
	outCap   atomic.Int64
	outPeak  atomic.Int64
	netIn    atomic.Int64  // bytes read from the client
	netOut   atomic.Int64  // bytes written to it
	ran      atomic.Int64  // commands that it ran
	flags    atomic.Uint32 // listedFlag
}

// publish writes s.published. Storing costs more than comparing, and mostly nothing but the time has changed.
func (s *Session) publish() {
	s.outPeak = max(s.outPeak, s.Out.Len())
	p := &s.published
	update(&p.active, s.call.Now)
	cmd := s.call.Cmd
	if s.multi.running {
		cmd = s.srv.exec // not the one of its commands that asks
	}
	if p.last.Load() != cmd {
		p.last.Store(cmd)
	}
	if db := int32(s.tx.DB); p.db.Load() != db {
		p.db.Store(db)
	}
	if proto := int32(s.Out.Proto); p.proto.Load() != proto {
		p.proto.Store(proto)
	}
	queued := int64(-1)
	if s.state&inMulti != 0 {
		queued = int64(s.multi.count)
	}
	update(&p.queued, queued)
	update(&p.multiMem, int64(s.multi.size+s.multi.watchedSize))
	update(&p.argvMem, 0)
	update(&p.queryLen, int64(s.QueryLen))
	update(&p.queryCap, int64(s.QueryCap))
	update(&p.outLen, int64(s.Out.Len()))
	update(&p.outCap, int64(s.OutSize()))
	update(&p.outPeak, int64(s.outPeak))
	update(&p.ran, s.ran)
	if f := s.listedFlags(); p.flags.Load() != f {
		p.flags.Store(f)
	}
}

func update(a *atomic.Int64, n int64) {
	if a.Load() != n {
		a.Store(n)
	}
}

// isUnix reports whether addr is the path of a Unix socket.
func isUnix(addr string) bool {
	_, err := netip.ParseAddrPort(addr)
	return err != nil
}

// Close ends the session: the client is no longer listed, watches nothing, and is sent nothing. The connection calls it once, when it
// will not call Exec any more.
func (s *Session) Close() {
	s.srv.clients.remove(s)
	s.giveUp()
	s.lockKeys(s.watchedKeys(s.scratch[:0]))
	s.detach()
	s.tx.Unlock()
	s.multi.memory.free(s.srv.Buffers())
	s.holdQueue()
	s.walk = nil // what it has found goes with the replies
	s.arrived()
	s.mu.Lock()
	s.closed = true
	s.emptyInbox(0)
	s.freeLabels()
	s.charge()
	s.mu.Unlock()
}

// detach ends what others do for the session beyond running its commands. RESET and Close share it:
// whatever keeps sessions, to tell them something, is left here. The watched keys are locked.
func (s *Session) detach() {
	s.srv.monitors.remove(s)
	s.state &^= monitoring
	s.unwatch()
}

// Recovered is called by the connection with what recover returned when a call of Exec panicked. It logs the panic, gives the locks
// back, drops the unfinished reply and sets Closing. The session may then only be closed.
func (s *Session) Recovered(v any) {
	name := "?"
	if s.call.Cmd != nil {
		name = s.call.Cmd.fullName
	}
	s.srv.Log.Error("panic while running a command", "command", name, "client", s.Addr, "panic", v, "stack", string(debug.Stack()))
	s.tx.Unlock()
	s.Out.Truncate(min(s.start, len(s.Out.B)))
	s.Closing = true
}

// Authenticated reports whether the client may send commands that need a login, because it did log in or because nobody has to.
func (s *Session) Authenticated() bool { return s.state&unauthenticated == 0 || s.srv.users.Open() }

// StaysIdle reports whether the client may be silent for as long as it wants, because it is there to be told things.
func (s *Session) StaysIdle() bool { return s.state&monitoring != 0 }

// CountQueryLimit counts the client as one that is closed for what it sent.
func (s *Session) CountQueryLimit() { s.srv.total.queryLimit.Add(1) }

// CountOutputLimit counts the client as one that is closed for the replies that it does not read.
func (s *Session) CountOutputLimit() { s.srv.total.outputLimit.Add(1) }

// TLSFailed counts the client as one whose TLS handshake failed, and logs why. One that just went away is not logged: that is how others
// find out whether the port is open.
func (s *Session) TLSFailed(err error) {
	s.srv.total.tlsFailures.Add(1)
	if !errors.Is(err, io.EOF) {
		s.srv.told.handshake.warn(s.srv.Log, "TLS handshake failed", "client", s.Addr, "error", clipText(err.Error(), errorTold))
	}
}

// CountInput adds to the totals of bytes read from clients. The connection calls it when it has
// read, before it executes commands.
func (s *Session) CountInput(n int) {
	if n > 0 {
		s.io.in.Add(int64(n))
		s.netIn.Store(s.netIn.Load() + int64(n))
	}
}

// CountOutput adds to the totals of bytes written to clients. The connection calls it once a batch,
// when Out is written.
func (s *Session) CountOutput(n int) {
	s.io.out.Add(int64(n))
	s.netOut.Store(s.netOut.Load() + int64(n))
	update(&s.published.outLen, 0)
	update(&s.published.outCap, int64(s.OutSize()))
}

// Unwritten reports whether replies wait to be written. Any goroutine may call it.
func (s *Session) Unwritten() bool { return s.published.outLen.Load() > 0 }

// Output returns how many bytes of replies were written to the client. Any goroutine may call it.
func (s *Session) Output() int64 { return s.netOut.Load() }

// SetBehind says whether replies wait for the client to read.
func (s *Session) SetBehind(behind bool) {
	s.behind.Store(behind)
	pinned := 0
	if behind {
		pinned = s.Out.Len() - len(s.Out.B)
	}
	s.pinned.Store(int64(pinned))
}

// post queues bytes for the client and wakes its connection. Any goroutine may call it, with locks held. A client that does not read
// what it is sent is closed at the limit.
func (s *Session) post(b []byte, limit config.OutputBufLimit) {
	if s.fill(b, limit) {
		s.wake()
		s.srv.closeLargest()
		return
	}
	s.CountOutputLimit()
	s.srv.Log.Warn("closing a client that does not read what it is sent", "client", s.Addr, "limit", limit.String())
	s.Kill()
}

// fill appends to the inbox and reports whether it stays within the limit. Otherwise it is dropped.
func (s *Session) fill(b []byte, limit config.OutputBufLimit) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return true
	}
	inbox := s.messages.append(s.srv.Buffers(), s.inbox, b)
	if inbox == nil {
		return false
	}
	s.inbox, s.held[heldMessages] = inbox, s.messages.held(s.srv.Buffers())
	s.charge()
	n := int64(len(s.inbox))
	if limit.Soft == 0 || n <= limit.Soft {
		s.softSince = 0
	} else if s.softSince == 0 {
		s.softSince = time.Now().UnixMilli()
	}
	hard := limit.Hard > 0 && n > limit.Hard
	soft := s.softSince != 0 && time.Now().UnixMilli()-s.softSince > limit.SoftSeconds*1000
	if hard || soft {
		s.closed = true
		s.emptyInbox(0)
		s.charge()
		return false
	}
	return true
}

// emptyInbox drops what is in the inbox, and its memory if that has more bytes than may be kept.
// s.mu is held.
func (s *Session) emptyInbox(keep int) {
	s.inbox, s.softSince = s.inbox[:0], 0
	if cap(s.inbox) > keep {
		s.inbox = nil
		s.messages.free(s.srv.Buffers())
		s.held[heldMessages] = 0
	}
}

// TakeInbox appends what other goroutines sent the client to Out. It goes after the replies of the
// batch.
func (s *Session) TakeInbox() {
	s.mu.Lock()
	n := len(s.inbox)
	s.mu.Unlock()
	if n == 0 || !s.Out.Room(n) { // which locks s.mu
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Out.B = append(s.Out.B, s.inbox[:n]...)
	s.inbox = s.inbox[:copy(s.inbox, s.inbox[n:])]
	if len(s.inbox) == 0 {
		s.emptyInbox(smallBuffer)
		s.charge()
	}
}

// CountWith makes the session count with others of the same event loop, so that loops share no counters. n is the index of the loop. It
// is called before the first BeginBatch; a session that it is not called for counts with others anyhow.
func (s *Session) CountWith(n int) {
	n %= len(s.srv.stripes)
	s.stats, s.io = s.srv.stripes[n], &s.srv.total.io[n]
}

// Kill makes the session run no other command and asks its connection to close without more replies. Any goroutine may call it.
func (s *Session) Kill() {
	s.marks.Or(markKilled)
	s.mu.Lock()
	s.charge()
	s.mu.Unlock()
	s.srv.clients.remove(s)
	s.wake()
}

// Killed reports whether Kill was called. Any goroutine may call it.
func (s *Session) Killed() bool { return s.marks.Load()&markKilled != 0 }
