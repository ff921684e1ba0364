package engine_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/invariants"
)

// fillAll makes values of every kind.
func (f *fixture) fillAll(n int) {
	f.Helper()
	for i := range n {
		f.set(fmt.Sprint("string", i), fmt.Sprint("value", i))
		f.setUntil(fmt.Sprint("int", i), fmt.Sprint(i), f.base+int64(i+1)*1000)
		f.setUntil(fmt.Sprint("wide", i), "v", 1<<50)
	}
	f.set("big", val+val+val+val+val)
	f.fill("small", smallHash)
	f.fill("large", largeHash)
	f.hset("large", "long", val)
	f.hset("large", val, "long field")
}

// fillSets makes sets of every kind.
func (f *fixture) fillSets() {
	f.Helper()
	f.sfill("words", "", smallHash)
	f.sfill("run", "m", smallHash)
	f.sfill("set", "m", largeHash)
	f.sfill("set", "", largeHash)
	f.sadd("set", val)
}

// Check finds a byte that is wrong, or it was one that nothing depends on; it never falls over it.
func TestCheckReportsDamage(t *testing.T) {
	found := 0
	const tries = 800 / slower
	f := open(t, engine.Options{Shards: 1})
	f.fillAll(300)
	f.fillSets()
	r := rand.New(rand.NewPCG(1, 2))
	for range tries {
		undo := f.s.Damage(r.IntN)
		f.unlocked(func() {
			if f.s.Check() != nil {
				found++
			}
		})
		undo()
	}
	if found < tries/10 {
		t.Errorf("%d of %d damages were found", found, tries)
	}
}

// Where the system has no memory left, an operation fails and leaves the key as it was, or, if it was being replaced, gone.
func TestNoMemoryFromTheSystem(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	failed := 0
	for round := range 60 / slower {
		f := open(t, engine.Options{Shards: 1})
		f.fillAll(30)
		before := f.pairs("small")
		undo := f.s.DenyMemory(r.IntN(4))
		step := []func(i int) error{
			func(i int) error { return f.tx.Set(f.k(key(i)), []byte(val), 0) },
			func(i int) error { _, err := f.tx.Append(f.k("big"), []byte(val)); return err },
			func(i int) error { _, err := f.tx.SetRange(f.k(key(i)), 40_000, []byte(val)); return err },
			func(i int) error { _, err := f.tx.HSet(f.k("large"), []byte(key(i)), []byte(val)); return err },
			func(i int) error { _, err := f.tx.HSet(f.k(key(i)), []byte(val), []byte(val)); return err },
			func(i int) error {
				_, err := f.tx.HSet(f.k("small"), []byte("f0"), []byte(val[:r.IntN(3000)]))
				return err
			},
			func(i int) error { _, err := f.tx.Copy(f.k("large"), f.k(key(i)), 1, true); return err },
			func(i int) error { _, err := f.tx.HDel(f.k("large"), []byte(fmt.Sprint("f", i))); return err },
		}
		for i := range 200 {
			if err := step[(i*7+round)%len(step)](i); err != nil {
				f.wantErr("operation", err, engine.ErrOutOfMemory)
				failed++
			}
			f.unlocked(func() { f.s.Reclaim(1) })
		}
		undo()
		equal(t, "fields", f.hlen("small"), len(before))
		if err := f.unlockedCheck(); err != nil {
			t.Fatal(err)
		}
		f.set("after", val)
		equal(t, "after", f.get("after"), val)
	}
	if failed == 0 {
		t.Error("memory was never missing")
	}
}

// Where the index has no memory for an overflow bucket, the key is not stored, and those before it are found.
func TestNoMemoryForTheIndex(t *testing.T) {
	f := open(t, engine.Options{Shards: 1})
	f.set("first", "") // in a block, which has room for the others, as the first page of the index has
	undo := f.s.DenyMemory(0)
	n := 0
	var err error
	for ; err == nil && n < 10_000; n++ {
		err = f.tx.Set(f.k(strconv.FormatInt(int64(n), 36)), nil, 0)
	}
	undo()
	f.wantErr("set", err, engine.ErrOutOfMemory)
	equal(t, "Len", f.tx.Len(), n)
	if err := f.unlockedCheck(); err != nil {
		t.Fatal(err)
	}
	f.set("after", val)
	equal(t, "after", f.get("after"), val)
}

