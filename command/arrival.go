package command

import (
	"slices"
	"sync"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/resp"
)

// A large value on its way in and a client that takes memory look alike until the last byte is
// there. The announced length decides: an argument that is stored as it stands, and can be, is data
// to come from its first byte. Keys make room for it as it arrives. All of these together may take
// a share of the limit of memory: from there on, sockets are not read until there is room, and the
// one that has waited for longest is read first. One that makes no progress becomes the client's
// memory (see client_memory.go), like every other byte of a client.

// arrivingShare is the part of the limit of memory that values on their way in may take.
const arrivingShare = 4

// progressLeast is how many bytes of a value have to arrive between two looks at the arrivals.
const progressLeast = 64 << 10

// largeKey is the length from which on an argument that stands between values, like the keys of
// MSET, is no longer taken for one.
const largeKey = 16 << 10

// arrival is a value on its way in. Server.arrivals.mu guards the fields; only the session's own
// goroutine writes the first.
type arrival struct {
	announced int64 // bytes that its command takes at least when it is there; 0 if there is no value on its way
	held      int64 // bytes of Buffers that it takes
	seen      int64 // held at the last look, while it was let in
	state     arrivalState
}

type arrivalState uint8

const (
	waitsForRoom arrivalState = iota // it is not read
	letIn                            // it is read, and its bytes are data
	tooSlow                          // it is read, and its bytes are the client's
)

// arrivals are all values on their way in.
type arrivals struct {
	mu       sync.Mutex
	sessions []*Session // in the order in which they came
	let      int64      // bytes that those announced that are let in
	waiting  int64      // bytes that are there of those that wait
}

// stores reports whether an argument of a command, of which it is too early to know more than the
// name and where the argument stands, will be stored as it stands. size is its length.
func (s *Session) stores(name []byte, at, size int) bool {
	if s.state&^restricted != 0 {
		return false
	}
	cmd := s.srv.table.lookup(name)
	if cmd == nil || cmd.Values.First == 0 || at < cmd.Values.First {
		return false
	}
	if s.state&restricted != 0 && !s.user.Load().Rules().May(cmd.index) {
		return false
	}
	v := cmd.Values
	isValue := (at-v.First)%v.Step == 0 && (v.Last < 0 || at <= v.Last)
	return isValue && int64(size) <= s.srv.Store.Largest() || !isValue && size < largeKey
}

// Input says how many bytes of Buffers hold the client's input, and what is known of the command at
// its start, if nothing is missing but its end. The connection calls it when it has read or
// executed. It returns whether the connection may read on. If not, it is woken when MayRead has
// become true.
func (s *Session) Input(held int64, begun resp.Begun) (readOn bool) {
	if held == 0 || begun.Name == nil || !s.stores(begun.Name, begun.At, begun.Size) {
		s.arrived()
		s.hold(heldInput, held)
		return true
	}
	return s.arrives(held, int64(begun.Total))
}

// arrives counts a value on its way in of which held bytes are there, with a command of at least
// announced bytes, and reports whether to read on.
func (s *Session) arrives(held, announced int64) bool {
	grew, state := s.countArrival(held, announced)
	if state == tooSlow {
		s.srv.closeLargest()
		return true
	}
	// Room for where it will be stored is made in its second half, as a client that pins that room
	// can be waited for here.
	if grew <= 0 {
		return state == letIn
	}
	err := s.srv.Store.MakeRoomForArriving(max(2*held-announced, 0))
	if err != nil && !(err == engine.ErrPinned && s.srv.makeWay()) {
		s.demote(func() bool { return true }) // there will be no room, and the command will be refused
		return true
	}
	return state == letIn
}

// countArrival is arrives but for what follows from it. It returns how many bytes came.
func (s *Session) countArrival(held, announced int64) (grew int64, state arrivalState) {
	all, a := &s.srv.arrivals, &s.arrival
	all.mu.Lock()
	defer all.mu.Unlock()
	if a.announced == 0 {
		all.sessions = append(all.sessions, s)
	}
	if a.state == letIn {
		all.let += announced - a.announced
	}
	grew = held - a.held
	a.announced, a.held = announced, held
	if a.state == waitsForRoom {
		all.waiting += grew
		switch {
		case s.srv.hasRoom(s):
			s.srv.letIn(s)
		case s.srv.tooManyWait():
			all.waiting -= held
			s.srv.Store.AddArriving(grew - held)
			a.state = tooSlow
		}
	}
	if a.state == tooSlow {
		s.count(heldInput, held)
	} else {
		s.count(heldInput, 0)
		s.srv.Store.AddArriving(grew)
	}
	return grew, a.state
}

