package engine

import (
	"math/bits"
	"unsafe"
)

// A value that is too large for one record is kept in parts: records of their own, found through the space's table of parts by the
// owner and a number. Nothing in the root record points to them, so that the reclaimer can move every part by itself. What a part holds
// is for the type of the value to say (see valueType); some types have parts that refer to further ones, by their numbers.

// owner identifies the value that a part belongs to.
type owner struct {
	hash uint64 // of the owner's key: leads from a part to its root record
	id   uint32 // unique among the shard's values in parts
}

// parts is access to the parts of one value.
type parts struct {
	sh    *shard
	sp    *space
	owner owner
	class class // of the parts that are added, unless they are full
}

// refParts is the first number of the parts that other parts refer to; the root leads to those below.
const refParts = 1 << 31

// partHash is the hash of a part in space.parts: the finaliser of splitmix64 (Steele, Lea, Flood, OOPSLA 2014).
func partHash(o owner, no uint32) uint64 {
	x := o.hash ^ uint64(o.id)<<32 + uint64(no)*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func partOwner(p unsafe.Pointer) owner   { return owner{load64(p, 8), load32(p, 16)} }
func partNumber(p unsafe.Pointer) uint32 { return load32(p, 4) }
func partBytes(p unsafe.Pointer) []byte  { return bytesAt(p, partHeader, int(load16(p, 2))) }

// partHashes is the hasher of space.parts.
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
func (sh *shard) findPart(sp *space, o owner, no uint32) (slot, unsafe.Pointer, bool) {
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

// find returns the slot and the record of a part.
func (ps parts) find(no uint32) (slot, unsafe.Pointer, bool) {
	return ps.sh.findPart(ps.sp, ps.owner, no)
}

// add makes a part of n bytes, which the caller fills in. t is the type that knows what it refers to, None if that is nothing. It returns
// nil where there is no memory.
func (ps parts) add(no uint32, n int, t Type) unsafe.Pointer {
	sh, c := ps.sh, ps.class
	if n == partData {
		c = classParts
	}
	l, p := sh.alloc(c, align(partHeader+n))
	if p == nil {
		return nil
	}
	store8(p, 0, layoutPart)
	store8(p, 1, ps.sp.id<<4|uint8(t))
	store16(p, 2, uint16(n))
	store32(p, 4, no)
	store64(p, 8, ps.owner.hash)
	store32(p, 16, ps.owner.id)
	if !ps.sp.parts.insert(sh.pool, partHash(ps.owner, no), l, sh.partHashes) {
		sh.bury(l, align(partHeader+n))
		return nil
	}
	return p
}

// drop deletes a part, if it is there.
func (ps parts) drop(no uint32) {
	s, p, ok := ps.find(no)
	if !ok {
		return
	}
	l, size := s.loc(), align(partHeader+int(load16(p, 2)))
	ps.sp.parts.remove(ps.sh.pool, partHash(ps.owner, no), s, ps.sh.partHashes)
	ps.sh.bury(l, size)
	ps.sh.handle(1, 0)
}

// resize gives a part, whose slot is s, another length, keeping the first bytes of its data; it may move. It returns nil, with nothing
// changed, where there is no memory for a longer part; a shorter one can always be had.
func (ps parts) resize(s slot, p unsafe.Pointer, n, keep int) unsafe.Pointer {
	sh := ps.sh
	l, old, size := s.loc(), align(partHeader+int(load16(p, 2))), align(partHeader+n)
	gap := sh.gap(l, old)
	if !fitsGap(old, gap, size) {
		if q := ps.relocate(s, p, n, keep); q != nil || size > old+gap {
			return q
		}
	}
	sh.refit(l, old, gap, size)
	store16(p, 2, uint16(n))
	return p
}

// relocate is resize for a part that moves. One that grew gets some slack behind it, unless it is full now.
func (ps parts) relocate(s slot, p unsafe.Pointer, n, keep int) unsafe.Pointer {
	sh, c := ps.sh, ps.class
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

// newParts returns access to the parts of a value that the key is to get, with a deadline.
func (r *ref) newParts(at int64) parts {
	return parts{r.sh, r.sp, r.sh.newOwner(r.key.hash), r.class(at)}
}

// parts returns access to the parts of the value, which has some.
func (r *ref) parts() parts {
	return parts{r.sh, r.sp, owner{r.key.hash, r.id()}, r.class(r.deadline())}
}

// partCount is the number of parts that n bytes take.
func partCount(n int) int { return (n + partData - 1) / partData }

// addRun stores val as parts from number no on. Where memory ends in the middle it deletes them again and returns false.
func (ps parts) addRun(no uint32, val []byte) bool {
	for i := 0; len(val) > 0; i++ {
		n := min(len(val), partData)
		p := ps.add(no+uint32(i), n, None)
		if p == nil {
			for ; i > 0; i-- {
				ps.drop(no + uint32(i-1))
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

// partsOf returns access to the parts of a record's value, and how many its root leads to.
func (sh *shard) partsOf(sp *space, v *view) (ps parts, n uint32) {
	if v.layout() != layoutParts {
		return parts{}, 0
	}
	return parts{sh: sh, sp: sp, owner: owner{hashBytes(v.keyBytes()), v.id()}}, types[v.typ()].parts(*v)
}

// doom schedules parts for deletion, from number first up to but not including end. Where they are few they are deleted at once.
func (ps parts) doom(first, end uint32) {
	if first == end {
		return
	}
	d := doomed{ps.sp.id, ps.owner, first, end}
	if h := ps.sh.retainedBy(ps.owner); h != nil {
		ps.sh.keepParts(h, d)
		return
	}
	ps.sh.doomed = append(ps.sh.doomed, d)
	if end-first <= holdRecords {
		ps.sh.drain(holdRecords)
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
		ps, no := parts{sh: sh, sp: sh.spaces[d.space], owner: d.owner}, d.next
		d.next++
		ps.discard(no)
		done++
	}
	return done
}

// discard deletes a part of a value that is gone, if it is still there, and schedules those that it refers to.
func (ps parts) discard(no uint32) {
	_, p, ok := ps.find(no)
	if !ok {
		return
	}
	eachRef(p, func(first uint32, n int) {
		ps.sh.doomed = append(ps.sh.doomed, doomed{ps.sp.id, ps.owner, first, first + uint32(partCount(n))})
	})
	ps.drop(no)
}

// copy copies the first n parts of a value, which may be in another shard, and what they refer to.
func (ps parts) copy(from parts, n uint32) error {
	for no := range n {
		if err := ps.copyOne(from, no); err != nil {
			ps.doom(0, no+1)
			return err
		}
	}
	return nil
}

// copyOne copies one part, if it is there, with those that it refers to.
func (ps parts) copyOne(from parts, no uint32) error {
	_, p, ok := from.find(no)
	if !ok {
		return nil
	}
	b := partBytes(p)
	q := ps.add(no, len(b), partType(p))
	if q == nil {
		return ErrOutOfMemory
	}
	copy(partBytes(q), b)
	var err error
	eachRef(p, func(first uint32, n int) {
		for i := uint32(0); err == nil && i < uint32(partCount(n)); i++ {
			err = ps.copyOne(from, first+i)
		}
	})
	return err
}
