package engine

import (
	"math"
	"unsafe"
)

// The reclaimer makes room: it takes a block, drops those of its records that the policy gives up, moves the others to another block,
// and frees it. Where a block is mostly dead already, it just moves what lives. A policy is a choice of the next block and a function that
// says which records are kept; all else is the same for all.

const (
	sweepRecords   = 64                 // records looked at under one hold of a shard's lock
	holdRecords    = 32                 // records moved or removed before a hold ends; the last may bring those of a bucket of the table along
	sweepBytes     = 64 << 10           // bytes moved under one hold
	scanBlocks     = 1024               // blocks looked at under one hold
	sampleBlocks   = 32                 // blocks compared for the one to be compacted
	compactBelow   = blockSize / 10 * 9 // a block with fewer live bytes is compacted before anything is evicted
	probationShare = 10                 // the probation queue is this part of a shard's blocks
	keepPerFreed   = 4                  // bytes kept for each one freed while evicting, in the long run
)

// sweep is where the reclaimer stands in a shard.
type sweep struct {
	block   uint32 // the block being reclaimed, noBlock if none is
	off     int    // everything before is dead
	compact bool   // every live record is kept
	weight  Weight // for the density policy
	kept    int    // bytes moved of it so far
	soon    int64  // volatile-ttl: deadlines up to this one go
}

// Reserve makes room for n more bytes, evicting where the policy allows. No lock may be held by the
// caller. It returns ErrOutOfMemory where it cannot, ErrPinned where it could without pins. A
// command that may grow the keyspace calls it before it locks.
func (s *Store) Reserve(n int) error {
	s.Stir()
	if blocks := blocksFor(n); s.pool.available() < blocks+s.margin() {
		if err := s.makeRoomFor(n, blocks); err != nil {
			return err
		}
	}
	if !s.pool.ready() {
		s.pool.prepare()
	}
	return nil
}

// Fits reports whether n more bytes can be stored now without exceeding the limit, though they may
// leave less than the margin that Reserve keeps. Locks may be held.
func (s *Store) Fits(n int) bool { return s.fits(blocksFor(n)) }

// fits reports whether that many blocks can be taken beside one for each shard.
func (s *Store) fits(blocks int64) bool { return s.pool.available() >= blocks+int64(len(s.shards)) }

// blocksFor returns how many blocks hold n bytes.
func blocksFor(n int) int64 { return int64(n+blockSize-1) / blockSize }

// Largest returns how many bytes a value may have that arrives in Buffers and is then stored, where
// everything else can be evicted: half of what the limit leaves them. Without a limit it is the
// largest number.
func (s *Store) Largest() int64 {
	if s.maxMemory.Load() == 0 {
		return math.MaxInt64
	}
	blocks := (s.pool.limit.Load()+s.pool.loan.Load())/2 - int64(len(s.shards)) - 1
	return max(blocks*blockSize-blocks*blockSize/largestSlack, 0)
}

// largestSlack is the part of a large value that is kept for its parts' headers, and the index.
const largestSlack = 256

// margin is the number of blocks that are kept free for operations that do not reserve: half-filled blocks, moved records, the index.
func (s *Store) margin() int64 { return int64(len(s.shards)) + min(s.pool.limit.Load()/256, 256) }

// makeRoom reclaims until n bytes, which take so many blocks, fit beside the margin.
func (s *Store) makeRoom(n int, blocks int64) error {
	if limit := s.maxMemory.Load(); limit > 0 && int64(n) > limit {
		return ErrOutOfMemory
	}
	if n > 0 && blocks+int64(len(s.shards)) > s.pool.most() {
		return ErrOutOfMemory // not even an empty arena has the room: nothing is evicted in vain
	}
	s.pool.short.Add(1)
	defer s.pool.short.Add(-1)
	idle, pinned := 0, false // shards in a row that had nothing to give; one of them because of pins
	for s.pool.available() < blocks+s.margin() {
		sh := s.inTurn()
		if idle == 0 {
			sh = s.mostDue(s.Policy())
		}
		sh.mu.Lock()
		// Read under the lock: a change of the policy holds for all keys that come after it.
		progress := sh.reclaim(s.Policy(), s.Weight())
		pinned = !progress && (pinned || sh.hindered)
		sh.unlock()
		if progress {
			idle = 0
		} else if idle++; idle > len(s.shards) {
			return s.noRoom(blocks, pinned)
		}
	}
	return nil
}

// noRoom is the result of makeRoom where no shard has anything to give. It is an error unless so
// many blocks fit without the margin.
func (s *Store) noRoom(blocks int64, pinned bool) error {
	switch {
	case s.fits(blocks):
		return nil
	case pinned || s.pool.zombies.Load() > 0:
		return ErrPinned
	}
	return ErrOutOfMemory
}