// letIn lets in a value that waits. srv.arrivals.mu is held.
func (srv *Server) letIn(s *Session) {
	a := &s.arrival
	a.state = letIn
	srv.arrivals.waiting -= a.held
	srv.arrivals.let += a.announced
}

// tooManyWait reports whether what was read of values that wait, before it was known that they have
// to, is more than the share of those that need not. srv.arrivals.mu is held.
func (srv *Server) tooManyWait() bool {
	limit := srv.Store.MaxMemory()
	return limit > 0 && srv.arrivals.waiting > limit/arrivingShare
}

// hasRoom reports whether a value that waits may be let in: within the share, or where no other one
// is. s.srv.arrivals.mu is held.
func (srv *Server) hasRoom(s *Session) bool {
	limit := srv.Store.MaxMemory()
	let := srv.arrivals.let
	return limit == 0 || let == 0 || let+s.arrival.announced <= limit/arrivingShare
}

// Arriving reports whether a value is on its way in.
func (s *Session) Arriving() bool { return s.arrival.announced > 0 }

// MayRead reports whether the connection may read on, after it was told not to.
func (s *Session) MayRead() bool {
	s.srv.arrivals.mu.Lock()
	defer s.srv.arrivals.mu.Unlock()
	return s.arrival.announced == 0 || s.arrival.state != waitsForRoom
}

// arrived ends the arrival of a value, if there is one.
func (s *Session) arrived() {
	a := &s.arrival
	if a.announced == 0 {
		return
	}
	all := &s.srv.arrivals
	all.mu.Lock()
	s.srv.leave(s)
	i := slices.Index(all.sessions, s)
	all.sessions = slices.Delete(all.sessions, i, i+1)
	*a = arrival{}
	next := s.srv.letNext()
	all.mu.Unlock()
	for _, s := range next {
		s.wake()
	}
}

// demote makes what the client holds of a value that is let in its own memory, if it still is to
// be.
func (s *Session) demote(still func() bool) {
	all := &s.srv.arrivals
	all.mu.Lock()
	if s.arrival.state != letIn || !still() {
		all.mu.Unlock()
		return
	}
	s.srv.leave(s)
	s.arrival.state = tooSlow
	s.count(heldInput, s.arrival.held)
	next := s.srv.letNext()
	all.mu.Unlock()
	s.srv.closeLargest()
	for _, s := range next {
		s.wake()
	}
}

// leave takes back what is counted for a value. srv.arrivals.mu is held.
func (srv *Server) leave(s *Session) {
	a := &s.arrival
	if a.state != tooSlow {
		srv.Store.AddArriving(-a.held)
	}
	switch a.state {
	case letIn:
		srv.arrivals.let -= a.announced
	case waitsForRoom:
		srv.arrivals.waiting -= a.held
	}
}

// letNext lets values in for which there is room now, in order, and returns whom to wake.
// srv.arrivals.mu is held.
func (srv *Server) letNext() (next []*Session) {
	for _, s := range srv.arrivals.sessions {
		if s.arrival.state != waitsForRoom {
			continue
		}
		if !srv.hasRoom(s) {
			break
		}
		srv.letIn(s)
		next = append(next, s)
	}
	return next
}

// LookAtArrivals makes values that did not come further since the last call their clients' memory.
// The network server calls it once a second.
func (srv *Server) LookAtArrivals() {
	all := &srv.arrivals
	all.mu.Lock()
	sessions := slices.Clone(all.sessions)
	all.mu.Unlock()
	for _, s := range sessions {
		s.demote(func() bool {
			a := &s.arrival
			slow := a.seen > 0 && a.held-a.seen < progressLeast
			a.seen = a.held
			return slow
		})
	}
}
