package engine_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/redistill/redistill/engine"
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

// Check finds a byte that is wrong, or it was one that nothing depends on; it never falls over it.
func TestCheckReportsDamage(t *testing.T) {
	found := 0
	const tries = 800
	f := open(t, engine.Options{Shards: 1})
	f.fillAll(300)
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
	for round := range 60 {
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

func (f *fixture) unlockedCheck() (err error) {
	f.unlocked(func() { err = f.s.Check() })
	return err
}
