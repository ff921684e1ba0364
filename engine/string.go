package engine

import (
	"strconv"
	"unsafe"

	"github.com/redistill/redistill/internal/invariants"
)

const (
	bigStrHeader = 8    // bytes of a kindBigStr value before the string's first bytes: the owner's id and the total length
	splitSize    = 1024 // a record from this size on is split where it does not fit into the open block
	splitRoom    = 512  // and at least so much is left in it
)

// bigStr is the value of a kindBigStr record.
type bigStr struct {
	owner owner
	total int // length of the string
	head  []byte
	p     unsafe.Pointer
}

func (v *view) bigStr() bigStr {
	p := unsafe.Add(v.p, v.val)
	return bigStr{
		owner: owner{hashBytes(v.keyBytes()), load32(p, 0)}, total: int(load32(p, 4)),
		head: bytesAt(p, bigStrHeader, v.vlen-bigStrHeader), p: p,
	}
}

// parts is the number of parts.
func (b *bigStr) parts() uint32 { return uint32(partCount(b.total - len(b.head))) }

// value returns the string of a record.
func (sh *shard) value(sp *keyspace, v *view) Value {
	switch v.kind() {
	case kindInt:
		return Value{lease: sh.lease(), num: v.number(), isNum: true}
	case kindString:
		return Value{lease: sh.lease(), bytes: v.valBytes()}
	}
	b := v.bigStr()
	return Value{lease: sh.lease(), bytes: b.head, rest: &restParts{sh, sp, b.owner, 0, b.total}}
}

// Get returns the value; ok is false if the key is missing. A read.
func (t *Tx) Get(k Key) (v Value, ok bool, err error) {
	sh, sp, s, rec, ok := t.read(k)
	if !ok {
		return Value{}, false, nil
	}
	if rec.typ() != String {
		return Value{}, false, ErrWrongType
	}
	if v = sh.value(sp, &rec); !v.intact() {
		sh.remove(sp, s, &rec, k.hash)
		return Value{}, false, nil
	}
	return v, true, nil
}

// Set stores a string whatever the key held before. val is copied; it must not be a view of the engine's memory. deadline is in Unix
// milliseconds, NoDeadline or KeepDeadline.
func (t *Tx) Set(k Key, val []byte, deadline int64) error {
	if err := t.fits(k, len(val)); err != nil {
		return err
	}
	sh, sp, s, v, ok := t.lookup(k)
	if deadline == KeepDeadline {
		deadline = v.keptDeadline(ok)
	}
	if n, isInt := parseInt(val); isInt {
		rec, done := sh.put(sp, s, v, ok, k, shape{withDeadline(kindInt, deadline), len(k.Bytes), 8}, deadline, t.Now)
		if !done {
			return ErrOutOfMemory
		}
		rec.setNumber(n)
		return nil
	}
	return sh.setBytes(sp, s, v, ok, k, val, 0, deadline, t.Now)
}

// SetText is Set for a string that stays text even where it is that of an integer. It is for the results of INCRBYFLOAT, of which Redis
// tells another encoding.
func (t *Tx) SetText(k Key, val []byte, deadline int64) error {
	if err := t.fits(k, len(val)); err != nil {
		return err
	}
	sh, sp, s, v, ok := t.lookup(k)
	if deadline == KeepDeadline {
		deadline = v.keptDeadline(ok)
	}
	return sh.setBytes(sp, s, v, ok, k, val, 0, deadline, t.Now)
}

// keptDeadline is the deadline of the record that is there, if one is.
func (v *view) keptDeadline(there bool) int64 {
	if there {
		return v.deadline()
	}
	return NoDeadline
}

// fits reports whether a key and a value of n bytes may be stored at all.
func (t *Tx) fits(k Key, n int) error {
	if len(k.Bytes) > MaxKey {
		return ErrKeyTooLong
	}
	if limit := t.store.maxMemory.Load(); limit > 0 && int64(n)+int64(len(k.Bytes)) > limit {
		return ErrOutOfMemory
	}
	return nil
}

// put makes the key's record one of the given shape: it resizes the record v if the key is there, else creates one. The parts of a
// former value are deleted.
func (sh *shard) put(sp *keyspace, s slot, v view, there bool, k Key, to shape, at, now int64) (view, bool) {
	if !there {
		return sh.create(sp, k, to, at, now)
	}
	o, parts := sh.partsOf(&v)
	sh.use(&v)
	if !sh.resize(sp, s, &v, k, to, at, now, 0) {
		return v, false
	}
	sh.doom(sp, o, 0, parts)
	return v, true
}

