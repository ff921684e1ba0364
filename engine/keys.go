package engine

// Read counts as a read of a key, and marks it as used; it reports whether the key is there.
func (t *Tx) Read(k Key) bool {
	var r ref
	return t.read(&r, k)
}

// Elements returns how many elements the value of a key has, 0 if it is missing or a string. It is no read.
func (t *Tx) Elements(k Key) int {
	var r ref
	if !t.lookup(&r, k) {
		return 0
	}
	return types[r.typ()].elements(r.view)
}

// Exists reports whether a key is there. It counts as a read but leaves recency alone, as do Type and Deadline.
func (t *Tx) Exists(k Key) bool { return t.Type(k) != None }

// Type returns what a key holds, None if it is missing.
func (t *Tx) Type(k Key) Type {
	var r ref
	if !t.peek(&r, k) {
		return None
	}
	return r.typ()
}

// Deadline returns when a key expires, in Unix milliseconds: NoDeadline for never. ok is false if there is no key.
func (t *Tx) Deadline(k Key) (at int64, ok bool) {
	var r ref
	if !t.peek(&r, k) {
		return NoDeadline, false
	}
	return r.deadline(), true
}

// Touch marks a key as used now, whatever NoTouch says, and reports whether it exists. A read.
func (t *Tx) Touch(k Key) bool {
	var r ref
	if t.peek(&r, k) {
		r.use()
	}
	return r.there
}

// Delete removes a key and reports whether it was there.
func (t *Tx) Delete(k Key) bool {
	var r ref
	if !t.lookup(&r, k) {
		return false
	}
	r.remove(t.event(EventDel))
	return true
}

// SetDeadline sets when the key expires, in Unix milliseconds; NoDeadline removes the deadline. A time not after Now deletes the key.
// It reports whether the key was there.
func (t *Tx) SetDeadline(k Key, at int64) bool {
	var r ref
	if !t.lookup(&r, k) {
		return false
	}
	if at != NoDeadline && at <= t.Now {
		r.remove(EventDel)
		return true
	}
	old, e := r.deadline(), EventExpire
	if at == NoDeadline {
		e = EventPersist
	}
	if old == NoDeadline && at == NoDeadline {
		return true
	}
	r.preserve()
	if r.setDeadline(at) {
		r.sp.dropDeadline(old)
		r.sh.addDeadline(r.sp, r.slot.loc(), at)
	} else if !r.resize(shapeOf(r.flags, r.klen, r.vlen, at), at, r.vlen) {
		return false
	}
	r.changed(e)
	return true
}

// Rename moves src's value and deadline to dst, replacing what dst held. Both keys are locked. It reports whether src was there.
func (t *Tx) Rename(src, dst Key) (bool, error) {
	if string(src.Bytes) == string(dst.Bytes) {
		var r ref
		return t.lookup(&r, src), nil
	}
	ok, err := t.copy(src, dst, t.DB, true)
	if !ok || err != nil {
		return false, err
	}
	t.leave(src, EventRenameFrom)
	t.tell(t.DB, dst, EventRenameTo)
	return true, nil
}

// leave removes a key that was copied, and tells the event.
func (t *Tx) leave(k Key, e Event) {
	var r ref
	if t.lookup(&r, k) {
		r.remove(e)
	}
}

// Move moves a key to another database. It reports false where the key is missing or dstDB has it already.
func (t *Tx) Move(k Key, dstDB int) (bool, error) {
	if dstDB == t.DB {
		return false, nil
	}
	ok, err := t.copy(k, k, dstDB, false)
	if !ok || err != nil {
		return false, err
	}
	t.leave(k, EventMoveFrom)
	t.tell(dstDB, k, EventMoveTo)
	return true, nil
}

// Copy copies value and deadline of src to dst in database dstDB. It reports false where src is missing, or dst is there and
// replace is false. A read of src.
func (t *Tx) Copy(src, dst Key, dstDB int, replace bool) (bool, error) {
	if !t.Read(src) {
		return false, nil
	}
	if dstDB == t.DB && string(src.Bytes) == string(dst.Bytes) {
		return replace, nil
	}
	ok, err := t.copy(src, dst, dstDB, replace)
	if ok && err == nil {
		t.tell(dstDB, dst, EventCopyTo)
	}
	return ok, err
}

// copy is Copy for keys that differ, or databases that do. It leaves it to the caller to tell what
// happened.
func (t *Tx) copy(src, dst Key, dstDB int, replace bool) (bool, error) {
	if len(dst.Bytes) > MaxKey {
		return false, ErrKeyTooLong
	}
	var from, to ref
	if !t.lookup(&from, src) {
		return false, nil
	}
	if t.lookupIn(dstDB, &to, dst) {
		if !replace {
			return false, nil
		}
		to.vanish()
		if err := to.copyFrom(&from); err != nil {
			to.changed(EventDel)
			return true, err
		}
		return true, nil
	}
	return true, to.copyFrom(&from)
}

// copyFrom makes the key, which must be missing, with value and deadline of another, whose record stays where it is meanwhile.
func (r *ref) copyFrom(from *ref) error {
	at := from.deadline()
	of, n := from.sh.partsOf(from.sp, &from.view)
	var own parts
	if from.layout() == layoutParts {
		own = r.newParts(at)
		if err := own.copy(of, n); err != nil {
			return err
		}
	}
	if !r.create(shapeOf(from.flags, len(r.key.Bytes), from.vlen, at), at) {
		if own.sh != nil {
			own.doom(0, n)
		}
		return ErrOutOfMemory
	}
	copy(r.valBytes(), from.valBytes())
	if own.sh != nil {
		r.setID(own.owner.id)
	}
	return nil
}

// Encoding returns Redis's name of how the value would be kept: int, embstr, raw, intset, listpack or hashtable. Not a read for hits and misses.
func (t *Tx) Encoding(k Key) (string, bool) {
	var r ref
	if !t.lookup(&r, k) {
		return "", false
	}
	return types[r.typ()].encoding(r.view), true
}

// indexShare is what MemoryUsage counts of the tables for each record in them: a bucket of 64 bytes for ten records, a fifth to two fifths
// of that for overflow buckets, and what is unused of their blocks.
const indexShare = 10

// MemoryUsage returns the bytes that the key, its value and its share of the index take.
func (t *Tx) MemoryUsage(k Key) (n int, ok bool) {
	var r ref
	if !t.lookup(&r, k) {
		return 0, false
	}
	_, parts := r.sh.partsOf(r.sp, &r.view)
	return r.size + indexShare + r.bytes() + int(parts)*(partHeader+indexShare), true
}
