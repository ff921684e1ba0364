package engine_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/invariants"
)

// Where the system has no memory left, what fails leaves the sets as they were.
func TestNoMemoryForSets(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	failed := map[string]int{}
	for round := range 60 / slower {
		f := open(t, engine.Options{Shards: 1, Policy: engine.NoEviction})
		names := []string{"words", "run", "large", "integers"}
		f.sfill("words", "", 100)
		f.sfill("run", "m", 50)
		f.sfill("large", "m", 1000)
		f.sfill("integers", "", 1000)
		want := map[string]map[string]bool{}
		for _, name := range names {
			want[name] = map[string]bool{}
			for _, m := range f.members(name) {
				want[name][m] = true
			}
		}
		undo := f.s.DenyMemory(r.IntN(4))
		for i := range 300 {
			name := names[r.IntN(len(names))]
			add := []string{"new", "1000", strings.Repeat("x", r.IntN(4000))}[r.IntN(3)] + fmt.Sprint(i)
			switch op := []string{"add", "remove", "store", "new"}[r.IntN(4)]; op {
			case "add":
				added, err := f.tx.SAdd(f.k(name), []byte(add))
				if equal(t, "added", added, err == nil && !want[name][add]); err != nil {
					f.wantErr(op, err, engine.ErrOutOfMemory)
					failed[op]++
					break
				}
				want[name][add] = true
			case "remove":
				m := fmt.Sprint([]string{"", "m"}[r.IntN(2)], r.IntN(900))
				equal(t, "removed", f.srem(name, m), want[name][m])
				delete(want[name], m)
			case "store":
				_, err := f.tx.SStore(f.k(name), func(to func([]byte) error) error {
					for _, m := range f.members(name) {
						if err := to([]byte(m + "+")); err != nil {
							return err
						}
					}
					return to([]byte(add))
				})
				if err != nil {
					f.wantErr(op, err, engine.ErrOutOfMemory)
					failed[op]++
					break
				}
				stored := map[string]bool{add: true}
				for m := range want[name] {
					stored[m+"+"] = true
				}
				want[name] = stored
			case "new":
				if _, err := f.tx.SAdd(f.k(fmt.Sprint("key", i)), []byte(add)); err != nil {
					f.wantErr(op, err, engine.ErrOutOfMemory)
					equal(t, "key", f.tx.Exists(f.k(fmt.Sprint("key", i))), false)
					failed[op]++
				}
			}
		}
		undo()
		for _, name := range names {
			got := f.members(name)
			equal(t, "members of "+name, len(got), len(want[name]))
			for _, m := range got {
				equal(t, fmt.Sprintf("round %d: %s has %.40q", round, name, m), want[name][m], true)
			}
		}
		f.check(f.unlockedCheck())
	}
	for _, op := range []string{"add", "store", "new"} {
		if failed[op] == 0 {
			t.Errorf("memory was never missing for %s", op)
		}
	}
}

// Where there is memory for the bucket of a set that is to become large, and none for the member
// that it became too large for, nothing is left of either.
func TestNoMemoryForALongMember(t *testing.T) {
	f := open(t, engine.Options{Shards: 1, Policy: engine.NoEviction})
	f.sfill("large", "m", 1000) // the table of parts has memory
	f.sfill("s", "m", 50)
	long := []byte(strings.Repeat("l", engine.MaxKey))
	undo := f.s.DenyMemory(0)
	for _, key := range []string{"s", "new", "large"} {
		_, err := f.tx.SAdd(f.k(key), long)
		f.wantErr(key, err, engine.ErrOutOfMemory)
	}
	undo()
	f.check(f.unlockedCheck())
	equal(t, "members", f.slen("s"), 50)
	equal(t, "encoding", f.encoding("s"), "listpack")
	equal(t, "keys", f.tx.Len(), 2)
}

