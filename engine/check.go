package engine

import (
	"fmt"
	"math"
	"math/bits"
	"unsafe"
)

// Check verifies every invariant of the Store's memory, for callers that hold no lock, while others
// use it: for tests, and for looking into a process that behaves strangely. The error says how many
// faults were found, at most one in each shard and one in the pool, and what the first one is.
// Check trusts no length that it finds, so that it reports a corrupted one instead of running off
// with it.
func (s *Store) Check() error { return s.NewTx().Check() }

// Check is Store.Check. Unless LockAll was called, it locks one shard after the other, each for a
// time in proportion to its data, and then all of them for as long as it takes to count blocks.
func (t *Tx) Check() error {
	var first error
	faults := 0
	note := func(err error) {
		if faults == 0 {
			first = err
		}
		if err != nil {
			faults++
		}
	}
	for i := range t.store.shards {
		t.with(i, func(sh *shard) bool {
			c := checker{sh: sh, mask: t.store.mask, number: uint64(i)}
			if err := c.check(); err != nil {
				note(fmt.Errorf("shard %d: %w", i, err))
			}
			return true
		})
	}
	note(t.checkPool())
	switch faults {
	case 0:
		return nil
	case 1:
		return fmt.Errorf("1 fault: %w", first)
	}
	return fmt.Errorf("%d faults, the first: %w", faults, first)
}

// checkPool verifies that the pool and the shards agree about the blocks in use.
func (t *Tx) checkPool() error {
	if !t.all {
		t.LockAll()
		defer t.Unlock()
	}
	used := 0
	for i := range t.store.shards {
		used += t.store.shards[i].usedBlocks()
	}
	return t.store.pool.check(used)
}

// usedBlocks is the number of blocks that the shard has from the pool.
func (sh *shard) usedBlocks() int {
	n := len(sh.blocks) - len(sh.vacant) + sh.zombies() + sh.sideBlocks()
	for _, sp := range sh.spaces {
		n += sp.keys.blocks() + sp.parts.blocks()
	}
	return n
}

// check verifies the counts of blocks, of which the shards say that they use so many.
func (p *pool) check(used int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := len(p.keep) * spanBlocks
	if p.busy {
		all--
	}
	used += p.lent
	switch {
	case p.used.Load() != int64(used):
		return fmt.Errorf("pool counts %d blocks in use, shards and snapshots have %d", p.used.Load(), used)
	case p.warm.Load() != int64(len(p.free)):
		return fmt.Errorf("pool counts %d warm blocks of %d", p.warm.Load(), len(p.free))
	case used+len(p.free)+len(p.cold) != all:
		return fmt.Errorf("pool: %d used + %d free + %d cold blocks of %d", used, len(p.free), len(p.cold), all)
	}
	seen := make(map[unsafe.Pointer]bool, len(p.free)+len(p.cold))
	for _, list := range [2][]unsafe.Pointer{p.free, p.cold} {
		for _, b := range list {
			if seen[b] {
				return fmt.Errorf("pool: a block is free twice")
			}
			seen[b] = true
		}
	}
	return nil
}

// checker verifies one shard. It goes through the blocks and notes where live records are; then through the tables, each entry of which
// must point to one of them; then through the values in parts, each of which must find its parts. What is noted and never asked for is
// an error: a record that nothing leads to, or a part without an owner.
type checker struct {
	sh           *shard
	mask, number uint64   // hash&mask is number for every key
	records      []bitmap // by block: live records that no table entry was seen for
	parts        []bitmap // by block: parts in a table that no value was seen for
}

// bitmap has a bit for each offset of a block at which a record may start.
type bitmap []uint64

func newBitmap() bitmap           { return make(bitmap, blockSize/recordAlign/64) }
func (m bitmap) set(off int)      { m[off/recordAlign/64] |= 1 << (off / recordAlign % 64) }
func (m bitmap) has(off int) bool { return m[off/recordAlign/64]>>(off/recordAlign%64)&1 != 0 }
func (m bitmap) clear(off int)    { m[off/recordAlign/64] &^= 1 << (off / recordAlign % 64) }

// first returns the lowest offset whose bit is set.
func (m bitmap) first() (off int, ok bool) {
	for i, w := range m {
		if w != 0 {
			return (i*64 + bits.TrailingZeros64(w)) * recordAlign, true
		}
	}
	return 0, false
}

// take clears the bit of a location and reports whether it was set. A location outside the shard's blocks has none.
func take(maps []bitmap, l loc) bool {
	n := int(l >> locBits)
	if n >= len(maps) || maps[n] == nil || !maps[n].has(l.offset()) {
		return false
	}
	maps[n].clear(l.offset())
	return true
}

// left returns an error for the first bit that is still set.
func left(maps []bitmap, what string) error {
	for n, m := range maps {
		if off, ok := m.first(); ok {
			return fmt.Errorf("block %d offset %d: %s", n, off, what)
		}
	}
	return nil
}

