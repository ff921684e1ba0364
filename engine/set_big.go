package engine

import (
	"bytes"
	"encoding/binary"
	"slices"
	"unsafe"
)

// bigSet is a set in buckets, see bucketed. A bucket is
//
//	0..1   number of members
//	2      form, as of a small set
//	3..    a tagged run
//
// The root has behind what all values in buckets have:
//
//	33       1 if the set has had a member that is no integer
//	34..35   the most members that any bucket has, or more
type bigSet struct{ bucketed }

const (
	setRootSize = bucketRootSize + 3
	bucketHead  = 3
)

func (h bucketRoot) mixed() bool   { return load8(h.p, bucketRootSize) != 0 }
func (h bucketRoot) setMixed()     { store8(h.p, bucketRootSize, 1) }
func (h bucketRoot) most() int     { return int(load16(h.p, bucketRootSize+1)) }
func (h bucketRoot) setMost(n int) { store16(h.p, bucketRootSize+1, uint16(n)) }

// bigSetOf returns the big set that a key holds.
func bigSetOf(r *ref) bigSet { return bigSet{r.bucketed()} }

// bucketRun returns the members of a bucket.
func bucketRun(b []byte) run {
	return run{b[bucketHead:], int(binary.LittleEndian.Uint16(b)), true, b[2]&formWide != 0}
}

// storeBucketHead writes the head of a bucket.
func storeBucketHead(b []byte, n int, wide bool) {
	binary.LittleEndian.PutUint16(b, uint16(n))
	b[2] = 0
	if wide {
		b[2] = formWide
	}
}

// newBucket returns the filler of a bucket of n members that have heap bytes, which is b or, if
// that is nil, new memory.
func newBucket(b []byte, n, heap int, wide bool) ([]byte, runFiller) {
	if b == nil {
		b = make([]byte, bucketHead+runSize(n, heap, true, wide))
	}
	storeBucketHead(b, n, wide)
	return b, bucketRun(b).fill()
}

// memberPlace is where a big set has a member, or would have it.
type memberPlace struct {
	no    uint32 // of the bucket
	slot  slot
	p     unsafe.Pointer // the bucket, nil if it is empty
	i     int            // of the member in it
	found bool
}

// bucketAt returns the place of a bucket.
func (h *bigSet) bucketAt(no uint32) memberPlace {
	s, p, _ := h.find(no)
	return memberPlace{no: no, slot: s, p: p}
}

// locate returns the place of a member, which it hashes.
func (h *bigSet) locate(m *member) memberPlace {
	m.hash = hashBytes(m.kept)
	at := h.bucketAt(h.bucket(m.hash))
	if at.p == nil {
		return at
	}
	r, tag := bucketRun(partBytes(at.p)), tagOf(m.hash)
	for i, ok := r.candidate(0, tag, m.code); ok; i, ok = r.candidate(i+1, tag, m.code) {
		if h.same(m, r.at(i)) {
			at.i, at.found = i, true
			break
		}
	}
	return at
}

// same reports whether what a bucket keeps is the member, given that the codes are the same.
func (h *bigSet) same(m *member, kept []byte) bool {
	if m.code != codeLong {
		return string(kept) == string(m.kept)
	}
	l := longMemberAt(kept)
	if l.hash != uint32(m.hash) || l.size != len(m.kept) {
		return false
	}
	text := m.kept
	for no := l.first; len(text) > 0; no++ {
		_, p, ok := h.find(no)
		if !ok || !bytes.HasPrefix(text, partBytes(p)) {
			return false
		}
		text = text[len(partBytes(p)):]
	}
	return true
}

// longRef is what a bucket keeps of a long member.
type longRef struct {
	hash  uint32
	size  int
	first uint32 // number of the first part
}

func longMemberAt(kept []byte) longRef {
	le := binary.LittleEndian
	return longRef{le.Uint32(kept), int(le.Uint32(kept[4:])), le.Uint32(kept[8:])}
}

// hashOf returns the bits of a member's hash by which it has its bucket.
func hashOf(c code, kept []byte) uint32 {
	if c == codeLong {
		return longMemberAt(kept).hash
	}
	return uint32(hashBytes(kept))
}

// bigAdd is SAdd for a big set.
func (r *ref) bigAdd(m *member) (added bool, err error) {
	h := bigSetOf(r)
	at := h.locate(m)
	if at.found {
		return false, nil
	}
	r.preserve()
	enc := r.setEncoding().with(m, h.count()+1)
	if err := h.insert(m, at); err != nil {
		return false, err
	}
	h.encode(enc)
	r.setFlags(r.flags | enc.raw())
	return true, nil
}

// encode notes in the root what an encoding depends on.
func (h *bigSet) encode(e setEncoding) {
	if e == encodedPacked {
		h.setMixed()
	}
}

