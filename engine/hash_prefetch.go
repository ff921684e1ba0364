package engine

import (
	"math/bits"
	"unsafe"
)

// A field of a large hash, or a member of a large set, is two more waits for memory behind the one for the root record: for its bucket, and for
// its entry. They are handled as Prefetch handles keys, with the same care: what is read here may be changing, and nothing but a load follows
// from it.

// prefetchFields loads what look-ups of fields and members will read. fields[i], nil for none, is one of keys[i], whose record seems to be at at[i], with
// room[i] bytes to the end of its block. at and room are scratch then.
func (t *Tx) prefetchFields(keys []Key, fields [][]byte, at *[PrefetchMost]unsafe.Pointer, room *[PrefetchMost]int) (sum uint8) {
	var parts [PrefetchMost]uint64
	var tags [PrefetchMost]uint8
	var codes [PrefetchMost]code // of members
	var sets [PrefetchMost]bool
	for i := range keys {
		root, n := peekRoot(at[i], room[i])
		if at[i] = nil; n == 0 || fields[i] == nil {
			continue
		}
		h := uint64(0)
		if sets[i] = Type(load8(root, 0)&typeMask) == Set; sets[i] {
			var scratch [8]byte
			m := newMember(fields[i], &scratch)
			h, codes[i] = hashBytes(m.kept), m.code
		} else {
			h = hashBytes(fields[i])
		}
		tags[i] = tagOf(h)
		parts[i] = partHash(owner{keys[i].hash, load32(root, rootID)}, linear(uint32(h), n, bucketMask(n)))
		if at[i] = t.shard(keys[i]).dbs[t.DB].parts.peek(parts[i]); at[i] != nil {
			sum += load8(at[i], 0)
		}
	}
	for i := range keys {
		if at[i] == nil {
			continue
		}
		if at[i], room[i] = t.shard(keys[i]).peek(at[i], tagOf(parts[i])); room[i] > 2*cacheLine {
			sum += load8(at[i], 0) + load8(at[i], cacheLine) + load8(at[i], 2*cacheLine) // most directories end there
		} else {
			at[i] = nil
		}
	}
	for i := range keys {
		if at[i] == nil {
			continue
		}
		off := 0
		if sets[i] {
			off = peekMember(at[i], room[i], tags[i], codes[i])
		} else {
			off = peekEntry(at[i], room[i], tags[i])
		}
		if off > 0 {
			sum += load8(at[i], off) + load8(at[i], min(off+cacheLine, room[i]-1))
		}
	}
	return sum
}

// peekRoot returns the value of what seems to be the root record of a large hash or set and its number of buckets, 0 if it is none.
func peekRoot(p unsafe.Pointer, room int) (root unsafe.Pointer, buckets uint32) {
	if p == nil || load8(p, 0)&layoutMask != layoutParts {
		return nil, 0
	}
	s := shape{flags: load8(p, 0), ext: load8(p, 4), klen: int(load8(p, 2)), vlen: bucketRootSize}
	off := s.header() + s.klen
	if s.klen >= 0x80 || off+bucketRootSize > room { // a long key has a longer header
		return nil, 0
	}
	root = unsafe.Add(p, off)
	if t := Type(load8(root, 0) & typeMask); t != Hash && t != Set {
		return nil, 0
	}
	return root, bucketRoot{root}.buckets()
}

// peekEntry returns the offset of the first entry with a tag in what seems to be a bucket, counted from the part's start, 0 if there is
// none within its room.
func peekEntry(p unsafe.Pointer, room int, tag uint8) int {
	groups := int(load16(p, partHeader))
	first := partHeader + groupsAt + groups*groupSize
	if first >= room {
		return 0
	}
	for at := partHeader + groupsAt; at < first; at += groupSize {
		if m := matchTag(load64(p, at), tag); m != 0 {
			off := first + int(load16(p, at+groupSlots+2*(bits.TrailingZeros64(m)/8)))
			if off >= room {
				return 0
			}
			return off
		}
	}
	return 0
}

// peekMember is peekEntry for the members of a set with a code.
func peekMember(p unsafe.Pointer, room int, tag uint8, c code) int {
	r := bucketRun(bytesAt(p, partHeader, room-partHeader))
	if r.heap() >= len(r.b) {
		return 0
	}
	i, ok := r.candidate(0, tag, c)
	if !ok {
		return 0
	}
	off := partHeader + bucketHead + r.offset(i)
	if off >= room {
		return 0
	}
	return off
}
