package engine

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
	"unsafe"
)

// A big hash is a root record and buckets, which are parts that hold entries, see hashBucket. A field's bucket follows from its hash by linear
// hashing, as in a table, so that the hash grows and shrinks by one bucket at a time and every operation on a field touches one bucket
// of some 2 KB. An empty bucket has no part. A field or value past inlineField has parts of its own, so that no entry is longer than two
// of them and buckets stay about equal.
//
// The root record's value:
//
//	0..3     the owner's id
//	4..7     number of buckets
//	8..11    number of fields
//	12..15   where to look for free numbers for the parts of the next long value: refParts and up
//	16..23   bytes of long fields and values
//	24..31   bytes of buckets
const (
	bigHashSize   = 32
	bucketTarget  = 2 << 10  // mean bytes of a bucket above which the hash grows
	bucketMinimum = 512      // and below which it shrinks
	bucketMax     = 60 << 10 // longest bucket: it must fit into a block
)

// bigHash gives access to the fields of a root record.
type bigHash struct {
	hash uint64 // of the key
	p    unsafe.Pointer
}

// bigHash returns the root record's fields. hash is that of the key.
func (v *view) bigHash(hash uint64) bigHash { return bigHash{hash, unsafe.Add(v.p, v.val)} }

func (h bigHash) owner() owner    { return owner{h.hash, load32(h.p, 0)} }
func (h bigHash) buckets() uint32 { return load32(h.p, 4) }
func (h bigHash) count() int      { return int(load32(h.p, 8)) }
func (h bigHash) nextRef() uint32 { return max(load32(h.p, 12), refParts) }
func (h bigHash) bytes() int      { return int(load64(h.p, 16)) + h.packed() }
func (h bigHash) packed() int     { return int(load64(h.p, 24)) }
func (h bigHash) addCount(n int)  { store32(h.p, 8, uint32(h.count()+n)) }
func (h bigHash) addLong(n int)   { store64(h.p, 16, load64(h.p, 16)+uint64(n)) }
func (h bigHash) addPacked(n int) { store64(h.p, 24, load64(h.p, 24)+uint64(n)) }

func (h bigHash) mask() uint32 { return bucketMask(h.buckets()) }

// bucketMask is the largest power of two not above n, which is not 0, minus one.
func bucketMask(n uint32) uint32 { return 1<<(bits.Len32(n)-1) - 1 }

// bucket returns the number of the bucket of a field with the given hash.
func (h bigHash) bucket(hash uint64) uint32 { return linear(uint32(hash), h.buckets(), h.mask()) }

// bucketOf returns the number of the bucket in which an entry belongs.
func (h bigHash) bucketOf(e *entry) uint32 {
	if e.long {
		return h.bucket(e.hash)
	}
	return h.bucket(hashBytes(e.field))
}

// enlarge turns a small hash, or an empty one of newHash, into a big one. *v is the root record then. Where no memory is to be had
// nothing is changed.
func (sh *shard) enlarge(sp *keyspace, s slot, v *view, k Key, now int64) error {
	at, o, c := v.deadline(), sh.newOwner(k.hash), classOf(v.deadline(), now)
	count, bucket := hashCount(v), hashBucket(nil)
	eachEntry(v.valBytes(), hashHeader, func(e entry) bool {
		bucket = bucket.addEntry(tagOf(hashBytes(e.field)), v.valBytes()[e.off:e.end])
		return true
	})
	if len(bucket) > 0 {
		p := sh.addBucket(sp, c, o, 0, len(bucket))
		if p == nil {
			return ErrOutOfMemory
		}
		copy(partBytes(p), bucket)
	}
	to := shape{withDeadline(kindBigHash|v.flags&flagRaw, at), len(k.Bytes), bigHashSize}
	if !sh.resize(sp, s, v, k, to, at, now, 0) {
		sh.dropPart(sp, o, 0)
		return ErrOutOfMemory
	}
	clear(v.valBytes())
	h := v.bigHash(k.hash)
	store32(h.p, 0, o.id)
	store32(h.p, 4, 1)
	h.addCount(count)
	h.addPacked(len(bucket))
	return nil
}

// bigSet is HSet for a big hash.
func (sh *shard) bigSet(sp *keyspace, v *view, k Key, field, val []byte, now int64) (added bool, err error) {
	h, hash := v.bigHash(k.hash), hashBytes(field)
	if sh.overwriteField(sp, h, field, val, hash) {
		return false, nil
	}
	c := classOf(v.deadline(), now)
	it, ok := sh.newItem(sp, h, c, field, val, hash)
	if !ok {
		return false, ErrOutOfMemory
	}
	b, e, found := sh.place(sp, h, c, field, hash, it.size())
	if b == nil {
		sh.dropRefs(sp, h, it.entry())
		return false, ErrOutOfMemory
	}
	it.store(b, e.off)
	if !found {
		h.addCount(1)
	}
	v.setFlags(v.flags | rawHash(field, val, h.count()))
	sh.dropRefs(sp, h, e)
	if h.packed() > int(h.buckets())*bucketTarget {
		sh.splitBucket(sp, h, c)
	}
	return !found, nil
}

