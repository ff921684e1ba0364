package engine

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// A big hash is a root record and buckets, which are parts that hold entries, see entry. A field's bucket follows from its hash by linear
// hashing, as in a table, so that the hash grows and shrinks by one bucket at a time and every operation on a field touches one bucket
// of some 2 KB. An empty bucket has no part. A value past inlineField has parts of its own.
//
// The root record's value:
//
//	0..3     the owner's id
//	4..7     number of buckets
//	8..11    number of fields
//	12..15   number of parts ever used for long values
//	16..23   bytes of all entries and long values
const (
	bigHashSize   = 24
	bucketTarget  = 2 << 10  // mean bytes of a bucket above which the hash grows
	bucketMinimum = 512      // and below which it shrinks
	bucketMax     = 60 << 10 // longest bucket: it must fit into a block
)

// bigHash gives access to the fields of a root record.
type bigHash struct {
	hash uint64 // of the key
	p    unsafe.Pointer
}

func (v *view) bigHash() bigHash {
	return bigHash{hashBytes(v.keyBytes()), unsafe.Add(v.p, v.val)}
}

func (h bigHash) owner() owner    { return owner{h.hash, load32(h.p, 0)} }
func (h bigHash) buckets() uint32 { return load32(h.p, 4) }
func (h bigHash) count() int      { return int(load32(h.p, 8)) }
func (h bigHash) refs() uint32    { return load32(h.p, 12) }
func (h bigHash) bytes() int      { return int(load64(h.p, 16)) }
func (h bigHash) addCount(n int)  { store32(h.p, 8, uint32(h.count()+n)) }
func (h bigHash) addBytes(n int)  { store64(h.p, 16, uint64(h.bytes()+n)) }

// mask is the largest power of two not above the number of buckets, minus one.
func (h bigHash) mask() uint32 { return 1<<(bits.Len32(h.buckets())-1) - 1 }

// bucket returns the number of a field's bucket.
func (h bigHash) bucket(field []byte) uint32 {
	return linear(uint32(hashBytes(field)), h.buckets(), h.mask())
}

// enlarge turns a small hash, or an empty one of newHash, into a big one. *v is the root record then.
func (sh *shard) enlarge(sp *keyspace, s slot, v *view, k Key, now int64) error {
	old := append([]byte(nil), v.valBytes()...)
	at, count := v.deadline(), hashCount(v)
	to := shape{withDeadline(kindBigHash|flagRaw, at), len(k.Bytes), bigHashSize}
	if !sh.resize(sp, s, v, k, to, at, now, 0) {
		return ErrOutOfMemory
	}
	clear(v.valBytes())
	h := v.bigHash()
	store32(h.p, 0, sh.newOwner(k.hash).id)
	store32(h.p, 4, 1)
	entries := old[hashHeader:]
	if len(entries) == 0 {
		return nil
	}
	p := sh.addPart(sp, classOf(at, now), h.owner(), 0, len(entries))
	if p == nil {
		return ErrOutOfMemory
	}
	copy(partBytes(p), entries)
	h.addCount(count)
	h.addBytes(len(entries))
	return nil
}

// bigSet is HSet for a big hash.
func (sh *shard) bigSet(sp *keyspace, v *view, field, val []byte, now int64) (added bool, err error) {
	h, c := v.bigHash(), classOf(v.deadline(), now)
	stored, ref := val, len(val) > inlineField
	var number [refSize]byte
	if ref {
		first := refParts + h.refs()
		if !sh.addParts(sp, c, h.owner(), first, val) {
			return false, ErrOutOfMemory
		}
		store32(h.p, 12, h.refs()+uint32(partsOf(len(val))))
		binary.NativeEndian.PutUint32(number[:], first)
		stored = number[:]
	}
	size := entrySize(len(field), len(val), ref)
	b, e, found := sh.place(sp, h, c, field, size)
	if b == nil {
		return false, ErrOutOfMemory
	}
	storeEntry(b, e.off, field, stored, len(val), ref)
	h.addBytes(size - (e.end - e.off))
	if ref {
		h.addBytes(len(val))
	}
	if found {
		sh.dropRef(sp, h, e)
	} else {
		h.addCount(1)
	}
	if h.bytes() > int(h.buckets())*bucketTarget {
		sh.splitBucket(sp, h, c)
	}
	return !found, nil
}

