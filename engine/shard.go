package engine

import (
	"hash/maphash"
	"math"
	"math/bits"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/redistill/redistill/internal/invariants"
)

// shardBits is the number of low bits of a hash that choose the shard; the table starts above them.
const (
	shardBits = 8
	maxShards = 1 << shardBits
)

// shard is a part of the keyspace: the keys whose hashes have its number in their low bits. Everything in it is guarded by mu.
type shard struct {
	mu    lock
	stats shardStats // on the cache line of mu: what a read writes is one line that goes from processor to processor
	pool  *pool      // shared by all shards, has a lock of its own

	dbs    [Databases]*space // by database number; SwapDB exchanges entries
	spaces [Databases]*space // by the number in the records

	blocks  []block            // the shard's blocks, by number
	bases   []unsafe.Pointer   // where they lie: block.base of each, close together for look-ups
	vacant  []uint32           // numbers in blocks that hold no block
	open    [numClasses]uint32 // the block that each class appends to, noBlock for none
	queues  [numQueues]queue   // the sealed blocks of each queue
	ghosts  ghosts             // keys that were given up lately, for the policies that want to know
	density density            // what allkeys-density has learnt
	nextSeq uint64             // above the sequence number of every block, not above that of the next one
	live    int64              // bytes of live records

	pins     map[unsafe.Pointer]pin // blocks whose memory has to stay as it is, by their base; nil before the first
	hindered bool                   // the last search for a block to evict from found none but such
	ids      uint32                 // the last id given to a value in parts
	doomed   []doomed               // values in parts whose parts are still to be deleted
	clock    usage                  // of recency and frequency
	frozen   *atomic.Bool           // the store's; see HoldExpiry
	stale    uint64                 // blocks below this sequence number may count records of a flushed space as live
	rng      uint64                 // state of a xorshift generator, never 0
	sweep    sweep                  // where the reclaimer stands
	gain     gain                   // and what it achieves
	handled  int                    // records that were moved, removed or entered into a table again
	scanned  uint32                 // the block that nextVolatile looked at last
	kept     int64                  // bytes kept while evicting less keepPerFreed times those freed, at least 0
	watches  map[watchID]*watch
	watched  int            // the most keys that the map had
	attended bool           // somebody watches a key, or listens
	listener Listener       // nil if nobody listens
	effects  effects        // for it
	told     *atomic.Uint64 // the store's
	colour   uint8          // flagColour or 0: of the records that no snapshot has to see any more
	views    views          // of what callers are lent of the shard's memory
	snap     *shardSnapshot // the snapshot being taken, as far as it concerns the shard; nil if it does not
	timer    holdTimer      // of the lock, while the background has it
	long     []byte         // where SRandom puts a long member together
	touched  uint8          // keeps the compiler from dropping the loads of touchRecords

	published atomic.Pointer[[]unsafe.Pointer] // bases, for Prefetch, which reads it without the lock

	_ [64]byte // keeps the next shard's lock off this one's cache line
}

// space is one shard's part of one database.
type space struct {
	id        uint8  // the number in records
	db        uint8  // the database that it is now
	keys      table  // of records with keys
	parts     table  // of parts of large values
	expires   int    // keys with a deadline
	deadlines int64  // the sum of their deadlines, for the mean TTL
	flushed   uint64 // blocks below this sequence number hold no live record of this space
}

// shardStats are counters since the start, or since ResetStats.
type shardStats struct {
	hits, misses, expired uint64
	evicted               [numPolicies]uint64
	reaped                uint64 // keys that ExpireCycle removed
	lag                   int64  // milliseconds from their deadlines until then, all together
}

// class says what the records of a block have in common, so that they die together and a block is reclaimed whole.
type class uint8

const (
	classForever   class = iota // no deadline
	classLong                   // expires in more than an hour
	classMedium                 // in more than a minute
	classShort                  // sooner
	classParts                  // full parts of large values, four to a block
	classKept                   // in the main queue, no deadline
	classKeptTTL                // in the main queue, with a deadline
	classKeptParts              // in the main queue, full parts
	numClasses
)

// queueID says which queue a block is in when it is sealed: new records are on probation, those that the reclaimer kept are in the main
// pool, and so are new ones that a policy knows to have been given up too early.
type queueID uint8

const (
	probation queueID = iota
	mainQueue
	numQueues
)

func (c class) queue() queueID {
	if c >= classKept {
		return mainQueue
	}
	return probation
}