// overwriteField replaces a field's value by one of the same length where it is. It returns false where that is not possible.
func (sh *shard) overwriteField(sp *keyspace, h bigHash, field, val []byte, hash uint64) bool {
	_, p, ok := sh.findPart(sp, h.owner(), h.bucket(hash))
	if !ok {
		return false
	}
	_, e, ok := sh.findField(sp, h, partBytes(p), field, hash)
	if !ok || e.ref || e.total != len(val) {
		return false
	}
	sh.preservePart(sp, h.owner(), h.bucket(hash))
	copy(e.val, val)
	return true
}

// newItem stores what of a field and its value is too long for a bucket in parts, and returns the entry to be.
func (sh *shard) newItem(sp *keyspace, h bigHash, c class, field, val []byte, hash uint64) (item, bool) {
	it := inline(field, val)
	if len(field) > inlineField {
		first, ok := sh.addLong(sp, h, c, field)
		if !ok {
			return it, false
		}
		it.field = make([]byte, longSize)
		binary.NativeEndian.PutUint64(it.field, hash)
		binary.NativeEndian.PutUint32(it.field[8:], first)
	}
	if len(val) > inlineField {
		first, ok := sh.addLong(sp, h, c, val)
		if !ok {
			sh.dropRefs(sp, h, it.entry())
			return it, false
		}
		it.val, it.ref = make([]byte, refSize), true
		binary.NativeEndian.PutUint32(it.val, first)
	}
	return it, true
}

// entry returns the item as the entry that it becomes, as far as dropRefs looks at it.
func (it *item) entry() entry {
	e := entry{flen: it.flen, total: it.vlen, long: it.flen > inlineField && len(it.field) == longSize, ref: it.ref}
	if e.long {
		e.fieldPart = binary.NativeEndian.Uint32(it.field[8:])
	}
	if e.ref {
		e.part = binary.NativeEndian.Uint32(it.val)
	}
	return e
}

// addLong stores a long field or value of a hash in parts and returns the number of the first.
func (sh *shard) addLong(sp *keyspace, h bigHash, c class, val []byte) (first uint32, ok bool) {
	n := uint32(partCount(len(val)))
	first = sh.freeNumbers(sp, h, n)
	if !sh.addParts(sp, c, h.owner(), first, val) {
		return 0, false
	}
	store32(h.p, 12, first+n)
	h.addLong(len(val))
	return first, true
}

// freeNumbers returns the first of n numbers in a row that no part of the hash has. They are given out in order, and from the start
// again at the end.
func (sh *shard) freeNumbers(sp *keyspace, h bigHash, n uint32) uint32 {
	first := h.nextRef()
	for i := uint32(0); i < n; i++ {
		if first+n < refParts { // past the last number
			first, i = refParts, 0
		}
		if _, _, used := sh.findPart(sp, h.owner(), first+i); used {
			first += i + 1
			i = math.MaxUint32 // start over
		}
	}
	return first
}

// dropRefs deletes the parts that an entry refers to, and what they count.
func (sh *shard) dropRefs(sp *keyspace, h bigHash, e entry) {
	e.eachRef(func(first uint32, n int) {
		h.addLong(-n)
		sh.doom(sp, h.owner(), first, first+uint32(partCount(n)))
	})
}

// longField puts the field of an entry that has it in parts together in memory of the Go heap.
func (sh *shard) longField(sp *keyspace, h bigHash, e entry) []byte {
	return sh.longValue(sp, h, e.fieldPart, e.flen).AppendTo(nil)
}

// longValue returns a view of a long field or value of n bytes.
func (sh *shard) longValue(sp *keyspace, h bigHash, first uint32, n int) Value {
	return Value{lease: sh.lease(), rest: &restParts{sh, sp, h.owner(), first, n}}
}