// place makes room of size bytes for a field in its bucket, in place of the entry that it has. It returns the bucket's bytes and the
// entry that was there; where there was none, an empty one at the end.
func (sh *shard) place(sp *keyspace, h bigHash, c class, field []byte, size int) (b []byte, e entry, found bool) {
	for {
		no := h.bucket(field)
		s, p, ok := sh.findPart(sp, h.owner(), no)
		if !ok {
			if p = sh.addPart(sp, c, h.owner(), no, size); p == nil {
				return nil, entry{}, false
			}
			return partBytes(p), entry{}, false
		}
		b = partBytes(p)
		if e, found = findEntry(b, 0, field); !found {
			e = entry{off: len(b), end: len(b)}
		}
		old, delta := len(b), size-(e.end-e.off)
		if old+delta > bucketMax {
			sh.splitBucket(sp, h, c) // which bucket it is follows from their number, so this may take a few
			continue
		}
		if delta < 0 {
			copy(b[e.off+size:], b[e.end:])
		}
		if p = sh.resizePart(s, p, c, old+delta, min(old, old+delta)); p == nil {
			return nil, entry{}, false
		}
		b = partBytes(p)
		if delta > 0 {
			copy(b[e.off+size:], b[e.end:old])
		}
		return b, e, found
	}
}

// dropRef deletes the parts of an entry's value, if it has any, and what they count.
func (sh *shard) dropRef(sp *keyspace, h bigHash, e entry) {
	if e.ref {
		h.addBytes(-e.total)
		sh.doomRun(sp, h.owner(), e.part, e.part+uint32(partsOf(e.total)))
	}
}

// bigGet returns the value of a field of a big hash.
func (sh *shard) bigGet(sp *keyspace, v *view, field []byte) (Value, bool) {
	h := v.bigHash()
	_, p, ok := sh.findPart(sp, h.owner(), h.bucket(field))
	if !ok {
		return Value{}, false
	}
	e, ok := findEntry(partBytes(p), 0, field)
	return sh.entryValue(sp, h, e), ok
}

// entryValue returns the value of an entry of a big hash.
func (sh *shard) entryValue(sp *keyspace, h bigHash, e entry) Value {
	if !e.ref {
		return Value{bytes: e.val}
	}
	return Value{rest: &restParts{sh, sp, h.owner(), e.part, e.total}}
}

// bigDel deletes a field of a big hash and reports whether it was there. The root record stays, even empty.
func (sh *shard) bigDel(sp *keyspace, v *view, field []byte, now int64) (bool, error) {
	h, c := v.bigHash(), classOf(v.deadline(), now)
	s, p, ok := sh.findPart(sp, h.owner(), h.bucket(field))
	if !ok {
		return false, nil
	}
	b := partBytes(p)
	e, ok := findEntry(b, 0, field)
	if !ok {
		return false, nil
	}
	size := e.end - e.off
	if size == len(b) {
		sh.dropPart(sp, h.owner(), h.bucket(field))
	} else {
		copy(b[e.off:], b[e.end:])
		if sh.resizePart(s, p, c, len(b)-size, len(b)-size) == nil {
			return false, ErrOutOfMemory
		}
	}
	h.addBytes(-size)
	h.addCount(-1)
	sh.dropRef(sp, h, e)
	if h.buckets() > 1 && h.bytes() < int(h.buckets())*bucketMinimum {
		sh.mergeBucket(sp, h, c)
	}
	return true, nil
}

// splitBucket adds a bucket and moves to it the entries that belong there from the bucket that had them. Where no memory is to be had
// it does nothing: the buckets get longer.
func (sh *shard) splitBucket(sp *keyspace, h bigHash, c class) {
	n := h.buckets()
	from := n & h.mask()
	store32(h.p, 4, n+1)
	_, p, ok := sh.findPart(sp, h.owner(), from)
	if !ok {
		return
	}
	var stay, move []byte
	b := partBytes(p)
	eachEntry(b, 0, func(e entry) bool {
		if h.bucket(e.field) == n {
			move = append(move, b[e.off:e.end]...)
		} else {
			stay = append(stay, b[e.off:e.end]...)
		}
		return true
	})
	if len(move) == 0 {
		return
	}
	q := sh.addPart(sp, c, h.owner(), n, len(move))
	if q == nil {
		store32(h.p, 4, n)
		return
	}
	copy(partBytes(q), move)
	sh.setPart(sp, h, c, from, stay)
}

