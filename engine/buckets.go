package engine

import (
	"math"
	"math/bits"
	"unsafe"
)

// A big hash or set is a root record and buckets, which are parts that hold elements. The bucket of
// an element follows from its hash by linear hashing, as in a table, so that the value grows and
// shrinks by one bucket at a time and every operation on an element touches one bucket of some 2
// KB. An empty bucket has no part. What is too long for a bucket has parts of its own, so that
// buckets stay about equal. How a bucket keeps its elements is for the type to say.
//
// The root record's value:
//
//	0..4     head
//	5..8     number of buckets
//	9..12    number of elements
//	13..16   where to look for free numbers for the parts of the next long string: refParts and up
//	17..24   bytes of long strings
//	25..32   bytes of buckets
//	33..     what else the type needs to know
const (
	bucketRootSize = rootHead + 28
	bucketTarget   = 2 << 10  // mean bytes of a bucket above which the value grows
	bucketMinimum  = 512      // and below which it shrinks
	bucketMax      = 60 << 10 // longest bucket: it must fit into a block
)

// bucketRoot gives access to the fields of a root record.
type bucketRoot struct{ p unsafe.Pointer }

func (v *view) bucketRoot() bucketRoot { return bucketRoot{unsafe.Add(v.p, v.val)} }

func (h bucketRoot) buckets() uint32     { return load32(h.p, 5) }
func (h bucketRoot) setBuckets(n uint32) { store32(h.p, 5, n) }
func (h bucketRoot) count() int          { return int(load32(h.p, 9)) }
func (h bucketRoot) nextRef() uint32     { return max(load32(h.p, 13), refParts) }
func (h bucketRoot) setNextRef(n uint32) { store32(h.p, 13, n) }
func (h bucketRoot) bytes() int          { return h.long() + h.packed() }
func (h bucketRoot) long() int           { return int(load64(h.p, 17)) }
func (h bucketRoot) packed() int         { return int(load64(h.p, 25)) }
func (h bucketRoot) addCount(n int)      { store32(h.p, 9, uint32(h.count()+n)) }
func (h bucketRoot) addLong(n int)       { store64(h.p, 17, uint64(h.long()+n)) }
func (h bucketRoot) addPacked(n int)     { store64(h.p, 25, uint64(h.packed()+n)) }

func (h bucketRoot) mask() uint32 { return bucketMask(h.buckets()) }

// bucketMask is the largest power of two not above n, which is not 0, minus one.
func bucketMask(n uint32) uint32 { return 1<<(bits.Len32(n)-1) - 1 }

// bucket returns the number of the bucket of an element with the given hash.
func (h bucketRoot) bucket(hash uint64) uint32 {
	return linear(uint32(hash), h.buckets(), h.mask())
}

// overfull reports whether the value should get another bucket, sparse whether it has more of them
// than their bytes are worth.
func (h bucketRoot) overfull() bool { return h.packed() > int(h.buckets())*bucketTarget }
func (h bucketRoot) sparse() bool   { return h.packed() < int(h.buckets())*bucketMinimum }

const (
	tagOnes = 0x0101010101010101
	tagLows = 0x7f7f7f7f7f7f7f7f
)

// matchTag returns a word in which bit 8i+7 is set if byte i of tags is tag; see matches.
func matchTag(tags uint64, tag uint8) uint64 {
	x := tags ^ uint64(tag)*tagOnes
	return ^((x&tagLows + tagLows) | x | tagLows)
}

// scan calls each for bucket after bucket, from where a cursor says, until count elements were
// passed, and returns the next cursor, 0 at the end. each passes the elements of bucket no whose
// positions are not below from, and returns how many these were.
func (h bucketRoot) scan(
	cursor uint64, count int, each func(no uint32, from uint64) (passed int),
) uint64 {
	pos, seen := cursor<<32, 0
	for {
		no := linear(uint32(bits.Reverse64(pos)), h.buckets(), h.mask())
		from := uint64(0) // see keyScan
		if position(no) < pos {
			from = pos
		}
		seen += each(no, from)
		if pos = nextPosition(no, h.buckets(), h.mask()); pos == 0 || seen >= count {
			return pos >> 32
		}
	}
}