// setBytes stores a string that is not kept as a number. flags may have flagRaw.
func (sh *shard) setBytes(sp *keyspace, s slot, v view, there bool, k Key, val []byte, flags uint8, at, now int64) error {
	whole := shape{withDeadline(kindString|flags, at), len(k.Bytes), len(val)}
	head := len(val)
	if size := whole.size(); !there || size > v.size {
		head = sh.headOf(classOf(at, now), whole)
	}
	if head == len(val) {
		rec, ok := sh.put(sp, s, v, there, k, whole, at, now)
		if !ok {
			return ErrOutOfMemory
		}
		copy(rec.valBytes(), val)
		return nil
	}
	if there && v.kind() == kindBigStr && sh.overwrite(sp, s, &v, k, val, flags, at, now) {
		return nil
	}
	return sh.setBig(sp, s, v, there, k, val, head, flags, at, now)
}

// setBig is setBytes for a string of which only the first head bytes go into the root record. That is written before the parts, for
// its size was chosen for what is left of the open block. Where memory ends in the middle the key is gone.
func (sh *shard) setBig(sp *keyspace, s slot, v view, there bool, k Key, val []byte, head int, flags uint8, at, now int64) error {
	o := sh.newOwner(k.hash)
	rec, ok := sh.put(sp, s, v, there, k, shape{withDeadline(kindBigStr|flags, at), len(k.Bytes), bigStrHeader + head}, at, now)
	if !ok {
		return ErrOutOfMemory
	}
	p := unsafe.Add(rec.p, rec.val)
	store32(p, 0, o.id)
	store32(p, 4, uint32(len(val)))
	copy(bytesAt(p, bigStrHeader, head), val)
	if !sh.addParts(sp, classOf(at, now), o, 0, val[head:]) {
		sh.removeKey(sp, k)
		return ErrOutOfMemory
	}
	return nil
}

// headOf returns how many bytes of a string go into its root record. A record of up to partSize keeps all of it; of a longer one the
// rest after full parts. A record that does not fit into what is left of the open block fills that up, so that no space is wasted.
func (sh *shard) headOf(c class, whole shape) int {
	n, size := whole.vlen, whole.size()
	head := n
	if size > partSize {
		head = n % partData
		size -= n - head - bigStrHeader
	}
	room := sh.room(c)
	if size <= room || size < splitSize || room < splitRoom+whole.klen {
		return head
	}
	whole.vlen = room
	return min(head, room-whole.header()-whole.klen-bigStrHeader-recordAlign)
}

// overwrite replaces a string in parts by one of the same length in place. It returns false where that is not possible.
func (sh *shard) overwrite(sp *keyspace, s slot, v *view, k Key, val []byte, flags uint8, at, now int64) bool {
	sh.preserve(sp, s, v)
	b := v.bigStr()
	if b.total != len(val) || sh.heldBy(b.owner) != nil || !sh.movePinned(sp, b.owner, 0, b.parts()) {
		return false
	}
	n := len(b.head)
	if !sh.resize(sp, s, v, k, shape{withDeadline(kindBigStr|flags, at), len(k.Bytes), v.vlen}, at, now, v.vlen) {
		return false
	}
	sh.use(v)
	b = v.bigStr()
	copy(b.head, val)
	return sh.writeParts(sp, b.owner, 0, val[n:])
}

// writeParts overwrites the bytes of parts from offset off on, counted from the first part's start. It returns false where one is
// missing.
func (sh *shard) writeParts(sp *keyspace, o owner, off int, val []byte) bool {
	for len(val) > 0 {
		_, p, ok := sh.findPart(sp, o, uint32(off/partData))
		if !ok {
			invariants.Violated("a part of a value is missing")
			return false
		}
		sh.preservePart(sp, o, uint32(off/partData))
		n := copy(partBytes(p)[off%partData:], val)
		val = val[n:]
		off += n
	}
	return true
}

// Append appends to a string, making it if missing, and returns its new length.
func (t *Tx) Append(k Key, val []byte) (n int, err error) {
	sh, sp, s, v, ok := t.lookup(k)
	if !ok {
		return len(val), t.Set(k, val, NoDeadline)
	}
	if v.typ() != String {
		return 0, ErrWrongType
	}
	return t.write(sh, sp, s, v, k, sh.valueLen(sp, &v), val)
}

// SetRange writes val at an offset of a string, making it if missing and padding it with zero bytes, and returns its new length. An
// empty val changes nothing.
func (t *Tx) SetRange(k Key, off int, val []byte) (n int, err error) {
	sh, sp, s, v, ok := t.lookup(k)
	if ok && v.typ() != String {
		return 0, ErrWrongType
	}
	if len(val) == 0 {
		if ok {
			n = sh.valueLen(sp, &v)
		}
		return n, nil
	}
	if !ok {
		if err := t.fits(k, off+len(val)); err != nil {
			return 0, err
		}
		padded := append(make([]byte, off, off+len(val)), val...)
		return len(padded), sh.setBytes(sp, s, v, false, k, padded, flagRaw, NoDeadline, t.Now)
	}
	return t.write(sh, sp, s, v, k, off, val)
}

func (sh *shard) valueLen(sp *keyspace, v *view) int { return sh.value(sp, v).Len() }

