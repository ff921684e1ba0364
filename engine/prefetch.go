package engine

import (
	"math/bits"
	"unsafe"
)

// A look-up waits twice for memory: for the bucket of the index, and for the record that it leads to. In a large cache neither is in the
// processor's caches. The look-ups of a pipeline can wait together: Prefetch loads the buckets of all keys, then all records, no load
// depending on the one before, so that the processor has many of them under way at once. The commands that follow find them in its
// caches.
//
// Prefetch takes no lock, because a locked instruction waits for every load before it. So what it reads may be changing under it, and it
// uses that for nothing but to choose what to load next. It reads three things: the number of buckets, which is one atomic word; lists of
// addresses, which are published whole (see pointers); and arena memory, which stays mapped as long as the Store is open. An address that
// is no longer right costs a useless load.

// PrefetchMost is how many keys Prefetch looks at; a processor has no more than some ten to thirty loads under way.
const PrefetchMost = 32

const (
	cacheLine     = 64
	prefetchBytes = 512 // of a record; the processor notices by itself that a longer one is read in sequence
)

// Prefetch loads what look-ups of keys in the selected database will read, for some short while to come. fields[i] is a field, or a member, that will be
// looked up in a hash or set at keys[i], nil for none; there may be more of them than keys, or none at all. Prefetch takes no locks and may be called with any or
// none held.
func (t *Tx) Prefetch(keys []Key, fields [][]byte) {
	if !mapped {
		return
	}
	var at [PrefetchMost]unsafe.Pointer
	var room [PrefetchMost]int
	keys = keys[:min(len(keys), PrefetchMost)]
	sum := t.touched
	for i := range keys {
		if at[i] = t.shard(keys[i]).dbs[t.DB].keys.peek(keys[i].hash); at[i] != nil {
			sum += load8(at[i], 0)
		}
	}
	for i := range keys {
		if at[i] == nil {
			continue
		}
		if at[i], room[i] = t.shard(keys[i]).peek(at[i], tagOf(keys[i].hash)); at[i] != nil {
			sum += load8(at[i], 0)
		}
	}
	for i := range keys {
		if at[i] != nil {
			sum += touchValue(at[i], room[i])
		}
	}
	if len(fields) > 0 {
		sum += t.prefetchFields(keys, fields, &at, &room)
	}
	t.touched = sum
}

// touchValue loads the cache lines behind the first of what seems to be a record, up to prefetchBytes. room is what is left of its
// block. No lock is needed.
func touchValue(p unsafe.Pointer, room int) (sum uint8) {
	size := int(load8(p, 2)) + int(load8(p, 3))
	if load8(p, 3) >= 0x80 {
		size += int(load8(p, 4))<<7 - 0x80
	}
	for off := cacheLine; off <= min(size, prefetchBytes, room-1); off += cacheLine {
		sum += load8(p, off)
	}
	return sum
}

// peek returns the primary bucket of a hash, nil if there is none. No lock is needed.
func (t *table) peek(h uint64) unsafe.Pointer {
	g := t.geometry.Load()
	pages := t.published.Load()
	if pages == nil {
		return nil
	}
	i := linear(uint32(h>>shardBits), uint32(g>>32), uint32(g))
	if int(i>>pageShift) >= len(*pages) {
		return nil
	}
	return unsafe.Add((*pages)[i>>pageShift], int(i&pageMask)*bucketSize)
}

// peek returns the first record with a tag in a bucket, nil if there is none, and what is left of its block. No lock is needed.
func (sh *shard) peek(bucket unsafe.Pointer, tag uint8) (record unsafe.Pointer, room int) {
	lo, hi := matches(bucket, tag)
	i := bits.TrailingZeros64(lo) / 8
	if lo == 0 {
		if hi == 0 {
			return nil, 0
		}
		i = 8 + bits.TrailingZeros32(hi)/8
	}
	l := loc(load32(bucket, bucketLocs+4*i))
	bases := sh.published.Load()
	if bases == nil || int(l>>locBits) >= len(*bases) {
		return nil, 0
	}
	return unsafe.Add((*bases)[l>>locBits], l.offset()), blockSize - l.offset()
}