// insert adds a member that the set does not have, at its place. Where there is no memory nothing
// is changed.
func (h *bigSet) insert(m *member, at memberPlace) error {
	kept := m.kept
	var long [longMember]byte
	if m.code == codeLong {
		first, ok := h.store(m.kept)
		if !ok {
			return ErrOutOfMemory
		}
		binary.LittleEndian.PutUint32(long[:], uint32(m.hash))
		binary.LittleEndian.PutUint32(long[4:], uint32(len(m.kept)))
		binary.LittleEndian.PutUint32(long[8:], first)
		kept, at = long[:], h.bucketAt(at.no) // the table of parts may have grown
	}
	if !h.put(m, kept, at) {
		if m.code == codeLong {
			h.dropLong(longMemberAt(kept).first, len(m.kept))
		}
		return ErrOutOfMemory
	}
	h.addCount(1)
	if h.overfull() {
		h.split()
	}
	return nil
}

// put adds what is kept of a member to its bucket. It returns false where there is no memory.
func (h *bigSet) put(m *member, kept []byte, at memberPlace) bool {
	tag := tagOf(m.hash)
	for at.p != nil {
		old := partBytes(at.p)
		r := bucketRun(old)
		grown := r.growth(m.code)
		if len(old)+grown > bucketMax {
			// Which bucket it is follows from their number, so this may take a few splits.
			if h.sparse() || !h.split() {
				return false
			}
			at = h.bucketAt(h.bucket(m.hash))
			continue
		}
		h.preserve(at.no)
		p := h.resize(at.slot, at.p, len(old)+grown, len(old))
		if p == nil {
			return false
		}
		b := partBytes(p)
		r.b = b[bucketHead:]
		r.add(tag, m.code, kept)
		storeBucketHead(b, r.n, r.wide)
		h.addPacked(grown)
		h.setMost(max(h.most(), r.n))
		return true
	}
	h.preserve(at.no)
	size := bucketHead + runSize(1, len(kept), true, m.code.wide())
	p := h.add(at.no, size, Set)
	if p == nil {
		return false
	}
	_, f := newBucket(partBytes(p), 1, len(kept), m.code.wide())
	f.put(tag, m.code, kept)
	h.addPacked(size)
	h.setMost(max(h.most(), 1))
	return true
}

// bigRem is SRem for a big set.
func (r *ref) bigRem(m *member) bool {
	h := bigSetOf(r)
	at := h.locate(m)
	if !at.found {
		return false
	}
	r.preserve()
	h.dropMember(at.no, at.i)
	if h.count() > 0 && h.buckets() > 1 && h.sparse() {
		h.merge()
	}
	return true
}

// dropMember deletes member i of a bucket. The root record stays, even empty.
func (h *bigSet) dropMember(no uint32, i int) {
	h.preserve(no)
	at := h.bucketAt(no)
	b := partBytes(at.p)
	r := bucketRun(b)
	var long longRef
	if r.code(i) == codeLong {
		long = longMemberAt(r.at(i))
	}
	before := len(b)
	r.remove(i)
	size := bucketHead + len(r.b)
	if r.n == 0 {
		size = 0
		h.drop(no)
	} else {
		storeBucketHead(b, r.n, r.wide)
		h.resize(at.slot, at.p, size, size) // it shrinks, which cannot fail
	}
	h.addPacked(size - before)
	h.addCount(-1)
	if long.size > 0 {
		h.dropLong(long.first, long.size)
	}
}

// split gives the set another bucket, see bucketed.split.
func (h *bigSet) split() bool {
	return h.bucketed.split(Set, func(b []byte, no uint32) ([]byte, []byte) {
		r := bucketRun(b)
		var scratch [1 << 10]bool
		moves := append(scratch[:0], make([]bool, r.n)...)
		var n, heap [2]int
		var wide [2]bool
		r.each(func(i int, c code, kept []byte) bool {
			to := 0
			if moves[i] = linear(hashOf(c, kept), h.buckets(), h.mask()) == no; moves[i] {
				to = 1
			}
			n[to]++
			heap[to] += len(kept)
			wide[to] = wide[to] || c.wide()
			return true
		})
		if n[1] == 0 {
			return b, nil
		}
		stay, fillStay := newBucket(nil, n[0], heap[0], wide[0])
		move, fillMove := newBucket(nil, n[1], heap[1], wide[1])
		r.each(func(i int, c code, kept []byte) bool {
			if moves[i] {
				fillMove.put(r.b[i], c, kept)
			} else {
				fillStay.put(r.b[i], c, kept)
			}
			return true
		})
		if n[0] == 0 {
			stay = nil
		}
		return stay, move
	})
}

