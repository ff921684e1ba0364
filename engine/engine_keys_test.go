package engine_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/redistill/redistill/engine"
)

func (f *fixture) exists(key string) bool { return f.tx.Exists(f.k(key)) }

// inDB does something with another database selected.
func (f *fixture) inDB(db int, do func()) {
	was := f.tx.DB
	f.tx.DB = db
	defer func() { f.tx.DB = was }()
	do()
}

func TestKeyLookups(t *testing.T) {
	f := open(t, engine.Options{})
	equal(t, "Exists", f.exists("k"), false)
	equal(t, "Type", f.tx.Type(f.k("k")), engine.None)
	equal(t, "Touch", f.tx.Touch(f.k("k")), false)
	equal(t, "Delete", f.tx.Delete(f.k("k")), false)
	equal(t, "SetDeadline", f.tx.SetDeadline(f.k("k"), f.base+1), false)
	_, ok := f.tx.Deadline(f.k("k"))
	equal(t, "Deadline", ok, false)
	f.set("k", "v")
	equal(t, "Exists", f.exists("k"), true)
	equal(t, "Type", f.tx.Type(f.k("k")), engine.String)
	equal(t, "Touch", f.tx.Touch(f.k("k")), true)
	equal(t, "Deadline", f.deadline("k"), engine.NoDeadline)
	equal(t, "Delete", f.tx.Delete(f.k("k")), true)
	equal(t, "Exists", f.exists("k"), false)
	equal(t, "Len", f.tx.Len(), 0)
}

func TestSetDeadline(t *testing.T) {
	f := open(t, engine.Options{})
	f.set("k", "v")
	equal(t, "set", f.tx.SetDeadline(f.k("k"), f.base+1000), true)
	equal(t, "deadline", f.deadline("k"), f.base+1000)
	equal(t, "Expires", f.stats().Expires[0], 1)
	equal(t, "removed", f.tx.SetDeadline(f.k("k"), engine.NoDeadline), true)
	equal(t, "deadline", f.deadline("k"), engine.NoDeadline)
	equal(t, "Expires", f.stats().Expires[0], 0)
	equal(t, "value", f.get("k"), "v")
	for _, at := range []int64{f.base, f.base - 1, 1, -5} {
		f.set("k", "v")
		equal(t, "now or before", f.tx.SetDeadline(f.k("k"), at), true)
		equal(t, "deleted", f.exists("k"), false)
	}
	equal(t, "not counted as expired", f.stats().Expired, 0)
}

func TestExpiry(t *testing.T) {
	f := open(t, engine.Options{})
	f.setUntil("k", "v", f.base+1000)
	f.tx.Now = f.base + 999
	equal(t, "before", f.get("k"), "v")
	f.tx.Now = f.base + 1001
	equal(t, "after", f.get("k"), "(missing)")
	st := f.stats()
	equal(t, "Expired", st.Expired, 1)
	equal(t, "Keys", st.Keys[0], 0)
	equal(t, "Expires", st.Expires[0], 0)
}

// Every method must see a key as missing once its deadline has passed.
func TestEveryMethodExpires(t *testing.T) {
	var f *fixture
	k, other := func() engine.Key { return f.k("k") }, func() engine.Key { return f.k("other") }
	there := map[string]func() bool{
		"Exists":      func() bool { return f.tx.Exists(k()) },
		"Type":        func() bool { return f.tx.Type(k()) != engine.None },
		"Deadline":    func() bool { _, ok := f.tx.Deadline(k()); return ok },
		"Touch":       func() bool { return f.tx.Touch(k()) },
		"Delete":      func() bool { return f.tx.Delete(k()) },
		"SetDeadline": func() bool { return f.tx.SetDeadline(k(), engine.NoDeadline) },
		"Rename":      func() bool { return f.rename(k(), other()) },
		"Copy":        func() bool { ok, _ := f.tx.Copy(k(), other(), 0, true); return ok },
		"Move":        func() bool { return f.move(k(), 1) },
		"Encoding":    func() bool { _, ok := f.tx.Encoding(k()); return ok },
		"Idle":        func() bool { _, ok := f.tx.Idle(k()); return ok },
		"Frequency":   func() bool { _, ok := f.tx.Frequency(k()); return ok },
		"MemoryUsage": func() bool { _, ok := f.tx.MemoryUsage(k()); return ok },
		"Random":      func() bool { _, ok := f.tx.Random(nil); return ok },
		"Get":         func() bool { _, ok, _ := f.tx.Get(k()); return ok },
		"Append":      func() bool { n, _ := f.tx.Append(k(), []byte("1")); return n > 1 },
		"SetRange":    func() bool { n, _ := f.tx.SetRange(k(), 0, nil); return n > 0 },
		"IncrBy":      func() bool { n, _ := f.tx.IncrBy(k(), 1); return n != 1 },
		"HSet":        func() bool { _, err := f.tx.HSet(k(), []byte("f"), nil); return err != nil },
		"HLen":        func() bool { _, err := f.tx.HLen(k()); return err != nil },
	}
	for name, method := range there {
		for _, late := range []bool{false, true} {
			t.Run(fmt.Sprint(name, late), func(t *testing.T) {
				f = open(t, engine.Options{})
				f.setUntil("k", "10", f.base+1000)
				if late {
					f.tx.Now = f.base + 1001
				}
				equal(t, "there", method(), !late)
				if late {
					equal(t, "Expired", f.stats().Expired, 1)
				}
			})
		}
	}
}