// keptClass returns the class of the main queue for a record with a deadline, or without.
func keptClass(deadline int64) class {
	if deadline == NoDeadline {
		return classKept
	}
	return classKeptTTL
}

// queue is the sealed blocks of a pool in the order in which they were sealed.
type queue struct {
	oldest, newest uint32 // block numbers, noBlock if the queue is empty
	blocks         int
}

// classOf returns the class of a new record.
func classOf(deadline, now int64) class {
	switch ttl := deadline - now; {
	case deadline == NoDeadline:
		return classForever
	case ttl > 3600_000:
		return classLong
	case ttl > 60_000:
		return classMedium
	default:
		return classShort
	}
}

const noBlock = math.MaxUint32

// block is what a shard knows of one of its blocks.
type block struct {
	base     unsafe.Pointer // its memory, nil if the number is vacant
	seq      uint64         // order of creation, among the blocks of all shards
	earliest int64          // no record of it expires before, in Unix milliseconds; math.MaxInt64 if none does
	rewalk   int64          // when to look for expired records again
	next     uint32         // the next younger sealed block
	prev     uint32         // the next older
	used     uint32         // bytes appended
	live     uint32         // bytes of live records; an upper bound if it has records of a flushed space
	class    class
	sealed   bool // full: it is in the queue
}

// init makes an empty shard, whose pseudo-random numbers follow from seed.
func (sh *shard) init(s *Store, seed uint64) {
	sh.pool, sh.nextSeq, sh.rng = &s.pool, 1, seed|1
	sh.clock.counts, sh.clock.changes, sh.timer.delayed, sh.frozen = &s.counts, &s.changes, &s.delayed, &s.frozen
	sh.told = &s.told
	sh.clock.init(time.Now().UnixMilli())
	for i := range sh.queues {
		sh.queues[i] = queue{oldest: noBlock, newest: noBlock}
	}
	for i := range sh.dbs {
		sh.spaces[i] = &space{id: uint8(i), db: uint8(i)}
		sh.dbs[i] = sh.spaces[i]
	}
	for i := range sh.open {
		sh.open[i] = noBlock
	}
	sh.sweep.block = noBlock
}

// random returns a pseudo-random number (xorshift64, Marsaglia 2003): for sampling, not for secrets.
func (sh *shard) random() uint64 {
	x := sh.rng
	x ^= x << 13
	x ^= x >> 7
	x ^= x << 17
	sh.rng = x
	return x
}

// below returns a pseudo-random number from 0 to n-1.
func (sh *shard) below(n uint64) uint64 {
	x, _ := bits.Mul64(sh.random(), n)
	return x
}

// at returns the first byte of the record at a location.
func (sh *shard) at(l loc) unsafe.Pointer {
	return unsafe.Add(sh.bases[l>>locBits], l.offset())
}

// hashSeed seeds the hash of keys and fields, so that nobody can choose keys that collide.
var hashSeed = maphash.MakeSeed()

// hashKeep is the bits of hashes that are kept in builds with the tag invariants, where tests make keys collide.
var hashKeep = ^uint64(0)

func hashBytes(b []byte) uint64 {
	if invariants.Enabled {
		return maphash.Bytes(hashSeed, b) & hashKeep
	}
	return maphash.Bytes(hashSeed, b)
}

// keyHashes is the hasher of space.keys.
func (sh *shard) keyHashes(at []loc, hashes []uint64) {
	sh.touchRecords(at)
	for i, l := range at {
		hashes[i] = sh.keyHash(l)
	}
}

// touchRecords loads the first byte of records, one not waiting for the other, so that they are in the cache when they are decoded.
func (sh *shard) touchRecords(at []loc) {
	var sum uint8
	for _, l := range at {
		sum += load8(sh.at(l), 0)
	}
	sh.touched = sum
	sh.handle(len(at), 0)
}

// handle counts records that were moved, removed or entered into a table again, and the bytes of them that were copied. Long work under one
// hold of the lock ends by this count.
func (sh *shard) handle(records, bytes int) {
	sh.handled += records
	sh.mu.work(records, bytes)
}

// keyHash returns the hash of the key of a record.
func (sh *shard) keyHash(l loc) uint64 {
	v := decode(sh.at(l))
	return hashBytes(v.keyBytes())
}

