package engine

import "math/bits"

// ref is a key that an operation works on: where it belongs, and its record if there is one. It is
// valid while the shard is locked. What changes the record by another way than through the ref
// makes view and slot wrong, until find.
type ref struct {
	view  // its record, if it is there
	there bool
	slot  slot
	sh    *shard
	sp    *space
	key   Key
	now   int64 // Unix milliseconds
}

// lookup makes r the ref of a key in the selected database, and reports whether it is there and has
// not expired.
func (t *Tx) lookup(r *ref, k Key) bool { return t.lookupIn(t.DB, r, k) }

// lookupIn is lookup in any database.
func (t *Tx) lookupIn(db int, r *ref, k Key) bool {
	r.sh = t.shard(k)
	r.sp, r.key, r.now = r.sh.dbs[db], k, t.Now
	if !r.find() {
		return false
	}
	if r.ttl != 0 && r.sh.expired(&r.view, t.Now) {
		if !t.KeepExpired {
			r.expire()
		}
		r.there = false
	}
	return r.there
}

// read is lookup for commands that read: it counts the hit or miss, and marks the key as used.
func (t *Tx) read(r *ref, k Key) bool {
	there := t.lookup(r, k)
	t.count(r.sh, there)
	if there && !t.NoTouch {
		r.use()
	}
	return there
}

// peek is lookup for commands that count as reads and leave recency alone.
func (t *Tx) peek(r *ref, k Key) bool {
	there := t.lookup(r, k)
	t.count(r.sh, there)
	return there
}

// find finds the record of the key, expired or not, and reports whether it is there. Its loop is the
// hottest of the engine.
func (r *ref) find() bool {
	t := &r.sp.keys
	if t.buckets == 0 {
		r.there = false
		return false
	}
	tag := tagOf(r.key.hash)
	for b := t.bucket(t.index(r.key.hash)); b != nil; b = t.child(b) {
		lo, hi := matches(b, tag)
		for lo != 0 {
			i := bits.TrailingZeros64(lo) / 8
			lo &= lo - 1
			if v := decode(r.sh.at(loc(load32(b, bucketLocs+4*i)))); string(v.keyBytes()) == string(r.key.Bytes) {
				r.view, r.slot, r.there = v, slot{b, i}, true
				return true
			}
		}
		for hi != 0 {
			i := 8 + bits.TrailingZeros32(hi)/8
			hi &= hi - 1
			if v := decode(r.sh.at(loc(load32(b, bucketLocs+4*i)))); string(v.keyBytes()) == string(r.key.Bytes) {
				r.view, r.slot, r.there = v, slot{b, i}, true
				return true
			}
		}
	}
	r.there = false
	return false
}

// refAt returns the ref of a record that the table has in a slot. Its key is the record's.
func (sh *shard) refAt(sp *space, s slot, v view, hash uint64) ref {
	return ref{view: v, there: true, slot: s, sh: sh, sp: sp, key: Key{v.keyBytes(), hash}}
}

// refTo returns the ref of the record at a location, which has a key. ok is false if the table does not have it.
func (sh *shard) refTo(l loc) (r ref, ok bool) {
	v := decode(sh.at(l))
	sp, h := sh.spaces[v.space], hashBytes(v.keyBytes())
	s, ok := sh.slotOf(&sp.keys, h, l)
	return sh.refAt(sp, s, v, h), ok
}

// use marks the record as used.
func (r *ref) use() { r.sh.use(&r.view) }

// preserve is called before the record, or what belongs to it, changes or goes. It saves what a
// snapshot still needs.
func (r *ref) preserve() {
	if r.flags&flagColour != r.sh.colour {
		r.sh.save(r.sp, r.slot.loc(), &r.view)
	}
}

// class returns the class of what is added to a key with a deadline.
func (r *ref) class(at int64) class { return classOf(at, r.now) }
