package engine

import (
	"strconv"
	"unsafe"
)

// A small hash is one record. Its value is the number of fields (2 bytes) and then the fields in the order in which they came, see
// entry. Past hashMax bytes, or with a value past inlineField, it becomes a big one, see bighash.go.
const (
	hashHeader  = 2
	hashMax     = 4 << 10 // bytes of a small hash
	inlineField = 2 << 10 // longest value of a field that is kept among the fields
)

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

// hash looks a key up that shall be a hash.
func (t *Tx) hash(k Key) (sh *shard, sp *keyspace, s slot, v view, ok bool, err error) {
	sh, sp, s, v, ok = t.lookup(k)
	if ok && v.typ() != Hash {
		err = ErrWrongType
	}
	return sh, sp, s, v, ok, err
}

// readHash is hash for commands that read.
func (t *Tx) readHash(k Key) (sh *shard, sp *keyspace, v view, ok bool, err error) {
	sh, sp, _, v, ok = t.read(k)
	if ok && v.typ() != Hash {
		return sh, sp, v, false, ErrWrongType
	}
	return sh, sp, v, ok, nil
}

func hashCount(v *view) int { return int(load16(v.p, v.val)) }

// HSet sets a field and reports whether it is new. field and val are copied.
func (t *Tx) HSet(k Key, field, val []byte) (added bool, err error) {
	if len(field) > MaxKey {
		return false, ErrKeyTooLong
	}
	if err := t.fits(k, len(field)+len(val)); err != nil {
		return false, err
	}
	sh, sp, s, v, ok, err := t.hash(k)
	if err != nil {
		return false, err
	}
	if !ok {
		return true, sh.newHash(sp, k, field, val, t.Now)
	}
	sh.use(&v)
	if v.kind() == kindBigHash {
		sh.preserve(sp, s, &v)
		added, err = sh.bigSet(sp, &v, k, field, val, t.Now)
		sh.touch(sp, k.Bytes)
		return added, err
	}
	return sh.smallSet(sp, s, &v, k, field, val, t.Now)
}

// newHash makes a hash of one field.
func (sh *shard) newHash(sp *keyspace, k Key, field, val []byte, now int64) error {
	n, it := hashHeader, inline(field, val)
	small := len(val) <= inlineField && len(field) <= inlineField && n+it.size() <= hashMax
	if small {
		n += it.size()
	}
	v, ok := sh.create(sp, k, shape{kindHash | rawHash(field, val, 1), len(k.Bytes), n}, NoDeadline, now)
	if !ok {
		return ErrOutOfMemory
	}
	if small {
		store16(v.p, v.val, 1)
		it.store(v.valBytes(), hashHeader)
		return nil
	}
	store16(v.p, v.val, 0)
	s, v, _ := sh.find(sp, k)
	if err := sh.enlarge(sp, s, &v, k, now); err != nil {
		sh.removeKey(sp, k)
		return err
	}
	if _, err := sh.bigSet(sp, &v, k, field, val, now); err != nil {
		sh.removeKey(sp, k)
		return err
	}
	return nil
}

// removeKey deletes a key that is there.
func (sh *shard) removeKey(sp *keyspace, k Key) {
	if s, v, ok := sh.find(sp, k); ok {
		sh.remove(sp, s, &v, k.hash)
	}
}

// rawHash returns flagRaw if Redis would keep a hash of n fields with this one as a hashtable.
func rawHash(field, val []byte, n int) uint8 {
	if n > listpackEntries || len(field) > listpackValue || len(val) > listpackValue {
		return flagRaw
	}
	return 0
}

// smallSet is HSet for a hash in one record.
func (sh *shard) smallSet(sp *keyspace, s slot, v *view, k Key, field, val []byte, now int64) (bool, error) {
	sh.preserve(sp, s, v)
	b := v.valBytes()
	e, found := findEntry(b, hashHeader, field)
	it, count := inline(field, val), hashCount(v)
	size := it.size()
	if !found {
		e.off, e.end = v.vlen, v.vlen
		count++
	}
	vlen := v.vlen - (e.end - e.off) + size
	if vlen > hashMax || len(val) > inlineField || len(field) > inlineField {
		if err := sh.enlarge(sp, s, v, k, now); err != nil {
			return false, err
		}
		return sh.bigSet(sp, v, k, field, val, now)
	}
	flags := v.flags&^(flagTTL|flagWide) | rawHash(field, val, count)
	if found && vlen == v.vlen && flags == v.flags&^(flagTTL|flagWide) {
		it.store(b, e.off)
		sh.touch(sp, k.Bytes)
		return false, nil
	}
	if !sh.splice(sp, s, v, k, flags, e, size, count, now) {
		return false, ErrOutOfMemory
	}
	it.store(v.valBytes(), e.off)
	return !found, nil
}

// splice replaces the bytes of entry e of a small hash by size bytes, which the caller fills in, and sets the number of fields. It
// returns false, with nothing changed, where no memory is to be had for a longer hash.
func (sh *shard) splice(sp *keyspace, s slot, v *view, k Key, flags uint8, e entry, size, count int, now int64) bool {
	sh.preserve(sp, s, v)
	old, delta := v.vlen, size-(e.end-e.off)
	at := v.deadline()
	to := shape{withDeadline(flags, at), len(k.Bytes), old + delta}
	if delta < 0 { // close the gap while the bytes are there
		b := v.valBytes()
		copy(b[e.off+size:], b[e.end:])
	}
	if !sh.resize(sp, s, v, k, to, at, now, min(old, old+delta)) {
		return false
	}
	if b := v.valBytes(); delta > 0 {
		copy(b[e.off+size:], b[e.end:old])
	}
	store16(v.p, v.val, uint16(count))
	return true
}

