package engine_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/invariants"
)

// drain deletes what is left of values that are gone, and compacts.
func (f *fixture) drain() { f.unlocked(func() { f.s.Reclaim(1000) }) }

func TestSStore(t *testing.T) {
	for name, member := range setKinds {
		for _, n := range []int{1, 10, 120, 1000} {
			f := open(t, engine.Options{Policy: engine.NoEviction})
			var want []string
			for i := range n {
				want = append(want, member(i))
			}
			equal(t, name, f.sstore("s", slices.Concat(want, want[:n/2])...), n)
			f.check(f.unlockedCheck())
			slices.Sort(want)
			got := f.members("s")
			slices.Sort(got)
			equal(t, name, strings.Join(got, " "), strings.Join(want, " "))
			f.tx.Delete(f.k("s"))
			f.drain()
			equal(t, "data", f.stats().DataBytes, 0)
		}
	}
}

// A set may be made of what it has itself, and of what others have.
func TestSStoreOfItself(t *testing.T) {
	for _, n := range []int{5, 500, 5000} {
		f := open(t, engine.Options{})
		f.sfill("s", "m", n)
		f.sfill("other", "o", n)
		f.sadd("other", strings.Repeat("o", 3000))
		stored, err := f.tx.SStore(f.k("s"), func(add func([]byte) error) error {
			for _, key := range []string{"s", "other", "s"} {
				err := f.tx.SEach(f.k(key), func(member []byte) bool { return add(member) == nil })
				f.check(err)
			}
			equal(t, "before it is stored", f.slen("s"), n)
			return nil
		})
		f.check(err)
		equal(t, "stored", stored, 2*n+1)
		equal(t, "length", f.slen("s"), 2*n+1)
		equal(t, "of itself", f.shas("s", "m0"), true)
		equal(t, "of the other", f.shas("s", strings.Repeat("o", 3000)), true)
		f.check(f.unlockedCheck())
	}
}

// Where fill fails, the key is as it was, and of what was built nothing is left.
func TestSStoreFails(t *testing.T) {
	for _, n := range []int{0, 10, 1000} {
		f := open(t, engine.Options{Policy: engine.NoEviction})
		f.sfill("s", "m", n)
		token, before, keys := f.tx.Watch(f.k("s")), f.stats().DataBytes, f.tx.Len()
		stored, err := f.tx.SStore(f.k("s"), func(add func([]byte) error) error {
			for i := range 3000 {
				f.check(add([]byte(strings.Repeat("x", i%1200) + fmt.Sprint(i))))
			}
			return errFill
		})
		f.wantErr("of fill", err, errFill)
		equal(t, "stored", stored, 0)
		equal(t, "length", f.slen("s"), n)
		equal(t, "changed", f.tx.Changed(f.k("s"), token), false)
		equal(t, "keys", f.tx.Len(), keys)
		f.drain()
		equal(t, "data", f.stats().DataBytes, before)
		f.check(f.unlockedCheck())
		f.tx.Unwatch(f.k("s"))
	}
}

// A snapshot has what sets had at its moment, whatever is done to them before they are written.
func TestSnapshotOfSets(t *testing.T) {
	for what, change := range map[string]func(f *fixture, key, member string){
		"remove":     func(f *fixture, key, member string) { f.srem(key, member) },
		"add":        func(f *fixture, key, member string) { f.sadd(key, member+"0001") },
		"add a text": func(f *fixture, key, member string) { f.sadd(key, member+"x") },
		"store":      func(f *fixture, key, member string) { f.sstore(key, member) },
		"delete":     func(f *fixture, key, member string) { f.tx.Delete(f.k(key)) },
	} {
		f := open(t, engine.Options{})
		var want []map[string]bool
		for n, member := range map[int]func(i int) string{
			5: setKinds["integers"], 6: setKinds["texts"],
			500: setKinds["far integers"], 501: setKinds["long texts"],
		} {
			has := map[string]bool{}
			for i := range n {
				f.sadd(fmt.Sprint(len(want)), member(i))
				has[member(i)] = true
			}
			want = append(want, has)
		}
		sn, err := f.tx.BeginSnapshot()
		f.check(err)
		for i, has := range want {
			for m := range has {
				change(f, fmt.Sprint(i), m)
			}
		}
		rec := &recorder{}
		f.unlocked(func() { f.check(sn.Write(rec)) })
		equal(t, "fault", rec.fault, "")
		for i, has := range want {
			if got := rec.keys[0][fmt.Sprint(i)]; got == nil || !maps.Equal(got.members, has) {
				t.Errorf("%s: a set of %d members is not as it was", what, len(has))
			}
		}
	}
}

func TestSScanSmall(t *testing.T) {
	f := open(t, engine.Options{})
	for name, member := range setKinds {
		for i := range 20 {
			f.sadd("s", member(i))
		}
		var got []string
		next, err := f.tx.SScan(f.k("s"), 0, 1, func(member []byte) bool {
			got = append(got, string(member))
			return false
		})
		f.check(err)
		if name != "very long texts" && name != "long texts" {
			equal(t, "cursor", next, 0)
			equal(t, name, strings.Join(got, " "), strings.Join(f.members("s"), " "))
		}
		f.tx.Delete(f.k("s"))
	}
}