func TestExpiredDestinations(t *testing.T) {
	f := open(t, engine.Options{})
	f.inDB(1, func() { f.setUntil("k", "old", f.base+10) })
	f.setUntil("copy", "old", f.base+10)
	f.set("k", "v")
	f.tx.Now += 20
	ok, err := f.tx.Copy(f.k("k"), f.k("copy"), 0, false)
	f.check(err)
	equal(t, "Copy onto an expired key", ok, true)
	equal(t, "Move onto an expired key", f.move(f.k("k"), 1), true)
	equal(t, "copy's deadline", f.deadline("copy"), engine.NoDeadline)
}

func TestExpireCycle(t *testing.T) {
	f := open(t, engine.Options{})
	for i := range 1000 {
		f.setUntil(fmt.Sprint("k", i), "v", f.base+int64(i+1))
		f.inDB(3, func() { f.setUntil(fmt.Sprint("k", i), "v", f.base+5000) })
		f.set(fmt.Sprint("forever", i), "v")
	}
	f.unlocked(func() { f.s.ExpireCycle(f.base + 500) })
	// Whether a key whose deadline is this very millisecond is gone is for the next call to say.
	if n := f.tx.Len(); n < 1500 || n > 1501 {
		t.Errorf("%d keys left, want 1500", n)
	}
	f.unlocked(func() { f.s.ExpireCycle(f.base + 4000) })
	st := f.stats()
	equal(t, "Expired", st.Expired, 1000)
	equal(t, "Keys", st.Keys[0], 1000)
	equal(t, "Expires", st.Expires[0], 0)
	equal(t, "Expires in database 3", st.Expires[3], 1000)
	equal(t, "Reaped", st.Reaped, 1000)
	// 499 or 500 keys were up to 499 ms late, the others from 3000 ms on.
	if lag := st.ReapLag; lag != 1_753_000 && lag != 1_749_500 {
		t.Errorf("the lags add up to %d ms", lag)
	}
	f.unlocked(func() { f.s.ExpireCycle(f.base + 6000) })
	equal(t, "Expired", f.stats().Expired, 2000)
}

func TestRename(t *testing.T) {
	f := open(t, engine.Options{})
	equal(t, "missing", f.rename(f.k("a"), f.k("b")), false)
	equal(t, "missing onto itself", f.rename(f.k("a"), f.k("a")), false)
	f.setUntil("a", "v", f.base+1000)
	f.fill("b", smallHash)
	equal(t, "renamed", f.rename(f.k("a"), f.k("b")), true)
	equal(t, "source", f.exists("a"), false)
	equal(t, "value", f.get("b"), "v")
	equal(t, "deadline", f.deadline("b"), f.base+1000)
	f.set("c", "forever")
	equal(t, "renamed", f.rename(f.k("c"), f.k("b")), true)
	equal(t, "no deadline left of the old one", f.deadline("b"), engine.NoDeadline)
	equal(t, "onto itself", f.rename(f.k("b"), f.k("b")), true)
	equal(t, "value", f.get("b"), "forever")
	f.fill("h", largeHash)
	equal(t, "hash", f.rename(f.k("h"), f.k("b")), true)
	equal(t, "fields", f.hlen("b"), largeHash)
	equal(t, "Len", f.tx.Len(), 1)
}

func TestCopy(t *testing.T) {
	f := open(t, engine.Options{})
	cp := func(src, dst string, db int, replace bool) bool {
		ok, err := f.tx.Copy(f.k(src), f.k(dst), db, replace)
		f.check(err)
		return ok
	}
	equal(t, "missing", cp("a", "b", 0, true), false)
	f.setUntil("a", "v", f.base+1000)
	f.set("b", "old")
	equal(t, "no replace", cp("a", "b", 0, false), false)
	equal(t, "kept", f.get("b"), "old")
	equal(t, "replace", cp("a", "b", 0, true), true)
	equal(t, "value", f.get("b"), "v")
	equal(t, "deadline", f.deadline("b"), f.base+1000)
	equal(t, "source", f.get("a"), "v")
	equal(t, "other database", cp("a", "a", 2, false), true)
	f.inDB(2, func() { equal(t, "value", f.get("a"), "v"); equal(t, "deadline", f.deadline("a"), f.base+1000) })
	for _, n := range []int{smallHash, largeHash} {
		f.fill("h", n)
		equal(t, "hash", cp("h", "h2", 0, true), true)
		f.hset("h2", "f0", "changed")
		f.hdel("h2", "f1")
		equal(t, "source's field", f.hget("h", "f0"), "v0")
		equal(t, "source's length", f.hlen("h"), n)
		equal(t, "copy's length", f.hlen("h2"), n-1)
	}
	equal(t, "append", func() int { n, _ := f.tx.Append(f.k("b"), []byte("w")); return n }(), 2)
	equal(t, "source", f.get("a"), "v")
}

