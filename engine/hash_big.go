package engine

import (
	"encoding/binary"
	"slices"
)

// A big hash is kept in buckets, see bucketed, with entries in them, see hashBucket. A field or value past inlineField has parts of its own,
// so that no entry is longer than two of them.

// bigHash is a big hash: its root and its parts.
type bigHash struct{ bucketed }

// bigHash returns the big hash that the key holds.
func (r *ref) bigHash() bigHash { return bigHash{r.bucketed()} }

// bucketOf returns the number of the bucket in which an entry belongs.
func (h *bigHash) bucketOf(e *entry) uint32 {
	if e.long {
		return h.bucket(e.hash)
	}
	return h.bucket(hashBytes(e.field))
}

// enlarge turns a small hash, or an empty one of newHash, into a big one. Where there is no memory nothing is changed.
func (r *ref) enlarge() error {
	at := r.deadline()
	ps := r.newParts(at)
	count, bucket := r.packed(), hashBucket(nil)
	eachEntry(r.valBytes(), packedHead, func(e entry) bool {
		bucket = bucket.addEntry(tagOf(hashBytes(e.field)), r.valBytes()[e.off:e.end])
		return true
	})
	if len(bucket) > 0 {
		p := ps.add(0, len(bucket), Hash)
		if p == nil {
			return ErrOutOfMemory
		}
		copy(partBytes(p), bucket)
	}
	if !r.resize(shapeOf(layoutParts|r.flags&flagRaw, r.klen, bucketRootSize, at), at, 0) {
		ps.drop(0)
		return ErrOutOfMemory
	}
	clear(r.valBytes())
	r.setRoot(Hash, ps.owner.id)
	h := r.bucketRoot()
	h.setBuckets(1)
	h.addCount(count)
	h.addPacked(len(bucket))
	return nil
}

// bigSet is HSet for a big hash.
func (r *ref) bigSet(field, val []byte) (added bool, err error) {
	h, hash := r.bigHash(), hashBytes(field)
	if h.overwrite(field, val, hash) {
		return false, nil
	}
	it, ok := h.newItem(field, val, hash)
	if !ok {
		return false, ErrOutOfMemory
	}
	b, e, found := h.place(field, hash, it.size())
	if b == nil {
		h.dropRefs(it.entry())
		return false, ErrOutOfMemory
	}
	it.store(b, e.off)
	if !found {
		h.addCount(1)
	}
	r.setFlags(r.flags | rawHash(field, val, h.count()))
	h.dropRefs(e)
	if h.overfull() {
		h.split()
	}
	return !found, nil
}

// overwrite replaces a field's value by one of the same length where it is. It returns false where that is not possible.
func (h *bigHash) overwrite(field, val []byte, hash uint64) bool {
	_, p, ok := h.find(h.bucket(hash))
	if !ok {
		return false
	}
	_, e, ok := h.findField(partBytes(p), field, hash)
	if !ok || e.ref || e.total != len(val) {
		return false
	}
	h.preserve(h.bucket(hash))
	copy(e.val, val)
	return true
}

