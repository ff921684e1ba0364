package engine

import (
	"strconv"
	"unsafe"

	"github.com/redistill/redistill/internal/invariants"
)

// A string in parts has its first bytes in the root, behind its head and its length; the others follow in parts from number 0 on. All but
// the last have the same length, so that an offset tells the part.
const (
	bigStrHeader = rootHead + 4 // bytes of a root before the string's first bytes
	splitSize    = 1024         // a record from this size on is split where it does not fit into the open block
	splitRoom    = 512          // and at least so much is left in it
)

// bigStr is the value of a string in parts.
type bigStr struct {
	total int // length of the string
	head  []byte
	p     unsafe.Pointer
}

func (v *view) bigStr() bigStr {
	p := unsafe.Add(v.p, v.val)
	return bigStr{int(load32(p, rootHead)), bytesAt(p, bigStrHeader, v.vlen-bigStrHeader), p}
}

// tail is the number of bytes that are in parts.
func (b *bigStr) tail() int { return b.total - len(b.head) }

// parts is the number of parts.
func (b *bigStr) parts() uint32 { return uint32(partCount(b.tail())) }

func (b *bigStr) setTotal(n int) { store32(b.p, rootHead, uint32(n)) }

// text returns the string that the key holds.
func (r *ref) text() Value {
	switch r.layout() {
	case layoutInt:
		return Value{lease: r.sh.lease(), num: r.number(), isNum: true}
	case layoutString:
		return Value{lease: r.sh.lease(), bytes: r.valBytes()}
	}
	b := r.bigStr()
	return Value{lease: r.sh.lease(), bytes: b.head, rest: &restParts{r.parts(), 0, b.total}}
}