// check verifies the shard.
func (c *checker) check() error {
	if err := c.checkQueues(); err != nil {
		return err
	}
	if err := c.checkBlocks(); err != nil {
		return err
	}
	for _, sp := range c.sh.spaces {
		if err := c.checkSpace(sp); err != nil {
			return fmt.Errorf("space %d: %w", sp.id, err)
		}
	}
	if err := left(c.records, "a live record that its table does not have"); err != nil {
		return err
	}
	for _, sp := range c.sh.spaces {
		if err := c.checkValues(sp); err != nil {
			return fmt.Errorf("space %d: %w", sp.id, err)
		}
	}
	if err := c.checkDoomed(); err != nil {
		return err
	}
	return left(c.parts, "a part that no value owns")
}

// checkQueues verifies that every block is either open, in the queue of its pool, or vacant, and once.
func (c *checker) checkQueues() error {
	sh := c.sh
	seen := make([]int, len(sh.blocks))
	for i := range sh.queues {
		n, err := c.walkQueue(i, seen)
		if err != nil {
			return err
		}
		if n != sh.queues[i].blocks {
			return fmt.Errorf("queue %d has %d blocks, counts %d", i, n, sh.queues[i].blocks)
		}
	}
	for cl, n := range sh.open {
		if n == noBlock {
			continue
		}
		if int(n) >= len(seen) || sh.blocks[n].base == nil || sh.blocks[n].sealed || sh.blocks[n].class != class(cl) {
			return fmt.Errorf("class %d: block %d is not an open block of it", cl, n)
		}
		seen[n]++
	}
	for _, n := range sh.vacant {
		if int(n) >= len(seen) || sh.blocks[n].base != nil {
			return fmt.Errorf("block %d is not vacant", n)
		}
		seen[n]++
	}
	for n, times := range seen {
		if times != 1 {
			return fmt.Errorf("block %d is open, queued or vacant %d times", n, times)
		}
	}
	if n := sh.sweep.block; n != noBlock && (int(n) >= len(seen) || !sh.blocks[n].sealed) {
		return fmt.Errorf("block %d is being reclaimed but not sealed", n)
	}
	return nil
}

// walkQueue counts in seen the blocks of a queue, and returns their number.
func (c *checker) walkQueue(i int, seen []int) (int, error) {
	sh, q := c.sh, &c.sh.queues[i]
	count, prev := 0, uint32(noBlock)
	for n := q.oldest; n != noBlock; n = sh.blocks[n].next {
		if int(n) >= len(seen) {
			return 0, fmt.Errorf("queue %d leads to block %d of %d", i, n, len(seen))
		}
		b := &sh.blocks[n]
		if !b.sealed || b.prev != prev || int(b.class.queue()) != i {
			return 0, fmt.Errorf("queue %d: block %d is sealed: %v, prev %d after block %d, class %d", i, n, b.sealed, b.prev, prev, b.class)
		}
		seen[n]++
		if count++; count > len(seen) {
			return 0, fmt.Errorf("queue %d has a cycle", i)
		}
		prev = n
	}
	if q.newest != prev {
		return 0, fmt.Errorf("queue %d ends in block %d, not %d", i, prev, q.newest)
	}
	return count, nil
}

// checkBlocks walks every block and notes its live records.
func (c *checker) checkBlocks() error {
	c.records, c.parts = make([]bitmap, len(c.sh.blocks)), make([]bitmap, len(c.sh.blocks))
	live := int64(0)
	for n := range c.sh.blocks {
		b := &c.sh.blocks[n]
		if err := c.checkStamps(uint32(n), b); err != nil {
			return fmt.Errorf("block %d: %w", n, err)
		}
		if b.base == nil {
			continue
		}
		if c.sh.bases[n] != b.base {
			return fmt.Errorf("block %d: another place is kept for look-ups", n)
		}
		live += int64(b.live)
		c.records[n], c.parts[n] = newBitmap(), newBitmap()
		if err := c.checkBlock(uint32(n), b); err != nil {
			return fmt.Errorf("block %d: %w", n, err)
		}
	}
	if live != c.sh.live {
		return fmt.Errorf("%d live bytes in the blocks, the shard counts %d", live, c.sh.live)
	}
	return nil
}

// checkBlock walks the records of a block.
func (c *checker) checkBlock(n uint32, b *block) error {
	sh := c.sh
	if b.used > blockSize || b.used%recordAlign != 0 || b.seq == 0 || b.seq >= sh.nextSeq || b.class >= numClasses {
		return fmt.Errorf("%d bytes used, sequence number %d, class %d", b.used, b.seq, b.class)
	}
	live := 0
	for off := 0; off < int(b.used); {
		p := unsafe.Add(b.base, off)
		size, err := checkSize(bytesAt(p, 0, int(b.used)-off))
		if err != nil {
			return fmt.Errorf("offset %d: %w", off, err)
		}
		if !sh.dead(b, p) {
			live += size
			if err := c.checkLive(n, b, off); err != nil {
				return fmt.Errorf("offset %d: %w", off, err)
			}
			c.records[n].set(off)
		}
		off += size
	}
	if int(b.live) != live && (b.seq >= sh.stale || int(b.live) < live) {
		return fmt.Errorf("%d bytes are live, %d are counted", live, b.live)
	}
	if b.sealed && b.live == 0 && n != sh.sweep.block {
		return fmt.Errorf("sealed and empty")
	}
	return nil
}