// Members that stay must be passed whatever comes and goes between the calls.
func TestSScanWhileTheSetChanges(t *testing.T) {
	for _, count := range []int{0, 1, 10, 1000} {
		f := open(t, engine.Options{})
		f.sfill("s", "", largeHash)
		f.sfill("s", "going", 3000)
		f.sadd("s", strings.Repeat("l", 5000))
		seen := make(map[string]bool)
		cursor, calls := uint64(0), 0
		for {
			var err error
			cursor, err = f.tx.SScan(f.k("s"), cursor, count, func(member []byte) bool {
				seen[string(member)] = true
				return true
			})
			f.check(err)
			if cursor == 0 {
				break
			}
			for i := range 100 {
				f.srem("s", fmt.Sprint("going", calls*100+i))
			}
			f.sadd("s", fmt.Sprint("coming", calls%5000))
			if calls++; calls > 100*largeHash {
				t.Fatal("the scan does not end")
			}
		}
		for i := range largeHash {
			if !seen[fmt.Sprint(i)] {
				t.Fatalf("count %d: %d was not passed", count, i)
			}
		}
		equal(t, "long member", seen[strings.Repeat("l", 5000)], true)
		if count == 10 && calls < 3 {
			t.Errorf("%d calls with a count of 10 passed %d members", calls, largeHash)
		}
	}
}

// Every member has the same chance. The sum over all members of the squares of how often each came,
// beside what is expected, has a chi-squared distribution; by Laurent and Massart it is above n + 2
// sqrt(n x) + 2 x with a chance of exp(-x), for which 1e-9 is taken.
func TestSRandomIsUniform(t *testing.T) {
	const chance = 20.73 // -ln 1e-9
	for name, fill := range map[string]func(f *fixture){
		"words": func(f *fixture) { f.sfill("s", "", 50) },
		"run":   func(f *fixture) { f.sfill("s", "m", 50) },
		"large": func(f *fixture) { f.sfill("s", "m", 400) },
		"large, of unequal members": func(f *fixture) {
			for i := range 300 {
				f.sadd("s", fmt.Sprint(i)+strings.Repeat("x", i*i%1400))
			}
		},
		"large, of which most was removed": func(f *fixture) {
			f.sfill("s", "m", 3000)
			for i := range 2800 {
				f.srem("s", fmt.Sprint("m", i))
			}
		},
		"large, with a few where many were": func(f *fixture) {
			f.sfill("s", "", 2000) // a bucket has many of these
			f.sfill("s", strings.Repeat("long", 250), 30)
			for i := range 2000 {
				f.srem("s", fmt.Sprint(i))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := open(t, engine.Options{Shards: 1})
			fill(f)
			f.s.Seed(4711)
			n, times := f.slen("s"), map[string]int{}
			tries := 200 * n
			for range tries {
				ok, err := f.tx.SRandom(f.k("s"), func(member []byte) { times[string(member)]++ })
				f.check(err)
				equal(t, "ok", ok, true)
			}
			expected, sum := float64(tries)/float64(n), 0.0
			for _, m := range f.members("s") {
				sum += (float64(times[m]) - expected) * (float64(times[m]) - expected) / expected
			}
			free := float64(n - 1)
			if most := free + 2*math.Sqrt(free*chance) + 2*chance; sum > most {
				t.Errorf("%d members, %d draws: chi-squared is %.0f, which is to be below %.0f",
					n, tries, sum, most)
			}
		})
	}
}

// The looks at a set, and adding what is there, allocate nothing.
func TestSetAllocations(t *testing.T) {
	if slower > 1 || invariants.Enabled {
		t.Skip("assertions and the race detector allocate")
	}
	f := open(t, engine.Options{})
	f.sfill("words", "", 100)
	f.sfill("run", "m", 50)
	f.sfill("large", "m", 2000)
	f.sfill("large integers", "", 5000)
	for _, key := range []string{"words", "run", "large", "large integers"} {
		k := f.k(key)
		for what, do := range map[string]func(){
			"SAdd":    func() { _, _ = f.tx.SAdd(k, []byte("7")) },
			"SHas":    func() { _, _ = f.tx.SHas(k, []byte("m7")) },
			"SRem":    func() { _, _ = f.tx.SRem(k, []byte("none")) },
			"SLen":    func() { _, _ = f.tx.SLen(k) },
			"SEach":   func() { _ = f.tx.SEach(k, func([]byte) bool { return true }) },
			"SRandom": func() { _, _ = f.tx.SRandom(k, func([]byte) {}) },
		} {
			if n := testing.AllocsPerRun(100, do); n > 0 {
				t.Errorf("%s of %s: %v allocations", what, key, n)
			}
		}
	}
	// Long members are put together in the same memory, one after the other.
	f.sfill("long", strings.Repeat("m", 20_000), 100)
	k := f.k("long")
	for what, do := range map[string]func(){
		"SEach": func() { _ = f.tx.SEach(k, func([]byte) bool { return true }) },
		"SScan": func() { _, _ = f.tx.SScan(k, 0, 200, func([]byte) bool { return true }) },
		"SRandom": func() {
			for range 100 {
				_, _ = f.tx.SRandom(k, func([]byte) {})
			}
		},
	} {
		if n := testing.AllocsPerRun(100, do); n > 2 {
			t.Errorf("%s of long members: %v allocations", what, n)
		}
	}
}
