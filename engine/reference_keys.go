package engine

import (
	"cmp"
	"math/bits"
	"math/rand/v2"
	"slices"
)

// Tx is exclusive access to the shards of some keys, or to all of them. Its methods may be called only while the keys that they
// name are locked, except those that say that they lock by themselves.
type Tx struct {
	Now     int64 // Unix milliseconds, the time that expiry is judged by
	DB      int   // the selected database, 0 to Databases-1
	NoTouch bool  // reads leave recency and frequency as they are
	NoCount bool  // reads count as neither hits nor misses
	store   *Store
	held    []int // numbers of the locked shards, ascending
	all     bool  // held is all of them because of LockAll
}

// LockKey locks the shard of one key.
func (t *Tx) LockKey(k Key) { t.lock([]int{t.store.shardIndex(k)}) }

// LockKeys locks the shards of several keys, in shard order.
func (t *Tx) LockKeys(ks []Key) {
	var shards []int
	for _, k := range ks {
		shards = append(shards, t.store.shardIndex(k))
	}
	slices.Sort(shards)
	t.lock(slices.Compact(shards))
}

// LockAll locks every shard.
func (t *Tx) LockAll() {
	var shards []int
	for i := range t.store.shards {
		shards = append(shards, i)
	}
	t.lock(shards)
	t.all = true
}

func (t *Tx) lock(shards []int) {
	if len(t.held) > 0 {
		panic("engine: Tx is locked already")
	}
	for _, i := range shards {
		t.store.shards[i].mu.Lock()
	}
	t.held = shards
}

// Unlock unlocks whatever is locked.
func (t *Tx) Unlock() {
	for _, i := range t.held {
		t.store.shards[i].mu.Unlock()
	}
	t.held, t.all = nil, false
}

// shard returns the locked shard of a key.
func (t *Tx) shard(k Key) *shard {
	i := t.store.shardIndex(k)
	if !slices.Contains(t.held, i) {
		panic("engine: key is not locked")
	}
	return t.store.shards[i]
}

// visit calls f with a shard locked, for the methods that lock by themselves.
func (t *Tx) visit(i int, f func(sh *shard)) {
	sh := t.store.shards[i]
	if !t.all {
		if len(t.held) > 0 {
			panic("engine: some keys are locked, want none or LockAll")
		}
		sh.mu.Lock()
		defer sh.mu.Unlock()
	}
	f(sh)
}

func (t *Tx) wantAll() {
	if !t.all {
		panic("engine: LockAll was not called")
	}
}

// peek looks a key of a database up without marks or counts.
func (t *Tx) peek(db int, k Key) *entry { return t.shard(k).get(db, k.Bytes, t.Now) }

// count looks a key up and counts a hit or miss.
func (t *Tx) count(k Key) *entry {
	e := t.peek(t.DB, k)
	switch {
	case t.NoCount:
	case e != nil:
		t.store.hits.Add(1)
	default:
		t.store.misses.Add(1)
	}
	return e
}

// read looks a key up for a command that reads its value.
func (t *Tx) read(k Key) *entry {
	e := t.count(k)
	if e != nil && !t.NoTouch {
		e.use(t.Now)
	}
	return e
}

// write looks a key up for a command that changes it.
func (t *Tx) write(k Key) *entry {
	e := t.peek(t.DB, k)
	if e != nil {
		e.use(t.Now)
	}
	return e
}

// modify lets f change the value of a key of the selected database that is there.
func (t *Tx) modify(k Key, e *entry, f func()) { t.shard(k).modify(t.DB, string(k.Bytes), e, f) }

// newEntry is an entry that was never used.
func (t *Tx) newEntry(typ Type) *entry {
	return &entry{typ: typ, lastUse: t.Now, freq: initialUses}
}

// ---- keys

// Exists, Type, and Deadline look a key up as a read (hits and misses count) without touching its recency.
func (t *Tx) Exists(k Key) bool { return t.count(k) != nil }

// Type returns what the key holds, see Exists.
func (t *Tx) Type(k Key) Type {
	if e := t.count(k); e != nil {
		return e.typ
	}
	return None
}

// Deadline returns when the key expires, see Exists; at is NoDeadline for a key without a deadline; ok is false if there is no key.
func (t *Tx) Deadline(k Key) (at int64, ok bool) {
	if e := t.count(k); e != nil {
		return e.deadline, true
	}
	return NoDeadline, false
}

// Touch marks a key as used now and reports whether it exists.
func (t *Tx) Touch(k Key) bool {
	e := t.count(k)
	if e != nil {
		e.use(t.Now) // whatever NoTouch says: it is for the commands that do not ask for it
	}
	return e != nil
}

