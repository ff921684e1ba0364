package command

import (
	"time"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/info"
)

// What a client makes the server hold lies in engine.Buffers for as long as the client likes:
// commands that are not complete, replies that it does not read, a transaction's queue, what others
// sent it. All of it belongs to one client and is of one kind. The sum over all clients has a
// budget, maxmemory-clients, which the Store sets aside. Within it no key is evicted for them.
// Above it clients are closed: those that have not logged in first, then those with most, but none
// after CLIENT NO-EVICT.
//
// Values that are stored as they arrive are not the client's but data to come, for which keys make
// room (see Arrival).

// Buffers is engine.Buffers, for connections, which know nothing else of the engine.
type Buffers = engine.Buffers

// Buffers returns the memory for what clients send and are sent.
func (srv *Server) Buffers() *Buffers { return srv.Store.Buffers() }

// kind is a kind of memory that a client makes the server hold.
type kind uint8

const (
	heldInput    kind = iota // commands that are not complete, or have to wait
	heldReplies              // replies
	heldQueue                // the commands between MULTI and EXEC
	heldWatches              // watched keys
	heldNames                // what the client calls itself
	heldMessages             // what other clients sent it
	numKinds
)

// Clients that have not logged in share this part of the budget for all clients, or of the limit of
// memory where there is no such budget; but at least so many bytes.
const (
	strangersShare    = 4
	strangersOfMemory = 64
	strangersLeast    = 1 << 20
)

// strangerBytes is about what a connection takes without buffers. It counts for strangers alone:
// others are as many as max_connections allows.
const strangerBytes = 4 << 10

// hold says how many bytes of a kind the client holds now. Only those may call it who write what
// they count; it may kill clients, this one too. Locks may be held, but not s.mu.
func (s *Session) hold(k kind, n int64) {
	if s.count(k, n) {
		s.srv.closeLargest()
	}
}

// count is hold but for what follows from it. It reports whether the client holds more than before.
func (s *Session) count(k kind, n int64) (grew bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	grew = s.held[k] < n
	s.held[k] = n
	s.charge()
	return grew
}

// HoldUnsent says how many bytes of replies the system holds for a client that has not taken any
// for a while. They are no memory of the process, but of its container; they count for the budget
// alone. Any goroutine may call it; it may kill clients, this one too.
func (s *Session) HoldUnsent(n int) {
	s.mu.Lock()
	grew := int64(n) > s.socket
	s.socket = int64(n)
	s.charge()
	s.mu.Unlock()
	if grew {
		s.srv.closeLargest()
	}
}

// setStranger says whether the client is one that has not logged in.
func (s *Session) setStranger(is bool) {
	s.mu.Lock()
	s.stranger = is
	s.charge()
	s.mu.Unlock()
	if is {
		s.srv.closeLargest()
	}
}

// charge counts what the client holds: as external memory for as long as it is there, and for the
// budgets until the client is closed. s.mu is held.
func (s *Session) charge() {
	var there, n, strange int64
	for _, held := range s.held {
		there += held
	}
	if !s.closed && !s.Killed() {
		n = there + s.socket
		if s.stranger {
			n += strangerBytes
			strange = n
		}
	}
	s.srv.Store.AddExternal(there - s.there)
	s.srv.charged.Add(n - s.charged.Swap(n))
	s.srv.strangers.Add(strange - s.strange.Swap(strange))
	s.there = there
}

// budgets returns the bytes that all clients may hold, and those that have not logged in; 0 is no
// limit.
func (srv *Server) budgets() (all, strangers int64) {
	v := srv.Config.Values()
	all = v.MaxMemoryClients()
	strangers = all / strangersShare
	if all == 0 {
		strangers = v.MaxMemory / strangersOfMemory
	}
	if strangers > 0 {
		strangers = max(strangers, strangersLeast)
	}
	return all, strangers
}

// Buffers is Server.Buffers.
func (s *Session) Buffers() *Buffers { return s.srv.Buffers() }

// Pressed is Server.Pressed.
func (s *Session) Pressed() bool { return s.srv.Pressed() }

