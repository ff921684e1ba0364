package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/invariants"
)

// heard does something with all locked, and returns the events that a Tx and the Store told of.
func (f *fixture) heard(do func()) (tx, store []string) {
	note := func(to *[]string) engine.Listener {
		return func(e engine.Event, db int, key []byte) {
			*to = append(*to, fmt.Sprintf("%v %d %s", e, db, key))
		}
	}
	f.unlocked(func() { f.s.Listen(note(&store)) })
	f.tx.Listener = note(&tx)
	do()
	f.unlocked(func() { f.s.Listen(nil) })
	f.tx.Listener = nil
	return tx, store
}

// Every operation tells Redis's event of each key that it changed, in their order; those that change
// nothing, or fail, tell none.
func TestEvents(t *testing.T) {
	as := func(e engine.Event, do func(f *fixture)) func(f *fixture) {
		return func(f *fixture) {
			f.tx.As = e
			do(f)
			f.tx.As = 0
		}
	}
	for name, c := range map[string]struct {
		before, do func(f *fixture)
		want       []string
	}{
		"reads":           {str, func(f *fixture) { f.get("k"); f.exists("k"); f.tx.Touch(f.k("k")) }, nil},
		"set":             {missing, str, []string{"set 0 k"}},
		"set until":       {missing, volatile, []string{"set 0 k", "expire 0 k"}},
		"set, keep":       {volatile, func(f *fixture) { f.setUntil("k", "v", engine.KeepDeadline) }, []string{"set 0 k"}},
		"append":          {str, func(f *fixture) { _, _ = f.tx.Append(f.k("k"), []byte("x")) }, []string{"append 0 k"}},
		"append, new":     {missing, func(f *fixture) { _, _ = f.tx.Append(f.k("k"), []byte("x")) }, []string{"append 0 k"}},
		"setrange":        {str, func(f *fixture) { _, _ = f.tx.SetRange(f.k("k"), 1, []byte("x")) }, []string{"setrange 0 k"}},
		"setrange, new":   {missing, func(f *fixture) { _, _ = f.tx.SetRange(f.k("k"), 1, []byte("x")) }, []string{"setrange 0 k"}},
		"setrange, empty": {str, func(f *fixture) { _, _ = f.tx.SetRange(f.k("k"), 1, nil) }, nil},
		"incr":            {str, func(f *fixture) { _, _ = f.tx.IncrBy(f.k("k"), 1) }, []string{"incrby 0 k"}},
		"incr, new":       {missing, func(f *fixture) { _, _ = f.tx.IncrBy(f.k("k"), 1) }, []string{"incrby 0 k"}},
		"incr, failed":    {hash, func(f *fixture) { _, _ = f.tx.IncrBy(f.k("k"), 1) }, nil},
		"hset":            {hash, func(f *fixture) { f.hset("k", "f0", "v0") }, []string{"hset 0 k"}},
		"hset, new":       {missing, func(f *fixture) { f.hset("k", "f0", "v0") }, []string{"hset 0 k"}},
		"hset, twice": {missing, func(f *fixture) { f.hset("k", "f0", "v0"); f.hset("k", "f1", "v0") },
			[]string{"hset 0 k"}},
		"hset of two": {missing, func(f *fixture) { f.hset("k", "f", "v"); f.hset("k2", "f", "v"); f.hset("k", "g", "v") },
			[]string{"hset 0 k", "hset 0 k2", "hset 0 k"}},
		"two commands": {missing, func(f *fixture) {
			f.hset("k", "f0", "v0")
			f.tx.NextCommand()
			f.hset("k", "f1", "v0")
			f.hset("k", "f2", "v0")
			f.tx.NextCommand()
			f.tx.NextCommand()
			f.hset("k", "f2", "v0")
		}, []string{"hset 0 k", "hset 0 k", "hset 0 k"}},
		"hincrby": {hash, func(f *fixture) { _, _ = f.tx.HIncrBy(f.k("k"), []byte("n"), 1) }, []string{"hincrby 0 k"}},
		"hdel":    {hash, func(f *fixture) { f.hdel("k", "f0") }, []string{"hdel 0 k"}},
		"hdel of the last": {func(f *fixture) { f.fill("k", 1) }, func(f *fixture) { f.hdel("k", "f0") },
			[]string{"hdel 0 k", "del 0 k"}},
		"hdel of missing": {hash, func(f *fixture) { f.hdel("k", "nosuch") }, nil},
		"large hset":      {func(f *fixture) { f.fill("k", 5000) }, func(f *fixture) { f.hset("k", "f0", "w") }, []string{"hset 0 k"}},
		"large hdel":      {func(f *fixture) { f.fill("k", 5000) }, func(f *fixture) { f.hdel("k", "f0") }, []string{"hdel 0 k"}},
		"large hdel of the last": {func(f *fixture) {
			f.fill("k", 2000)
			for i := range 1999 {
				f.hdel("k", fmt.Sprint("f", i+1))
			}
		}, func(f *fixture) { f.hdel("k", "f0") }, []string{"hdel 0 k", "del 0 k"}},
		"sadd":                {missing, func(f *fixture) { f.sadd("k", "a"); f.sadd("k", "a") }, []string{"sadd 0 k"}},
		"srem of the last":    {func(f *fixture) { f.sadd("k", "a") }, func(f *fixture) { f.srem("k", "a") }, []string{"srem 0 k", "del 0 k"}},
		"srem of missing":     {func(f *fixture) { f.sadd("k", "a") }, func(f *fixture) { f.srem("k", "b") }, nil},
		"delete":              {str, func(f *fixture) { f.tx.Delete(f.k("k")) }, []string{"del 0 k"}},
		"delete of missing":   {missing, func(f *fixture) { f.tx.Delete(f.k("k")) }, nil},
		"deadline":            {str, func(f *fixture) { f.tx.SetDeadline(f.k("k"), f.base+1000) }, []string{"expire 0 k"}},
		"deadline, past":      {str, func(f *fixture) { f.tx.SetDeadline(f.k("k"), 1) }, []string{"del 0 k"}},
		"persist":             {volatile, func(f *fixture) { f.tx.SetDeadline(f.k("k"), engine.NoDeadline) }, []string{"persist 0 k"}},
		"persist of lasting":  {str, func(f *fixture) { f.tx.SetDeadline(f.k("k"), engine.NoDeadline) }, nil},
		"expired":             {volatile, func(f *fixture) { later(f); f.get("k") }, []string{"expired 0 k"}},
		"expired, then set":   {volatile, func(f *fixture) { later(f); str(f) }, []string{"expired 0 k", "set 0 k"}},
		"rename":              {str, func(f *fixture) { f.rename(f.k("k"), f.k("x")) }, []string{"rename_from 0 k", "rename_to 0 x"}},
		"rename onto another": {func(f *fixture) { str(f); f.set("x", "v") }, func(f *fixture) { f.rename(f.k("k"), f.k("x")) }, []string{"rename_from 0 k", "rename_to 0 x"}},
		"rename of missing":   {missing, func(f *fixture) { f.rename(f.k("k"), f.k("x")) }, nil},
		"copy":                {str, func(f *fixture) { _, _ = f.tx.Copy(f.k("k"), f.k("x"), 3, true) }, []string{"copy_to 3 x"}},
		"move":                {str, func(f *fixture) { f.move(f.k("k"), 1) }, []string{"move_from 0 k", "move_to 1 k"}},
		"other database":      {missing, func(f *fixture) { f.in1(str) }, []string{"set 1 k"}},
		"as another": {missing, as(engine.EventRestore, func(f *fixture) { f.hset("k", "a", "b"); f.hset("k", "c", "d") }),
			[]string{"restore 0 k"}},
		"as another, deadline": {missing, as(engine.EventRestore, volatile), []string{"restore 0 k"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := open(t, engine.Options{Shards: 16})
			c.before(f)
			tx, store := f.heard(func() { c.do(f) })
			equal(t, "events of the Tx", fmt.Sprint(tx), fmt.Sprint(c.want))
			equal(t, "events of the Store", len(store), 0)
		})
	}
}