// A hash of which parts are lost says so once, and is a hash without these fields then.
func TestHashLosesParts(t *testing.T) {
	if invariants.Enabled {
		t.Skip("a lost part is an invariant violated")
	}
	each := func(f *fixture) error {
		return f.tx.HEach(f.k("h"), func([]byte, engine.Value) bool { return true })
	}
	random := func(f *fixture) (err error) {
		for range 1000 {
			if _, one := f.tx.HRandom(f.k("h"), func([]byte, engine.Value) {}); one != nil {
				err = one
			}
		}
		return err
	}
	scan := func(f *fixture) error {
		for cursor, first := uint64(0), true; first || cursor != 0; first = false {
			cursor, _ = f.tx.HScan(f.k("h"), cursor, 10, func([]byte, engine.Value) bool { return true })
		}
		return engine.ErrDamaged // which it need not say, because it promises no number of fields
	}
	export := func(f *fixture) error {
		_, err := f.tx.Export(f.k("h"), &recorder{})
		return err
	}
	get := func(f *fixture) error {
		equal(t, "long", f.hget("h", "long"), "(missing)")
		equal(t, "field", f.hget("h", val), "(missing)")
		return each(f)
	}
	for name, test := range map[string]struct {
		fields int
		look   func(f *fixture) error
	}{
		"each": {1000, each}, "random": {2, random}, "scan": {1000, scan}, "get": {1000, get},
		"export": {1000, export}, "export of none": {0, export},
		"each of none": {0, each}, "random of none": {0, random}, "scan of none": {0, scan},
	} {
		t.Run(name, func(t *testing.T) {
			f := open(t, engine.Options{Shards: 1})
			f.fill("h", test.fields)
			f.hset("h", "long", val)
			f.hset("h", val, "field")
			f.s.LosePart(f.k("h"), 1<<31)
			f.s.LosePart(f.k("h"), 1<<31+1)
			f.wantErr("first look", test.look(f), engine.ErrDamaged)
			f.check(each(f))
			equal(t, "fields", f.hlen("h"), test.fields)
			equal(t, "key", f.tx.Exists(f.k("h")), test.fields > 0)
			if err := f.unlockedCheck(); err != nil {
				t.Error(err)
			}
		})
	}
}

// The same for whole buckets.
func TestHashLosesBuckets(t *testing.T) {
	f := open(t, engine.Options{Shards: 1})
	f.fill("h", 1000)
	f.s.LosePart(f.k("h"), 3)
	f.wantErr("each", f.tx.HEach(f.k("h"), func([]byte, engine.Value) bool { return true }), engine.ErrDamaged)
	if n := f.hlen("h"); n == 0 || n > 995 || n != len(f.pairs("h")) {
		t.Errorf("%d fields are counted, %d are there", n, len(f.pairs("h")))
	}
	for no := range uint32(100) {
		f.s.LosePart(f.k("h"), no)
	}
	_, err := f.tx.HRandom(f.k("h"), func([]byte, engine.Value) { t.Error("called for a field of no bucket") })
	f.wantErr("random", err, engine.ErrDamaged)
	equal(t, "key", f.tx.Exists(f.k("h")), false)
}

// A string of which a part is lost is gone after it was exported.
func TestStringLosesParts(t *testing.T) {
	if invariants.Enabled {
		t.Skip("a lost part is an invariant violated")
	}
	f := open(t, engine.Options{Shards: 1})
	f.set("s", strings.Repeat(val, 10))
	f.s.LosePart(f.k("s"), 1)
	_, err := f.tx.Export(f.k("s"), &recorder{})
	f.wantErr("export", err, engine.ErrDamaged)
	equal(t, "key", f.tx.Exists(f.k("s")), false)
}

func (f *fixture) unlockedCheck() (err error) {
	f.unlocked(func() { err = f.s.Check() })
	return err
}

// Check counts faults, one in each shard at most, and goes on behind them.
func TestCheckCountsFaults(t *testing.T) {
	f := open(t, engine.Options{Shards: 4})
	for i := range 400 {
		f.set(fmt.Sprint("k", i), "v")
	}
	f.check(f.unlockedCheck())
	damage := func(shard int) (undo func()) {
		choices := []int{shard, 0, 0, 254} // the kind of the first record of the first block is inverted
		return f.s.Damage(func(int) (n int) {
			n, choices = choices[0], choices[1:]
			return n
		})
	}
	third := damage(2)
	if err := f.unlockedCheck(); err == nil || !strings.HasPrefix(err.Error(), "1 fault: shard 2: block 0: ") {
		t.Errorf("found %v", err)
	}
	second := damage(1)
	if err := f.unlockedCheck(); err == nil || !strings.HasPrefix(err.Error(), "2 faults, the first: shard 1: block 0: ") {
		t.Errorf("found %v", err)
	}
	equal(t, "the same with all locked", fmt.Sprint(f.tx.Check()), fmt.Sprint(f.unlockedCheck()))
	second()
	third()
}