// place makes room of size bytes for a field in its bucket, in place of the entry that it has. It returns the bucket's bytes and the
// entry that was there; where there was none, an empty one at the place of the new one. b is nil where no memory is to be had.
func (sh *shard) place(sp *keyspace, h bigHash, c class, field []byte, hash uint64, size int) (b hashBucket, e entry, found bool) {
	for {
		s, p, ok := sh.findPart(sp, h.owner(), h.bucket(hash))
		if !ok {
			b, e = sh.startBucket(sp, h, c, hash, size)
			return b, e, false
		}
		b = partBytes(p)
		i, e, found := sh.findField(sp, h, b, field, hash)
		if found && e.end-e.off == size {
			sh.preservePart(sp, h.owner(), h.bucket(hash))
			return b, e, true
		}
		old, delta := len(b), size-(e.end-e.off)
		if !found {
			delta = b.growth(size)
		}
		if old+delta > bucketMax {
			if sh.sparse(h) || !sh.splitBucket(sp, h, c) { // which bucket it is follows from their number, so this may take a few
				return nil, entry{}, false
			}
			continue
		}
		sh.preservePart(sp, h.owner(), h.bucket(hash))
		if delta < 0 {
			copy(b[e.off+size:], b[e.end:])
		}
		if p = sh.resizePart(s, p, c, old+delta, min(old, old+delta)); p == nil {
			return nil, entry{}, false
		}
		h.addPacked(delta)
		b = partBytes(p)
		if !found {
			b, off := b[:old].add(tagOf(hash), size)
			return b, entry{off: off, end: off}, false
		}
		if delta > 0 {
			copy(b[e.off+size:], b[e.end:old])
		}
		b.shift(i, delta)
		return b, e, true
	}
}

// startBucket is place for a field whose bucket is empty.
func (sh *shard) startBucket(sp *keyspace, h bigHash, c class, hash uint64, size int) (hashBucket, entry) {
	sh.preservePart(sp, h.owner(), h.bucket(hash))
	p := sh.addBucket(sp, c, h.owner(), h.bucket(hash), firstBucket+size)
	if p == nil {
		return nil, entry{}
	}
	h.addPacked(firstBucket + size)
	b, off := hashBucket(partBytes(p)[:0]).add(tagOf(hash), size)
	return b, entry{off: off, end: off}
}

// bigGet returns the value of a field of a big hash. A field whose value is damaged is deleted.
func (sh *shard) bigGet(sp *keyspace, v *view, k Key, field []byte, now int64) (Value, bool) {
	h, hash := v.bigHash(k.hash), hashBytes(field)
	no := h.bucket(hash)
	_, p, ok := sh.findPart(sp, h.owner(), no)
	if !ok {
		return Value{}, false
	}
	i, e, ok := sh.findField(sp, h, partBytes(p), field, hash)
	if !ok {
		return Value{}, false
	}
	val := sh.entryValue(sp, h, e)
	if !val.intact() {
		sh.dropEntry(sp, h, classOf(v.deadline(), now), no, i)
		return Value{}, false
	}
	return val, true
}

// entryValue returns the value of an entry of a big hash.
func (sh *shard) entryValue(sp *keyspace, h bigHash, e entry) Value {
	if !e.ref {
		return Value{lease: sh.lease(), bytes: e.val}
	}
	return sh.longValue(sp, h, e.part, e.total)
}

// load returns field and value of an entry; a long field is put together in memory of the Go heap. ok is false if a part is missing.
func (sh *shard) load(sp *keyspace, h bigHash, e entry) (field []byte, val Value, ok bool) {
	if field = e.field; e.long {
		name := sh.longValue(sp, h, e.fieldPart, e.flen)
		if !name.intact() {
			return nil, Value{}, false
		}
		field = name.AppendTo(nil)
	}
	val = sh.entryValue(sp, h, e)
	return field, val, val.intact()
}

// bigDel deletes a field of a big hash and reports whether it was there. The root record stays, even empty.
func (sh *shard) bigDel(sp *keyspace, v *view, k Key, field []byte, now int64) bool {
	h, c, hash := v.bigHash(k.hash), classOf(v.deadline(), now), hashBytes(field)
	no := h.bucket(hash)
	_, p, ok := sh.findPart(sp, h.owner(), no)
	if !ok {
		return false
	}
	i, _, ok := sh.findField(sp, h, partBytes(p), field, hash)
	if !ok {
		return false
	}
	sh.dropEntry(sp, h, c, no, i)
	if h.buckets() > 1 && sh.sparse(h) {
		sh.mergeBucket(sp, h, c)
	}
	return true
}

// dropEntry deletes slot i of a bucket with its entry.
func (sh *shard) dropEntry(sp *keyspace, h bigHash, c class, no uint32, i int) {
	sh.preservePart(sp, h.owner(), no)
	s, p, _ := sh.findPart(sp, h.owner(), no)
	b := hashBucket(partBytes(p))
	e := b.entry(i)
	left := b.remove(i, e)
	if len(left) == 0 {
		sh.dropPart(sp, h.owner(), no)
	} else {
		sh.resizePart(s, p, c, len(left), len(left))
	}
	h.addPacked(len(left) - len(b))
	h.addCount(-1)
	sh.dropRefs(sp, h, e)
}