// bucketed is a value in buckets: its root, which may be a copy that is in no table yet, and its
// parts.
type bucketed struct {
	bucketRoot
	parts
}

// bucketed returns the value in buckets that the key holds.
func (r *ref) bucketed() bucketed { return bucketed{r.bucketRoot(), r.parts()} }

// store stores a long string in parts and returns the number of the first.
func (h *bucketed) store(val []byte) (first uint32, ok bool) {
	n := uint32(partCount(len(val)))
	first = h.freeNumbers(n)
	if !h.addRun(first, val) {
		return 0, false
	}
	h.setNextRef(first + n)
	h.addLong(len(val))
	return first, true
}

// dropLong deletes the parts of a long string of n bytes.
func (h *bucketed) dropLong(first uint32, n int) {
	h.addLong(-n)
	h.doom(first, first+uint32(partCount(n)))
}

// freeNumbers returns the first of n numbers in a row that no part of the value has. They are given
// out in order, and from the start again at the end.
func (h *bucketed) freeNumbers(n uint32) uint32 {
	first := h.nextRef()
	for i := uint32(0); i < n; i++ {
		if first+n < refParts { // past the last number
			first, i = refParts, 0
		}
		if _, _, used := h.find(first + i); used {
			first += i + 1
			i = math.MaxUint32 // start over
		}
	}
	return first
}

// longValue returns a view of a long string of n bytes.
func (h *bucketed) longValue(first uint32, n int) Value {
	return Value{lease: h.sh.lease(), rest: &restParts{h.parts, first, n}}
}

// split adds a bucket and moves to it what belongs there from the bucket that had it, which divide
// parts in what stays and what moves to bucket no. Where there is no memory it does nothing and
// returns false: the buckets get longer.
func (h *bucketed) split(t Type, divide func(b []byte, no uint32) (stay, move []byte)) bool {
	n := h.buckets()
	from := n & h.mask()
	h.preserve(from)
	h.preserve(n)
	h.setBuckets(n + 1)
	_, p, ok := h.find(from)
	if !ok {
		return true
	}
	b := partBytes(p)
	stay, move := divide(b, n)
	if len(move) == 0 {
		return true
	}
	q := h.add(n, len(move), t)
	if q == nil {
		h.setBuckets(n)
		return false
	}
	copy(partBytes(q), move)
	h.addPacked(len(stay) + len(move) - len(b))
	return h.replace(from, stay, t) // it shrinks, which cannot fail
}

// merge removes the last bucket and moves what it has to the one that it was split from. join
// returns the bucket that has what both have.
func (h *bucketed) merge(t Type, join func(into, b []byte) []byte) {
	last := h.buckets() - 1
	h.preserve(last)
	_, p, ok := h.find(last)
	if !ok {
		h.setBuckets(last)
		return
	}
	h.setBuckets(last)
	into := last & h.mask()
	h.preserve(into)
	b, was := partBytes(p), []byte(nil)
	if _, q, ok := h.find(into); ok {
		was = partBytes(q)
	}
	before := len(b) + len(was)
	merged := join(was, b)
	if len(merged) > bucketMax || !h.replace(into, merged, t) {
		h.setBuckets(last + 1)
		return
	}
	h.addPacked(len(merged) - before)
	h.drop(last)
}

// replace makes b the content of a bucket, deleting it if b is empty. It returns false, with
// nothing changed, where there is no memory.
func (h *bucketed) replace(no uint32, b []byte, t Type) bool {
	s, p, ok := h.find(no)
	switch {
	case len(b) == 0:
		h.drop(no)
		return true
	case ok:
		p = h.resize(s, p, len(b), 0)
	default:
		p = h.add(no, len(b), t)
	}
	if p == nil {
		return false
	}
	copy(partBytes(p), b)
	return true
}