// rivals is the number of shards compared for the one to reclaim from.
const rivals = 4

// inTurn returns each shard once in a round.
func (s *Store) inTurn() *shard { return &s.shards[int(s.turn.Add(1))%len(s.shards)] }

// mostDue returns the shard to reclaim from next: of a few that come in turn the one that is most due. Without the comparison shards that
// have nothing to compact would lose their keys to those that have, and more so the fewer blocks they keep.
func (s *Store) mostDue(policy Policy) *shard {
	var most *shard
	best := int64(math.MinInt64)
	for range min(rivals, len(s.shards)) {
		sh := s.inTurn()
		sh.mu.Lock()
		due := sh.due(policy)
		sh.mu.Unlock()
		if most == nil || due > best {
			most, best = sh, due
		}
	}
	return most
}

// reclaim does one step of the reclaimer's work and reports whether there was any.
func (sh *shard) reclaim(policy Policy, w Weight) bool {
	if sh.drain(holdRecords) > 0 {
		return true
	}
	if sh.sweep.block == noBlock && !sh.choose(policy, w) {
		return false
	}
	sh.sweep.weight = w
	return sh.step(policy)
}

// step handles the next records of the block being reclaimed and frees it after the last. Where there is no memory to move a record to
// it gives the block up and returns false.
func (sh *shard) step(policy Policy) bool {
	sw := &sh.sweep
	n := sw.block
	if sh.isPinned(n) { // since the last step
		sw.block = noBlock
		return true
	}
	b := sh.blocks[n]
	limit := sh.handled + holdRecords
	for records, moved := 0, 0; sw.off < int(b.used); records++ {
		if records == sweepRecords || sh.handled >= limit || moved >= sweepBytes {
			return true
		}
		p := unsafe.Add(b.base, sw.off)
		size := sizeAt(p)
		if !sh.dead(&b, p) {
			n, ok := sh.judge(policy, &b, loc(n<<locBits|uint32(sw.off/recordAlign)), p, size)
			if !ok {
				sw.block = noBlock
				return false
			}
			moved += n
		}
		sw.off += size
	}
	if !sw.compact {
		sh.kept = max(sh.kept+int64(sw.kept-keepPerFreed*(blockSize-sw.kept)), 0)
	}
	sw.block = noBlock
	sh.freeBlock(n)
	sh.gain.swept(sh.live)
	return true
}

// gain is the account of what the reclaimer achieves. Records that do not fill blocks well, such as one of 40 KB in each, can be moved
// for ever without a block to show for it: then there is no use in compacting, and keeping records has to end.
type gain struct {
	taken, best int   // blocks that moves took less those that sweeps freed, now and at the lowest
	futile      int   // sweeps since then
	live        int64 // live bytes of the shard at the first of them
}

// retryShare is the part of a shard's live bytes by which they have to grow for compaction to be tried again.
const retryShare = 8

// swept counts a block that was freed.
func (g *gain) swept(live int64) {
	if g.taken--; g.taken < g.best {
		*g = gain{}
		return
	}
	if g.futile == 0 {
		g.live = live
	}
	g.futile++
}

// vain returns how many sweeps in a row gained nothing. It is 0 again once enough has died to make a difference, or has been written: the
// blocks that moves opened were perhaps filled by writers.
func (g *gain) vain(live int64) int {
	if g.futile > 0 && (live+blockSize <= g.live || live >= g.live+g.live/retryShare+blockSize) {
		*g = gain{}
	}
	return g.futile
}

// judge drops or moves a live record of the block being reclaimed and returns the bytes moved. ok is false where there is no memory to
// move it to.
func (sh *shard) judge(policy Policy, b *block, l loc, p unsafe.Pointer, size int) (moved int, ok bool) {
	if load8(p, 0)&layoutMask == layoutPart {
		return sh.judgePart(policy, l, p, size)
	}
	r, ok := sh.refTo(l)
	if !ok {
		sh.orphan(l, size)
		return 0, true
	}
	if sh.expired(&r.view, sh.clock.wall) && !(policy == NoEviction && sh.frozen.Load()) {
		r.expire()
		return 0, true
	}
	if !sh.keep(policy, b, &r.view) {
		if policy.counts() == countHits && b.class.queue() == probation {
			sh.ghosts.add(r.key.hash, r.sp.keys.keys)
		}
		r.evict(policy)
		return 0, true
	}
	sh.sweep.kept += size
	return sh.move(r.slot, sh.survivorClass(b, &r.view), l, p, size, r.deadline())
}

// evict gives the key up for a policy.
func (r *ref) evict(policy Policy) {
	r.sh.stats.evicted[policy]++
	r.remove(EventEvicted)
}