// Delete removes a key and reports whether it was there.
func (t *Tx) Delete(k Key) bool {
	if t.peek(t.DB, k) == nil {
		return false
	}
	t.shard(k).remove(t.DB, string(k.Bytes))
	return true
}

// SetDeadline sets when the key expires, in Unix milliseconds; NoDeadline removes the deadline. A time not after Now deletes the key.
// It reports whether the key was there.
func (t *Tx) SetDeadline(k Key, at int64) bool {
	e := t.write(k)
	switch {
	case e == nil:
		return false
	case at == NoDeadline && e.deadline == NoDeadline:
		return true // not a change
	case at != NoDeadline && at <= t.Now:
		return t.Delete(k)
	}
	sh, key := t.shard(k), string(k.Bytes)
	sh.remove(t.DB, key)
	e.deadline = at
	sh.put(t.DB, key, e)
	return true
}

// Rename moves src's value and deadline to dst, replacing what dst held. Both keys are locked. It reports whether src was there.
func (t *Tx) Rename(src, dst Key) bool {
	e := t.write(src)
	if e == nil {
		return false
	}
	if string(src.Bytes) == string(dst.Bytes) {
		return true // not a change
	}
	t.shard(src).remove(t.DB, string(src.Bytes))
	t.peek(t.DB, dst) // counts it as expired if it is
	t.shard(dst).put(t.DB, string(dst.Bytes), e)
	return true
}

// Copy copies value and deadline of src to dst in database dstDB. It reports false where src is missing, or dst is there and
// replace is false.
func (t *Tx) Copy(src, dst Key, dstDB int, replace bool) (bool, error) {
	e := t.read(src)
	if e == nil || t.peek(dstDB, dst) != nil && !replace {
		return false, nil
	}
	data, _ := e.size(string(dst.Bytes))
	if t.store.tooLarge(int(data)) {
		return false, ErrOutOfMemory
	}
	c := e.clone()
	c.lastUse, c.freq = t.Now, initialUses
	t.shard(dst).put(dstDB, string(dst.Bytes), c)
	return true, nil
}

// Move moves a key to another database. It reports false where the key is missing or dstDB has it already.
func (t *Tx) Move(k Key, dstDB int) bool {
	e := t.write(k)
	if e == nil || t.peek(dstDB, k) != nil {
		return false
	}
	t.shard(k).remove(t.DB, string(k.Bytes))
	t.shard(k).put(dstDB, string(k.Bytes), e)
	return true
}

// Encoding returns Redis's name of how the value is kept: int, embstr, raw, listpack or hashtable. Not a read for hits and misses.
func (t *Tx) Encoding(k Key) (string, bool) {
	e := t.peek(t.DB, k)
	if e == nil {
		return "", false
	}
	return e.encoding(), true
}

// Idle returns the milliseconds since the key was last used; Frequency an estimate of uses, 0 to 255.
func (t *Tx) Idle(k Key) (ms int64, ok bool) {
	e := t.peek(t.DB, k)
	if e == nil {
		return 0, false
	}
	return max(0, t.Now-e.lastUse), true
}

// Frequency returns an estimate of uses, see Idle.
func (t *Tx) Frequency(k Key) (n int, ok bool) {
	e := t.peek(t.DB, k)
	if e == nil {
		return 0, false
	}
	return int(e.decayed(t.Now)), true
}

// MemoryUsage returns the bytes that the key, its value and its share of the index take.
func (t *Tx) MemoryUsage(k Key) (n int, ok bool) {
	e := t.peek(t.DB, k)
	if e == nil {
		return 0, false
	}
	data, overhead := e.size(string(k.Bytes))
	return int(data + overhead), true
}

// Watch registers interest in a key and returns a token; Changed reports whether the key was changed, deleted, expired or evicted since.
// Every Watch is ended by one Unwatch with the same database and key. The key's shard is locked.
func (t *Tx) Watch(k Key) (token uint64) {
	t.peek(t.DB, k) // a key that has expired by now is a missing one, and going on being missing is no change
	sh, name := t.shard(k), watchKey{t.DB, string(k.Bytes)}
	w := sh.watch[name]
	if w == nil {
		w = &watched{}
		sh.watch[name] = w
	}
	w.refs++
	return w.version
}

// Changed reports whether the key has changed since Watch returned the token.
func (t *Tx) Changed(k Key, token uint64) bool {
	t.peek(t.DB, k) // expiry is a change
	return t.shard(k).watch[watchKey{t.DB, string(k.Bytes)}].version != token
}

// Unwatch ends a Watch.
func (t *Tx) Unwatch(k Key) {
	sh, name := t.shard(k), watchKey{t.DB, string(k.Bytes)}
	w := sh.watch[name]
	w.refs--
	if w.refs == 0 {
		delete(sh.watch, name)
	}
}

