package engine

import (
	"math/rand/v2"
	"slices"
	"strconv"
)

// Value is a view of a string value. It aliases the engine's memory and is valid until the Tx is unlocked or writes.
type Value struct {
	b []byte
}

// Len returns the length in bytes.
func (v Value) Len() int { return len(v.b) }

// AppendTo appends the value's bytes to dst.
func (v Value) AppendTo(dst []byte) []byte { return append(dst, v.b...) }

// AppendRange appends the bytes from index from up to but not including index to, which must be within the value, to dst.
func (v Value) AppendRange(dst []byte, from, to int) []byte { return append(dst, v.b[from:to]...) }

// Int returns the value as an integer, if it is the canonical text of an int64.
func (v Value) Int() (int64, bool) { return parseInt(v.b) }

// wrongType returns the error for an entry that holds another type than wanted. A missing one holds any type.
func wrongType(e *entry, want Type) error {
	if e != nil && e.typ != want {
		return ErrWrongType
	}
	return nil
}

// ---- strings

// Get returns the value; ok is false if the key is missing. A read.
func (t *Tx) Get(k Key) (v Value, ok bool, err error) {
	e := t.read(k)
	if err := wrongType(e, String); e == nil || err != nil {
		return Value{}, false, err
	}
	return Value{e.val}, true, nil
}

// Set stores a string whatever the key held before. val is copied. deadline is in Unix milliseconds, NoDeadline or KeepDeadline.
func (t *Tx) Set(k Key, val []byte, deadline int64) error {
	if t.store.tooLarge(len(k.Bytes) + len(val)) {
		return ErrOutOfMemory
	}
	e := t.newEntry(String)
	e.val, e.deadline = slices.Clone(val), deadline
	old := t.write(k)
	if old != nil {
		e.freq = old.freq
	}
	if deadline == KeepDeadline {
		e.deadline = NoDeadline
		if old != nil {
			e.deadline = old.deadline
		}
	}
	t.shard(k).put(t.DB, string(k.Bytes), e)
	return nil
}

// Append appends to a string, making it if missing, and returns its new length. SetRange writes at an offset, padding with zero
// bytes; an empty val changes nothing.
func (t *Tx) Append(k Key, val []byte) (n int, err error) {
	e := t.write(k)
	if err := wrongType(e, String); err != nil {
		return 0, err
	}
	if e == nil {
		if err := t.Set(k, val, NoDeadline); err != nil { // not raw, as in Redis
			return 0, err
		}
		return len(val), nil
	}
	return t.writeAt(k, e, len(e.val), val)
}

// SetRange writes at an offset, see Append.
func (t *Tx) SetRange(k Key, off int, val []byte) (n int, err error) {
	e := t.write(k)
	if err := wrongType(e, String); err != nil {
		return 0, err
	}
	if len(val) > 0 {
		return t.writeAt(k, e, off, val)
	}
	if e == nil {
		return 0, nil
	}
	return len(e.val), nil
}

// writeAt writes val at an offset of a string, made if e is nil, and returns the new length.
func (t *Tx) writeAt(k Key, e *entry, off int, val []byte) (int, error) {
	size := off + len(val)
	if e != nil {
		size = max(size, len(e.val))
	}
	if t.store.tooLarge(len(k.Bytes) + size) {
		return 0, ErrOutOfMemory
	}
	if e == nil {
		e = t.newEntry(String)
		t.shard(k).put(t.DB, string(k.Bytes), e)
	}
	t.modify(k, e, func() {
		if size > len(e.val) {
			e.val = append(e.val, make([]byte, size-len(e.val))...)
		}
		copy(e.val[off:], val)
		e.raw = true
	})
	return size, nil
}

// IncrBy adds to the integer that the key holds, 0 if missing, keeping its deadline, and returns the sum.
func (t *Tx) IncrBy(k Key, delta int64) (int64, error) {
	e := t.write(k)
	if err := wrongType(e, String); err != nil {
		return 0, err
	}
	var old []byte
	if e != nil {
		old = e.val
	}
	sum, err := add(old, e != nil, delta)
	if err != nil {
		return 0, err
	}
	if err := t.Set(k, strconv.AppendInt(nil, sum, 10), KeepDeadline); err != nil {
		return 0, err
	}
	return sum, nil
}

// ---- hashes. A hash exists while it has fields.