// pressedShare is the part of the budget above which clients get no more than they need.
const pressedShare = 4

// Pressed reports whether clients hold so much that none should keep a buffer that it does not need
// now.
func (srv *Server) Pressed() bool {
	all, _ := srv.budgets()
	return all > 0 && srv.charged.Load() > all/pressedShare
}

// clogMost is how long Clogged says yes at a time, in nanoseconds.
const clogMost = int64(time.Second)

// Clogged reports whether commands should wait a moment: clients that were closed still hold so
// much that all together hold more than they may, or there is no room because of what replies pin.
func (srv *Server) Clogged() bool {
	all, _ := srv.budgets()
	if all == 0 || !srv.closedHold(all) && !(srv.closePinning() && srv.noRoom.Load()) {
		if srv.clogged.Load() != 0 {
			srv.clogged.Store(0)
		}
		return false
	}
	now := nanotime()
	if srv.clogged.CompareAndSwap(0, now) {
		return true
	}
	return now-srv.clogged.Load() < clogMost
}

// closedHold reports whether only clients that were closed make all hold more than they may, so
// many bytes.
func (srv *Server) closedHold(all int64) bool {
	return srv.Store.External() > all && srv.charged.Load() <= all
}

// closeLargest closes clients until what all hold is within the budgets.
func (srv *Server) closeLargest() {
	all, strangers := srv.budgets()
	within := func() bool {
		return (all == 0 || srv.charged.Load() <= all) && (strangers == 0 || srv.strangers.Load() <= strangers)
	}
	if within() {
		return
	}
	srv.closing.Lock()
	defer srv.closing.Unlock()
	for !within() {
		s := srv.clients.largest(true)
		if s == nil {
			s = srv.clients.largest(false)
		}
		if s == nil {
			return
		}
		srv.evict(s, s.charged.Load())
	}
}

// largest returns the client that holds most of those that may be closed, the oldest of several; of
// those that have not logged in, if so said. It is nil if there is none.
func (r *registry) largest(strangers bool) (largest *Session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var most int64
	for _, s := range r.byID {
		n := s.charged.Load()
		if strangers && s.strange.Load() == 0 || s.flags.Load()&listNoEvict != 0 {
			continue
		}
		if n > most || n == most && n > 0 && s.ID < largest.ID {
			largest, most = s, n
		}
	}
	return largest
}

// makeWay is called where the Store has no room because of what replies pin. It closes clients
// until that is no more than clients may hold, now or later, and reports as closePinning does.
func (srv *Server) makeWay() bool {
	srv.noRoom.Store(true)
	return srv.closePinning()
}

// pinGrace is how long too much may be pinned before a client is closed for it, in nanoseconds, so
// that those who read have read. Where there is no room, and commands wait, it is a part of that.
const (
	pinGrace     = int64(500 * time.Millisecond)
	noRoomShares = 10
)

// closePinning closes the client with most of its replies in values, if for pinGrace too much memory
// was kept for such replies alone; or, after makeWay, for such replies at all. It reports whether
// memory is about to come back: then that of one client, as the next one may have pinned the same.
// No lock may be held.
func (srv *Server) closePinning() bool {
	all, _ := srv.budgets()
	pinned, noRoom := srv.Store.PinnedAlone(), srv.noRoom.Load()
	if noRoom {
		pinned = srv.Store.Pinned()
	}
	if all == 0 || pinned <= all {
		if noRoom {
			srv.noRoom.Store(false)
		}
		if srv.pinning.Load() != 0 {
			srv.pinning.Store(0)
		}
		return false
	}
	now, grace := nanotime(), srv.pinGrace.Load()
	if noRoom {
		grace /= noRoomShares
	}
	srv.pinning.CompareAndSwap(0, now)
	if now-srv.pinning.Load() < grace {
		return true
	}
	srv.closing.Lock()
	defer srv.closing.Unlock()
	if srv.unpinning != nil && srv.unpinning.pinned.Load() > 0 {
		return true
	}
	var most *Session
	immune := false
	for _, s := range srv.clients.list() {
		n := s.pinned.Load()
		switch {
		case n == 0:
		case s.flags.Load()&listNoEvict != 0:
			immune = true
		case most == nil || n > most.pinned.Load():
			most = s
		}
	}
	if most != nil {
		srv.unpinning = most
		srv.evict(most, most.pinned.Load())
		return true
	}
	srv.pinning.Store(now) // so that the next look is not at once
	if immune {
		srv.noRoom.Store(false)
	}
	return !immune // but being written
}