// ---- the whole database. These lock by themselves, shard after shard, unless LockAll was called.

// Len returns the number of keys of the selected database.
func (t *Tx) Len() int {
	n := 0
	for i := range t.store.shards {
		t.visit(i, func(sh *shard) { n += len(sh.db[t.DB].keys) })
	}
	return n
}

// scanBits is how many of the first bits of hashes order a scan.
const scanBits = 40

// scanned is a key or field in the order of a scan.
type scanned struct {
	pos  uint64
	name string
}

// scanPage returns the first items from a position on, about count but never only some of those with equal positions, and the
// position to go on with, 0 at the end. Positions come from hashes, so nothing that comes or goes moves the others.
func scanPage(items []scanned, from uint64, count int) (page []scanned, next uint64) {
	items = slices.DeleteFunc(items, func(it scanned) bool { return it.pos < from })
	slices.SortFunc(items, func(a, b scanned) int { return cmp.Compare(a.pos, b.pos) })
	n := min(max(count, 1), len(items))
	for n > 0 && n < len(items) && items[n].pos == items[n-1].pos {
		n++
	}
	if n == len(items) {
		return items, 0
	}
	return items[:n], items[n].pos
}

// scanPos returns where a hash stands in the order of a scan.
func scanPos(hash uint64) uint64 { return hash >> (64 - scanBits) }

// Scan calls fn for the keys of about count slots from cursor on and returns the cursor to go on with, 0 at the end. A key that is
// there during the whole iteration is passed at least once. key is valid during the call only; fn must not use the Tx.
func (t *Tx) Scan(cursor uint64, count int, fn func(key []byte, typ Type)) uint64 {
	shards := len(t.store.shards)
	shardBits := bits.Len(uint(shards - 1))
	from := cursor >> shardBits
	left := max(count, 1)
	for i := int(cursor & uint64(shards-1)); i < shards; i++ {
		if left <= 0 {
			return uint64(i) // position 0 of the shard
		}
		var next uint64
		t.visit(i, func(sh *shard) {
			var page []scanned
			page, next = scanPage(sh.scanned(t.DB, t.Now), from, left)
			left -= len(page)
			for _, it := range page {
				fn([]byte(it.name), sh.db[t.DB].keys[it.name].typ)
			}
		})
		if next != 0 {
			return next<<shardBits | uint64(i)
		}
		from = 0
	}
	return 0
}

// scanned returns the keys of a database that have not expired.
func (sh *shard) scanned(db int, now int64) []scanned {
	var items []scanned
	for key, e := range sh.db[db].keys {
		if e.isExpired(now) {
			sh.expire(db, key)
			continue
		}
		items = append(items, scanned{scanPos(hashOf([]byte(key))), key})
	}
	return items
}

// Random appends a random key to dst.
func (t *Tx) Random(dst []byte) (key []byte, ok bool) {
	n := t.Len()
	if n == 0 {
		return dst, false
	}
	skip := rand.IntN(n)
	// Twice around: keys may go between Len and here, and expired ones do not count.
	for i := range 2 * len(t.store.shards) {
		t.visit(i%len(t.store.shards), func(sh *shard) {
			items := sh.scanned(t.DB, t.Now)
			if skip < len(items) || i >= len(t.store.shards) && len(items) > 0 {
				key, ok = append(dst, items[skip%len(items)].name...), true
			}
			skip -= min(skip, len(items))
		})
		if ok {
			return key, true
		}
	}
	return dst, false
}

// Flush empties the selected database, FlushAll all of them, SwapDB exchanges two. LockAll must have been called.
func (t *Tx) Flush() { t.flush(t.DB) }

// FlushAll empties all databases, see Flush.
func (t *Tx) FlushAll() {
	for db := range Databases {
		t.flush(db)
	}
}

func (t *Tx) flush(db int) {
	t.wantAll()
	for _, sh := range t.store.shards {
		for key := range sh.db[db].keys {
			sh.remove(db, key)
		}
		sh.db[db] = newTable() // Go's maps do not shrink
	}
}

// SwapDB exchanges two databases, see Flush. It is a change of the watched keys that are there in either.
func (t *Tx) SwapDB(a, b int) {
	t.wantAll()
	if a == b {
		return
	}
	for _, sh := range t.store.shards {
		for w := range sh.watch {
			if w.db != a && w.db != b {
				continue
			}
			inA, inB := sh.get(a, []byte(w.key), t.Now), sh.get(b, []byte(w.key), t.Now)
			if inA != nil || inB != nil {
				sh.touch(w.db, w.key)
			}
		}
		sh.db[a], sh.db[b] = sh.db[b], sh.db[a]
	}
}
