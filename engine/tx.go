package engine

import "math/bits"

// Tx is exclusive access to the shards of some keys, or to all of them. Its methods may be called only while the keys that they
// name are locked, except those that say that they lock by themselves.
type Tx struct {
	Now     int64 // Unix milliseconds, the time that expiry is judged by
	DB      int   // the selected database, 0 to Databases-1
	NoTouch bool  // reads leave recency and frequency as they are

	// KeepExpired leaves expired keys where they are, though nobody sees them. No key may be
	// written then.
	KeepExpired bool

	// As is the event that changes of values are told as, if it is not the operation's own.
	As       Event
	Listener Listener // takes what this Tx changes; if nil, the Store's own does

	store  *Store
	quiet  bool     // reads count as neither hits nor misses; see Quietly
	one    *shard   // the only shard that is locked, nil if none or several are
	many   bool     // those in locked are
	all    bool     // every shard is locked
	locked []uint64 // bit set of shards

	effects  effects  // taken from the shards
	commands []uint64 // the last effect before each further command, see NextCommand
	listener Listener // of the effects

	lent    lent
	scratch []byte // for the text of an integer, nil while it is in use
	touched uint8  // keeps the compiler from dropping the loads of Prefetch
}

// LockKey locks the shard of one key. Nothing may be locked yet.
func (t *Tx) LockKey(k Key) {
	t.one = t.shard(k)
	t.one.mu.Lock()
}

// LockKeys locks the shards of several keys, in the order of the shards, so that no two Tx wait for each other.
func (t *Tx) LockKeys(ks []Key) {
	for _, k := range ks {
		n := k.hash & t.store.mask
		t.locked[n/64] |= 1 << (n % 64)
	}
	t.many = true
	t.eachLocked(func(sh *shard) { sh.mu.Lock() })
}

// LockAll locks every shard.
func (t *Tx) LockAll() {
	for i := range t.store.shards {
		t.store.shards[i].mu.Lock()
	}
	t.all = true
}

// Unlock unlocks whatever is locked, and then passes on what happened.
func (t *Tx) Unlock() {
	switch {
	case t.one != nil:
		t.unlock(t.one)
		t.one = nil
	case t.many:
		t.eachLocked(t.unlock)
		clear(t.locked)
		t.many = false
	case t.all:
		for i := range t.store.shards {
			t.unlock(&t.store.shards[i])
		}
		t.all = false
	}
	if len(t.effects.list)+len(t.commands) != 0 {
		t.handOn()
	}
}

func (t *Tx) unlock(sh *shard) {
	sh.endViews()
	if len(sh.effects.list) != 0 {
		t.take(sh)
	}
	sh.mu.Unlock()
}

func (t *Tx) eachLocked(fn func(*shard)) {
	for i, w := range t.locked {
		for ; w != 0; w &= w - 1 {
			fn(&t.store.shards[i*64+bits.TrailingZeros64(w)])
		}
	}
}

func (t *Tx) shard(k Key) *shard { return &t.store.shards[k.hash&t.store.mask] }

// walk calls fn for every shard in turn, locked, until fn returns false.
func (t *Tx) walk(fn func(sh *shard) bool) {
	for i := range t.store.shards {
		if !t.with(i, fn) {
			return
		}
	}
}

// with calls fn for one shard, locking it unless LockAll was called.
func (t *Tx) with(i int, fn func(sh *shard) bool) bool {
	sh := &t.store.shards[i]
	if !t.all {
		sh.mu.Lock()
		defer sh.unlock()
	}
	return fn(sh)
}

// Quietly calls fn, during which reads count as neither hits nor misses: they are the look that a
// write takes, or a part of a read that was counted.
func (t *Tx) Quietly(fn func()) {
	was := t.quiet
	t.quiet = true
	fn()
	t.quiet = was
}

// count counts a hit or a miss.
func (t *Tx) count(sh *shard, hit bool) {
	switch {
	case t.quiet:
	case hit:
		sh.stats.hits++
	default:
		sh.stats.misses++
	}
}
