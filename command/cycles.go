package command

import (
	"sync"
	"sync/atomic"
	"time"
)

// Cycles counts rounds of reading, executing and writing: those of one event loop, or of all
// connections that have a goroutine each. It measures the time of some of them, because a look at
// the clock costs as much as a small part of a command.
type Cycles struct {
	rounds atomic.Int64
	timed  atomic.Int64 // rounds that were measured
	nanos  atomic.Int64 // what those took
	_      [40]byte     // fills a cache line
}

// timedRounds is how many rounds there are to one that is measured. The first one is.
const timedRounds = 16

// Begin counts a round. End takes what it returns.
func (c *Cycles) Begin() (began int64) {
	if c.rounds.Add(1)%timedRounds != 1 {
		return 0
	}
	return nanotime()
}

// End ends a round.
func (c *Cycles) End(began int64) {
	if began != 0 {
		c.nanos.Add(nanotime() - began)
		c.timed.Add(1)
	}
}

// cycleTotals are Cycles added up.
type cycleTotals struct{ rounds, timed, nanos int64 }

// since returns what was counted after earlier.
func (t cycleTotals) since(earlier cycleTotals) cycleTotals {
	return cycleTotals{t.rounds - earlier.rounds, t.timed - earlier.timed, t.nanos - earlier.nanos}
}

// mean returns the time of a round.
func (t cycleTotals) mean() time.Duration {
	if t.timed <= 0 {
		return 0
	}
	return time.Duration(t.nanos / t.timed)
}

// sum returns the time of all rounds, if those that were not measured took as long as the others.
func (t cycleTotals) sum() time.Duration {
	return time.Duration(float64(t.nanos) / float64(max(t.timed, 1)) * float64(t.rounds))
}

// allCycles are the Cycles of a server.
type allCycles struct {
	mu   sync.Mutex
	list []*Cycles
}

// NewCycles returns a counter that INFO shows with all others.
func (srv *Server) NewCycles() *Cycles {
	c := &Cycles{}
	srv.cycles.mu.Lock()
	defer srv.cycles.mu.Unlock()
	srv.cycles.list = append(srv.cycles.list, c)
	return c
}

func (a *allCycles) totals() (t cycleTotals) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.list {
		t.rounds += c.rounds.Load()
		t.timed += c.timed.Load()
		t.nanos += c.nanos.Load()
	}
	return t
}

func (a *allCycles) reset() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.list {
		c.rounds.Store(0)
		c.timed.Store(0)
		c.nanos.Store(0)
	}
}