// What is lost is told when somebody comes upon it.
func TestEventsOfDamage(t *testing.T) {
	lose := func(f *fixture, first, end uint32) {
		for no := first; no < end; no++ {
			f.s.LosePart(f.k("k"), no)
		}
	}
	for name, c := range map[string]struct {
		do   func(f *fixture)
		want string
	}{
		"get": {func(f *fixture) {
			f.set("k", strings.Repeat(val, 10))
			lose(f, 1, 2)
			f.get("k")
		}, "[set 0 k del 0 k]"},
		"export": {func(f *fixture) {
			f.set("k", strings.Repeat(val, 10))
			lose(f, 1, 2)
			_, _ = f.tx.Export(f.k("k"), &recorder{})
		}, "[set 0 k del 0 k]"},
		"hash": {func(f *fixture) {
			f.fill("k", 1000)
			lose(f, 0, 100)
			_ = f.tx.HEach(f.k("k"), func([]byte, engine.Value) bool { return true })
		}, "[hset 0 k del 0 k]"},
	} {
		t.Run(name, func(t *testing.T) {
			if invariants.Enabled && name != "hash" {
				t.Skip("a lost part is an invariant violated")
			}
			f := open(t, engine.Options{Shards: 1})
			tx, _ := f.heard(func() { c.do(f) })
			equal(t, "events", fmt.Sprint(tx), c.want)
		})
	}
}

