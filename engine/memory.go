package engine

import (
	"math"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"
)

// governor turns the limit of the process's memory into the number of blocks that the arena may have.
//
// Buffers are counted, but for those that are so small that they lie on the Go heap. External
// memory (see AddExternal) has its budget set aside, so that it comes and goes without a key being
// evicted; for values on their way in (see AddArriving) the arena makes room. What is neither is
// measured: the program, the Go runtime, connections. The Go runtime is told to collect its garbage
// before it takes more.
type governor struct {
	arenaOnly bool         // tests: the limit is the arena's alone
	external  atomic.Int64 // bytes of external memory
	budget    atomic.Int64 // bytes set aside for it
	wasteful  atomic.Bool  // the runtime has to collect its garbage now
	garbage   atomic.Int64 // bytes of the Go heap that were given up since it did; see AddGarbage

	setting sync.Mutex // held while the arena's share follows from the limit, lest an older limit has the last word

	mu      sync.Mutex                       // guards the fields below
	samples [len(heapMetrics)]metrics.Sample // scratch of readHeap
	since   int                              // measurements since the last call of collect
	cycle   int64                            // how often the runtime had collected at the last measurement,
	givenUp int64                            // and garbage then
	pause   int                              // measurements from one collection of garbage to the next
	base    int64                            // bytes that stay beside the arena and buffers; 0 before the first measurement
}

const (
	lendShare    = 4       // values on their way in may take this part of what clients do not need of their budget
	baseInertia  = 4       // base follows what is measured by this part of the difference, ten times a second
	collectEvery = 10      // measurements between collections that are made to be sure that it does
	heapSlack    = 8       // the Go heap may hold garbage of this part of its live bytes in any case,
	heapSlackMin = 1 << 20 // and of so many bytes, lest the collector runs all the time
	garbageMin   = 1 << 20 // more bytes than these that were given up are collected soon,
	collectShare = 20      // though collecting may take no more than this part of the time
)

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
	if s.counts.Swap(uint32(p.counts())) != uint32(p.counts()) {
		s.changes.Add(1)
	}
}

// Weight returns what AllKeysDensity aims at.
func (s *Store) Weight() Weight { return Weight(s.weight.Load()) }

// SetWeight changes what AllKeysDensity aims at.
func (s *Store) SetWeight(w Weight) { s.weight.Store(uint32(w)) }

// SetExternalBudget sets how many bytes the arena leaves to what AddExternal counts, whether they are in use or not.
func (s *Store) SetExternalBudget(n int64) {
	s.memory.budget.Store(n)
	s.setLimit()
}

// AddExternal counts n more bytes, or fewer where n is negative, of Buffers that clients hold for
// as long as they like, such as replies that they do not read. Within the budget they take nothing
// from the arena.
func (s *Store) AddExternal(n int64) { s.memory.external.Add(n) }

// External returns the sum of what AddExternal counted.
func (s *Store) External() int64 { return s.memory.external.Load() }

// AddGarbage says that n bytes of the Go heap were given up, for what is much at once: the runtime
// would keep them until it has made as many again.
func (s *Store) AddGarbage(n int64) { s.memory.garbage.Add(n) }

// AddArriving counts n more bytes, or fewer, of Buffers that hold values on their way in.
// MakeRoomForArriving has to follow if they are more.
func (s *Store) AddArriving(n int64) { s.pool.arriving.Add(n) }

// MakeRoomForArriving has the arena give up what values on their way in take, and n bytes more. It
// returns what Reserve returns. No lock may be held.
func (s *Store) MakeRoomForArriving(n int64) error {
	err := s.Reserve(int(n))
	if s.pool.resident() > s.pool.most() {
		s.pool.trim()
	}
	return err
}

// Buffers returns the memory for commands on their way in and replies on their way out.
func (s *Store) Buffers() *Buffers { return &s.buffers }

// Purge gives all memory back to the system that nothing uses, the Go runtime's too. It takes some milliseconds. Shards may be locked.
func (s *Store) Purge() {
	s.memory.collect()
	s.pool.shrink(0)
	s.buffers.purge()
}

// govern keeps the process within its limit: it adapts the arena's share to what everything else takes, makes room where the arena has
// outgrown it, and gives free pages back to the system.
func (s *Store) govern() {
	s.setLimit()
	if s.maxMemory.Load() == 0 {
		return
	}
	if s.memory.wasteful.Load() {
		s.memory.collect()
		s.setLimit()
	}
	_ = s.makeRoom(0, 0) // what cannot be evicted stays; commands that need memory are told
	s.pool.trim()
}

