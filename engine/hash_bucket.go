package engine

import (
	"math/bits"
	"unsafe"
)

// hashBucket is the data of a bucket of a big hash, a part:
//
//	0..1   number of groups
//	2..    groups of eight slots each: their tags, one byte each, and then the offsets of their entries, two bytes each
//	...    entries, see entry, one behind the other in the order of their slots; offsets count from the first
//
// A tag is a byte of the field's hash, 0 in an empty slot. Only the last group has empty slots, at its end, and not only those. A look-up
// compares the tags of a group at once, and looks at the entries that match: but for a few false alarms, the one.
type hashBucket []byte

const (
	groupsAt    = 2 // offset of the first group
	groupSlots  = 8
	groupSize   = groupSlots + 2*groupSlots
	firstBucket = groupsAt + groupSize // bytes of a bucket with one group and no entry
)

func (b hashBucket) base() unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(b)) }

func (b hashBucket) groups() int { return int(load16(b.base(), 0)) }

// entries is the offset of the first entry.
func (b hashBucket) entries() int { return groupsAt + b.groups()*groupSize }

// count is the number of slots in use.
func (b hashBucket) count() int {
	n := b.groups()
	tags := load64(b.base(), groupsAt+(n-1)*groupSize)
	return (n-1)*groupSlots + (bits.Len64(tags)+7)/8
}

// tagAt and offsetAt are where slot i has its tag and its offset.
func tagAt(i int) int    { return groupsAt + i/groupSlots*groupSize + i%groupSlots }
func offsetAt(i int) int { return groupsAt + i/groupSlots*groupSize + groupSlots + 2*(i%groupSlots) }

func (b hashBucket) tag(i int) uint8 { return load8(b.base(), tagAt(i)) }

// offset is where the entry of slot i starts, counted from the first entry.
func (b hashBucket) offset(i int) int { return int(load16(b.base(), offsetAt(i))) }

// entry returns the entry of slot i.
func (b hashBucket) entry(i int) entry { return entryAt(b, b.entries()+b.offset(i)) }

func (b hashBucket) setSlot(i int, tag uint8, offset int) {
	store8(b.base(), tagAt(i), tag)
	store16(b.base(), offsetAt(i), uint16(offset))
}

// growth is the number of bytes by which add lengthens the bucket.
func (b hashBucket) growth(size int) int {
	if b.count()%groupSlots == 0 {
		size += groupSize
	}
	return size
}

// add appends a slot and room for its entry of size bytes, which the caller fills in, and returns the longer bucket and where the entry
// starts. It takes the bytes behind b, if it has the capacity, as append does. An empty b becomes a bucket with one entry.
func (b hashBucket) add(tag uint8, size int) (longer hashBucket, off int) {
	n := 0
	if len(b) == 0 {
		b = append(b, 0, 0)
	} else {
		n = b.count()
	}
	if n%groupSlots == 0 {
		at := b.entries()
		b = append(b, make([]byte, groupSize)...)
		copy(b[at+groupSize:], b[at:])
		clear(b[at : at+groupSize])
		store16(b.base(), 0, uint16(b.groups()+1))
	}
	off = len(b)
	b.setSlot(n, tag, off-b.entries())
	return append(b, make([]byte, size)...), off
}

// addEntry is add for an entry of which the bytes are there.
func (b hashBucket) addEntry(tag uint8, entry []byte) hashBucket {
	b, off := b.add(tag, len(entry))
	copy(b[off:], entry)
	return b
}

// shift adds delta to the offsets of the slots behind slot i.
func (b hashBucket) shift(i, delta int) {
	for j, n := i+1, b.count(); j < n; j++ {
		store16(b.base(), offsetAt(j), uint16(b.offset(j)+delta))
	}
}

// remove takes slot i and its entry out and returns the shorter bucket, which is empty without its last entry.
func (b hashBucket) remove(i int, e entry) hashBucket {
	last := b.count() - 1
	if last == 0 {
		return nil
	}
	copy(b[e.off:], b[e.end:])
	b = b[:len(b)-(e.end-e.off)]
	for j := i; j < last; j++ {
		b.setSlot(j, b.tag(j+1), b.offset(j+1)-(e.end-e.off))
	}
	b.setSlot(last, 0, 0)
	if last%groupSlots == 0 {
		at := b.entries()
		copy(b[at-groupSize:], b[at:])
		b = b[:len(b)-groupSize]
		store16(b.base(), 0, uint16(b.groups()-1))
	}
	return b
}

// findField returns the entry of a field in its bucket, and the slot. Without one the entry says nothing.
func (h *bigHash) findField(b hashBucket, field []byte, hash uint64) (i int, e entry, ok bool) {
	tag, first := tagOf(hash), b.entries()
	for at := groupsAt; at < first; at += groupSize {
		for m := matchTag(load64(b.base(), at), tag); m != 0; m &= m - 1 {
			i := bits.TrailingZeros64(m) / 8
			if e = entryAt(b, first+int(load16(b.base(), at+groupSlots+2*i))); h.isField(&e, field, hash) {
				return (at-groupsAt)/groupSize*groupSlots + i, e, true
			}
		}
	}
	return 0, e, false
}

// isField reports whether an entry is that of a field.
func (h *bigHash) isField(e *entry, field []byte, hash uint64) bool {
	if !e.long {
		return string(e.field) == string(field)
	}
	return e.hash == hash && e.flen == len(field) && string(h.longField(*e)) == string(field)
}

// split gives the hash another bucket, see bucketed.split.
func (h *bigHash) split() bool {
	return h.bucketed.split(Hash, func(b []byte, no uint32) ([]byte, []byte) {
		var stay, move hashBucket
		i, from := 0, hashBucket(b)
		eachEntry(b, from.entries(), func(e entry) bool {
			into := &stay
			if h.bucketOf(&e) == no {
				into = &move
			}
			*into = into.addEntry(from.tag(i), b[e.off:e.end])
			i++
			return true
		})
		return stay, move
	})
}

// merge takes the last bucket from the hash, see bucketed.merge.
func (h *bigHash) merge() {
	h.bucketed.merge(Hash, func(into, b []byte) []byte {
		merged := append(hashBucket(nil), into...)
		i, from := 0, hashBucket(b)
		eachEntry(b, from.entries(), func(e entry) bool {
			merged = merged.addEntry(from.tag(i), b[e.off:e.end])
			i++
			return true
		})
		return merged
	})
}
