package engine

import (
	"strconv"
	"unsafe"
)

// A small hash is one record: a packed value whose elements are fields in the order in which they came, see entry. Past hashMax bytes, or
// with a value past inlineField, it becomes a big one, see hash_big.go.
const (
	hashMax     = 4 << 10 // bytes of a small hash
	inlineField = 2 << 10 // longest value of a field that is kept among the fields
)

const _ = uint(packedMost - hashMax/2) // a field takes at least two bytes

// entry is a field with its value among others:
//
//	varint   twice the length of the field; plus one if the value is kept in parts
//	varint   length of the value
//	field    or, of one past inlineField, its hash (8 bytes) and the number of its first part (4 bytes)
//	value    or, if it is kept in parts, the number of the first one (4 bytes)
type entry struct {
	off, end  int    // where it is among the bytes of the hash
	flen      int    // length of the field
	total     int    // length of the value
	field     []byte // nil if long
	val       []byte // nil if ref
	long, ref bool   // the field, the value is kept in parts
	hash      uint64 // of the field, if long
	fieldPart uint32 // number of its first part, if long
	part      uint32 // number of the value's first part, if ref
}

const (
	longSize = 12 // what an entry has in place of a long field
	refSize  = 4  // and in place of a long value
)

// entryAt decodes the entry at an offset of b.
func entryAt(b []byte, off int) entry {
	p := unsafe.Pointer(unsafe.SliceData(b))
	e := entry{off: off}
	n, at := loadVarint(p, off)
	e.flen, e.ref = n>>1, n&1 != 0
	e.total, at = loadVarint(p, at)
	if e.flen > inlineField {
		e.long, e.hash, e.fieldPart = true, load64(p, at), load32(p, at+8)
		at += longSize
	} else {
		e.field = b[at : at+e.flen]
		at += e.flen
	}
	if e.ref {
		e.part = load32(p, at)
		e.end = at + refSize
		return e
	}
	e.val = b[at : at+e.total]
	e.end = at + e.total
	return e
}

// eachRef calls fn for the field and the value if they are kept in parts, with the number of the first part and the length.
func (e *entry) eachRef(fn func(first uint32, n int)) {
	if e.long {
		fn(e.fieldPart, e.flen)
	}
	if e.ref {
		fn(e.part, e.total)
	}
}

// item is an entry to be stored.
type item struct {
	field, val []byte // as they are stored: the bytes, or what leads to the parts
	flen, vlen int    // length of field and value
	ref        bool   // the value is kept in parts
}

// inline returns the item of a field and a value that are both short enough to be kept among the entries.
func inline(field, val []byte) item { return item{field, val, len(field), len(val), false} }

// size is the number of bytes that the entry takes.
func (it *item) size() int {
	return varintLen(it.flen<<1) + varintLen(it.vlen) + len(it.field) + len(it.val)
}

// store writes the entry at an offset of b.
func (it *item) store(b []byte, off int) {
	p := unsafe.Pointer(unsafe.SliceData(b))
	n := it.flen << 1
	if it.ref {
		n |= 1
	}
	off = storeVarint(p, off, n)
	off = storeVarint(p, off, it.vlen)
	off += copy(b[off:], it.field)
	copy(b[off:], it.val)
}

// findEntry returns the entry of a field, which is not long, in b, which holds entries from off on.
func findEntry(b []byte, off int, field []byte) (entry, bool) {
	for off < len(b) {
		e := entryAt(b, off)
		if !e.long && string(e.field) == string(field) {
			return e, true
		}
		off = e.end
	}
	return entry{}, false
}

// hash is lookup for a key that must be a hash, if it is there.
func (t *Tx) hash(r *ref, k Key) error {
	if t.lookup(r, k) && r.typ() != Hash {
		return ErrWrongType
	}
	return nil
}

// readHash is hash for commands that read.
func (t *Tx) readHash(r *ref, k Key) error {
	if t.read(r, k) && r.typ() != Hash {
		return ErrWrongType
	}
	return nil
}

// HSet sets a field and reports whether it is new. field and val are copied.
func (t *Tx) HSet(k Key, field, val []byte) (added bool, err error) {
	return t.setField(k, field, val, NoDeadline, EventHSet)
}