// write writes val at an offset of an existing string, padding with zero bytes, and returns the new length.
func (t *Tx) write(sh *shard, sp *keyspace, s slot, v view, k Key, off int, val []byte) (int, error) {
	n := sh.valueLen(sp, &v)
	total := max(n, off+len(val))
	if err := t.fits(k, total); err != nil {
		return 0, err
	}
	sh.use(&v)
	sh.preserve(sp, s, &v)
	at := v.deadline()
	if v.kind() == kindBigStr {
		return total, sh.writeBig(sp, s, &v, k, n, off, val, t.Now)
	}
	if v.kind() == kindInt {
		var text [20]byte
		num := strconv.AppendInt(text[:0], v.number(), 10)
		if err := sh.setBytes(sp, s, v, true, k, num, flagRaw, at, t.Now); err != nil {
			return 0, err
		}
		s, v, _ = sh.find(sp, k)
	}
	to := shape{withDeadline(kindString|flagRaw, at), len(k.Bytes), total}
	if to.size() > partSize {
		whole := append(make([]byte, 0, total), v.valBytes()...)
		whole = append(whole, make([]byte, total-n)...)
		copy(whole[off:], val)
		return total, sh.setBytes(sp, s, v, true, k, whole, flagRaw, at, t.Now)
	}
	if !sh.resize(sp, s, &v, k, to, at, t.Now, n) {
		return 0, ErrOutOfMemory
	}
	b := v.valBytes()
	if off > n {
		clear(b[n:off])
	}
	copy(b[off:], val)
	return total, nil
}

// writeBig is write for a string in parts of n bytes.
func (sh *shard) writeBig(sp *keyspace, s slot, v *view, k Key, n, off int, val []byte, now int64) error {
	if end := off + len(val); end > n {
		err := sh.extend(sp, v, classOf(v.deadline(), now), end-n)
		if err == ErrDamaged {
			sh.removeKey(sp, k)
		}
		if err != nil {
			return err
		}
	}
	b := v.bigStr()
	first, end := max(off-len(b.head), 0), max(off+len(val)-len(b.head), 0) // bytes of parts
	if !sh.movePinned(sp, b.owner, uint32(first/partData), uint32((end+partData-1)/partData)) {
		return ErrOutOfMemory
	}
	store8(v.p, 0, v.flags|flagRaw)
	if off < len(b.head) {
		w := copy(b.head[off:], val)
		val, off = val[w:], off+w
	}
	if !sh.writeParts(sp, b.owner, off-len(b.head), val) {
		sh.removeKey(sp, k)
		return ErrDamaged
	}
	sh.touch(sp, k.Bytes)
	return nil
}

// extend lengthens a string in parts by more zero bytes. Where memory ends in the middle it is longer by some of them.
func (sh *shard) extend(sp *keyspace, v *view, c class, more int) error {
	b := v.bigStr()
	no, used := b.parts(), (b.total-len(b.head))%partData
	for more > 0 {
		n := min(partData, used+more)
		var p unsafe.Pointer
		if used == 0 {
			p = sh.addPart(sp, c, b.owner, no, n)
		} else { // fill the last part up first
			no--
			s, last, ok := sh.findPart(sp, b.owner, no)
			if !ok {
				invariants.Violated("a part of a value is missing")
				return ErrDamaged
			}
			sh.preservePart(sp, b.owner, no)
			p = sh.resizePart(s, last, c, n, used)
		}
		if p == nil {
			return ErrOutOfMemory
		}
		clear(partBytes(p)[used:])
		store32(b.p, 4, load32(b.p, 4)+uint32(n-used))
		more -= n - used
		used = 0
		no++
	}
	return nil
}

// IncrBy adds to the integer that the key holds, 0 if missing, keeping its deadline, and returns the sum.
func (t *Tx) IncrBy(k Key, delta int64) (int64, error) {
	sh, sp, s, v, ok := t.lookup(k)
	if !ok {
		if err := t.fits(k, 8); err != nil {
			return 0, err
		}
		rec, done := sh.create(sp, k, shape{kindInt, len(k.Bytes), 8}, NoDeadline, t.Now)
		if !done {
			return 0, ErrOutOfMemory
		}
		rec.setNumber(delta)
		return delta, nil
	}
	if v.typ() != String {
		return 0, ErrWrongType
	}
	n, isInt := sh.value(sp, &v).Int()
	if !isInt {
		return 0, ErrNotInteger
	}
	sum := n + delta
	if (sum > n) != (delta > 0) && delta != 0 {
		return 0, ErrOverflow
	}
	sh.use(&v)
	if v.kind() != kindInt {
		at := v.deadline()
		if !sh.resize(sp, s, &v, k, shape{withDeadline(kindInt, at), len(k.Bytes), 8}, at, t.Now, 0) {
			return 0, ErrOutOfMemory
		}
	} else {
		sh.preserve(sp, s, &v)
		sh.touch(sp, k.Bytes)
	}
	v.setNumber(sum)
	return sum, nil
}