// A set of which parts are lost says so once, and is a set without these members then.
func TestSetLosesParts(t *testing.T) {
	if invariants.Enabled {
		t.Skip("a lost part is an invariant violated")
	}
	each := func(f *fixture) error {
		return f.tx.SEach(f.k("s"), func([]byte) bool { return true })
	}
	random := func(f *fixture) (err error) {
		for range 1000 {
			if _, one := f.tx.SRandom(f.k("s"), func([]byte) {}); one != nil {
				err = one
			}
		}
		return err
	}
	scan := func(f *fixture) error {
		for cursor, first := uint64(0), true; first || cursor != 0; first = false {
			cursor, _ = f.tx.SScan(f.k("s"), cursor, 10, func([]byte) bool { return true })
		}
		return engine.ErrDamaged // which it need not say, because it promises no number of members
	}
	export := func(f *fixture) error {
		_, err := f.tx.Export(f.k("s"), &recorder{})
		return err
	}
	has := func(f *fixture) error {
		equal(t, "long", f.shas("s", val), false)
		equal(t, "another", f.shas("s", val+"x"), false)
		return each(f)
	}
	for name, test := range map[string]struct {
		members int
		look    func(f *fixture) error
	}{
		"each": {1000, each}, "random": {2, random}, "scan": {1000, scan},
		"has": {1000, has}, "export": {1000, export}, "export of none": {0, export},
		"each of none": {0, each}, "random of none": {0, random}, "scan of none": {0, scan},
	} {
		t.Run(name, func(t *testing.T) {
			f := open(t, engine.Options{Shards: 1})
			f.sfill("s", "m", test.members)
			f.sadd("s", val)
			f.sadd("s", val+"x")
			f.s.LosePart(f.k("s"), 1<<31)
			f.s.LosePart(f.k("s"), 1<<31+1)
			f.wantErr("first look", test.look(f), engine.ErrDamaged)
			f.check(each(f))
			equal(t, "members", f.slen("s"), test.members)
			equal(t, "key", f.tx.Exists(f.k("s")), test.members > 0)
			f.check(f.unlockedCheck())
		})
	}
}

// The same for whole buckets.
func TestSetLosesBuckets(t *testing.T) {
	f := open(t, engine.Options{Shards: 1})
	f.sfill("s", "m", 2000)
	f.s.LosePart(f.k("s"), 2)
	_, err := f.tx.Export(f.k("s"), &recorder{})
	f.wantErr("export", err, engine.ErrDamaged)
	equal(t, "members after that", f.slen("s"), len(f.members("s")))
	f.s.LosePart(f.k("s"), 3)
	f.wantErr("each", f.tx.SEach(f.k("s"), func([]byte) bool { return true }), engine.ErrDamaged)
	if n := f.slen("s"); n == 0 || n > 1995 || n != len(f.members("s")) {
		t.Errorf("%d members are counted, %d are there", n, len(f.members("s")))
	}
	for no := range uint32(100) {
		f.s.LosePart(f.k("s"), no)
	}
	stored, err := f.tx.SStore(f.k("s"), func(add func([]byte) error) error {
		f.wantErr("each", f.tx.SEach(f.k("s"), func([]byte) bool { return true }), engine.ErrDamaged)
		equal(t, "key", f.tx.Exists(f.k("s")), false)
		return add([]byte("new"))
	})
	equal(t, "stored", stored == 1 && err == nil, true)
	equal(t, "members", strings.Join(f.members("s"), " "), "new")
	f.check(f.unlockedCheck())
	f.sfill("s", "m", 2000)
	for no := range uint32(100) {
		f.s.LosePart(f.k("s"), no)
	}
	_, err = f.tx.SRandom(f.k("s"), func([]byte) { t.Error("called for a member of no bucket") })
	f.wantErr("random", err, engine.ErrDamaged)
	equal(t, "key", f.tx.Exists(f.k("s")), false)
}

// The parts of long members have 31-bit numbers, which a set whose members change often runs
// through.
func TestSetRunsOutOfPartNumbers(t *testing.T) {
	f := open(t, engine.Options{Shards: 1, Policy: engine.NoEviction})
	long := func(i int) string { return strings.Repeat(fmt.Sprintf("%06d", i), 5000) } // two parts
	f.sadd("s", long(0))
	f.s.SkipPartNumbers(f.k("s"), 1<<31-7)
	for i := range 20 {
		f.sadd("s", long(i+1))
		equal(t, "there", f.shas("s", long(i+1)), true)
		equal(t, "removed", f.srem("s", long(i+1)), true)
		f.check(f.unlockedCheck())
	}
	equal(t, "first", f.shas("s", long(0)), true)
	f.tx.Delete(f.k("s"))
	f.drain()
	equal(t, "data", f.stats().DataBytes, 0)
}