// setField is HSet with the deadline that a new key gets, and the event that is told.
func (t *Tx) setField(k Key, field, val []byte, at int64, e Event) (added bool, err error) {
	if len(field) > MaxKey {
		return false, ErrKeyTooLong
	}
	if err := t.fits(k, len(field)+len(val)); err != nil {
		return false, err
	}
	var r ref
	if err := t.hash(&r, k); err != nil {
		return false, err
	}
	switch {
	case !r.there:
		added, err = true, r.newHash(field, val, at)
	case r.layout() == layoutParts:
		r.use()
		r.preserve()
		added, err = r.bigSet(field, val)
	default:
		r.use()
		added, err = r.smallSet(field, val)
	}
	if err == nil {
		r.changed(t.event(e))
	}
	return added, err
}

// newHash makes a hash of one field, with a deadline.
func (r *ref) newHash(field, val []byte, at int64) error {
	n, it := packedHead, inline(field, val)
	small := len(val) <= inlineField && len(field) <= inlineField && n+it.size() <= hashMax
	if small {
		n += it.size()
	}
	if !r.create(shapeOf(layoutPacked|rawHash(field, val, 1), len(r.key.Bytes), n, at), at) {
		return ErrOutOfMemory
	}
	if small {
		r.setPacked(Hash, 1)
		it.store(r.valBytes(), packedHead)
		return nil
	}
	r.setPacked(Hash, 0)
	r.find()
	err := r.enlarge()
	if err == nil {
		_, err = r.bigSet(field, val)
	}
	if err != nil {
		r.removeAgain()
	}
	return err
}

// rawHash returns flagRaw if Redis would keep a hash of n fields with this one as a hashtable.
func rawHash(field, val []byte, n int) uint8 {
	if n > listpackEntries || len(field) > listpackValue || len(val) > listpackValue {
		return flagRaw
	}
	return 0
}

// smallSet is HSet for a hash in one record.
func (r *ref) smallSet(field, val []byte) (bool, error) {
	r.preserve()
	b := r.valBytes()
	e, found := findEntry(b, packedHead, field)
	it, count := inline(field, val), r.packed()
	size := it.size()
	if !found {
		e.off, e.end = r.vlen, r.vlen
		count++
	}
	vlen := r.vlen - (e.end - e.off) + size
	if vlen > hashMax || len(val) > inlineField || len(field) > inlineField {
		if err := r.enlarge(); err != nil {
			return false, err
		}
		return r.bigSet(field, val)
	}
	raw := r.flags&flagRaw | rawHash(field, val, count)
	if found && vlen == r.vlen && raw == r.flags&flagRaw {
		it.store(b, e.off)
		return false, nil
	}
	if !r.splice(raw, e, size, count) {
		return false, ErrOutOfMemory
	}
	it.store(r.valBytes(), e.off)
	return !found, nil
}

// splice replaces the bytes of entry e of a small hash by size bytes, which the caller fills in, and sets the number of fields. raw is flagRaw
// or 0. It returns false, with nothing changed, where there is no memory for a longer hash.
func (r *ref) splice(raw uint8, e entry, size, count int) bool {
	r.preserve()
	old, delta := r.vlen, size-(e.end-e.off)
	at := r.deadline()
	if delta < 0 { // close the gap while the bytes are there
		b := r.valBytes()
		copy(b[e.off+size:], b[e.end:])
	}
	if !r.resize(shapeOf(layoutPacked|raw, r.klen, old+delta, at), at, min(old, old+delta)) {
		return false
	}
	if b := r.valBytes(); delta > 0 {
		copy(b[e.off+size:], b[e.end:old])
	}
	r.setPacked(Hash, count)
	return true
}

// HGet returns a field's value. A read of the key.
func (t *Tx) HGet(k Key, field []byte) (v Value, ok bool, err error) {
	var r ref
	if err := t.readHash(&r, k); !r.there || err != nil {
		return Value{}, false, err
	}
	v, ok = r.field(field)
	return v, ok, nil
}

// field returns the value of a field of a hash.
func (r *ref) field(field []byte) (Value, bool) {
	if r.layout() == layoutParts {
		val, ok := r.bigGet(field)
		if !ok {
			r.dropEmpty()
		}
		return val, ok
	}
	e, ok := findEntry(r.valBytes(), packedHead, field)
	return Value{lease: r.sh.lease(), bytes: e.val}, ok
}

