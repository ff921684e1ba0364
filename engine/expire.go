package engine

import (
	"math"
	"runtime"
	"unsafe"

	"github.com/redistill/redistill/internal/invariants"
)

// Expired keys are never seen: every look-up compares the deadline. Their memory comes back by this cycle. It costs no memory per key:
// each block knows a time before which nothing in it expires, and is walked when that has passed, but not again before a part of the
// time that its records have left. Records with similar times to live share blocks, so that most walks find much to remove.
const (
	rewalkShare = 32     // a block is walked again after this part of the longest time left in it
	rewalkMin   = 200    // but not sooner than this many milliseconds
	rewalkMax   = 60_000 // nor later
)

// ExpireCycle removes keys whose deadline has passed; now is in Unix milliseconds. The Store calls it by itself in the background; tests
// call it to be deterministic. It holds a shard's lock for the removal of holdRecords keys at a time. It returns when there is something to
// remove again, as far as is known.
func (s *Store) ExpireCycle(now int64) (next int64) { return s.expireCycle(now, true) }

// expireCycle is ExpireCycle. If nobody stirred, no key was used since the last time.
func (s *Store) expireCycle(now int64, stirred bool) (next int64) {
	next = math.MaxInt64
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		sh.timer.begin()
		sh.clock.pass(now, stirred)
		for n := 0; n < len(sh.blocks) && !s.frozen.Load(); n++ {
			for sh.blocks[n].base != nil && sh.blocks[n].earliest < now && sh.blocks[n].rewalk <= now {
				done := sh.expireSome(uint32(n), now)
				sh.yield()
				if done || s.frozen.Load() {
					break
				}
			}
			if b := &sh.blocks[n]; b.base != nil {
				next = min(next, max(b.earliest, b.rewalk))
			}
			if n%scanBlocks == scanBlocks-1 {
				sh.yield()
			}
		}
		sh.tidy()
		sh.timer.end()
		sh.unlock()
	}
	s.restamp(walkRecords)
	return next
}

// HoldExpiry stops the background from removing expired keys, or lets it go on. Nobody sees them in
// either case.
func (s *Store) HoldExpiry(hold bool) { s.frozen.Store(hold) }

// yield lets others have the shard for a moment. Whoever waits for it has to run to take it.
func (sh *shard) yield() {
	measured := sh.timer.end()
	sh.unlock()
	runtime.Gosched()
	sh.mu.Lock()
	if measured {
		sh.timer.begin()
	}
}

// expireSome removes expired keys of a block until holdRecords records were handled. It reports whether there are no more, and then notes
// when to look again.
func (sh *shard) expireSome(n uint32, now int64) bool {
	b := sh.blocks[n]
	earliest, latest := int64(math.MaxInt64), now
	limit := sh.handled + holdRecords
	for off := 0; off < int(sh.blocks[n].used); {
		p := unsafe.Add(b.base, off)
		size := sizeAt(p)
		if !sh.dead(&b, p) && load8(p, 0)&flagTTL != 0 {
			v := decode(p)
			switch at := v.deadline(); {
			case at == NoDeadline:
			case at >= now:
				earliest, latest = min(earliest, at), max(latest, at)
			case sh.handled >= limit:
				return false
			default:
				sh.stats.reaped++
				sh.stats.lag += now - at
				sh.expireAt(n, off, v.size)
				if sh.blocks[n].seq != b.seq {
					return true // that was its last record
				}
			}
		}
		off += size
	}
	sh.blocks[n].earliest = earliest
	sh.blocks[n].rewalk = now + min(max((latest-now)/rewalkShare, rewalkMin), rewalkMax)
	return true
}

// expireAt removes the key of the record of size bytes at an offset of a block.
func (sh *shard) expireAt(n uint32, off, size int) {
	l := loc(n<<locBits | uint32(off/recordAlign))
	r, ok := sh.refTo(l)
	if !ok {
		sh.orphan(l, size)
		return
	}
	r.expire()
}

// orphan buries a live record that its table does not have. That can only be an error in this package; nobody can see the record, so
// the shard goes on without it.
func (sh *shard) orphan(l loc, size int) {
	invariants.Violated("a live record is not in its table")
	sh.bury(l, size)
}

// slotOf returns the slot of the record at a location.
func (sh *shard) slotOf(t *table, h uint64, l loc) (slot, bool) {
	return t.find(h, func(x loc) bool { return x == l })
}

// tidy does what was put off: it deletes parts of large values that are gone, and counts anew what lives in the blocks after a flush.
func (sh *shard) tidy() {
	if counting(sh.clock.counts.Load()) != countHits {
		sh.ghosts.forget() // the policy was another once
	}
	for sh.drain(holdRecords) > 0 {
		sh.yield()
	}
	sh.compactSome()
	stale := sh.stale
	for n := 0; stale > 0 && n < len(sh.blocks); n++ {
		if b := &sh.blocks[n]; b.base != nil && b.seq < stale {
			sh.recount(uint32(n))
			sh.yield()
		}
	}
	if sh.stale == stale { // no flush came between
		sh.stale = 0
	}
}

// wastedShare is the part of a shard's blocks that may be dead before blocks are compacted with nobody asking for room: else a cache
// whose values change size would grow to its limit whatever it holds.
const wastedShare = 4

// compactSome compacts the emptiest blocks while too much is dead.
func (sh *shard) compactSome() {
	for sh.wasted() {
		if sh.sweep.block == noBlock {
			n, ok := sh.emptiest()
			if !ok {
				return
			}
			sh.sweep = sweep{block: n, compact: true}
		}
		if !sh.sweep.compact || !sh.step(NoEviction) {
			return
		}
		sh.yield()
	}
}

// wasted reports whether more than a share of the blocks' bytes is dead, open blocks, which are filling, left out.
func (sh *shard) wasted() bool {
	used := int64(len(sh.blocks)-len(sh.vacant)) * blockSize
	return used-sh.live-int64(numClasses)*blockSize > used/wastedShare
}

// recount finds out how many bytes of a block are live, and frees it if none are.
func (sh *shard) recount(n uint32) {
	b := &sh.blocks[n]
	live := uint32(0)
	for off := 0; off < int(b.used); {
		p := unsafe.Add(b.base, off)
		size := sizeAt(p)
		if !sh.dead(b, p) {
			live += uint32(size)
		}
		off += size
	}
	sh.live += int64(live) - int64(b.live)
	b.live = live
	if live == 0 && b.sealed && n != sh.sweep.block {
		sh.freeBlock(n)
	}
}