// bigEach calls fn for every field of a big hash until it returns false. It returns ErrDamaged, having called fn for what is left of the
// hash, if parts of it are missing. They are no longer counted then.
func (sh *shard) bigEach(sp *keyspace, v *view, k Key, now int64, fn func(field []byte, val Value) bool) error {
	h, c := v.bigHash(k.hash), classOf(v.deadline(), now)
	counted, seen := h.count(), 0
	for no := uint32(0); no < h.buckets(); no++ {
		if !sh.eachInBucket(sp, h, c, no, func(field []byte, val Value) bool { seen++; return fn(field, val) }) {
			return nil
		}
	}
	if seen == counted {
		return nil
	}
	h.addCount(seen - h.count())
	return ErrDamaged
}

// eachInBucket calls fn for the fields of one bucket until it returns false, and reports whether it never did. Damaged fields are
// deleted.
func (sh *shard) eachInBucket(sp *keyspace, h bigHash, c class, no uint32, fn func(field []byte, val Value) bool) bool {
	_, p, ok := sh.findPart(sp, h.owner(), no)
	if !ok {
		return true
	}
	var damaged []int // slots
	i, b := -1, hashBucket(partBytes(p))
	more := eachEntry(b, b.entries(), func(e entry) bool {
		i++
		field, val, ok := sh.load(sp, h, e)
		if !ok {
			damaged = append(damaged, i)
			return true
		}
		return fn(field, val)
	})
	for _, i := range slices.Backward(damaged) {
		sh.dropEntry(sp, h, c, no, i)
	}
	return more
}

// bigScan is HScan for a big hash.
func (sh *shard) bigScan(sp *keyspace, v *view, k Key, now int64, cursor uint64, count int, fn func(field []byte, val Value) bool) uint64 {
	h, c, pos, seen := v.bigHash(k.hash), classOf(v.deadline(), now), cursor<<32, 0
	from := uint64(0) // see keyScan
	pass := func(field []byte, val Value) bool {
		if from != 0 && position(uint32(hashBytes(field))) < from {
			return true
		}
		if seen++; !fn(field, val) {
			seen = max(seen, count)
		}
		return true // the rest of the bucket follows
	}
	for {
		no := linear(uint32(bits.Reverse64(pos)), h.buckets(), h.mask())
		if from = 0; position(no) < pos {
			from = pos
		}
		sh.eachInBucket(sp, h, c, no, pass)
		if pos = nextPosition(no, h.buckets(), h.mask()); pos == 0 || seen >= count {
			return pos >> 32
		}
	}
}

// bigRandom calls fn with a random field: one of those in a few random buckets. It returns ErrDamaged, without having called fn, if that
// is damaged, and deletes it then; or if buckets are missing, so that there is none.
func (sh *shard) bigRandom(sp *keyspace, v *view, k Key, now int64, fn func(field []byte, val Value)) error {
	h := v.bigHash(k.hash)
	no := sh.randomBucket(sp, h)
	_, p, ok := sh.findPart(sp, h.owner(), no)
	if !ok {
		h.addCount(-h.count())
		return ErrDamaged
	}
	b := hashBucket(partBytes(p))
	i := int(sh.random() % uint64(b.count()))
	field, val, ok := sh.load(sp, h, b.entry(i))
	if !ok {
		sh.dropEntry(sp, h, classOf(v.deadline(), now), no, i)
		return ErrDamaged
	}
	fn(field, val)
	return nil
}

// randomBucket returns the number of a bucket, chosen among a few at random, each with a chance in proportion to its fields. It has some,
// if any has.
func (sh *shard) randomBucket(sp *keyspace, h bigHash) uint32 {
	chosen, seen := uint32(0), uint64(0)
	no := uint32(sh.random() % uint64(h.buckets()))
	for i := uint32(0); i < 4 || seen == 0 && i < 4+h.buckets(); i++ {
		if n := sh.bucketLen(sp, h, no); n > 0 {
			if seen += n; sh.random()%seen < n { // reservoir sampling: each of the fields seen is as likely
				chosen = no
			}
		}
		if i < 3 {
			no = uint32(sh.random() % uint64(h.buckets()))
		} else {
			no = (no + 1) % h.buckets() // where many are empty: the next that is not
		}
	}
	return chosen
}

// bucketLen returns the number of fields in a bucket.
func (sh *shard) bucketLen(sp *keyspace, h bigHash, no uint32) uint64 {
	_, p, ok := sh.findPart(sp, h.owner(), no)
	if !ok {
		return 0
	}
	return uint64(hashBucket(partBytes(p)).count())
}
