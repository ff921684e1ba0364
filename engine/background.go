package engine

import (
	"sync/atomic"
	"time"
)

// What runs in the background runs ten times a second, which is often enough for memory to stay within its limit while clients do what
// they can. While nobody does anything, memory does not grow either: then it runs once a second, and sooner only if a key expires.
const (
	tickPeriod = 100 * time.Millisecond
	restPeriod = time.Second
	restAfter  = 20 // ticks without a call of Stir until it rests: what the last command left behind is tidied up by then
)

// pulse is the pace of the background work.
type pulse struct {
	state atomic.Uint32          // stirred, still or resting
	wake  chan struct{}          // ends a rest; has room for one
	watch atomic.Pointer[func()] // see OnTick, or nil
	quiet int                    // ticks without a call of Stir; of the background's own
}

const (
	stirred uint32 = iota // Stir was called since the last tick
	still                 // it was not
	resting               // nor was it for long
)

// Stir tells the Store that somebody is about to do something, which may take memory. Reserve does so by itself. Locks may be held.
func (s *Store) Stir() {
	if s.pulse.state.Load() != stirred {
		s.pulse.stir()
	}
}

func (p *pulse) stir() {
	if p.state.Swap(stirred) == resting {
		p.wake <- struct{}{} // does not block: there is a tick, which takes it, before the next rest
	}
}

// OnTick makes f be called in the background, ten times a second unless nobody does anything, in place of what was passed before. f must
// not call OnTick or Close; it is not called any more when Close has returned.
func (s *Store) OnTick(f func()) { s.pulse.watch.Store(&f) }

// background removes expired keys, deletes the parts of large values that are gone, and keeps memory within its limit.
func (s *Store) background() {
	pace := tickPeriod
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-s.pulse.wake:
		case <-tick.C:
		}
		if next := s.tick(time.Now().UnixMilli()); next != pace {
			pace = next
			tick.Reset(pace)
		}
	}
}

// tick does the work once, at the time now in Unix milliseconds, and returns when to do it again.
func (s *Store) tick(now int64) time.Duration {
	p := &s.pulse
	if p.state.Swap(still) == stirred {
		p.quiet = 0
	} else {
		p.quiet++
	}
	expiry := s.expireCycle(now, p.quiet <= 1) // who stirred before the last tick may have used a key after it
	s.govern()
	s.buffers.trim()
	if p.quiet < restAfter {
		if f := p.watch.Load(); f != nil {
			(*f)()
		}
		return tickPeriod
	}
	if !p.state.CompareAndSwap(still, resting) {
		return tickPeriod
	}
	return min(max(time.Duration(min(expiry-now, restPeriod.Milliseconds()))*time.Millisecond, tickPeriod), restPeriod)
}
