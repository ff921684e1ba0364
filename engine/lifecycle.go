package engine

import "unsafe"

// The life of a record: create, resize, remove. Every change of the keyspace goes through these, so
// that counts, sums and views hold. What happened to the key the operation tells, see ref.changed.

// slackShare is the part of a growing value's size that is kept free behind it for the next time.
const slackShare = 4

// create adds a record for a key that is not there. The caller fills in the value. The slot is not known then. It returns false where no
// memory is to be had.
func (r *ref) create(s shape, at int64) bool {
	sh, c := r.sh, r.class(at)
	if sh.ghosts.take(r.key.hash) {
		c = keptClass(at)
	}
	l, p := sh.alloc(c, s.size())
	if p == nil {
		return false
	}
	s.flags = s.flags&^flagColour | sh.colour
	r.view = s.encode(p, r.sp.id, sh.clock.fresh(), r.key.Bytes, at)
	if !r.sp.keys.insert(sh.pool, r.key.hash, l, sh.keyHashes) {
		sh.bury(l, r.size)
		return false
	}
	r.there = true
	sh.addDeadline(r.sp, l, at)
	sh.endViews()
	return true
}

// addDeadline accounts for a deadline at a location; dropDeadline is its inverse but for the block, which keeps a lower bound.
func (sh *shard) addDeadline(sp *space, l loc, at int64) {
	if at == NoDeadline {
		return
	}
	sp.expires++
	sp.deadlines += at - deadlineZero
	b := &sh.blocks[l>>locBits]
	b.earliest = min(b.earliest, at)
}

func (sp *space) dropDeadline(at int64) {
	if at != NoDeadline {
		sp.expires--
		sp.deadlines -= at - deadlineZero
	}
}

// remove deletes the key, whatever it holds, and tells e of it.
func (r *ref) remove(e Event) {
	r.changed(e)
	r.vanish()
}

// vanish is remove for a key that is told of otherwise.
func (r *ref) vanish() {
	r.preserve()
	r.sh.endViews()
	r.sp.dropDeadline(r.deadline())
	l := r.slot.loc()
	ps, n := r.sh.partsOf(r.sp, &r.view)
	r.sp.keys.remove(r.sh.pool, r.key.hash, r.slot, r.sh.keyHashes)
	r.sh.handle(1, 0)
	r.sh.bury(l, r.size)
	ps.doom(0, n)
	r.there = false
}

// expired reports whether a record's deadline has passed, by Redis's rule: at the deadline it is still there.
func (sh *shard) expired(v *view, now int64) bool {
	at := v.deadline()
	return at != NoDeadline && now > at
}

// expire removes the key, which has expired.
func (r *ref) expire() {
	r.sh.stats.expired++
	r.remove(EventExpired)
}

// resize gives the record another shape and deadline, keeping the first keep bytes of the value; the caller fills in the rest. The
// record stays where it is if it fits there without wasting more than it uses, else it moves. It returns false, with nothing changed,
// where there is no memory for a longer record; a shorter one can always be had.
func (r *ref) resize(to shape, at int64, keep int) bool {
	r.preserve()
	sh := r.sh
	to.flags = to.flags&^flagColour | sh.colour
	l, old, size := r.slot.loc(), r.deadline(), to.size()
	if gap := sh.gap(l, r.size); fitsGap(r.size, gap, size) || !r.relocate(to, at, keep) {
		if size > r.size+gap {
			return false
		}
		copy(bytesAt(r.p, to.header()+to.klen, keep), bytesAt(r.p, r.val, keep))
		sh.refit(l, r.size, gap, size)
		r.view = to.encode(r.p, r.space, r.access(), r.key.Bytes, at)
	}
	r.sp.dropDeadline(old)
	sh.addDeadline(r.sp, r.slot.loc(), at)
	sh.endViews()
	return true
}

// put makes the key's record one of the given shape: it resizes the record that is there, or creates one. The parts of a former value
// are deleted.
func (r *ref) put(to shape, at int64) bool {
	if !r.there {
		return r.create(to, at)
	}
	ps, n := r.sh.partsOf(r.sp, &r.view)
	r.use()
	if !r.resize(to, at, 0) {
		return false
	}
	ps.doom(0, n)
	return true
}

// gap is the number of bytes behind a record that it may grow into: a filler, and the unused rest of an open block.
func (sh *shard) gap(l loc, size int) int {
	b := &sh.blocks[l>>locBits]
	end := l.offset() + size
	filler := 0
	if end < int(b.used) {
		p := unsafe.Add(b.base, end)
		if load8(p, 0) != layoutFiller {
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
func (r *ref) relocate(to shape, at int64, keep int) bool {
	sh, size, slack := r.sh, to.size(), 0
	if keep > 0 && to.vlen > r.vlen {
		slack = align(size / slackShare)
		if size+slack > partSize {
			slack = 0
		}
	}
	l, p := sh.alloc(r.class(at), size+slack)
	if p == nil {
		return false
	}
	if slack > 0 {
		storeFiller(p, size, slack)
		sh.shrinkLive(l, slack)
	}
	from, old := r.slot.loc(), r.view
	r.view = to.encode(p, r.space, r.access(), r.key.Bytes, at)
	if r.access() != sh.clock.stamp {
		sh.carried(l)
	}
	copy(bytesAt(p, r.val, keep), bytesAt(old.p, old.val, keep))
	r.slot.setLoc(l)
	sh.bury(from, old.size)
	sh.handle(1, keep)
	return true
}
