package engine

import (
	"math"
	"unsafe"
)

// Which block the reclaimer takes next (see evict.go). A block that is pinned is none of them: reclaiming it would free nothing, and what is
// kept of it would take memory once more.

// due is the larger the sooner a shard should give up a block: one that is being reclaimed at once; else, where a policy goes by age, the
// shard whose oldest block is older than that of others, so that a shard with a huge value gives up no more of its other keys than the
// rest; where it does not, the shard with the most blocks.
func (sh *shard) due(policy Policy) int64 {
	switch oldest := sh.oldest(); {
	case sh.sweep.block != noBlock:
		return math.MaxInt64
	case oldest == noBlock:
		return math.MinInt64
	case policy.byAge():
		return -int64(sh.blocks[oldest].seq)
	}
	return int64(len(sh.blocks) - len(sh.vacant))
}

// choose picks the next block to reclaim.
func (sh *shard) choose(policy Policy, w Weight) bool {
	n, compact := sh.emptiest()
	if !compact {
		if n = sh.victim(policy); n == noBlock {
			sh.sealAll() // what is left may be in open blocks
			n = sh.victim(policy)
		}
	}
	if sh.sweep.block != noBlock {
		return true // somebody else chose while the search let others have the shard
	}
	if n == noBlock {
		return false
	}
	sh.sweep = sweep{block: n, compact: compact}
	switch {
	case compact:
	case policy == VolatileTTL:
		sh.sweep.soon = sh.meanDeadline(n)
	case policy == AllKeysDensity:
		sh.learn(n, w)
	}
	return true
}

// emptiest returns the sealed block with the fewest live bytes of a random sample, and whether compacting it pays.
func (sh *shard) emptiest() (uint32, bool) {
	best, live := uint32(noBlock), uint32(compactBelow)
	if sh.oldest() == noBlock || sh.gain.vain(sh.live) >= sampleBlocks {
		return noBlock, false
	}
	for range sampleBlocks {
		n := uint32(sh.random() % uint64(len(sh.blocks)))
		if b := &sh.blocks[n]; b.sealed && b.live < live && !sh.isPinned(n) {
			best, live = n, b.live
		}
	}
	return best, best != noBlock
}

// victim returns the block that a policy evicts from, noBlock if it has no candidate. It notes whether pins are to blame for that.
func (sh *shard) victim(policy Policy) uint32 {
	sh.hindered = false
	if policy == NoEviction {
		return noBlock
	}
	if policy < VolatileLRU && sh.oldest() == noBlock {
		sh.hindered = sh.queues[probation].blocks+sh.queues[mainQueue].blocks > 0
		return noBlock
	}
	switch policy {
	case AllKeysLRU, AllKeysLFU:
		return sh.oldest()
	case AllKeysS3FIFO, AllKeysDensity:
		return sh.oldestOnProbation()
	case AllKeysRandom:
		for range sampleBlocks {
			if n := uint32(sh.random() % uint64(len(sh.blocks))); sh.blocks[n].sealed && !sh.isPinned(n) {
				return n
			}
		}
		return sh.oldest()
	}
	return sh.nextVolatile(policy == VolatileTTL)
}

// oldest returns the sealed block that was opened first, noBlock if there is none.
func (sh *shard) oldest() uint32 {
	n, m := sh.oldestOf(probation), sh.oldestOf(mainQueue)
	if n == noBlock || m != noBlock && sh.blocks[m].seq < sh.blocks[n].seq {
		return m
	}
	return n
}

// oldestOnProbation returns the oldest block of the probation queue while that has more than its share, else of the main queue.
func (sh *shard) oldestOnProbation() uint32 {
	p, m := sh.oldestOf(probation), sh.oldestOf(mainQueue)
	n, all := sh.queues[probation].blocks, sh.queues[probation].blocks+sh.queues[mainQueue].blocks
	if m == noBlock || p != noBlock && n*probationShare > all {
		return p
	}
	return m
}

// oldestOf returns the oldest block of a pool, noBlock if there is none.
func (sh *shard) oldestOf(p queueID) uint32 {
	n := sh.queues[p].oldest
	for n != noBlock && sh.isPinned(n) {
		n = sh.blocks[n].next
	}
	return n
}

// nextVolatile returns the oldest block that has keys with a deadline, or the one with the soonest, of the next scanBlocks blocks by number
// that have any. It lets others have the shard where there are none among so many.
func (sh *shard) nextVolatile(soonest bool) uint32 {
	for seen := 0; seen < len(sh.blocks); {
		best := uint32(noBlock)
		for i := 0; i < scanBlocks && seen < len(sh.blocks); i++ {
			sh.scanned = (sh.scanned + 1) % uint32(len(sh.blocks))
			seen++
			b := &sh.blocks[sh.scanned]
			if !b.sealed || b.earliest == math.MaxInt64 {
				continue
			}
			if sh.isPinned(sh.scanned) {
				sh.hindered = true
				continue
			}
			if best == noBlock || soonest && b.earliest < sh.blocks[best].earliest || !soonest && b.seq < sh.blocks[best].seq {
				best = sh.scanned
			}
		}
		if best != noBlock {
			return best
		}
		sh.yield()
	}
	return noBlock
}

// meanDeadline returns the mean deadline of the live records of a block that have one.
func (sh *shard) meanDeadline(n uint32) int64 {
	b, sum, count := &sh.blocks[n], int64(0), int64(0)
	for off := 0; off < int(b.used); {
		p := unsafe.Add(b.base, off)
		if !sh.dead(b, p) && load8(p, 0)&flagTTL != 0 {
			v := decode(p)
			if at := v.deadline(); at != NoDeadline && !isWide(at) {
				sum += at - deadlineZero
				count++
			}
		}
		off += sizeAt(p)
	}
	if count == 0 {
		return math.MaxInt64
	}
	return sum/count + deadlineZero
}
