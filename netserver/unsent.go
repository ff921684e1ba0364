package netserver

import "math"

// The system would hold some MB of what a client does not read, which is memory of the container: a
// thousand such clients take a GB. So it may hold little until the client has taken so many bytes
// that it must have read some, and then its part of unsentShare of the limit of memory. That little
// costs CPU time where replies are large.
//
// A client may also write a long pipeline to its end before it reads. If the server stopped reading
// until the replies are taken, both would wait for ever. For such clients, whose input waits while
// they take nothing, the system may hold more, up to lendMost for each, and to another unsentShare of
// the limit for all.
const (
	unsentFirst = 16 << 10
	unsentShare = 16
	takenFirst  = 1 << 20
	lendMost    = 4 << 20
)

// delivered is called when all replies were written.
func (c *link) delivered() {
	if c.reads.Load() || c.session.Output()-c.takenAt.Load() < takenFirst {
		return
	}
	c.reads.Store(true)
	share := c.srv.config().MaxMemory / unsentShare / int64(max(c.srv.commands.Connected(), 1))
	if share > 0 {
		share = min(max(share, unsentFirst+c.lent.Load()), math.MaxInt32)
	}
	limitUnsent(c.session.FD, int(share))
}

// lend lets the system hold more of the replies if the client goes on writing without reading. The
// owner of the connection may call it, and whoever holds Server.mu.
func (c *link) lend() {
	if c.lent.Load() != 0 || c.reads.Load() || unreceived(c.session.FD) == 0 {
		return
	}
	n := c.srv.takeUnsent()
	if n == 0 {
		return
	}
	if !c.lent.CompareAndSwap(0, n) {
		c.srv.lent.Add(-n)
		return
	}
	limitUnsent(c.session.FD, unsentFirst+int(n))
}

// takeUnsent returns how many bytes more the system may hold for a client, 0 if it is none.
func (s *Server) takeUnsent() int64 {
	n := int64(lendMost)
	limit := s.config().MaxMemory
	sum := s.lent.Add(n)
	if most := limit / unsentShare; limit > 0 && sum > most {
		n = max(n-(sum-most), 0)
		s.lent.Add(n - lendMost)
	}
	return n
}

// repay gives back what was lent. Server.mu is held, or the connection has been removed.
func (c *link) repay() { c.srv.lent.Add(-c.lent.Swap(0)) }

// weigh counts what the socket holds of a client that took nothing for a second or two, and nothing
// of others. Server.mu is held, so that the descriptor is still this connection's.
func (c *link) weigh(tick uint32) {
	n := 0
	if c.session.Unwritten() {
		c.lend()
		if tick-c.tick.Load() >= idleTicks {
			n = unacknowledged(c.session.FD)
		}
	} else if c.lent.Load() != 0 && unacknowledged(c.session.FD) == 0 {
		if !c.reads.Load() {
			limitUnsent(c.session.FD, unsentFirst) // before lend may raise it again
		}
		c.repay()
	}
	if n > 0 && c.reads.Load() {
		c.takenAt.Store(c.session.Output())
		c.reads.Store(false)
		limitUnsent(c.session.FD, unsentFirst+int(c.lent.Load()))
	}
	if n > 0 || c.weighed {
		c.weighed = n > 0
		c.session.HoldUnsent(n)
	}
}