// HGet returns a field's value. A read of the key.
func (t *Tx) HGet(k Key, field []byte) (v Value, ok bool, err error) {
	sh, sp, rec, ok, err := t.readHash(k)
	if !ok {
		return Value{}, false, err
	}
	v, ok = sh.field(sp, &rec, k, field, t.Now)
	return v, ok, nil
}

// field returns the value of a field of a hash.
func (sh *shard) field(sp *keyspace, v *view, k Key, field []byte, now int64) (Value, bool) {
	if v.kind() == kindBigHash {
		val, ok := sh.bigGet(sp, v, k, field, now)
		if !ok {
			sh.dropEmpty(sp, v, k)
		}
		return val, ok
	}
	e, ok := findEntry(v.valBytes(), hashHeader, field)
	return Value{lease: sh.lease(), bytes: e.val}, ok
}

// HDel deletes a field and reports whether it was there. The key goes with its last field.
func (t *Tx) HDel(k Key, field []byte) (bool, error) {
	sh, sp, s, v, ok, err := t.hash(k)
	if !ok || err != nil {
		return false, err
	}
	if v.kind() == kindBigHash {
		sh.preserve(sp, s, &v)
		found := sh.bigDel(sp, &v, k, field, t.Now)
		if h := v.bigHash(k.hash); h.count() == 0 {
			sh.remove(sp, s, &v, k.hash)
		} else if found {
			sh.touch(sp, k.Bytes)
		}
		return found, nil
	}
	e, found := findEntry(v.valBytes(), hashHeader, field)
	if !found {
		return false, nil
	}
	count := hashCount(&v) - 1
	if count == 0 {
		sh.remove(sp, s, &v, k.hash)
		return true, nil
	}
	if !sh.splice(sp, s, &v, k, v.flags&^(flagTTL|flagWide), e, 0, count, t.Now) {
		return false, ErrOutOfMemory
	}
	return true, nil
}

// HLen returns the number of fields, 0 if the key is missing. A read.
func (t *Tx) HLen(k Key) (int, error) {
	_, _, v, ok, err := t.readHash(k)
	if !ok {
		return 0, err
	}
	if v.kind() == kindBigHash {
		h := v.bigHash(k.hash)
		return h.count(), nil
	}
	return hashCount(&v), nil
}

// HIncrBy adds to a field's integer, 0 if missing, and returns the sum.
func (t *Tx) HIncrBy(k Key, field []byte, delta int64) (int64, error) {
	sh, sp, _, v, ok, err := t.hash(k)
	if err != nil {
		return 0, err
	}
	var n int64
	if ok {
		if old, there := sh.field(sp, &v, k, field, t.Now); there {
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
	_, err = t.HSet(k, field, strconv.AppendInt(text[:0], sum, 10))
	return sum, err
}

// HEach calls fn for every field until it returns false. The slices and views are valid during the call only. A read. Small hashes keep
// the order of insertion. ErrDamaged says that fn was not called for fields that are lost; a second call finds the hash without them.
func (t *Tx) HEach(k Key, fn func(field []byte, val Value) bool) error {
	lend := t.lendFields(fn)
	sh, sp, v, ok, err := t.readHash(k)
	if !ok {
		return err
	}
	if v.kind() == kindBigHash {
		err := sh.bigEach(sp, &v, k, t.Now, lend)
		sh.dropEmpty(sp, &v, k)
		return err
	}
	until := sh.lease()
	eachEntry(v.valBytes(), hashHeader, func(e entry) bool { return lend(e.field, Value{lease: until, bytes: e.val}) })
	return nil
}

// dropEmpty deletes a big hash of which nothing is left, because fields of it were found to be damaged.
func (sh *shard) dropEmpty(sp *keyspace, v *view, k Key) {
	if h := v.bigHash(k.hash); h.count() == 0 {
		sh.removeKey(sp, k)
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
	sh, sp, v, ok, err := t.readHash(k)
	if !ok {
		return 0, err
	}
	if v.kind() == kindBigHash {
		next := sh.bigScan(sp, &v, k, t.Now, cursor, count, lend)
		sh.dropEmpty(sp, &v, k)
		return next, nil
	}
	until := sh.lease()
	eachEntry(v.valBytes(), hashHeader, func(e entry) bool { lend(e.field, Value{lease: until, bytes: e.val}); return true })
	return 0, nil
}

// HRandom calls fn with a field chosen at random: uniformly in a small hash, nearly so in a large one. ok is false if the key is
// missing. A read. ErrDamaged says that the field is lost, as for HEach.
func (t *Tx) HRandom(k Key, fn func(field []byte, val Value)) (ok bool, err error) {
	lend := t.lendEach(fn)
	sh, sp, v, ok, err := t.readHash(k)
	if !ok {
		return false, err
	}
	if v.kind() == kindBigHash {
		err := sh.bigRandom(sp, &v, k, t.Now, lend)
		sh.dropEmpty(sp, &v, k)
		return err == nil, err
	}
	n, until := int(sh.random()%uint64(hashCount(&v))), sh.lease()
	eachEntry(v.valBytes(), hashHeader, func(e entry) bool {
		if n == 0 {
			lend(e.field, Value{lease: until, bytes: e.val})
		}
		n--
		return n >= 0
	})
	return true, nil
}
