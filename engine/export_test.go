package engine

import (
	"math"
	"time"
	"unsafe"
)

// OpenArena is Open with a limit for the arena alone, so that tests do not depend on what else the process holds.
func OpenArena(o Options) (*Store, error) { return open(o, true) }

// Reclaim does up to n steps of the reclaimer's work in every shard, needed or not. What the policy gives up goes.
func (s *Store) Reclaim(n int) {
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		for range n {
			if !sh.reclaim(s.Policy(), s.Weight()) {
				break
			}
		}
		sh.mu.Unlock()
	}
}

// Seed makes the pseudo-random numbers of all shards, which must be locked, follow from n.
func (s *Store) Seed(n uint64) {
	for i := range s.shards {
		s.shards[i].rng = n<<8 | uint64(i)<<1 | 1
	}
}

// Damage changes a byte of a shard's blocks, one below n chosen by pick, and returns what undoes it.
func (s *Store) Damage(pick func(n int) int) (undo func()) {
	sh := &s.shards[pick(len(s.shards))]
	var in []uint32
	for n := range sh.blocks {
		if sh.blocks[n].used > 0 {
			in = append(in, uint32(n))
		}
	}
	b := &sh.blocks[in[pick(len(in))]]
	off := pick(int(b.used))
	was := load8(b.base, off)
	store8(b.base, off, was^uint8(1+pick(255)))
	return func() { store8(b.base, off, was) }
}

// DenyMemory makes the system have memory for only so many more blocks, until undo is called.
func (s *Store) DenyMemory(blocks int) (undo func()) {
	p := &s.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	cold := p.cold
	kept := min(blocks, len(cold))
	rest := cold[:len(cold)-kept]
	p.cold = append([]unsafe.Pointer(nil), cold[len(cold)-kept:]...)
	free := p.free
	p.free = nil
	p.warm.Store(0)
	p.pages = func(int) []byte { return nil }
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.cold = append(p.cold, rest...)
		p.free = append(p.free, free...)
		p.warm.Store(int64(len(p.free)))
		p.pages = mapPages
	}
}

// SkipPartNumbers makes a big hash of database 0 act as if it had given out n part numbers more.
func (s *Store) SkipPartNumbers(k Key, n int) {
	sh := &s.shards[k.hash&s.mask]
	r := ref{sh: sh, sp: sh.dbs[0], key: k}
	r.find()
	h := r.bucketRoot()
	h.setNextRef(h.nextRef() + uint32(n))
}

// SnapshotSteps is Snapshot.Write step by step.
type SnapshotSteps struct{ w *snapshotWriter }

// Steps begins to write a snapshot.
func (sn *Snapshot) Steps(to Sink) *SnapshotSteps { return &SnapshotSteps{sn.writer(to)} }

// Step does some of the work. It reports whether that was the last of it, and then the error of the snapshot.
func (st *SnapshotSteps) Step() (done bool, err error) {
	if !st.w.advance() {
		return false, nil
	}
	return true, st.w.end()
}

// Aside returns the bytes that are kept aside for a snapshot.
func (s *Store) Aside() (n int64) {
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		n += int64(sh.sideBlocks()) * blockSize
		if sh.snap != nil {
			for _, h := range sh.snap.retained {
				n += h.bytes
			}
		}
		sh.mu.Unlock()
	}
	return n
}

// Live returns the bytes of live records in each shard.
func (s *Store) Live() []int64 {
	live := make([]int64, len(s.shards))
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		live[i] = sh.live
		sh.mu.Unlock()
	}
	return live
}

// Ghosts are those of a shard.
type Ghosts struct{ g ghosts }

// Add remembers a key of a space that has so many.
func (g *Ghosts) Add(hash uint64, keys int) { g.g.add(hash, keys) }

// Take reports whether a key is remembered, and forgets it.
func (g *Ghosts) Take(hash uint64) bool { return g.g.take(hash) }

// YieldUntil locks the first shard and lets others have it for a moment until stop says so. It returns how often it did.
func (s *Store) YieldUntil(stop func() bool) (n int) {
	sh := &s.shards[0]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for !stop() {
		n++
		sh.yield()
	}
	return n
}

// Locked returns the numbers of the shards that are locked.
func (s *Store) Locked() (numbers []int) {
	for i := range s.shards {
		if !s.shards[i].mu.TryLock() {
			numbers = append(numbers, i)
			continue
		}
		s.shards[i].mu.Unlock()
	}
	return numbers
}

// ShardOf returns the number of a key's shard.
func (s *Store) ShardOf(k Key) int { return int(k.hash & s.mask) }

// SameShard reports whether two keys are in the same shard.
func (s *Store) SameShard(a, b Key) bool { return (a.hash^b.hash)&s.mask == 0 }

// LosePart takes a part of a big hash in database 0 away, without anybody being told: a bucket, or from number 1<<31 on a part of a long
// field or value.
func (s *Store) LosePart(k Key, no uint32) {
	sh := &s.shards[k.hash&s.mask]
	r := ref{sh: sh, sp: sh.dbs[0], key: k}
	r.find()
	r.parts().drop(no)
}

// ScanOnce passes what Scan does under one hold of the lock of shard 0, from the beginning.
func (t *Tx) ScanOnce(fn func(key []byte, typ Type) bool) {
	s := keyScan{fn: fn, work: math.MaxInt}
	t.with(0, func(sh *shard) bool {
		t.scanShard(sh, 0, &s)
		return true
	})
}

// RestAfter is how many ticks without a call of Stir make the background work rest.
const RestAfter = restAfter

// StopBackground stops the background work, for a test to call Tick itself. No shard may be locked: it may be waiting for one.
func (s *Store) StopBackground() {
	close(s.stop)
	s.done.Wait()
	s.stop = make(chan struct{})
	s.Stir()
	s.Woken() // should it have come to rest
}

// Tick does the background work once, and returns when it is due again.
func (s *Store) Tick(now int64) time.Duration { return s.tick(now) }

// Woken reports whether the rest of the background work is over, and lets it begin.
func (s *Store) Woken() bool {
	select {
	case <-s.pulse.wake:
		return true
	default:
		return false
	}
}

// RestBeside returns what the process is said to need beside an arena, the first time that it is measured.
func RestBeside(arena func() int64) int64 {
	var g governor
	defer g.free()
	rest, _ := g.rest(func() (int64, int64, int64) { return arena(), 0, 0 })
	return rest
}

// DelayMeasuring makes everybody wait who measures the memory of the process, until measure is called.
func (s *Store) DelayMeasuring() (measure func()) {
	s.memory.mu.Lock()
	return s.memory.mu.Unlock
}

// FreeBlockBytes returns the resident bytes of blocks that nothing uses.
func (s *Store) FreeBlockBytes() int64 { return s.pool.warm.Load() * blockSize }

// Restamp frees stamps in blocks with about that number of records.
func (s *Store) Restamp(records int) { s.restamp(records) }

// Leaving returns how many blocks may have records with stamps that leave.
func (s *Store) Leaving() (blocks int) {
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		for _, in := range sh.clock.in {
			if in&sh.clock.leaving != 0 {
				blocks++
			}
		}
		sh.mu.Unlock()
	}
	return blocks
}

// MakesRoom reports whether somebody makes room.
func (s *Store) MakesRoom() bool { return s.pool.short.Load() > 0 }
