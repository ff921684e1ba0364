package engine

import (
	"math"
	"runtime/metrics"
	"sync"
)

// governor turns the limit of the process's memory into the number of blocks that the arena may have.
type governor struct {
	arenaOnly bool // tests: the limit is the arena's alone

	mu      sync.Mutex        // guards the field below
	samples [2]metrics.Sample // scratch of goMemory
}

// MaxMemory returns the limit in bytes, 0 for none.
func (s *Store) MaxMemory() int64 { return s.maxMemory.Load() }

// SetMaxMemory changes the limit. Room for a smaller one is made in the background.
func (s *Store) SetMaxMemory(n int64) {
	s.maxMemory.Store(n)
	s.setLimit()
}

// Policy returns what is evicted at the limit.
func (s *Store) Policy() Policy { return Policy(s.policy.Load()) }

// SetPolicy changes what is evicted at the limit.
func (s *Store) SetPolicy(p Policy) {
	s.policy.Store(int32(p))
	s.counts.Store(uint32(p.counts()))
}

// Weight returns what AllKeysDensity aims at.
func (s *Store) Weight() Weight { return Weight(s.weight.Load()) }

// SetWeight changes what AllKeysDensity aims at.
func (s *Store) SetWeight(w Weight) { s.weight.Store(uint32(w)) }

// govern keeps the process within its limit: it adapts the arena's share to what everything else takes, makes room where the arena has
// outgrown it, and gives free pages back to the system.
func (s *Store) govern() {
	s.setLimit()
	if s.maxMemory.Load() == 0 {
		return
	}
	_ = s.makeRoom(0, 0) // what cannot be evicted stays; commands that need memory are told
	s.pool.trim()
}

// setLimit computes how many blocks the arena may have: the limit less the resident memory that is not the arena's.
func (s *Store) setLimit() {
	limit := s.maxMemory.Load()
	if limit == 0 {
		s.pool.limit.Store(math.MaxInt64 / blockSize)
		return
	}
	s.pool.limit.Store(max((limit-s.memory.other(s.pool.resident()*blockSize))/blockSize, 0))
}

// other returns the resident bytes of the process beyond those of an arena of the given size.
func (g *governor) other(arena int64) int64 {
	if g.arenaOnly {
		return 0
	}
	return max(residentSet()-arena, g.goMemory())
}

// goMemory returns the bytes that the Go runtime has from the system and not given back.
func (g *governor) goMemory() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.samples[0].Name = "/memory/classes/total:bytes"
	g.samples[1].Name = "/memory/classes/heap/released:bytes"
	metrics.Read(g.samples[:])
	return int64(g.samples[0].Value.Uint64() - g.samples[1].Value.Uint64())
}