// setLimit computes how many blocks the arena may have: the limit less what the rest of the process takes.
func (s *Store) setLimit() {
	s.memory.setting.Lock()
	defer s.memory.setting.Unlock()
	limit := s.maxMemory.Load()
	s.buffers.limit(limit)
	if limit == 0 {
		s.memory.free()
		s.pool.loan.Store(0)
		s.pool.limit.Store(math.MaxInt64 / blockSize)
		return
	}
	rest, spare := s.memory.rest(s.owned)
	s.pool.limit.Store(max((limit-rest)/blockSize, 0))
	s.pool.loan.Store(spare / lendShare / blockSize)
}

// owned returns the resident bytes of the arena, and those of Buffers that are external memory or
// free, and of those with values that are arriving.
func (s *Store) owned() (arena, buffers, arriving int64) {
	return s.pool.resident() * blockSize, s.memory.external.Load() + s.buffers.kept.Load(), s.pool.arriving.Load()
}

// rest returns the bytes that the process needs beside the arena and arriving values, whose sizes
// the function returns, with that of other buffers: those that are resident now, but at least what
// stays and the budget of external memory. It also returns how many of them are the part of the
// budget that nobody uses. The function is called before the process is measured and after, whose
// size lies between: on a busy machine so much may be stored meanwhile that all of it seemed to be
// needed by something else, and no room was left.
func (g *governor) rest(owned func() (arena, buffers, arriving int64)) (rest, spare int64) {
	if g.arenaOnly {
		return 0, 0
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	h := readHeap(g.samples[:])
	arena, buffers, arriving := owned()
	before := arena + buffers + arriving
	resident, _ := ResidentSet()
	arena, buffers, arriving = owned()
	other := max(resident-max(before, arena+buffers+arriving), h.taken)
	stays := other - h.garbage()
	if g.base == 0 {
		g.base = stays
	}
	g.base += (stays - g.base) / baseInertia
	now, rest := other+buffers, g.base+max(g.budget.Load(), buffers)
	spare = min(max(g.budget.Load()-buffers, 0), max(rest-now, 0))
	slack := max(h.live/heapSlack, heapSlackMin)
	debug.SetMemoryLimit(max(h.taken+rest-now, h.taken-h.garbage()+slack))
	g.since++
	if h.cycles != g.cycle {
		g.cycle = h.cycles
		g.garbage.Add(-g.givenUp)
	}
	g.givenUp = g.garbage.Load()
	forgotten := g.givenUp > garbageMin && g.since > g.pause
	g.wasteful.Store(forgotten || now > rest && (g.since > collectEvery || h.garbage() > slack))
	return max(now, rest), spare
}

// collect makes the Go runtime give back what it does not need.
func (g *governor) collect() {
	began := time.Now()
	debug.FreeOSMemory()
	took := time.Since(began)
	g.mu.Lock()
	g.since = 0
	g.pause = max(collectEvery, int(took*collectShare/tickPeriod))
	g.mu.Unlock()
}

// free lifts the limit of the Go heap.
func (g *governor) free() {
	if !g.arenaOnly {
		debug.SetMemoryLimit(math.MaxInt64)
	}
}

// heap is the memory of the Go runtime in bytes.
type heap struct {
	taken   int64 // from the system and not given back
	objects int64 // in objects, dead ones included that were not collected yet
	free    int64 // in no object
	live    int64 // in objects, as of the last collection
	cycles  int64 // collections that there were
}

// garbage returns the bytes that the collector could give back.
func (h *heap) garbage() int64 {
	if h.live == 0 {
		return h.free // nothing was collected yet
	}
	return h.free + max(h.objects-h.live, 0)
}

// heapMetrics are what readHeap reads.
var heapMetrics = [...]string{
	"/memory/classes/total:bytes", "/memory/classes/heap/released:bytes", "/memory/classes/heap/objects:bytes",
	"/memory/classes/heap/free:bytes", "/gc/heap/live:bytes", "/gc/cycles/total:gc-cycles",
}

// readHeap asks the Go runtime, with scratch for as many samples as there are heapMetrics.
func readHeap(samples []metrics.Sample) heap {
	for i, name := range heapMetrics {
		samples[i].Name = name
	}
	metrics.Read(samples)
	n := func(i int) int64 { return int64(samples[i].Value.Uint64()) }
	return heap{taken: n(0) - n(1), objects: n(2), free: n(3), live: n(4), cycles: n(5)}
}
