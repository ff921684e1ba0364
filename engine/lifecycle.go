package engine

import "unsafe"

// The life of a record: create, resize, remove. Every change of the keyspace goes through these, so that counts, sums and watches
// hold.

// slackShare is the part of a growing value's size that is kept free behind it for the next time.
const slackShare = 4

// create adds a record for a key that the keyspace does not have. The caller fills in the value. It returns false where no memory is
// to be had.
func (sh *shard) create(sp *keyspace, k Key, s shape, at, now int64) (view, bool) {
	c := classOf(at, now)
	if sh.ghosts.take(k.hash) {
		c = keptClass(at)
	}
	l, p := sh.alloc(c, s.size())
	if p == nil {
		return view{}, false
	}
	s.flags = s.flags&^flagColour | sh.colour
	v := s.encode(p, sp.id, sh.clock.fresh(), k.Bytes, at)
	if !sp.keys.insert(sh.pool, k.hash, l, sh.keyHashes) {
		sh.bury(l, v.size)
		return view{}, false
	}
	sh.addDeadline(sp, l, at)
	sh.touch(sp, k.Bytes)
	return v, true
}

// addDeadline accounts for a deadline at a location; dropDeadline is its inverse but for the block, which keeps a lower bound.
func (sh *shard) addDeadline(sp *keyspace, l loc, at int64) {
	if at == NoDeadline {
		return
	}
	sp.expires++
	sp.deadlines += at - deadlineZero
	b := &sh.blocks[l>>locBits]
	b.earliest = min(b.earliest, at)
}

func (sp *keyspace) dropDeadline(at int64) {
	if at != NoDeadline {
		sp.expires--
		sp.deadlines -= at - deadlineZero
	}
}

// remove deletes a key, whatever it holds.
func (sh *shard) remove(sp *keyspace, s slot, v *view, hash uint64) {
	sh.preserve(sp, s, v)
	sh.touch(sp, v.keyBytes())
	sp.dropDeadline(v.deadline())
	l := s.loc()
	o, parts := sh.partsOf(v)
	sp.keys.remove(sh.pool, hash, s, sh.keyHashes)
	sh.handle(1, 0)
	sh.bury(l, v.size)
	sh.doom(sp, o, 0, parts)
}

// expired reports whether a record's deadline has passed, by Redis's rule: at the deadline it is still there.
func (sh *shard) expired(v *view, now int64) bool {
	at := v.deadline()
	return at != NoDeadline && now > at
}

// expire removes an expired key.
func (sh *shard) expire(sp *keyspace, s slot, v *view, hash uint64) {
	sh.stats.expired++
	sh.remove(sp, s, v, hash)
}

// resize gives a record another shape and deadline, keeping the first keep bytes of the value; the caller fills in the rest. The
// record stays where it is if it fits there without wasting more than it uses, else it moves. *v is the new record then. It returns
// false, with nothing changed, where no memory is to be had for a longer record; a shorter one can always be had.
func (sh *shard) resize(sp *keyspace, s slot, v *view, k Key, to shape, at, now int64, keep int) bool {
	sh.preserve(sp, s, v)
	to.flags = to.flags&^flagColour | sh.colour
	l, old, size := s.loc(), v.deadline(), to.size()
	if gap := sh.gap(l, v.size); fitsGap(v.size, gap, size) || !sh.relocate(s, v, k, to, at, now, keep) {
		if size > v.size+gap {
			return false
		}
		copy(bytesAt(v.p, to.header()+to.klen, keep), bytesAt(v.p, v.val, keep))
		sh.refit(l, v.size, gap, size)
		*v = to.encode(v.p, v.space, v.access(), k.Bytes, at)
	}
	sp.dropDeadline(old)
	sh.addDeadline(sp, s.loc(), at)
	sh.touch(sp, k.Bytes)
	return true
}

// gap is the number of bytes behind a record that it may grow into: a filler, and the unused rest of an open block.
func (sh *shard) gap(l loc, size int) int {
	b := &sh.blocks[l>>locBits]
	end := l.offset() + size
	filler := 0
	if end < int(b.used) {
		p := unsafe.Add(b.base, end)
		if load8(p, 0) != kindFiller {
			return 0
		}
		filler = int(load16(p, 2)) * recordAlign
	}
	if b.sealed || end+filler < int(b.used) {
		return filler
	}
	return blockSize - end
}

// fitsGap reports whether a record of old bytes with a gap behind it should take its new size in place.
func fitsGap(old, gap, size int) bool { return size <= old+gap && size*2 >= old }

// refit changes the size of a record in place, which fitsGap allowed; what it no longer takes becomes a filler.
func (sh *shard) refit(l loc, old, gap, size int) {
	b := &sh.blocks[l>>locBits]
	if off := l.offset(); off+old == int(b.used) || !b.sealed && off+old+gap == blockSize {
		b.used = uint32(off + size)
	} else if left := old + gap - size; left > 0 {
		storeFiller(unsafe.Add(b.base, off), size, left)
	}
	b.live += uint32(size - old)
	sh.live += int64(size - old)
}

// relocate is resize for a record that moves. A value that grew gets some slack behind it, for it is likely to grow again.
func (sh *shard) relocate(s slot, v *view, k Key, to shape, at, now int64, keep int) bool {
	size, slack := to.size(), 0
	if keep > 0 && to.vlen > v.vlen {
		slack = align(size / slackShare)
		if size+slack > partSize {
			slack = 0
		}
	}
	l, p := sh.alloc(classOf(at, now), size+slack)
	if p == nil {
		return false
	}
	if slack > 0 {
		storeFiller(p, size, slack)
		sh.shrinkLive(l, slack)
	}
	from, old := s.loc(), *v
	*v = to.encode(p, v.space, v.access(), k.Bytes, at)
	if v.access() != sh.clock.stamp {
		sh.carried(l)
	}
	copy(bytesAt(p, v.val, keep), bytesAt(old.p, old.val, keep))
	s.setLoc(l)
	sh.bury(from, old.size)
	sh.handle(1, keep)
	return true
}