// HDel deletes a field and reports whether it was there. The key goes with its last field.
func (t *Tx) HDel(k Key, field []byte) (bool, error) {
	var r ref
	if err := t.hash(&r, k); !r.there || err != nil {
		return false, err
	}
	if r.layout() == layoutParts {
		r.preserve()
		found := r.bigDel(field)
		if found {
			r.changed(t.event(EventHDel))
		}
		if r.fields() == 0 {
			r.remove(EventDel)
		}
		return found, nil
	}
	e, found := findEntry(r.valBytes(), packedHead, field)
	if !found {
		return false, nil
	}
	count := r.packed() - 1
	if count > 0 && !r.splice(r.flags&flagRaw, e, 0, count) {
		return false, ErrOutOfMemory
	}
	r.changed(t.event(EventHDel))
	if count == 0 {
		r.remove(EventDel)
	}
	return true, nil
}

// fields returns the number of fields of a hash.
func (v *view) fields() int {
	if v.layout() == layoutParts {
		return v.bucketRoot().count()
	}
	return v.packed()
}

// HLen returns the number of fields, 0 if the key is missing. A read.
func (t *Tx) HLen(k Key) (int, error) {
	var r ref
	if err := t.readHash(&r, k); !r.there || err != nil {
		return 0, err
	}
	return r.fields(), nil
}

// HIncrBy adds to a field's integer, 0 if missing, and returns the sum.
func (t *Tx) HIncrBy(k Key, field []byte, delta int64) (int64, error) {
	var r ref
	if err := t.hash(&r, k); err != nil {
		return 0, err
	}
	var n int64
	if r.there {
		if old, there := r.field(field); there {
			if n, there = old.Int(); !there {
				return 0, ErrNotInteger
			}
		}
	}
	sum := n + delta
	if (sum > n) != (delta > 0) && delta != 0 {
		return 0, ErrOverflow
	}
	var text [20]byte
	_, err := t.setField(k, field, strconv.AppendInt(text[:0], sum, 10), NoDeadline, EventHIncrBy)
	return sum, err
}

// HEach calls fn for every field until it returns false. The slices and views are valid during the call only. A read. Small hashes keep
// the order of insertion. ErrDamaged says that fn was not called for fields that are lost; a second call finds the hash without them.
func (t *Tx) HEach(k Key, fn func(field []byte, val Value) bool) error {
	lend := t.lendFields(fn)
	var r ref
	if err := t.readHash(&r, k); !r.there || err != nil {
		return err
	}
	if r.layout() == layoutParts {
		err := r.bigEach(lend)
		r.dropEmpty()
		return err
	}
	until := r.sh.lease()
	eachEntry(r.valBytes(), packedHead, func(e entry) bool { return lend(e.field, Value{lease: until, bytes: e.val}) })
	return nil
}

// dropEmpty deletes a big hash of which nothing is left, because fields of it were found to be damaged.
func (r *ref) dropEmpty() {
	if r.fields() == 0 {
		r.removeAgain()
	}
}

// eachEntry calls fn for the entries of b from off on until it returns false, and reports whether it never did.
func eachEntry(b []byte, off int, fn func(e entry) bool) bool {
	for off < len(b) {
		e := entryAt(b, off)
		if !fn(e) {
			return false
		}
		off = e.end
	}
	return true
}

// HScan is Scan for the fields of a hash. A small hash is passed whole.
func (t *Tx) HScan(k Key, cursor uint64, count int, fn func(field []byte, val Value) bool) (uint64, error) {
	lend := t.lendFields(fn)
	var r ref
	if err := t.readHash(&r, k); !r.there || err != nil {
		return 0, err
	}
	if r.layout() == layoutParts {
		next := r.bigScan(cursor, count, lend)
		r.dropEmpty()
		return next, nil
	}
	until := r.sh.lease()
	eachEntry(r.valBytes(), packedHead, func(e entry) bool { lend(e.field, Value{lease: until, bytes: e.val}); return true })
	return 0, nil
}

// HRandom calls fn with a field chosen at random: uniformly in a small hash, nearly so in a large one. ok is false if the key is
// missing. A read. ErrDamaged says that the field is lost, as for HEach.
func (t *Tx) HRandom(k Key, fn func(field []byte, val Value)) (ok bool, err error) {
	lend := t.lendEach(fn)
	var r ref
	if err := t.readHash(&r, k); !r.there || err != nil {
		return false, err
	}
	if r.layout() == layoutParts {
		err := r.bigRandom(lend)
		r.dropEmpty()
		return err == nil, err
	}
	n, until := int(r.sh.random()%uint64(r.packed())), r.sh.lease()
	eachEntry(r.valBytes(), packedHead, func(e entry) bool {
		if n == 0 {
			lend(e.field, Value{lease: until, bytes: e.val})
		}
		n--
		return n >= 0
	})
	return true, nil
}