// newItem stores what of a field and its value is too long for a bucket in parts, and returns the entry to be.
func (h *bigHash) newItem(field, val []byte, hash uint64) (item, bool) {
	it := inline(field, val)
	if len(field) > inlineField {
		first, ok := h.store(field)
		if !ok {
			return it, false
		}
		it.field = make([]byte, longSize)
		binary.NativeEndian.PutUint64(it.field, hash)
		binary.NativeEndian.PutUint32(it.field[8:], first)
	}
	if len(val) > inlineField {
		first, ok := h.store(val)
		if !ok {
			h.dropRefs(it.entry())
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

// dropRefs deletes the parts that an entry refers to, and what they count.
func (h *bigHash) dropRefs(e entry) {
	e.eachRef(h.dropLong)
}

// longField puts the field of an entry that has it in parts together in memory of the Go heap.
func (h *bigHash) longField(e entry) []byte { return h.longValue(e.fieldPart, e.flen).AppendTo(nil) }

// place makes room of size bytes for a field in its bucket, in place of the entry that it has. It returns the bucket's bytes and the
// entry that was there; where there was none, an empty one at the place of the new one. b is nil where there is no memory.
func (h *bigHash) place(field []byte, hash uint64, size int) (b hashBucket, e entry, found bool) {
	for {
		s, p, ok := h.find(h.bucket(hash))
		if !ok {
			b, e = h.startBucket(hash, size)
			return b, e, false
		}
		b = partBytes(p)
		i, e, found := h.findField(b, field, hash)
		if found && e.end-e.off == size {
			h.preserve(h.bucket(hash))
			return b, e, true
		}
		old, delta := len(b), size-(e.end-e.off)
		if !found {
			delta = b.growth(size)
		}
		if old+delta > bucketMax {
			if h.sparse() || !h.split() { // which bucket it is follows from their number, so this may take a few
				return nil, entry{}, false
			}
			continue
		}
		h.preserve(h.bucket(hash))
		if delta < 0 {
			copy(b[e.off+size:], b[e.end:])
		}
		if p = h.resize(s, p, old+delta, min(old, old+delta)); p == nil {
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
func (h *bigHash) startBucket(hash uint64, size int) (hashBucket, entry) {
	h.preserve(h.bucket(hash))
	p := h.add(h.bucket(hash), firstBucket+size, Hash)
	if p == nil {
		return nil, entry{}
	}
	h.addPacked(firstBucket + size)
	b, off := hashBucket(partBytes(p)[:0]).add(tagOf(hash), size)
	return b, entry{off: off, end: off}
}

// bigGet returns the value of a field of a big hash. A field whose value is damaged is deleted.
func (r *ref) bigGet(field []byte) (Value, bool) {
	h, hash := r.bigHash(), hashBytes(field)
	no := h.bucket(hash)
	_, p, ok := h.find(no)
	if !ok {
		return Value{}, false
	}
	i, e, ok := h.findField(partBytes(p), field, hash)
	if !ok {
		return Value{}, false
	}
	val := h.value(e)
	if !val.intact() {
		h.dropEntry(no, i)
		return Value{}, false
	}
	return val, true
}

// value returns the value of an entry of a big hash.
func (h *bigHash) value(e entry) Value {
	if !e.ref {
		return Value{lease: h.sh.lease(), bytes: e.val}
	}
	return h.longValue(e.part, e.total)
}

// load returns field and value of an entry; a long field is put together in memory of the Go heap. ok is false if a part is missing.
func (h *bigHash) load(e entry) (field []byte, val Value, ok bool) {
	if field = e.field; e.long {
		name := h.longValue(e.fieldPart, e.flen)
		if !name.intact() {
			return nil, Value{}, false
		}
		field = name.AppendTo(nil)
	}
	val = h.value(e)
	return field, val, val.intact()
}

// bigDel deletes a field of a big hash and reports whether it was there. The root record stays, even empty.
func (r *ref) bigDel(field []byte) bool {
	h, hash := r.bigHash(), hashBytes(field)
	no := h.bucket(hash)
	_, p, ok := h.find(no)
	if !ok {
		return false
	}
	i, _, ok := h.findField(partBytes(p), field, hash)
	if !ok {
		return false
	}
	h.dropEntry(no, i)
	if h.buckets() > 1 && h.sparse() {
		h.merge()
	}
	return true
}

// dropEntry deletes slot i of a bucket with its entry.
func (h *bigHash) dropEntry(no uint32, i int) {
	h.preserve(no)
	s, p, _ := h.find(no)
	b := hashBucket(partBytes(p))
	e := b.entry(i)
	left := b.remove(i, e)
	if len(left) == 0 {
		h.drop(no)
	} else {
		h.resize(s, p, len(left), len(left))
	}
	h.addPacked(len(left) - len(b))
	h.addCount(-1)
	h.dropRefs(e)
}

// bigEach calls fn for every field of a big hash until it returns false. It returns ErrDamaged, having called fn for what is left of the
// hash, if parts of it are missing. They are no longer counted then.
func (r *ref) bigEach(fn func(field []byte, val Value) bool) error {
	h := r.bigHash()
	counted, seen := h.count(), 0
	for no := uint32(0); no < h.buckets(); no++ {
		if !h.eachInBucket(no, func(field []byte, val Value) bool { seen++; return fn(field, val) }) {
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
func (h *bigHash) eachInBucket(no uint32, fn func(field []byte, val Value) bool) bool {
	_, p, ok := h.find(no)
	if !ok {
		return true
	}
	var damaged []int // slots
	i, b := -1, hashBucket(partBytes(p))
	more := eachEntry(b, b.entries(), func(e entry) bool {
		i++
		field, val, ok := h.load(e)
		if !ok {
			damaged = append(damaged, i)
			return true
		}
		return fn(field, val)
	})
	for _, i := range slices.Backward(damaged) {
		h.dropEntry(no, i)
	}
	return more
}

// bigScan is HScan for a big hash.
func (r *ref) bigScan(cursor uint64, count int, fn func(field []byte, val Value) bool) uint64 {
	h := r.bigHash()
	return h.scan(cursor, count, func(no uint32, from uint64) (passed int) {
		h.eachInBucket(no, func(field []byte, val Value) bool {
			if from != 0 && position(uint32(hashBytes(field))) < from {
				return true
			}
			if passed++; !fn(field, val) {
				passed = max(passed, count)
			}
			return true // the rest of the bucket follows
		})
		return passed
	})
}

// bigRandom calls fn with a random field: one of those in a few random buckets. It returns ErrDamaged, without having called fn, if that
// is damaged, and deletes it then; or if buckets are missing, so that there is none.
func (r *ref) bigRandom(fn func(field []byte, val Value)) error {
	h := r.bigHash()
	no := h.randomBucket()
	_, p, ok := h.find(no)
	if !ok {
		h.addCount(-h.count())
		return ErrDamaged
	}
	b := hashBucket(partBytes(p))
	i := int(h.sh.random() % uint64(b.count()))
	field, val, ok := h.load(b.entry(i))
	if !ok {
		h.dropEntry(no, i)
		return ErrDamaged
	}
	fn(field, val)
	return nil
}

// randomBucket returns the number of a bucket, chosen among a few at random, each with a chance in proportion to its fields. It has some,
// if any has.
func (h *bigHash) randomBucket() uint32 {
	chosen, seen := uint32(0), uint64(0)
	no := uint32(h.sh.random() % uint64(h.buckets()))
	for i := uint32(0); i < 4 || seen == 0 && i < 4+h.buckets(); i++ {
		if n := h.bucketLen(no); n > 0 {
			if seen += n; h.sh.random()%seen < n { // reservoir sampling: each of the fields seen is as likely
				chosen = no
			}
		}
		if i < 3 {
			no = uint32(h.sh.random() % uint64(h.buckets()))
		} else {
			no = (no + 1) % h.buckets() // where many are empty: the next that is not
		}
	}
	return chosen
}

// bucketLen returns the number of fields in a bucket.
func (h *bigHash) bucketLen(no uint32) uint64 {
	_, p, ok := h.find(no)
	if !ok {
		return 0
	}
	return uint64(hashBucket(partBytes(p)).count())
}