// What the Store does by itself it tells its own listener, once for each key.
func TestEventsOfTheStore(t *testing.T) {
	f := open(t, engine.Options{MaxMemory: limit, Policy: engine.AllKeysLRU})
	for i := range 1000 {
		f.setUntil(fmt.Sprint("short", i), "v", f.base+1000)
	}
	tx, store := f.heard(func() {
		f.unlocked(func() { f.s.ExpireCycle(f.base + 2000) })
	})
	equal(t, "events of the Tx", len(tx), 0)
	slices.Sort(store)
	equal(t, "expired keys", len(slices.Compact(store)), 1000)
	equal(t, "the first", store[0], "expired 0 short0")

	f.overfill(0)
	before := f.stats().Evicted
	tx, store = f.heard(func() { f.unlocked(func() { f.check(f.s.Reserve(limit / 2)) }) })
	equal(t, "events of the Tx", len(tx), 0)
	slices.Sort(store)
	equal(t, "evicted keys", uint64(len(slices.Compact(store))), f.stats().Evicted-before)
}

// A Tx without a Listener tells the Store's. Nobody is told what happened before Listen, or after it
// ended.
func TestListen(t *testing.T) {
	f := open(t, engine.Options{})
	var heard []string
	f.set("before", "v")
	f.unlocked(func() {
		f.s.Listen(func(e engine.Event, _ int, key []byte) { heard = append(heard, e.String()+" "+string(key)) })
	})
	f.set("k", "v")
	equal(t, "events under the lock", len(heard), 0)
	f.unlocked(func() {
		equal(t, "events", fmt.Sprint(heard), "[set k]")
		tx := f.s.NewTx()
		k := f.k("one")
		tx.LockKey(k)
		f.check(tx.Set(k, []byte("v"), engine.NoDeadline))
		tx.Unlock()
		ks := []engine.Key{f.k("b"), f.k("a")}
		tx.LockKeys(ks)
		f.check(tx.Set(ks[0], []byte("v"), engine.NoDeadline))
		f.check(tx.Set(ks[1], []byte("v"), engine.NoDeadline))
		tx.Unlock()
		equal(t, "events", fmt.Sprint(heard), "[set k set one set b set a]")
		f.s.Listen(nil)
	})
	f.set("after", "v")
	f.unlocked(func() {})
	equal(t, "events", len(heard), 4)
}
