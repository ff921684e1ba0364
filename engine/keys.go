package engine

// Exists reports whether a key is there. It counts as a read but leaves recency alone, as do Type and Deadline.
func (t *Tx) Exists(k Key) bool { return t.Type(k) != None }

// Type returns what a key holds, None if it is missing.
func (t *Tx) Type(k Key) Type {
	_, v, ok := t.peek(k)
	if !ok {
		return None
	}
	return v.typ()
}

// Deadline returns when a key expires, in Unix milliseconds: NoDeadline for never. ok is false if there is no key.
func (t *Tx) Deadline(k Key) (at int64, ok bool) {
	_, v, ok := t.peek(k)
	if !ok {
		return NoDeadline, false
	}
	return v.deadline(), true
}

// peek looks a key up, counting the hit or miss.
func (t *Tx) peek(k Key) (*shard, view, bool) {
	sh, _, _, v, ok := t.lookup(k)
	t.count(sh, ok)
	return sh, v, ok
}

// Touch marks a key as used now and reports whether it exists.
func (t *Tx) Touch(k Key) bool {
	_, _, _, _, ok := t.read(k)
	return ok
}

// Delete removes a key and reports whether it was there.
func (t *Tx) Delete(k Key) bool {
	sh, sp, s, v, ok := t.lookup(k)
	if ok {
		sh.remove(sp, s, &v, k.hash)
	}
	return ok
}

// SetDeadline sets when the key expires, in Unix milliseconds; NoDeadline removes the deadline. A time not after Now deletes the key.
// It reports whether the key was there.
func (t *Tx) SetDeadline(k Key, at int64) bool {
	sh, sp, s, v, ok := t.lookup(k)
	if !ok {
		return false
	}
	if at != NoDeadline && at <= t.Now {
		sh.remove(sp, s, &v, k.hash)
		return true
	}
	old := v.deadline()
	if old == NoDeadline && at == NoDeadline {
		return true
	}
	if v.setDeadline(at) {
		sp.dropDeadline(old)
		sh.addDeadline(sp, s.loc(), at)
		sh.touch(sp, k.Bytes)
		return true
	}
	flags := withDeadline(v.flags&^(flagTTL|flagWide), at)
	return sh.resize(sp, s, &v, k, shape{flags, v.klen, v.vlen}, at, t.Now, v.vlen)
}

// Rename moves src's value and deadline to dst, replacing what dst held. Both keys are locked. It reports whether src was there.
func (t *Tx) Rename(src, dst Key) (bool, error) {
	if string(src.Bytes) == string(dst.Bytes) {
		_, _, _, _, ok := t.lookup(src)
		return ok, nil
	}
	ok, err := t.Copy(src, dst, t.DB, true)
	if !ok || err != nil {
		return false, err
	}
	return t.Delete(src), nil
}

// Move moves a key to another database. It reports false where the key is missing or dstDB has it already.
func (t *Tx) Move(k Key, dstDB int) (bool, error) {
	ok, err := t.Copy(k, k, dstDB, false)
	if !ok || err != nil {
		return false, err
	}
	return t.Delete(k), nil
}

// Copy copies value and deadline of src to dst in database dstDB. It reports false where src is missing, or dst is there and
// replace is false.
func (t *Tx) Copy(src, dst Key, dstDB int, replace bool) (bool, error) {
	if len(dst.Bytes) > maxKey {
		return false, ErrKeyTooLong
	}
	sh, sp, _, v, ok := t.lookup(src)
	if !ok {
		return false, nil
	}
	home := t.DB
	t.DB = dstDB
	to, space, s, old, there := t.lookup(dst)
	t.DB = home
	if there {
		if !replace {
			return false, nil
		}
		to.remove(space, s, &old, dst.hash)
	}
	return true, to.copyFrom(space, dst, sh, sp, &v, t.Now)
}