// TestCopyOfPersistedKey copies a record that has room for a deadline but none in it.
func TestCopyOfPersistedKey(t *testing.T) {
	f := open(t, engine.Options{})
	f.setUntil("k", "v", f.base+1000)
	f.tx.SetDeadline(f.k("k"), engine.NoDeadline)
	equal(t, "rename", f.rename(f.k("k"), f.k("l")), true)
	equal(t, "deadline", f.deadline("l"), engine.NoDeadline)
	equal(t, "move", f.move(f.k("l"), 3), true)
	f.inDB(3, func() { equal(t, "deadline", f.deadline("l"), engine.NoDeadline) })
	equal(t, "Expires", f.stats().Expires[0]+f.stats().Expires[3], 0)
}

func TestMove(t *testing.T) {
	f := open(t, engine.Options{})
	equal(t, "missing", f.move(f.k("k"), 1), false)
	f.setUntil("k", "v", f.base+1000)
	equal(t, "moved", f.move(f.k("k"), 1), true)
	equal(t, "source", f.exists("k"), false)
	f.set("k", "other")
	equal(t, "there already", f.move(f.k("k"), 1), false)
	equal(t, "kept", f.get("k"), "other")
	f.inDB(1, func() { equal(t, "value", f.get("k"), "v"); equal(t, "deadline", f.deadline("k"), f.base+1000) })
}

func TestDatabasesAreSeparate(t *testing.T) {
	f := open(t, engine.Options{})
	for db := range engine.Databases {
		f.inDB(db, func() {
			equal(t, "missing", f.exists("k"), false)
			f.set("k", fmt.Sprint(db))
		})
	}
	for db := range engine.Databases {
		f.inDB(db, func() { equal(t, "value", f.get("k"), fmt.Sprint(db)); equal(t, "Len", f.tx.Len(), 1) })
	}
	f.tx.Flush()
	equal(t, "flushed", f.exists("k"), false)
	f.tx.SwapDB(0, 5)
	equal(t, "swapped", f.get("k"), "5")
	f.inDB(5, func() { equal(t, "swapped", f.exists("k"), false) })
	f.tx.SwapDB(3, 3)
	f.inDB(3, func() { equal(t, "with itself", f.get("k"), "3") })
	f.tx.FlushAll()
	for db, n := range f.stats().Keys {
		equal(t, fmt.Sprint("keys of database ", db), n, 0)
	}
	f.set("k", "again")
	equal(t, "after FlushAll", f.get("k"), "again")
}

func TestFlushAndSwapCarryDeadlines(t *testing.T) {
	f := open(t, engine.Options{})
	f.setUntil("k", "v", f.base+1000)
	f.tx.SwapDB(0, 1)
	st := f.stats()
	equal(t, "Expires", st.Expires[0], 0)
	equal(t, "Expires", st.Expires[1], 1)
	f.unlocked(func() { f.s.ExpireCycle(f.base + 2000) })
	f.inDB(1, func() { equal(t, "Len", f.tx.Len(), 0) })
	f.setUntil("k", "v", f.base+3000)
	f.tx.Flush()
	equal(t, "Expires", f.stats().Expires[0], 0)
}

func TestRecency(t *testing.T) {
	f := open(t, engine.Options{})
	idle := func() int64 { ms, _ := f.tx.Idle(f.k("k")); return ms / 1000 }
	f.set("k", "v")
	equal(t, "new", idle(), 0)
	f.tx.Now += 100_000
	f.exists("k")
	f.tx.Type(f.k("k"))
	f.deadline("k")
	f.encoding("k")
	f.tx.NoTouch = true
	f.get("k")
	if s := idle(); s > 100 {
		t.Errorf("idle for %d s, want 100 at most", s)
	}
	f.tx.NoTouch = false
	f.get("k")
	equal(t, "read", idle(), 0)
	f.tx.Now += 100_000
	f.tx.Touch(f.k("k"))
	equal(t, "touched", idle(), 0)
	_, ok := f.tx.Idle(f.k("missing"))
	equal(t, "missing", ok, false)
}

