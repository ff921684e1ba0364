package engine

import (
	"math/bits"
	"sync/atomic"
	"unsafe"
)

// A table finds the record of a key by its hash. It is a linear-hashing table (Litwin, VLDB 1980) of 64-byte buckets, one cache line each:
//
//	0..11    tags: a byte of the hash for each slot, 0 for an empty slot
//	12..15   number of the overflow bucket that continues this one, plus one; 0 for none
//	16..63   locations of the records, 4 bytes each
//
// It grows and shrinks by one bucket at a time, inside the insert or the delete that makes it necessary, so that there is never a second
// table, nor a pause. Buckets lie in blocks of the pool. The table keeps no keys: to tell two keys with the same tag apart, or to
// find where a record goes when its bucket is split, it asks the record, through the hasher.
const (
	bucketSlots  = 12
	bucketSize   = 64
	bucketChild  = 12
	bucketLocs   = 16
	pageShift    = 10 // buckets in a block
	pageBuckets  = 1 << pageShift
	pageMask     = pageBuckets - 1
	minBuckets   = 8
	fullBuckets  = 10 // mean keys in a bucket above which the table grows
	emptyBuckets = 4  // and below which it shrinks
)

// loc is where a record is: the number of its block in its shard, and its offset in units of recordAlign.
type loc uint32

const (
	locBits   = blockShift - 2
	maxBlocks = 1 << (32 - locBits) // of a shard: 16 GB
)

// offset is the record's distance from the start of its block in bytes.
func (l loc) offset() int { return int(l&(1<<locBits-1)) * recordAlign }

// table maps hashes to locations. The shard's lock guards it.
type table struct {
	pages    []unsafe.Pointer // blocks with the primary buckets, in order
	overflow []unsafe.Pointer // blocks with the overflow buckets
	buckets  uint32           // number of primary buckets
	mask     uint32           // the largest power of two not above buckets, minus one
	spilled  uint32           // overflow buckets ever made, the free ones included
	free     uint32           // first free overflow bucket plus one, chained through their child fields
	keys     int
	moving   chain // scratch of rehome

	// For Prefetch, which reads them without the lock.
	published atomic.Pointer[[]unsafe.Pointer] // pages
	geometry  atomic.Uint64                    // buckets and mask
}

// chain is the entries of one primary bucket and its overflow buckets.
type chain struct {
	tags   []uint8
	locs   []loc
	hashes []uint64
}

// slot is one entry of a table.
type slot struct {
	bucket unsafe.Pointer
	i      int
}

func (s slot) loc() loc     { return loc(load32(s.bucket, bucketLocs+4*s.i)) }
func (s slot) setLoc(l loc) { store32(s.bucket, bucketLocs+4*s.i, uint32(l)) }

// tagOf is the byte of a hash that a bucket keeps. The top bits: the low ones choose shard and bucket.
func tagOf(h uint64) uint8 {
	t := uint8(h >> 56)
	if t == 0 {
		return 1
	}
	return t
}

// index returns the number of the primary bucket of a hash. The hash's low bits, which are the same for all keys of a shard, are skipped.
func (t *table) index(h uint64) uint32 { return linear(uint32(h>>shardBits), t.buckets, t.mask) }

// linear is the address of linear hashing: x by its low bits, one more of them for the buckets that were split since the number of
// buckets was a power of two, which is mask+1.
func linear(x, buckets, mask uint32) uint32 {
	b := x & (mask<<1 | 1)
	if b >= buckets {
		b = x & mask
	}
	return b
}

func (t *table) bucket(i uint32) unsafe.Pointer {
	return unsafe.Add(t.pages[i>>pageShift], int(i&pageMask)*bucketSize)
}

// child returns the overflow bucket of b, nil if there is none.
func (t *table) child(b unsafe.Pointer) unsafe.Pointer {
	c := load32(b, bucketChild)
	if c == 0 {
		return nil
	}
	return t.spill(c - 1)
}

func (t *table) spill(i uint32) unsafe.Pointer {
	return unsafe.Add(t.overflow[i>>pageShift], int(i&pageMask)*bucketSize)
}