// checkStamps verifies that the stamps of a block's records are in use, and have a meaning that
// lasts.
func (c *checker) checkStamps(n uint32, b *block) error {
	u := &c.sh.clock
	if !u.recency() {
		return nil
	}
	in := u.in[n]
	if b.base == nil && in != 0 || b.base != nil && in>>u.stamp&1 == 0 || in&u.unused != 0 {
		return fmt.Errorf("stamps %016b, where %d is that of now, and %016b are unused", in, u.stamp, u.unused)
	}
	for ; in != 0; in &= in - 1 {
		stamp := bits.TrailingZeros16(in)
		to := u.into[stamp]
		if gone := u.leaving >> stamp & 1; gone == 0 != (int(to) == stamp) || (u.leaving|u.unused)>>to&1 != 0 {
			return fmt.Errorf("stamp %d becomes %d, where %016b leave", stamp, to, u.leaving)
		}
	}
	return nil
}

// checkLive verifies what a live record owes to its block.
func (c *checker) checkLive(n uint32, b *block, off int) error {
	if n == c.sh.sweep.block && off < c.sh.sweep.off {
		return fmt.Errorf("live although the reclaimer was here")
	}
	if p := unsafe.Add(b.base, off); load8(p, 0)&layoutMask != layoutPart {
		v := decode(p)
		if err := checkType(&v); err != nil {
			return err
		}
		if c.sh.snap == nil && v.flags&flagColour != c.sh.colour {
			return fmt.Errorf("not saved, and no snapshot that would do it")
		}
		if u := &c.sh.clock; u.recency() && u.in[n]>>v.access()&1 == 0 {
			return fmt.Errorf("stamp %d, its block is said to have %016b", v.access(), u.in[n])
		}
		if at := v.deadline(); at != NoDeadline && at < b.earliest {
			return fmt.Errorf("expires at %d, nothing should before %d", at, b.earliest)
		}
	}
	return nil
}

// checkType verifies that a record's value has a type that uses its layout.
func checkType(v *view) error {
	if v.layout() > layoutInt && v.vlen == 0 {
		return fmt.Errorf("record of layout %d without a value", v.layout())
	}
	t := v.typ()
	if types[t] == nil {
		return fmt.Errorf("record of layout %d and type %d", v.layout(), t)
	}
	if least := types[t].least(v.layout()); least < 0 || v.vlen < least {
		return fmt.Errorf("record of layout %d and type %d with a value of %d bytes", v.layout(), t, v.vlen)
	}
	return nil
}

// checkSize returns the size of the record at the start of b, as sizeAt does, but believes nothing.
func checkSize(b []byte) (size int, err error) {
	switch l := b[0] & layoutMask; l {
	case layoutFiller:
		size = int(load16(unsafe.Pointer(&b[0]), 2)) * recordAlign
		if size == 0 {
			return 0, fmt.Errorf("filler of no bytes")
		}
	case layoutPart:
		if len(b) < partHeader {
			return 0, fmt.Errorf("part of %d bytes", len(b))
		}
		size = align(partHeader + int(load16(unsafe.Pointer(&b[0]), 2)))
	case layoutString, layoutInt, layoutPacked, layoutParts:
		if size, err = checkHeader(b, l); err != nil {
			return 0, err
		}
	default:
		return 0, fmt.Errorf("record of layout %d", l)
	}
	if size > len(b) {
		return 0, fmt.Errorf("record of %d bytes where there are %d", size, len(b))
	}
	return size, nil
}

// checkHeader returns the size of a record with a key.
func checkHeader(b []byte, l layout) (int, error) {
	klen, off, ok := checkVarint(b, 2)
	if !ok || klen > MaxKey {
		return 0, fmt.Errorf("record with a key of %d bytes", klen)
	}
	vlen := 8
	if l != layoutInt {
		if vlen, off, ok = checkVarint(b, off); !ok || vlen > blockSize {
			return 0, fmt.Errorf("record with a value of %d bytes", vlen)
		}
	}
	ext := uint8(0)
	if b[0]&flagExt != 0 && off < len(b) {
		ext = b[off]
		off++
	}
	if ext&^extWide != 0 || ext&extWide != 0 && b[0]&flagTTL == 0 {
		return 0, fmt.Errorf("record with ext bits %#x, and flags %#x", ext, b[0])
	}
	if b[0]&flagTTL != 0 {
		off += 5 + 3*int(ext&extWide)
	}
	return align(off + klen + vlen), nil
}

// checkVarint is loadVarint that stays within b.
func checkVarint(b []byte, off int) (n, after int, ok bool) {
	for shift := 0; off < len(b) && shift < 35; shift += 7 {
		n |= int(b[off]&0x7f) << shift
		off++
		if b[off-1] < 0x80 {
			return n, off, n <= math.MaxInt32
		}
	}
	return n, off, false
}