func TestFrequency(t *testing.T) {
	f := open(t, engine.Options{Policy: engine.AllKeysLFU})
	f.set("hot", "v")
	f.set("cold", "v")
	for range 5000 {
		f.get("hot")
	}
	hot, ok1 := f.tx.Frequency(f.k("hot"))
	cold, ok2 := f.tx.Frequency(f.k("cold"))
	if !ok1 || !ok2 || hot <= cold || cold < 0 || hot > 255 {
		t.Errorf("frequency of a hot key is %d (%v), of a cold one %d (%v)", hot, ok1, cold, ok2)
	}
	_, ok := f.tx.Frequency(f.k("missing"))
	equal(t, "missing", ok, false)
}

func TestMemoryUsage(t *testing.T) {
	f := open(t, engine.Options{})
	f.set("k", strings.Repeat("x", 10_000))
	n, ok := f.tx.MemoryUsage(f.k("k"))
	equal(t, "there", ok, true)
	if n < 10_001 || n > 15_000 {
		t.Errorf("10,000 bytes use %d", n)
	}
	f.fill("h", largeHash)
	if n, _ := f.tx.MemoryUsage(f.k("h")); n < 8*largeHash {
		t.Errorf("a hash of %d fields uses %d bytes", largeHash, n)
	}
	for _, n := range []int{smallHash, largeHash} {
		f.tx.Delete(f.k("h"))
		f.fill("h", n)
		f.hset("h", "big", val)
		with, _ := f.tx.MemoryUsage(f.k("h"))
		f.hdel("h", "big")
		if without, _ := f.tx.MemoryUsage(f.k("h")); without > with-valSize {
			t.Errorf("a hash of %d fields uses %d bytes with a field of %d bytes and %d without", n, with, valSize, without)
		}
	}
	_, ok = f.tx.MemoryUsage(f.k("missing"))
	equal(t, "missing", ok, false)
}

func (f *fixture) rename(src, dst engine.Key) bool {
	ok, err := f.tx.Rename(src, dst)
	f.check(err)
	return ok
}

func (f *fixture) move(k engine.Key, db int) bool {
	ok, err := f.tx.Move(k, db)
	f.check(err)
	return ok
}

func TestCopyOntoItself(t *testing.T) {
	f := open(t, engine.Options{})
	big := strings.Repeat("x", 100_000)
	f.set("k", big)
	for _, replace := range []bool{false, true} {
		ok, err := f.tx.Copy(f.k("k"), f.k("k"), 0, replace)
		f.check(err)
		equal(t, "copied", ok, replace)
		equal(t, "value", f.get("k"), big)
	}
}

// TestKeepExpired: expired keys that have to stay are not seen, and go when they may.
func TestKeepExpired(t *testing.T) {
	f := open(t, engine.Options{})
	for i := range 100 {
		f.setUntil(fmt.Sprint("k", i), "v", f.base+int64(i+1))
	}
	f.tx.Now += 1000
	f.tx.KeepExpired = true
	f.s.HoldExpiry(true)
	f.unlocked(func() { f.s.ExpireCycle(f.base + 1000) })
	for i := range 100 {
		equal(t, "Exists", f.tx.Exists(f.k(fmt.Sprint("k", i))), false)
	}
	if key, ok := f.tx.Random(nil); ok {
		t.Errorf("the random key %q has expired", key)
	}
	equal(t, "keys that stay", f.tx.Len(), 100)
	equal(t, "Expired", f.stats().Expired, 0)
	f.tx.KeepExpired = false
	equal(t, "Exists", f.tx.Exists(f.k("k7")), false)
	equal(t, "keys left after one was looked up", f.tx.Len(), 99)
	f.s.HoldExpiry(false)
	f.unlocked(func() { f.s.ExpireCycle(f.base + 1000) })
	equal(t, "keys left", f.tx.Len(), 0)
	equal(t, "Expired", f.stats().Expired, 100)
}

// TestCompactionKeepsExpired: nor do they go when their block is compacted.
func TestCompactionKeepsExpired(t *testing.T) {
	f := open(t, engine.Options{Shards: 1, Policy: engine.NoEviction})
	const keys = 9000
	for i := range keys {
		f.setUntil(fmt.Sprint("k", i), strings.Repeat("v", 1000), f.base+10)
	}
	for i := range keys {
		if i%3 != 0 {
			f.tx.Delete(f.k(fmt.Sprint("k", i)))
		}
	}
	dead := f.stats().DeadBytes
	f.s.HoldExpiry(true)
	f.unlocked(func() { f.s.ExpireCycle(f.base + 1000) })
	if st := f.stats(); st.DeadBytes >= dead/2 || st.Expired != 0 {
		t.Errorf("compaction left %d of %d dead bytes, and %d keys expired", st.DeadBytes, dead, st.Expired)
	}
	equal(t, "keys that stay", f.tx.Len(), keys/3)
}