// Get returns the value; ok is false if the key is missing. A read.
func (t *Tx) Get(k Key) (v Value, ok bool, err error) {
	var r ref
	if !t.read(&r, k) {
		return Value{}, false, nil
	}
	if r.typ() != String {
		return Value{}, false, ErrWrongType
	}
	if v = r.text(); !v.intact() {
		r.remove(EventDel)
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
	var r ref
	t.lookup(&r, k)
	if err := r.set(val, r.newDeadline(deadline)); err != nil {
		return err
	}
	r.changed(t.event(EventSet))
	if deadline != NoDeadline && deadline != KeepDeadline {
		r.changed(t.event(EventExpire))
	}
	return nil
}

// set stores a string.
func (r *ref) set(val []byte, at int64) error {
	n, isInt := parseInt(val)
	if !isInt {
		return r.setBytes(val, 0, at)
	}
	if !r.put(shapeOf(layoutInt, len(r.key.Bytes), 8, at), at) {
		return ErrOutOfMemory
	}
	r.setNumber(n)
	return nil
}

// SetText is Set for a string that stays text even where it is that of an integer. It is for the results of INCRBYFLOAT, of which Redis
// tells another encoding.
func (t *Tx) SetText(k Key, val []byte, deadline int64) error {
	if err := t.fits(k, len(val)); err != nil {
		return err
	}
	var r ref
	t.lookup(&r, k)
	err := r.setBytes(val, 0, r.newDeadline(deadline))
	if err == nil {
		r.changed(t.event(EventSet))
	}
	return err
}

// newDeadline returns a deadline that the key is to get: that which it has in place of KeepDeadline.
func (r *ref) newDeadline(at int64) int64 {
	switch {
	case at != KeepDeadline:
		return at
	case r.there:
		return r.deadline()
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

// setBytes stores a string that is not kept as a number. raw is flagRaw or 0.
func (r *ref) setBytes(val []byte, raw uint8, at int64) error {
	whole := shapeOf(layoutString|raw, len(r.key.Bytes), len(val), at)
	head := len(val)
	if !r.there || whole.size() > r.size {
		head = r.sh.headOf(r.class(at), whole)
	}
	if head == len(val) {
		if !r.put(whole, at) {
			return ErrOutOfMemory
		}
		copy(r.valBytes(), val)
		return nil
	}
	if r.there && r.typ() == String && r.layout() == layoutParts && r.overwrite(val, raw, at) {
		return nil
	}
	return r.setBig(val, head, raw, at)
}

// setBig is setBytes for a string of which only the first head bytes go into the root record. That is written before the parts, for
// its size was chosen for what is left of the open block. Where memory ends in the middle the key is gone.
func (r *ref) setBig(val []byte, head int, raw uint8, at int64) error {
	ps := r.newParts(at)
	if !r.put(shapeOf(layoutParts|raw, len(r.key.Bytes), bigStrHeader+head, at), at) {
		return ErrOutOfMemory
	}
	r.setRoot(String, ps.owner.id)
	b := r.bigStr()
	b.setTotal(len(val))
	copy(b.head, val)
	if !ps.addRun(0, val[head:]) {
		r.removeAgain()
		return ErrOutOfMemory
	}
	return nil
}

// removeAgain deletes the key after its record may have moved.
func (r *ref) removeAgain() {
	if r.find() {
		r.remove(EventDel)
	}
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
func (r *ref) overwrite(val []byte, raw uint8, at int64) bool {
	r.preserve()
	b, ps := r.bigStr(), r.parts()
	if b.total != len(val) || r.sh.retainedBy(ps.owner) != nil || !ps.movePinned(0, b.parts()) {
		return false
	}
	n := len(b.head)
	if !r.resize(shapeOf(layoutParts|raw, len(r.key.Bytes), r.vlen, at), at, r.vlen) {
		return false
	}
	r.use()
	b = r.bigStr()
	copy(b.head, val)
	return ps.write(0, val[n:])
}

// write overwrites the bytes of parts from offset off on, counted from the first part's start. It returns false where one is missing.
func (ps parts) write(off int, val []byte) bool {
	for len(val) > 0 {
		no := uint32(off / partData)
		_, p, ok := ps.find(no)
		if !ok {
			invariants.Violated("a part of a value is missing")
			return false
		}
		ps.preserve(no)
		n := copy(partBytes(p)[off%partData:], val)
		val = val[n:]
		off += n
	}
	return true
}

// Append appends to a string, making it if missing, and returns its new length.
func (t *Tx) Append(k Key, val []byte) (n int, err error) {
	var r ref
	if !t.lookup(&r, k) {
		if err := t.fits(k, len(val)); err != nil {
			return 0, err
		}
		if err := r.set(val, NoDeadline); err != nil {
			return 0, err
		}
		r.changed(t.event(EventAppend))
		return len(val), nil
	}
	if r.typ() != String {
		return 0, ErrWrongType
	}
	return t.write(&r, textLen(&r.view), val, EventAppend)
}

// SetRange writes val at an offset of a string, making it if missing and padding it with zero bytes, and returns its new length. An
// empty val changes nothing.
func (t *Tx) SetRange(k Key, off int, val []byte) (n int, err error) {
	var r ref
	t.lookup(&r, k)
	if r.there && r.typ() != String {
		return 0, ErrWrongType
	}
	if len(val) == 0 {
		if r.there {
			n = textLen(&r.view)
		}
		return n, nil
	}
	if !r.there {
		if err := t.fits(k, off+len(val)); err != nil {
			return 0, err
		}
		padded := append(make([]byte, off, off+len(val)), val...)
		if err := r.setBytes(padded, flagRaw, NoDeadline); err != nil {
			return 0, err
		}
		r.changed(t.event(EventSetRange))
		return len(padded), nil
	}
	return t.write(&r, off, val, EventSetRange)
}

// write writes val at an offset of an existing string, padding with zero bytes, and returns the new
// length. It tells the event.
func (t *Tx) write(r *ref, off int, val []byte, e Event) (int, error) {
	n := textLen(&r.view)
	total := max(n, off+len(val))
	if err := t.fits(r.key, total); err != nil {
		return 0, err
	}
	err := r.write(n, off, val)
	if err == nil || r.there && textLen(&r.view) != n {
		r.changed(t.event(e))
	}
	return total, err
}

// write writes val at an offset of a string of n bytes. Where memory ends in the middle it may be
// longer, by zero bytes.
func (r *ref) write(n, off int, val []byte) error {
	total := max(n, off+len(val))
	r.use()
	r.preserve()
	at := r.deadline()
	if r.layout() == layoutParts {
		return r.writeBig(n, off, val)
	}
	if r.layout() == layoutInt {
		var text [20]byte
		num := strconv.AppendInt(text[:0], r.number(), 10)
		if err := r.setBytes(num, flagRaw, at); err != nil {
			return err
		}
	}
	to := shapeOf(layoutString|flagRaw, r.klen, total, at)
	if to.size() > partSize {
		whole := append(make([]byte, 0, total), r.valBytes()...)
		whole = append(whole, make([]byte, total-n)...)
		copy(whole[off:], val)
		return r.setBytes(whole, flagRaw, at)
	}
	if !r.resize(to, at, n) {
		return ErrOutOfMemory
	}
	b := r.valBytes()
	if off > n {
		clear(b[n:off])
	}
	copy(b[off:], val)
	return nil
}

// writeBig is write for a string in parts of n bytes.
func (r *ref) writeBig(n, off int, val []byte) error {
	if end := off + len(val); end > n {
		err := r.extend(end - n)
		if err == ErrDamaged {
			r.removeAgain()
		}
		if err != nil {
			return err
		}
	}
	b, ps := r.bigStr(), r.parts()
	first, end := max(off-len(b.head), 0), max(off+len(val)-len(b.head), 0) // bytes of parts
	if !ps.movePinned(uint32(first/partData), uint32((end+partData-1)/partData)) {
		return ErrOutOfMemory
	}
	r.setFlags(r.flags | flagRaw)
	if off < len(b.head) {
		w := copy(b.head[off:], val)
		val, off = val[w:], off+w
	}
	if !ps.write(off-len(b.head), val) {
		r.removeAgain()
		return ErrDamaged
	}
	return nil
}

// extend lengthens a string in parts by more zero bytes. Where memory ends in the middle it is longer by some of them.
func (r *ref) extend(more int) error {
	b, ps := r.bigStr(), r.parts()
	no, used := b.parts(), b.tail()%partData
	for more > 0 {
		n := min(partData, used+more)
		var p unsafe.Pointer
		if used == 0 {
			p = ps.add(no, n, None)
		} else { // fill the last part up first
			no--
			s, last, ok := ps.find(no)
			if !ok {
				invariants.Violated("a part of a value is missing")
				return ErrDamaged
			}
			ps.preserve(no)
			p = ps.resize(s, last, n, used)
		}
		if p == nil {
			return ErrOutOfMemory
		}
		clear(partBytes(p)[used:])
		b.total += n - used
		b.setTotal(b.total)
		more -= n - used
		used = 0
		no++
	}
	return nil
}

// IncrBy adds to the integer that the key holds, 0 if missing, keeping its deadline, and returns the sum.
func (t *Tx) IncrBy(k Key, delta int64) (int64, error) {
	var r ref
	if !t.lookup(&r, k) {
		if err := t.fits(k, 8); err != nil {
			return 0, err
		}
		if !r.create(shapeOf(layoutInt, len(k.Bytes), 8, NoDeadline), NoDeadline) {
			return 0, ErrOutOfMemory
		}
		r.setNumber(delta)
		r.changed(t.event(EventIncrBy))
		return delta, nil
	}
	if r.typ() != String {
		return 0, ErrWrongType
	}
	n, isInt := r.text().Int()
	if !isInt {
		return 0, ErrNotInteger
	}
	sum := n + delta
	if (sum > n) != (delta > 0) && delta != 0 {
		return 0, ErrOverflow
	}
	r.use()
	if r.layout() != layoutInt {
		at := r.deadline()
		if !r.resize(shapeOf(layoutInt, r.klen, 8, at), at, 0) {
			return 0, ErrOutOfMemory
		}
	} else {
		r.preserve()
	}
	r.setNumber(sum)
	r.changed(t.event(EventIncrBy))
	return sum, nil
}
