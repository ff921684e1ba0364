package engine

import (
	"math/bits"
	"unsafe"
)

// A value that is too large for one record is kept in parts: records of their own, found through the keyspace's table of parts by the
// owner and a number. Nothing in the root record points to them, so that the reclaimer can move every part by itself. All parts of a
// string but the last have the same length, so that an offset tells the part.

// owner identifies the value that a part belongs to.
type owner struct {
	hash uint64 // of the owner's key: leads from a part to its root record
	id   uint32 // unique among the shard's values in parts
}

// refParts is the first number of the parts that hold long fields of a hash, and long values; below are its buckets.
const refParts = 1 << 31

// partHash is the hash of a part in keyspace.parts: the finaliser of splitmix64 (Steele, Lea, Flood, OOPSLA 2014).
func partHash(o owner, no uint32) uint64 {
	x := o.hash ^ uint64(o.id)<<32 + uint64(no)*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func partOwner(p unsafe.Pointer) owner   { return owner{load64(p, 8), load32(p, 16)} }
func partNumber(p unsafe.Pointer) uint32 { return load32(p, 4) }
func partBytes(p unsafe.Pointer) []byte  { return bytesAt(p, partHeader, int(load16(p, 2))) }

// partHashes is the hasher of keyspace.parts.
func (sh *shard) partHashes(at []loc, hashes []uint64) {
	sh.touchRecords(at)
	for i, l := range at {
		hashes[i] = sh.partRecHash(l)
	}
}

// partRecHash returns the hash of a part.
func (sh *shard) partRecHash(l loc) uint64 {
	p := sh.at(l)
	return partHash(partOwner(p), partNumber(p))
}

// findPart returns the slot and the record of a part.
func (sh *shard) findPart(sp *keyspace, o owner, no uint32) (slot, unsafe.Pointer, bool) {
	t := &sp.parts
	if t.buckets == 0 {
		return slot{}, nil, false
	}
	h := partHash(o, no)
	tag := tagOf(h)
	for b := t.bucket(t.index(h)); b != nil; b = t.child(b) {
		lo, hi := matches(b, tag)
		for lo != 0 || hi != 0 {
			i := bits.TrailingZeros64(lo) / 8
			if lo != 0 {
				lo &= lo - 1
			} else {
				i = 8 + bits.TrailingZeros32(hi)/8
				hi &= hi - 1
			}
			s := slot{b, i}
			if p := sh.at(s.loc()); partNumber(p) == no && partOwner(p) == o {
				return s, p, true
			}
		}
	}
	return slot{}, nil, false
}

// addPart makes a part of n bytes, which the caller fills in. It returns nil where no memory is to be had.
func (sh *shard) addPart(sp *keyspace, c class, o owner, no uint32, n int) unsafe.Pointer {
	if n == partData {
		c = classParts
	}
	l, p := sh.alloc(c, align(partHeader+n))
	if p == nil {
		return nil
	}
	store8(p, 0, kindPart)
	store8(p, 1, sp.id<<4)
	store16(p, 2, uint16(n))
	store32(p, 4, no)
	store64(p, 8, o.hash)
	store32(p, 16, o.id)
	if !sp.parts.insert(sh.pool, partHash(o, no), l, sh.partHashes) {
		sh.bury(l, align(partHeader+n))
		return nil
	}
	return p
}

// addBucket is addPart for a bucket of a big hash.
func (sh *shard) addBucket(sp *keyspace, c class, o owner, no uint32, n int) unsafe.Pointer {
	p := sh.addPart(sp, c, o, no, n)
	if p != nil {
		store8(p, 0, kindPart|flagBucket)
	}
	return p
}

// dropPart deletes a part, if it is there.
func (sh *shard) dropPart(sp *keyspace, o owner, no uint32) {
	s, p, ok := sh.findPart(sp, o, no)
	if !ok {
		return
	}
	l, size := s.loc(), align(partHeader+int(load16(p, 2)))
	sp.parts.remove(sh.pool, partHash(o, no), s, sh.partHashes)
	sh.bury(l, size)
	sh.handle(1, 0)
}

// resizePart gives a part, whose slot is s, another length, keeping the first bytes of its data; it may move. It returns nil, with
// nothing changed, where no memory is to be had for a longer part; a shorter one can always be had.
func (sh *shard) resizePart(s slot, p unsafe.Pointer, c class, n, keep int) unsafe.Pointer {
	l, old, size := s.loc(), align(partHeader+int(load16(p, 2))), align(partHeader+n)
	gap := sh.gap(l, old)
	if !fitsGap(old, gap, size) {
		if q := sh.relocatePart(s, p, c, n, keep); q != nil || size > old+gap {
			return q
		}
	}
	sh.refit(l, old, gap, size)
	store16(p, 2, uint16(n))
	return p
}

// relocatePart is resizePart for a part that moves. One that grew gets some slack behind it, unless it is full now.
func (sh *shard) relocatePart(s slot, p unsafe.Pointer, c class, n, keep int) unsafe.Pointer {
	l, old, size := s.loc(), align(partHeader+int(load16(p, 2))), align(partHeader+n)
	slack := 0
	switch {
	case n == partData:
		c = classParts
	case size > old:
		slack = align(min(size/slackShare, blockSize-size))
	}
	to, q := sh.alloc(c, size+slack)
	if q == nil {
		return nil
	}
	if slack > 0 {
		storeFiller(q, size, slack)
		sh.shrinkLive(to, slack)
	}
	copy(bytesAt(q, 0, partHeader+keep), bytesAt(p, 0, partHeader+keep))
	store16(q, 2, uint16(n))
	s.setLoc(to)
	sh.bury(l, old)
	sh.handle(1, keep)
	return q
}

// newOwner returns the identity of a new value in parts.
func (sh *shard) newOwner(hash uint64) owner {
	sh.ids++
	return owner{hash, sh.ids}
}

// partCount is the number of parts that n bytes take.
func partCount(n int) int { return (n + partData - 1) / partData }

// addParts stores val as parts from number no on. Where memory ends in the middle it deletes them again and returns false.
func (sh *shard) addParts(sp *keyspace, c class, o owner, no uint32, val []byte) bool {
	for i := 0; len(val) > 0; i++ {
		n := min(len(val), partData)
		p := sh.addPart(sp, c, o, no+uint32(i), n)
		if p == nil {
			for ; i > 0; i-- {
				sh.dropPart(sp, o, no+uint32(i-1))
			}
			return false
		}
		copy(bytesAt(p, partHeader, n), val)
		val = val[n:]
	}
	return true
}

// doomed is a run of parts whose root record is gone. They are deleted some at a time, so that deleting a large value never takes long.
type doomed struct {
	space     uint8
	owner     owner
	next, end uint32 // the parts that remain, by number
}

// partsOf returns the owner of the parts of a record's value, and how many there are from number 0 on. The parts of long fields and values
// of a hash are not among them: the entries in its buckets lead there.
func (sh *shard) partsOf(v *view) (o owner, n uint32) {
	switch v.kind() {
	case kindBigStr:
		b := v.bigStr()
		return b.owner, b.parts()
	case kindBigHash:
		h := v.bigHash(hashBytes(v.keyBytes()))
		return h.owner(), h.buckets()
	}
	return owner{}, 0
}

// doom schedules parts of a value for deletion, from number first up to but not including end. Where they are few they are deleted at
// once.
func (sh *shard) doom(sp *keyspace, o owner, first, end uint32) {
	if first == end {
		return
	}
	if h := sh.heldBy(o); h != nil {
		sh.keepParts(h, doomed{sp.id, o, first, end})
		return
	}
	sh.doomed = append(sh.doomed, doomed{sp.id, o, first, end})
	if end-first <= holdRecords {
		sh.drain(holdRecords)
	}
}

// drain deletes up to n parts of doomed values, the latest first, and returns how many it looked at.
func (sh *shard) drain(n int) int {
	done := 0
	for done < n && len(sh.doomed) > 0 {
		d := &sh.doomed[len(sh.doomed)-1]
		if d.next == d.end {
			sh.doomed = sh.doomed[:len(sh.doomed)-1]
			continue
		}
		space, o, no := sh.spaces[d.space], d.owner, d.next
		d.next++
		sh.discard(space, o, no)
		done++
	}
	return done
}

// discard deletes a part of a value that is gone, if it is still there. With a bucket of a hash, the parts that its entries refer to are
// scheduled.
func (sh *shard) discard(sp *keyspace, o owner, no uint32) {
	_, p, ok := sh.findPart(sp, o, no)
	if !ok {
		return
	}
	if load8(p, 0)&flagBucket != 0 {
		b := hashBucket(partBytes(p))
		eachEntry(b, b.entries(), func(e entry) bool {
			e.eachRef(func(first uint32, n int) {
				sh.doomed = append(sh.doomed, doomed{sp.id, o, first, first + uint32(partCount(n))})
			})
			return true
		})
	}
	sh.dropPart(sp, o, no)
}