// alloc appends room for a record of size bytes to the open block of a class. It returns a nil pointer where there is no memory.
func (sh *shard) alloc(c class, size int) (loc, unsafe.Pointer) {
	n := sh.open[c]
	if n == noBlock || int(sh.blocks[n].used)+size > blockSize {
		if n != noBlock {
			sh.seal(n)
		}
		if n = sh.newBlock(c); n == noBlock {
			return 0, nil
		}
	}
	b := &sh.blocks[n]
	off := b.used
	b.used += uint32(size)
	b.live += uint32(size)
	sh.live += int64(size)
	return loc(n<<locBits | off/recordAlign), unsafe.Add(b.base, int(off))
}

// room is what is left in the open block of a class.
func (sh *shard) room(c class) int {
	n := sh.open[c]
	if n == noBlock {
		return 0
	}
	return blockSize - int(sh.blocks[n].used)
}

// newBlock takes a block from the pool and opens it for a class. It returns noBlock where there is none, or no number for it.
func (sh *shard) newBlock(c class) uint32 {
	sh.open[c] = noBlock
	if len(sh.vacant) == 0 && len(sh.blocks) == maxBlocks {
		return noBlock
	}
	base := sh.pool.get()
	if base == nil {
		return noBlock
	}
	var n uint32
	if k := len(sh.vacant); k > 0 {
		n = sh.vacant[k-1]
		sh.vacant = sh.vacant[:k-1]
	} else {
		n = uint32(len(sh.blocks))
		sh.blocks, sh.bases = append(sh.blocks, block{}), append(sh.bases, base)
		bases := sh.bases
		sh.published.Store(&bases)
	}
	sh.bases[n] = base
	sh.clock.opened(n, len(sh.blocks)-len(sh.vacant))
	seq := sh.pool.opened.Add(1)
	sh.nextSeq = seq + 1
	sh.blocks[n] = block{
		base: base, seq: seq, earliest: math.MaxInt64, next: noBlock, prev: noBlock, class: c,
	}
	sh.open[c] = n
	return n
}

// seal closes an open block and puts it at the end of the queue; a block with nothing live is freed.
func (sh *shard) seal(n uint32) {
	b := &sh.blocks[n]
	sh.open[b.class] = noBlock
	if b.live == 0 {
		sh.release(n)
		return
	}
	b.sealed = true
	q := &sh.queues[b.class.queue()]
	b.prev, b.next = q.newest, noBlock
	if q.newest == noBlock {
		q.oldest = n
	} else {
		sh.blocks[q.newest].next = n
	}
	q.newest = n
	q.blocks++
}

// sealAll seals every open block that holds anything.
func (sh *shard) sealAll() {
	for _, n := range sh.open {
		if n != noBlock {
			sh.seal(n)
		}
	}
}

// freeBlock takes a sealed block out of the queue and gives it back to the pool.
func (sh *shard) freeBlock(n uint32) {
	b := &sh.blocks[n]
	q := &sh.queues[b.class.queue()]
	q.blocks--
	if b.prev == noBlock {
		q.oldest = b.next
	} else {
		sh.blocks[b.prev].next = b.next
	}
	if b.next == noBlock {
		q.newest = b.prev
	} else {
		sh.blocks[b.next].prev = b.prev
	}
	sh.release(n)
}

// release gives a block that is in no queue back to the pool.
func (sh *shard) release(n uint32) {
	sh.live -= int64(sh.blocks[n].live)
	sh.giveBack(sh.blocks[n].base)
	sh.blocks[n] = block{}
	sh.clock.in[n] = 0
	sh.vacant = append(sh.vacant, n)
	if sh.sweep.block == n {
		sh.sweep.block = noBlock
	}
}

// bury marks the record at a location dead. Its block is freed with its last live record.
func (sh *shard) bury(l loc, size int) {
	p := sh.at(l)
	store8(p, 0, load8(p, 0)|flagDead)
	sh.shrinkLive(l, size)
}

// shrinkLive takes bytes of the block of a location from the live ones.
func (sh *shard) shrinkLive(l loc, size int) {
	n := uint32(l >> locBits)
	b := &sh.blocks[n]
	b.live -= uint32(size)
	sh.live -= int64(size)
	if b.live == 0 && b.sealed && n != sh.sweep.block {
		sh.freeBlock(n)
	}
}

// dead reports whether the record at p in block b is no longer part of the keyspace.
func (sh *shard) dead(b *block, p unsafe.Pointer) bool {
	f := load8(p, 0)
	if f&flagDead != 0 || f&layoutMask == layoutFiller {
		return true
	}
	return b.seq < sh.spaces[load8(p, 1)>>4].flushed
}