// judgePart drops a part whose value is gone or given up, or moves it.
func (sh *shard) judgePart(policy Policy, l loc, p unsafe.Pointer, size int) (moved int, ok bool) {
	sp, o, no := sh.spaces[load8(p, 1)>>4], partOwner(p), partNumber(p)
	root, ok := sp.keys.find(o.hash, func(x loc) bool {
		v := decode(sh.at(x))
		return v.layout() == layoutParts && v.id() == o.id
	})
	if ok {
		l := root.loc()
		if r := sh.refAt(sp, root, decode(sh.at(l)), o.hash); !sh.keep(policy, &sh.blocks[l>>locBits], &r.view) {
			r.evict(policy)
			ok = false
		}
	}
	if h := sh.retainedBy(o); !ok && h != nil && sh.pool.short.Load() > 0 && sh.gain.vain(sh.live) > len(sh.blocks) {
		sh.snap.Fail(ErrSnapshotMemory)
		sh.letGo(h)
	}
	if !ok && sh.retainedBy(o) == nil {
		parts{sh: sh, sp: sp, owner: o}.discard(no)
		return 0, true
	}
	s, ok := sh.slotOf(&sp.parts, partHash(o, no), l)
	if !ok {
		sh.orphan(l, size)
		return 0, true
	}
	c := sh.blocks[l>>locBits].class
	if !sh.sweep.compact || c.queue() == mainQueue {
		c = classKept
		if size == partSize {
			c = classKeptParts
		}
	}
	sh.sweep.kept += size
	return sh.move(s, c, l, p, size, NoDeadline)
}

// move copies a record to the open block of a class and returns the bytes moved.
func (sh *shard) move(s slot, c class, l loc, p unsafe.Pointer, size int, deadline int64) (moved int, ok bool) {
	open := sh.open[c]
	to, q := sh.alloc(c, size)
	if q == nil {
		return 0, false
	}
	if open != sh.open[c] {
		sh.gain.taken++
	}
	copy(bytesAt(q, 0, size), bytesAt(p, 0, size))
	if load8(q, 0)&layoutMask != layoutPart {
		sh.carried(to)
	}
	s.setLoc(to)
	if deadline != NoDeadline {
		b := &sh.blocks[to>>locBits]
		b.earliest = min(b.earliest, deadline)
	}
	sh.bury(l, size)
	sh.handle(1, size)
	return size, true
}

// keep says whether a policy keeps a record of a block that is being reclaimed.
func (sh *shard) keep(policy Policy, b *block, v *view) bool {
	sw := &sh.sweep
	if sw.compact {
		return true
	}
	at := v.deadline()
	if policy >= VolatileLRU && at == NoDeadline {
		return true
	}
	if policy == VolatileTTL {
		return at > sw.soon
	}
	if sh.kept > sh.live/2 && sh.clock.recalled != 0 {
		sh.clock.nextEpoch()
		sh.kept = 0
	}
	if sh.kept > sh.live/2 || sh.gain.vain(sh.live) > len(sh.blocks) {
		return false // nearly everything is in use: the oldest goes
	}
	switch policy {
	case AllKeysS3FIFO:
		return sh.hit(b.class.queue(), v)
	case AllKeysDensity:
		return sh.dense(b.class.queue(), v, sw.weight)
	case AllKeysLRU, VolatileLRU:
		return sh.clock.age(v.access()) < recentEpochs // it was used lately enough
	case AllKeysLFU, VolatileLFU:
		return sh.frequent(v)
	}
	return false // random: the block was chosen at random
}

// hit reports whether S3-FIFO keeps a record: from probation what was hit more than once, from the main queue what was hit at all.
func (sh *shard) hit(p queueID, v *view) bool {
	if p == probation {
		return v.access() > 1
	}
	return v.access() > 0
}

// survivorClass returns the class that a record is moved to, and takes from its uses what staying costs. Compaction changes neither
// the pool nor the uses.
func (sh *shard) survivorClass(b *block, v *view) class {
	if sh.sweep.compact {
		if b.class.queue() == probation {
			return b.class
		}
		return keptClass(v.deadline())
	}
	uses := v.access()
	switch counting(sh.clock.counts.Load()) {
	case countHits:
		if b.class.queue() == probation || uses == 0 {
			uses = 1
		}
		v.setAccess(uses - 1)
	case countFrequency:
		if uses > initialUse {
			v.setAccess(uses - 1)
		}
	}
	return keptClass(v.deadline())
}

// frequent reports whether a record was used often enough to be kept; it has to earn it again until the next sweep.
func (sh *shard) frequent(v *view) bool { return v.access() > initialUse }