// matches compares a tag with all tags of a bucket at once: bit 8i+7 of lo is set if slot i has it, of hi if slot 8+i has it.
// The zero-byte test is the exact one of Warren's Hacker's Delight, chapter 6.
func matches(b unsafe.Pointer, tag uint8) (lo uint64, hi uint32) {
	const ones, lows = 0x0101010101010101, 0x7f7f7f7f7f7f7f7f
	x := load64(b, 0) ^ uint64(tag)*ones
	y := load32(b, 8) ^ uint32(tag)*(ones&0xffffffff)
	lo = ^((x&lows + lows) | x | lows)
	hi = ^((y&(lows&0xffffffff) + lows&0xffffffff) | y | lows&0xffffffff)
	return lo, hi
}

// find returns the slot whose record has the given hash and satisfies same.
// It is written out for keys in shard.find; this general form serves parts and moves.
func (t *table) find(h uint64, same func(l loc) bool) (slot, bool) {
	if t.buckets == 0 {
		return slot{}, false
	}
	tag := tagOf(h)
	for b := t.bucket(t.index(h)); b != nil; b = t.child(b) {
		for i := 0; i < bucketSlots; i++ {
			if load8(b, i) == tag && same(loc(load32(b, bucketLocs+4*i))) {
				return slot{b, i}, true
			}
		}
	}
	return slot{}, false
}

// hasher sets hashes to those of the records at some locations of the table. It gets all of a chain at once because each record is likely
// a miss of the caches, and the misses of several overlap.
type hasher func(at []loc, hashes []uint64)

// insert adds an entry for a hash that is not in the table. It returns false where memory for it is not to be had.
func (t *table) insert(p *pool, h uint64, l loc, hash hasher) bool {
	if t.buckets == 0 && !t.start(p) {
		return false
	}
	if !t.place(p, t.index(h), tagOf(h), l) {
		return false
	}
	t.keys++
	if t.keys > int(t.buckets)*fullBuckets {
		t.split(p, hash)
	}
	return true
}

func (t *table) start(p *pool) bool {
	page := p.get()
	if page == nil {
		return false
	}
	t.addPage(page)
	t.reshape(minBuckets, minBuckets-1)
	clear(bytesAt(page, 0, minBuckets*bucketSize))
	return true
}

// addPage appends a block of primary buckets.
func (t *table) addPage(page unsafe.Pointer) {
	t.pages = append(t.pages, page)
	pages := t.pages
	t.published.Store(&pages)
}

// reshape sets the number of primary buckets, and the mask that goes with it.
func (t *table) reshape(buckets, mask uint32) {
	t.buckets, t.mask = buckets, mask
	t.geometry.Store(uint64(buckets)<<32 | uint64(mask))
}

// place puts an entry into a free slot of the chain of a primary bucket.
func (t *table) place(p *pool, index uint32, tag uint8, l loc) bool {
	b := t.bucket(index)
	for {
		if lo, hi := matches(b, 0); lo != 0 || hi != 0 {
			i := bits.TrailingZeros64(lo) / 8
			if lo == 0 {
				i = 8 + bits.TrailingZeros32(hi)/8
			}
			store8(b, i, tag)
			store32(b, bucketLocs+4*i, uint32(l))
			return true
		}
		next := t.child(b)
		if next == nil {
			c, ok := t.newSpill(p)
			if !ok {
				return false
			}
			store32(b, bucketChild, c+1)
			next = t.spill(c)
		}
		b = next
	}
}

// newSpill takes an overflow bucket and returns its number.
func (t *table) newSpill(p *pool) (uint32, bool) {
	if !t.spare(p) {
		return 0, false
	}
	c := t.spilled
	if t.free != 0 {
		c = t.free - 1
		t.free = load32(t.spill(c), bucketChild)
	} else {
		t.spilled++
	}
	clear(bytesAt(t.spill(c), 0, bucketSize))
	return c, true
}

// spare sees to it that there is an overflow bucket to take.
func (t *table) spare(p *pool) bool {
	if t.free != 0 || int(t.spilled) < len(t.overflow)<<pageShift {
		return true
	}
	page := p.get()
	if page == nil {
		return false
	}
	t.overflow = append(t.overflow, page)
	return true
}

