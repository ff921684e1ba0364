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

// Touch marks a key as used now, whatever NoTouch says, and reports whether it exists. A read.
func (t *Tx) Touch(k Key) bool {
	sh, v, ok := t.peek(k)
	if ok {
		sh.use(&v)
	}
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
	sh.preserve(sp, s, &v)
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
	ok, err := t.copy(src, dst, t.DB, true)
	if !ok || err != nil {
		return false, err
	}
	return t.Delete(src), nil
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
	return t.Delete(k), nil
}

// Copy copies value and deadline of src to dst in database dstDB. It reports false where src is missing, or dst is there and
// replace is false. A read of src.
func (t *Tx) Copy(src, dst Key, dstDB int, replace bool) (bool, error) {
	if _, _, _, _, ok := t.read(src); !ok {
		return false, nil
	}
	if dstDB == t.DB && string(src.Bytes) == string(dst.Bytes) {
		return replace, nil
	}
	return t.copy(src, dst, dstDB, replace)
}

// copy is Copy for keys that differ, or databases that do.
func (t *Tx) copy(src, dst Key, dstDB int, replace bool) (bool, error) {
	if len(dst.Bytes) > MaxKey {
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
	at, big := v.deadline(), v.kind() == kindBigStr || v.kind() == kindBigHash
	o := owner{}
	if big {
		o = sh.newOwner(k.hash)
		if err := sh.copyParts(sp, o, classOf(at, now), from, space, v); err != nil {
			return err
		}
	}
	rec, ok := sh.create(sp, k, shape{withDeadline(v.flags&^(flagTTL|flagWide), at), len(k.Bytes), v.vlen}, at, now)
	if !ok {
		if big {
			_, n := sh.partsOf(v)
			sh.doom(sp, o, 0, n)
		}
		return ErrOutOfMemory
	}
	copy(rec.valBytes(), v.valBytes())
	if big {
		store32(rec.p, rec.val, o.id)
	}
	return nil
}

// copyParts copies the parts of a value, which may be in another shard, to another owner.
func (sh *shard) copyParts(sp *keyspace, o owner, c class, from *shard, space *keyspace, v *view) error {
	of, n := from.partsOf(v)
	for no := uint32(0); no < n; no++ {
		err := sh.copyPart(sp, o, c, from, space, of, no)
		if err != nil {
			sh.doom(sp, o, 0, no+1)
			return err
		}
	}
	return nil
}

// copyPart copies one part. With a bucket of a hash, it copies the parts that its entries refer to.
func (sh *shard) copyPart(sp *keyspace, o owner, c class, from *shard, space *keyspace, of owner, no uint32) error {
	_, p, ok := from.findPart(space, of, no)
	if !ok {
		return nil // an empty bucket
	}
	b, bucket := partBytes(p), load8(p, 0)&flagBucket != 0
	add := sh.addPart
	if bucket {
		add = sh.addBucket
	}
	q := add(sp, c, o, no, len(b))
	if q == nil {
		return ErrOutOfMemory
	}
	copy(partBytes(q), b)
	var err error
	if bucket {
		eachEntry(b, hashBucket(b).entries(), func(e entry) bool {
			e.eachRef(func(first uint32, n int) {
				for i := uint32(0); err == nil && i < uint32(partCount(n)); i++ {
					err = sh.copyPart(sp, o, c, from, space, of, first+i)
				}
			})
			return err == nil
		})
	}
	return err
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
	case kindHash, kindBigHash:
		if v.flags&flagRaw == 0 {
			return "listpack", true
		}
		return "hashtable", true
	}
	if v.flags&flagRaw == 0 && sh.valueLen(sp, &v) <= embstrMax {
		return "embstr", true
	}
	return "raw", true
}

// indexShare is what MemoryUsage counts of the tables for each record in them: a bucket of 64 bytes for ten records, a fifth to two fifths
// of that for overflow buckets, and what is unused of their blocks.
const indexShare = 10

// MemoryUsage returns the bytes that the key, its value and its share of the index take.
func (t *Tx) MemoryUsage(k Key) (n int, ok bool) {
	sh, _, _, v, ok := t.lookup(k)
	if !ok {
		return 0, false
	}
	_, parts := sh.partsOf(&v)
	n = v.size + indexShare
	switch v.kind() {
	case kindBigStr:
		b := v.bigStr()
		n += b.total - len(b.head) + int(parts)*(partHeader+indexShare)
	case kindBigHash:
		n += v.bigHash(k.hash).bytes() + int(parts)*(partHeader+indexShare)
	}
	return n, true
}