// evict closes a client for the memory that it holds, so many bytes.
func (srv *Server) evict(s *Session, n int64) {
	srv.total.evicted.Add(1)
	srv.Log.Warn("closing a client: together, clients hold more memory than maxmemory-clients allows", "client", s.Addr, "id", s.ID, "bytes", n)
	s.Kill()
}

// memory returns what all clients hold, and that with what the clients themselves take, in bytes.
func (r *registry) memory() (held info.Held, all int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.byID {
		all += s.bytes()
		s.mu.Lock()
		held.Input += s.held[heldInput]
		held.Replies += s.held[heldReplies]
		held.Queues += s.held[heldQueue]
		held.Watches += s.held[heldWatches]
		held.Names += s.held[heldNames]
		held.Messages += s.held[heldMessages]
		held.Sockets += s.socket
		s.mu.Unlock()
	}
	return held, all
}

// largestBuffers returns the bytes of the largest buffers that a client has.
func (r *registry) largestBuffers() (in, out int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.byID {
		p := &s.published
		s.mu.Lock()
		in, out = max(in, p.queryCap.Load(), s.held[heldInput]), max(out, p.outCap.Load(), s.held[heldReplies], s.held[heldMessages])
		s.mu.Unlock()
	}
	return in, out
}

// bytes returns the memory of the client with all that it holds. Any goroutine may call it.
func (s *Session) bytes() int64 {
	n := int64(sessionBytes)
	s.mu.Lock()
	for _, held := range s.held {
		n += held
	}
	s.mu.Unlock()
	return n + s.published.argvMem.Load()
}

// smallBuffer is the size of buffers that lie on the Go heap, where they stay for as long as the
// client does.
const smallBuffer = 512

// growing is the memory of bytes that are appended to: a small buffer, or one of engine.Buffers. It
// does not know how many bytes there are. Its zero value has no memory. It belongs to whoever the
// bytes belong to.
type growing struct {
	whole   []byte
	touched int // how far it was written to at most
}

// fit returns b, which lies in g, with room for need bytes in all; it may move. It is nil, with
// nothing changed, where the system has no memory.
func (g *growing) fit(from *Buffers, b []byte, need int) []byte {
	if need <= len(g.whole) {
		return g.whole[:len(b)]
	}
	var to []byte
	touched := 0
	if need <= smallBuffer {
		to = make([]byte, smallBuffer)
	} else if to, touched = from.Get(need + need/2); to == nil {
		to, touched = from.Get(need)
	}
	if to == nil {
		return nil
	}
	n := copy(to, b)
	g.free(from)
	g.whole, g.touched = to, max(n, touched)
	return to[:n]
}

// append appends p to b, which lies in g, and returns the result, nil as fit does.
func (g *growing) append(from *Buffers, b, p []byte) []byte {
	if b = g.fit(from, b, len(b)+len(p)); b != nil {
		b = append(b, p...)
		g.touched = max(g.touched, len(b))
	}
	return b
}

// free gives the memory back. Bytes in it must not be used any more.
func (g *growing) free(from *Buffers) {
	if g.large() {
		from.Put(g.whole, g.touched)
	}
	*g = growing{}
}

// large reports whether the memory is of engine.Buffers.
func (g *growing) large() bool { return len(g.whole) > smallBuffer }

// held returns how many bytes of engine.Buffers g takes.
func (g *growing) held(from *Buffers) int64 {
	if !g.large() {
		return 0
	}
	return from.Held(len(g.whole), g.touched)
}