// remove empties a slot of the chain of hash h, filling the hole from the chain's last bucket so that chains stay dense.
func (t *table) remove(p *pool, h uint64, s slot, hash hasher) {
	parent, last := unsafe.Pointer(nil), t.bucket(t.index(h))
	for next := t.child(last); next != nil; next = t.child(last) {
		parent, last = last, next
	}
	if last != s.bucket {
		from := lastUsed(last)
		store8(s.bucket, s.i, load8(last, from))
		s.setLoc(loc(load32(last, bucketLocs+4*from)))
		s = slot{last, from}
	}
	store8(s.bucket, s.i, 0)
	if parent != nil && lastUsed(last) < 0 {
		t.freeSpill(parent)
	}
	t.keys--
	if t.keys < int(t.buckets)*emptyBuckets && t.buckets > minBuckets {
		t.merge(p, hash)
	}
}

// lastUsed returns the highest slot in use, -1 if none is.
func lastUsed(b unsafe.Pointer) int {
	for i := bucketSlots - 1; i >= 0; i-- {
		if load8(b, i) != 0 {
			return i
		}
	}
	return -1
}

// freeSpill unlinks the child of b, which has none itself, and keeps it for reuse.
func (t *table) freeSpill(b unsafe.Pointer) {
	c := load32(b, bucketChild)
	store32(b, bucketChild, 0)
	store32(t.spill(c-1), bucketChild, t.free)
	t.free = c
}

// split adds a primary bucket and moves to it what belongs there from the bucket that held it so far. Where there is no memory it
// does nothing: the table works with longer chains.
func (t *table) split(p *pool, hash hasher) {
	n := t.buckets
	if int(n>>pageShift) == len(t.pages) {
		page := p.get()
		if page == nil {
			return
		}
		t.addPage(page)
	}
	from, mask := n&t.mask, t.mask
	if n+1 > mask<<1|1 {
		mask = mask<<1 | 1
	}
	t.reshape(n+1, mask)
	clear(bytesAt(t.bucket(n), 0, bucketSize))
	t.rehome(p, from, hash)
}

// merge removes the last primary bucket and moves its entries to the one that it was split from. Where that needs one more overflow
// bucket than the two chains have, and it is not to be had, it does nothing.
func (t *table) merge(p *pool, hash hasher) {
	last, mask := t.buckets-1, t.mask
	if mask >= last {
		mask >>= 1
	}
	n, slots := t.chain(last)
	into, more := t.chain(last & mask)
	if n+into > slots+more-bucketSlots && !t.spare(p) {
		return
	}
	t.reshape(last, mask)
	t.rehome(p, last, hash)
	if t.buckets&pageMask == 0 && int(t.buckets>>pageShift) < len(t.pages) {
		p.put(t.pages[len(t.pages)-1])
		t.pages = t.pages[:len(t.pages)-1]
	}
}

// rehome empties the chain of a primary bucket and places its entries where index says now.
func (t *table) rehome(p *pool, from uint32, hash hasher) {
	m := &t.moving
	m.tags, m.locs = m.tags[:0], m.locs[:0]
	head := t.bucket(from)
	for b := head; b != nil; b = t.child(b) {
		for i := 0; i < bucketSlots; i++ {
			if g := load8(b, i); g != 0 {
				m.tags, m.locs = append(m.tags, g), append(m.locs, loc(load32(b, bucketLocs+4*i)))
			}
		}
	}
	t.clearChain(head)
	m.hashes = append(m.hashes[:0], make([]uint64, len(m.locs))...)
	hash(m.locs, m.hashes)
	for i, l := range m.locs {
		t.place(p, t.index(m.hashes[i]), m.tags[i], l)
	}
}

// chain returns the number of entries of a primary bucket and those that continue it, and of their slots.
func (t *table) chain(i uint32) (entries, slots int) {
	for b := t.bucket(i); b != nil; b = t.child(b) {
		for s := range bucketSlots {
			if load8(b, s) != 0 {
				entries++
			}
		}
		slots += bucketSlots
	}
	return entries, slots
}

// clearChain empties a bucket and frees its overflow buckets.
func (t *table) clearChain(head unsafe.Pointer) {
	for c := load32(head, bucketChild); c != 0; {
		b := t.spill(c - 1)
		next := load32(b, bucketChild)
		store32(b, bucketChild, t.free)
		t.free = c
		c = next
	}
	clear(bytesAt(head, 0, bucketSize))
}

// drop gives all memory back and leaves an empty table.
func (t *table) drop(p *pool) {
	for _, b := range t.pages {
		p.put(b)
	}
	for _, b := range t.overflow {
		p.put(b)
	}
	*t = table{}
}

// blocks is the number of blocks that the table takes.
func (t *table) blocks() int { return len(t.pages) + len(t.overflow) }
