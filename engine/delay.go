package engine

import (
	"sync/atomic"
	"time"
)

// Delay is a kind of work of the Store that others wait for.
type Delay uint8

// The kinds.
const (
	BackgroundDelay Delay = iota // a shard is locked while expired keys are removed, and what was put off is tidied up
	EvictionDelay                // a caller of Reserve makes room
)

// delayed holds who is told of delays, nil for nobody.
type delayed = atomic.Pointer[func(d Delay, took time.Duration)]

// OnDelay makes f be told how long each such work took, in place of what was passed before; nil ends it. Any goroutine calls f, maybe with
// a shard locked: it must be short and must not use the Store. Without f nothing is measured.
func (s *Store) OnDelay(f func(d Delay, took time.Duration)) {
	if f == nil {
		s.delayed.Store(nil)
		return
	}
	s.delayed.Store(&f)
}

// makeRoomFor is makeRoom for a caller who waits for it.
func (s *Store) makeRoomFor(n int, blocks int64) error {
	f := s.delayed.Load()
	if f == nil {
		return s.makeRoom(n, blocks)
	}
	began := time.Now()
	err := s.makeRoom(n, blocks)
	(*f)(EvictionDelay, time.Since(began))
	return err
}

// holdTimer measures how long the background has a shard's lock at a time. The lock guards it.
type holdTimer struct {
	delayed *delayed  // the Store's
	since   time.Time // zero unless the background has the lock, and somebody wants to know
}

// begin is called when the background has taken the lock.
func (h *holdTimer) begin() {
	if h.delayed.Load() != nil {
		h.since = time.Now()
	}
}

// end is called before the lock is given up, by whoever has it. It reports whether begin was called, which has to be called again then.
func (h *holdTimer) end() bool {
	if h.since.IsZero() {
		return false
	}
	if f := h.delayed.Load(); f != nil {
		(*f)(BackgroundDelay, time.Since(h.since))
	}
	h.since = time.Time{}
	return true
}