// mergeBucket removes the last bucket and moves its entries to the one that it was split from.
func (sh *shard) mergeBucket(sp *keyspace, h bigHash, c class) {
	last := h.buckets() - 1
	_, p, ok := sh.findPart(sp, h.owner(), last)
	if !ok {
		store32(h.p, 4, last)
		return
	}
	moved := append([]byte(nil), partBytes(p)...)
	store32(h.p, 4, last)
	into := last & h.mask()
	if _, q, ok := sh.findPart(sp, h.owner(), into); ok {
		moved = append(moved, partBytes(q)...)
	}
	if len(moved) > bucketMax || !sh.setPart(sp, h, c, into, moved) {
		store32(h.p, 4, last+1)
		return
	}
	sh.dropPart(sp, h.owner(), last)
}

// setPart makes b the content of a bucket, deleting it if b is empty. It returns false, with nothing changed, where no memory is to be
// had.
func (sh *shard) setPart(sp *keyspace, h bigHash, c class, no uint32, b []byte) bool {
	s, p, ok := sh.findPart(sp, h.owner(), no)
	switch {
	case len(b) == 0:
		sh.dropPart(sp, h.owner(), no)
		return true
	case ok:
		p = sh.resizePart(s, p, c, len(b), 0)
	default:
		p = sh.addPart(sp, c, h.owner(), no, len(b))
	}
	if p == nil {
		return false
	}
	copy(partBytes(p), b)
	return true
}

// bigEach calls fn for every field of a big hash until it returns false.
func (sh *shard) bigEach(sp *keyspace, v *view, fn func(field, val []byte) bool) {
	h := v.bigHash()
	for no := uint32(0); no < h.buckets(); no++ {
		if !sh.eachInBucket(sp, h, no, fn) {
			return
		}
	}
}

// eachInBucket calls fn for the fields of one bucket until it returns false, and reports whether it never did. A value in parts is put
// together in memory of the Go heap.
func (sh *shard) eachInBucket(sp *keyspace, h bigHash, no uint32, fn func(field, val []byte) bool) bool {
	_, p, ok := sh.findPart(sp, h.owner(), no)
	if !ok {
		return true
	}
	return eachEntry(partBytes(p), 0, func(e entry) bool {
		if e.ref {
			e.val = sh.entryValue(sp, h, e).AppendTo(nil)
		}
		return fn(e.field, e.val)
	})
}

// bigScan is HScan for a big hash.
func (sh *shard) bigScan(sp *keyspace, v *view, cursor uint64, count int, fn func(field, val []byte)) uint64 {
	h, pos, seen := v.bigHash(), cursor<<32, 0
	for {
		no := linear(uint32(bits.Reverse64(pos)), h.buckets(), h.mask())
		sh.eachInBucket(sp, h, no, func(field, val []byte) bool { fn(field, val); seen++; return true })
		if pos = nextPosition(no, h.buckets(), h.mask()); pos == 0 || seen >= count {
			return pos >> 32
		}
	}
}

// bigRandom calls fn with a random field: one of those in a few random buckets.
func (sh *shard) bigRandom(sp *keyspace, v *view, fn func(field, val []byte)) {
	h := v.bigHash()
	chosen, seen := uint32(0), 0
	for tries := 0; tries < 4 || seen == 0; tries++ {
		no := uint32(sh.random() % uint64(h.buckets()))
		sh.eachKeyInBucket(sp, h, no, func([]byte) {
			if seen++; sh.random()%uint64(seen) == 0 { // reservoir sampling: each of those seen is as likely
				chosen = no
			}
		})
	}
	_, p, _ := sh.findPart(sp, h.owner(), chosen)
	n := 0
	eachEntry(partBytes(p), 0, func(entry) bool { n++; return true })
	n = int(sh.random() % uint64(n))
	sh.eachInBucket(sp, h, chosen, func(field, val []byte) bool {
		if n == 0 {
			fn(field, val)
		}
		n--
		return n >= 0
	})
}

// eachKeyInBucket calls fn for the fields of one bucket.
func (sh *shard) eachKeyInBucket(sp *keyspace, h bigHash, no uint32, fn func(field []byte)) {
	if _, p, ok := sh.findPart(sp, h.owner(), no); ok {
		eachEntry(partBytes(p), 0, func(e entry) bool { fn(e.field); return true })
	}
}