// HSet sets a field and reports whether it is new. field and val are copied.
func (t *Tx) HSet(k Key, field, val []byte) (added bool, err error) {
	e := t.write(k)
	if err := wrongType(e, Hash); err != nil {
		return false, err
	}
	data := len(k.Bytes)
	if e != nil {
		data += e.hash.bytes
	}
	if t.store.tooLarge(data + len(field) + len(val)) {
		return false, ErrOutOfMemory
	}
	if e == nil {
		e = t.newEntry(Hash)
		e.hash = &hashValue{}
		t.shard(k).put(t.DB, string(k.Bytes), e)
	}
	t.modify(k, e, func() { added = e.hash.set(field, val) })
	return added, nil
}

// HGet returns a field's value. A read of the key.
func (t *Tx) HGet(k Key, field []byte) (v Value, ok bool, err error) {
	e := t.read(k)
	if err := wrongType(e, Hash); e == nil || err != nil {
		return Value{}, false, err
	}
	i, ok := e.hash.find(field)
	if !ok {
		return Value{}, false, nil
	}
	return Value{e.hash.pairs[i].val}, true, nil
}

// HDel deletes a field and reports whether it was there. The key goes with its last field.
func (t *Tx) HDel(k Key, field []byte) (bool, error) {
	e := t.write(k)
	if err := wrongType(e, Hash); e == nil || err != nil {
		return false, err
	}
	i, ok := e.hash.find(field)
	if !ok {
		return false, nil
	}
	t.modify(k, e, func() { e.hash.del(i) })
	if len(e.hash.pairs) == 0 {
		t.Delete(k)
	}
	return true, nil
}

// HLen returns the number of fields, 0 if the key is missing. A read.
func (t *Tx) HLen(k Key) (int, error) {
	e := t.read(k)
	if err := wrongType(e, Hash); e == nil || err != nil {
		return 0, err
	}
	return len(e.hash.pairs), nil
}

// HIncrBy adds to a field's integer, 0 if missing, and returns the sum.
func (t *Tx) HIncrBy(k Key, field []byte, delta int64) (int64, error) {
	e := t.write(k)
	if err := wrongType(e, Hash); err != nil {
		return 0, err
	}
	var old []byte
	there := false
	if e != nil {
		var i int
		if i, there = e.hash.find(field); there {
			old = e.hash.pairs[i].val
		}
	}
	sum, err := add(old, there, delta)
	if err != nil {
		return 0, err
	}
	if _, err := t.HSet(k, field, strconv.AppendInt(nil, sum, 10)); err != nil {
		return 0, err
	}
	return sum, nil
}

// HEach calls fn for every field until it returns false. The slices are valid during the call only. A read. Small hashes keep the
// order of insertion.
func (t *Tx) HEach(k Key, fn func(field, val []byte) bool) error {
	e := t.read(k)
	if err := wrongType(e, Hash); e == nil || err != nil {
		return err
	}
	for _, p := range e.hash.pairs {
		if !fn(p.field, p.val) {
			break
		}
	}
	return nil
}

// HScan is Scan for the fields of a hash. A small hash is passed whole.
func (t *Tx) HScan(k Key, cursor uint64, count int, fn func(field, val []byte)) (uint64, error) {
	e := t.read(k)
	if err := wrongType(e, Hash); e == nil || err != nil {
		return 0, err
	}
	if e.hash.index == nil {
		for _, p := range e.hash.pairs {
			fn(p.field, p.val)
		}
		return 0, nil
	}
	var items []scanned
	for _, p := range e.hash.pairs {
		items = append(items, scanned{scanPos(hashOf(p.field)), string(p.field)})
	}
	page, next := scanPage(items, cursor, count)
	for _, it := range page {
		i := e.hash.index[it.name]
		fn(e.hash.pairs[i].field, e.hash.pairs[i].val)
	}
	return next, nil
}

// HRandom calls fn with a field chosen uniformly at random; ok is false if the key is missing. A read.
func (t *Tx) HRandom(k Key, fn func(field, val []byte)) (ok bool, err error) {
	e := t.read(k)
	if err := wrongType(e, Hash); e == nil || err != nil {
		return false, err
	}
	p := e.hash.pairs[rand.IntN(len(e.hash.pairs))]
	fn(p.field, p.val)
	return true, nil
}
