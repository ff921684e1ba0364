package engine_test

import (
	"testing"
	"time"

	"github.com/redistill/redistill/engine"
)

// rest lets ticks pass until the background work rests, and returns how long it does. Until then OnTick's function shall count in ticks.
func rest(f *fixture, ticks *int) (pause time.Duration) {
	f.Helper()
	f.unlocked(func() {
		for range engine.RestAfter - 1 {
			*ticks = 0
			if got := f.s.Tick(f.base); got != 100*time.Millisecond || *ticks != 1 {
				f.Fatalf("the next tick is %v away, OnTick called %d times; want 100ms, once", got, *ticks)
			}
		}
		pause = f.s.Tick(f.base)
	})
	return pause
}

// TestRest: while nobody does anything, the background work is done less often, and as soon as somebody does it is done again.
func TestRest(t *testing.T) {
	f := open(t, engine.Options{MaxMemory: 64 << 20})
	f.unlocked(f.s.StopBackground)
	ticks := 0
	f.s.OnTick(func() { ticks++ })
	f.s.Stir()
	f.unlocked(func() { f.s.Tick(f.base) })
	if got := rest(f, &ticks); got != time.Second || ticks != 1 {
		t.Errorf("it rests for %v after %d calls of OnTick, want 1s after one", got, ticks)
	}
	for _, begin := range []func(){f.s.Stir, func() { f.unlocked(func() { f.check(f.s.Reserve(1)) }) }} {
		begin()
		if !f.s.Woken() {
			t.Error("it was not woken")
		}
		begin()
		if f.s.Woken() {
			t.Error("it was woken twice")
		}
		f.unlocked(func() { f.s.Tick(f.base) })
		rest(f, &ticks)
	}
}

// TestRestUntilExpiry: no key stays in memory because nobody does anything.
func TestRestUntilExpiry(t *testing.T) {
	for _, test := range []struct {
		ttl  int64 // milliseconds
		want time.Duration
	}{{400, 400 * time.Millisecond}, {3, 100 * time.Millisecond}, {5000, time.Second}} {
		f := open(t, engine.Options{})
		f.unlocked(f.s.StopBackground)
		f.check(f.tx.Set(f.k("later"), []byte("v"), f.base+60_000))
		f.check(f.tx.Set(f.k("soon"), []byte("v"), f.base+test.ttl))
		ticks := 0
		f.s.OnTick(func() { ticks++ })
		f.s.Stir()
		f.unlocked(func() { f.s.Tick(f.base) })
		if got := rest(f, &ticks); got != test.want {
			t.Errorf("a key expires in %d ms: it rests for %v, want %v", test.ttl, got, test.want)
		}
	}
}