// copyFrom makes a key, which must be missing, with the value and deadline of a record, which may be another shard's.
func (sh *shard) copyFrom(sp *keyspace, k Key, from *shard, space *keyspace, v *view, now int64) error {
	runs := from.partRuns(space, v)
	o := owner{}
	if runs.main+runs.refs > 0 {
		o = sh.newOwner(k.hash)
		if !sh.copyParts(sp, o, classOf(v.deadline(), now), from, space, runs) {
			return ErrOutOfMemory
		}
	}
	rec, ok := sh.create(sp, k, shape{v.flags, len(k.Bytes), v.vlen}, v.deadline(), now)
	if !ok {
		sh.doom(sp, partRuns{o, runs.main, runs.refs})
		return ErrOutOfMemory
	}
	copy(rec.valBytes(), v.valBytes())
	if kd := v.kind(); kd == kindBigStr || kd == kindBigHash {
		store32(rec.p, rec.val, o.id)
	}
	return nil
}

// copyParts copies parts of another owner, which may be in another shard.
func (sh *shard) copyParts(sp *keyspace, o owner, c class, from *shard, space *keyspace, runs partRuns) bool {
	for _, run := range [2][2]uint32{{0, runs.main}, {refParts, runs.refs}} {
		for no := run[0]; no < run[0]+run[1]; no++ {
			_, p, ok := from.findPart(space, runs.owner, no)
			if !ok {
				continue // a field's value that was deleted
			}
			b := partBytes(p)
			q := sh.addPart(sp, c, o, no, len(b))
			if q == nil {
				sh.doom(sp, partRuns{o, runs.main, runs.refs})
				return false
			}
			copy(partBytes(q), b)
		}
	}
	return true
}

// Redis's limits for its compact encodings, which Encoding tells by: a cache does not depend on them, but people look.
const (
	embstrMax       = 44  // bytes of an embstr string
	listpackEntries = 512 // fields of a listpack hash
	listpackValue   = 64  // bytes of a field or value in a listpack
)

// Encoding returns Redis's name of how the value would be kept: int, embstr, raw, listpack or hashtable. Not a read for hits and misses.
func (t *Tx) Encoding(k Key) (string, bool) {
	sh, sp, _, v, ok := t.lookup(k)
	if !ok {
		return "", false
	}
	switch v.kind() {
	case kindInt:
		return "int", true
	case kindHash:
		if v.flags&flagRaw == 0 {
			return "listpack", true
		}
		return "hashtable", true
	case kindBigHash:
		return "hashtable", true
	}
	if v.flags&flagRaw == 0 && sh.valueLen(sp, &v) <= embstrMax {
		return "embstr", true
	}
	return "raw", true
}

// Idle returns at least how many milliseconds ago the key was last used. ok is false if there is no key.
func (t *Tx) Idle(k Key) (ms int64, ok bool) {
	sh, _, _, v, ok := t.lookup(k)
	if !ok {
		return 0, false
	}
	return sh.clock.idle(v.access(), t.Now), true
}

// Frequency returns an estimate of how often the key was used, 0 to 255 on Redis's logarithmic scale. ok is false if there is no key.
func (t *Tx) Frequency(k Key) (n int, ok bool) {
	_, _, _, v, ok := t.lookup(k)
	if !ok {
		return 0, false
	}
	return int(v.access()) * 17, true
}

// MemoryUsage returns the bytes that the key, its value and its share of the index take.
func (t *Tx) MemoryUsage(k Key) (n int, ok bool) {
	const share = bucketSize * 5 / 4 / fullBuckets // of the index, with overflow buckets
	sh, sp, _, v, ok := t.lookup(k)
	if !ok {
		return 0, false
	}
	runs := sh.partRuns(sp, &v)
	n = v.size + share
	switch v.kind() {
	case kindBigStr:
		b := v.bigStr()
		n += b.total - len(b.head) + int(runs.main)*(partHeader+share)
	case kindBigHash:
		h := v.bigHash()
		n += h.bytes() + int(runs.main)*(partHeader+share)
	}
	return n, true
}
