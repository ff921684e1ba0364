package command

import "time"

// What a client does not read stays in memory for as long as it likes: replies, and what other clients sent it. The sum over all clients
// has a budget, maxmemory-clients, which the Store sets aside. Within it no key is evicted for them. Above it clients are closed, those
// with most first, but those that have just begun not to read behind the others, and none after CLIENT NO-EVICT.

// unreadCost is how many bytes of the budget a byte that waits to be read takes: its buffer is garbage for a while after, and buffers that
// grow are copied.
const unreadCost = 2

// A client that reads is behind for a moment, too, when its replies are larger than what its socket holds. What waits for less than
// slowAfter weighs less by freshWeight.
const (
	slowAfter   = 20 * time.Millisecond
	freshWeight = 16
)

// Unread says how many bytes of memory hold replies that wait for the client to read, 0 when all are written. The connection calls it when
// it finds that the client does not read, and when it does again. It may kill clients, this one too.
func (s *Session) Unread(n int) {
	if s.unread.Load() == int64(n) {
		return
	}
	if s.unread.Swap(int64(n)) == 0 {
		s.since.Store(nanotime())
	}
	s.mu.Lock()
	s.charge()
	s.mu.Unlock()
	if n > 0 {
		s.srv.closeSlow()
	}
}

// charge counts what waits for the client as external memory. s.mu is held.
func (s *Session) charge() {
	n := s.unread.Load() + int64(cap(s.inbox))
	if s.closed || s.Killed() {
		n = 0 // it goes soon
	}
	if old := s.charged.Load(); n != old {
		s.srv.Store.AddExternal(n - old)
		s.charged.Store(n)
	}
}

// closeSlow closes clients until what is unread is within its budget. A reply that is larger than the whole budget is let through, one at
// a time: keys have to make room for it, as they had for the value.
func (srv *Server) closeSlow() {
	srv.slow.Lock()
	defer srv.slow.Unlock()
	budget := srv.Config.Snapshot().MaxMemoryClients() / unreadCost
	for budget > 0 {
		sum := srv.Store.AddExternal(0)
		if sum <= budget {
			return
		}
		first, second := srv.clients.slowest(nanotime())
		if first != nil && first.unread.Load() > budget {
			if sum-first.charged.Load() <= budget {
				return
			}
			first = second
		}
		if first == nil {
			return
		}
		srv.total.evicted.Add(1)
		srv.Log.Warn("closing a client: together, clients do not read more than maxmemory-clients allows", "client", first.Addr,
			"unread", first.charged.Load())
		first.Kill()
	}
}

// slowest returns the two clients that have most to read at a time of nanotime, by weight, of those that may be closed; nil where there is
// none.
func (r *registry) slowest(now int64) (first, second *Session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var most, next int64
	fresh := now - int64(slowAfter)
	for _, s := range r.byID {
		n := s.charged.Load()
		if s.since.Load() > fresh {
			n /= freshWeight
		}
		if n <= next || s.flags.Load()&listNoEvict != 0 {
			continue
		}
		if n > most {
			first, second, most, next = s, first, n, most
		} else {
			second, next = s, n
		}
	}
	return first, second
}

// bytes returns the memory of all clients with their buffers.
func (r *registry) bytes() (n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.byID {
		n += s.bytes()
	}
	return n
}

// largest returns the bytes of the largest buffers that a client has.
func (r *registry) largest() (in, out int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.byID {
		p := &s.published
		in, out = max(in, p.queryCap.Load()), max(out, p.outCap.Load(), s.charged.Load())
	}
	return in, out
}

// bytes returns the memory of the client with its buffers. Any goroutine may call it.
func (s *Session) bytes() int64 {
	s.mu.Lock()
	pushed := int64(cap(s.inbox))
	s.mu.Unlock()
	p := &s.published
	return sessionBytes + p.queryCap.Load() + p.outCap.Load() + p.argvMem.Load() + p.multiMem.Load() + pushed
}