// merge takes the last bucket from the set, see bucketed.merge.
func (h *bigSet) merge() {
	h.bucketed.merge(Set, func(into, b []byte) []byte {
		if into == nil {
			return slices.Clone(b)
		}
		x, y := bucketRun(into), bucketRun(b)
		n, heap := x.n+y.n, len(x.b)-x.heap()+len(y.b)-y.heap()
		merged, f := newBucket(nil, n, heap, x.wide || y.wide)
		x.each(func(i int, c code, kept []byte) bool { f.put(x.b[i], c, kept); return true })
		y.each(func(i int, c code, kept []byte) bool { f.put(y.b[i], c, kept); return true })
		h.setMost(max(h.most(), n))
		return merged
	})
}

// load returns the member that a bucket keeps; a long one is put together in scratch, or in new
// memory of the Go heap if that is too short. ok is false if a part is missing.
func (h *bigSet) load(c code, kept, scratch []byte) (m member, ok bool) {
	if c != codeLong {
		return keptMember(c, kept), true
	}
	l := longMemberAt(kept)
	val := h.longValue(l.first, l.size)
	if !val.intact() {
		return member{}, false
	}
	return member{code: c, kept: val.AppendTo(slices.Grow(scratch[:0], l.size))}, true
}

// bigEachMember passes every member of a big set until it is told to stop. It returns ErrDamaged,
// having passed what is left of the set, if parts of it are missing. They are no longer counted
// then.
func (r *ref) bigEachMember(pass *passMembers) error {
	h := bigSetOf(r)
	counted, seen := h.count(), 0
	for no := range h.buckets() {
		if !h.eachInBucket(no, pass, func(m member) bool { seen++; return pass.member(m) }) {
			return nil
		}
	}
	if seen == counted {
		return nil
	}
	h.addCount(seen - h.count())
	return ErrDamaged
}

// eachInBucket calls fn for the members of one bucket, each in the scratch of a pass, until it
// returns false, and reports whether it never did. Damaged members are deleted.
func (h *bigSet) eachInBucket(no uint32, pass *passMembers, fn func(m member) bool) bool {
	_, p, ok := h.find(no)
	if !ok {
		return true
	}
	var damaged []int
	r := bucketRun(partBytes(p))
	more := r.each(func(i int, c code, kept []byte) bool {
		m, ok := h.load(c, kept, pass.scratch)
		if !ok {
			damaged = append(damaged, i)
			return true
		}
		if c == codeLong {
			pass.scratch = m.kept
		}
		return fn(m)
	})
	for _, i := range slices.Backward(damaged) {
		h.dropMember(no, i)
	}
	return more
}

// bigScanMembers is SScan for a big set.
func (r *ref) bigScanMembers(cursor uint64, count int, pass *passMembers) uint64 {
	h := bigSetOf(r)
	return h.scan(cursor, count, func(no uint32, from uint64) (passed int) {
		h.eachInBucket(no, pass, func(m member) bool {
			if from != 0 && position(uint32(hashBytes(m.kept))) < from {
				return true
			}
			if passed++; !pass.member(m) {
				passed = max(passed, count)
			}
			return true // the rest of the bucket follows
		})
		return passed
	})
}

// memberTries is how often a bucket without a member in the slot that was drawn is met before the
// most members are counted again.
const memberTries = 64

// bigRandomMember returns a random member: of a random bucket a random slot, of as many as the
// fullest one has, until there is one in it. So each member has the same chance. It returns
// ErrDamaged if the member is damaged, and deletes it then; or if there are no buckets.
func (r *ref) bigRandomMember() (member, error) {
	h := bigSetOf(r)
	for tries := 1; ; tries++ {
		if tries%memberTries == 0 || h.most() == 0 {
			if h.countMost(); h.most() == 0 {
				h.addCount(-h.count())
				return member{}, ErrDamaged
			}
		}
		most := uint64(h.most())
		x := h.sh.below(uint64(h.buckets()) * most)
		no, i := uint32(x/most), int(x%most)
		_, p, ok := h.find(no)
		if !ok {
			continue
		}
		b := bucketRun(partBytes(p))
		if i >= b.n {
			continue
		}
		m, ok := h.load(b.code(i), b.at(i), h.sh.long)
		if !ok {
			h.dropMember(no, i)
			return member{}, ErrDamaged
		}
		if m.code == codeLong {
			h.sh.long = m.kept
		}
		return m, nil
	}
}

// countMost counts the most members that any bucket has: after many were removed, what the root
// says may be far from it.
func (h *bigSet) countMost() {
	most := 0
	for no := range h.buckets() {
		if _, p, ok := h.find(no); ok {
			most = max(most, bucketRun(partBytes(p)).n)
		}
	}
	h.setMost(most)
}
