package engine_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/invariants"
)

// panics reports whether f does.
func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return false
}

// A view of a value may be used until the lock is given back or something is written, and not
// after.
func TestViewsEnd(t *testing.T) {
	if !invariants.Enabled {
		t.Skip("views are checked in builds with the tag invariants")
	}
	f := open(t, engine.Options{Shards: 1})
	f.set("short", "value")
	f.set("number", "12")
	f.set("long", strings.Repeat("x", engine.PinAt))
	f.hset("small", "f", "v")
	f.fill("large", largeHash)
	f.hset("large", "long", val)
	uses := map[string]func(v engine.Value){
		"Len":         func(v engine.Value) { v.Len() },
		"AppendTo":    func(v engine.Value) { v.AppendTo(nil) },
		"AppendRange": func(v engine.Value) { v.AppendRange(nil, 0, 1) },
		"Int":         func(v engine.Value) { v.Int() },
		"Pin": func(v engine.Value) {
			var p engine.Pins
			v.Pin(&p, nil, nil)
			f.unlocked(p.Release)
		},
	}
	ends := map[string]func(){
		"unlock":                 func() { f.unlocked(func() {}) },
		"write":                  func() { f.set("other", "v") },
		"deletion":               func() { f.tx.Delete(f.k("other")) },
		"flush":                  func() { f.tx.DB = 1; f.tx.Flush(); f.tx.DB = 0 },
		"overwriting in place":   func() { f.hset("small", "g", "v"); f.hset("small", "g", "w") },
		"a field of a big hash":  func() { f.hset("large", "g", "w") },
		"counting":               func() { _, _ = f.tx.IncrBy(f.k("counter"), 1) },
		"a deadline":             func() { f.tx.SetDeadline(f.k("other"), f.base+1000) },
		"a long string's middle": func() { _, _ = f.tx.SetRange(f.k("long"), 3, []byte("y")) },
	}
	views := map[string]func() engine.Value{}
	for _, key := range []string{"short", "number", "long"} {
		views[key] = func() engine.Value { v, _, _ := f.tx.Get(f.k(key)); return v }
	}
	for key, field := range map[string]string{"small": "f", "large": "long"} {
		views[key] = func() engine.Value { v, _, _ := f.tx.HGet(f.k(key), []byte(field)); return v }
	}
	views["each"] = func() (kept engine.Value) {
		f.check(f.tx.HEach(f.k("small"), func(_ []byte, val engine.Value) bool { kept = val; return true }))
		return kept
	}
	for name, view := range views {
		for use, try := range uses {
			v := view()
			if panics(func() { try(v) }) && use != "Pin" {
				t.Errorf("%s of %s panics while the view is valid", use, name)
			}
			for end, do := range ends {
				f.set("other", "there")
				v := view()
				if do(); !panics(func() { try(v) }) {
					t.Errorf("%s of %s after %s: no panic", use, name, end)
				}
			}
		}
	}
}

// However the lock was taken, a view ends when it is given back.
func TestViewsEndWithLocks(t *testing.T) {
	if !invariants.Enabled {
		t.Skip("views are checked in builds with the tag invariants")
	}
	s, err := engine.OpenArena(engine.Options{Shards: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	tx, k, other := s.NewTx(), s.Key([]byte("key")), s.Key([]byte("other"))
	for name, lock := range map[string]func(){
		"one":  func() { tx.LockKey(k) },
		"some": func() { tx.LockKeys([]engine.Key{k, other}) },
		"all":  tx.LockAll,
	} {
		lock()
		if err := tx.Set(k, []byte("value"), engine.NoDeadline); err != nil {
			t.Fatal(err)
		}
		v, _, _ := tx.Get(k)
		if got := string(v.AppendTo(nil)); got != "value" {
			t.Errorf("%s: got %q", name, got)
		}
		if tx.Unlock(); !panics(func() { v.AppendTo(nil) }) {
			t.Errorf("%s: no panic", name)
		}
	}
}

// Keys and fields that callbacks are lent are overwritten behind them.
func TestLentIsOverwritten(t *testing.T) {
	if !invariants.Enabled {
		t.Skip("what callbacks are lent is overwritten in builds with the tag invariants")
	}
	f := open(t, engine.Options{Shards: 1})
	f.hset("small", "field", "v")
	for i := range 1000 {
		f.hset("large", strings.Repeat("f", 10+i), val)
	}
	for _, key := range []string{"small", "large"} {
		var kept [][]byte
		keep := func(field []byte, _ engine.Value) bool { kept = append(kept, field); return true }
		f.check(f.tx.HEach(f.k(key), keep))
		_, err := f.tx.HScan(f.k(key), 0, 10, keep)
		f.check(err)
		_, err = f.tx.HRandom(f.k(key), func(field []byte, _ engine.Value) { kept = append(kept, field) })
		f.check(err)
		f.tx.Scan(0, 10, func(key []byte, _ engine.Type) bool { kept = append(kept, key); return true })
		for i, b := range kept {
			if len(b) == 0 || len(bytes.Trim(b, "\xdb")) != 0 {
				t.Errorf("%s: word %d of %d is still %.20q", key, i, len(kept), b)
			}
		}
	}
}
