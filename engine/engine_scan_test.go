package engine_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/redistill/redistill/engine"
)

// scanAll returns what a whole scan passes, with how often.
func (f *fixture) scanAll(count int) map[string]int {
	f.Helper()
	seen := make(map[string]int)
	cursor := uint64(0)
	for calls := 0; ; calls++ {
		cursor = f.tx.Scan(cursor, count, func(key []byte, _ engine.Type) bool { seen[string(key)]++; return true })
		if cursor == 0 {
			return seen
		}
		if calls > 1_000_000 {
			f.Fatal("the scan does not end")
		}
	}
}

func TestScan(t *testing.T) {
	for _, shards := range []int{0, 1, 64} {
		for _, count := range []int{0, 1, 7, 1000, 1 << 30} {
			f := open(t, engine.Options{Shards: shards})
			equal(t, "empty", len(f.scanAll(count)), 0)
			for i := range 500 {
				f.set(fmt.Sprint("k", i), "v")
			}
			f.inDB(1, func() { f.set("other", "v") })
			seen := f.scanAll(count)
			equal(t, "keys", len(seen), 500)
			equal(t, "other database", seen["other"], 0)
		}
	}
}

// TestScanEndsEarly has scans of keys and of fields end after each bucket, and go on from there.
func TestScanEndsEarly(t *testing.T) {
	f := open(t, engine.Options{})
	for i := range 500 {
		f.set(fmt.Sprint("k", i), "v")
		f.hset("h", fmt.Sprint("f", i), strings.Repeat("v", 100))
	}
	seen := map[string]bool{}
	enough := func(name []byte) bool { seen[string(name)] = true; return false }
	for _, fields := range []bool{false, true} {
		clear(seen)
		most := 0
		for cursor := uint64(0); ; {
			before := len(seen)
			if fields {
				cursor, _ = f.tx.HScan(f.k("h"), cursor, 1000, func(name []byte, _ engine.Value) bool { return enough(name) })
			} else {
				cursor = f.tx.Scan(cursor, 1000, func(name []byte, _ engine.Type) bool { return enough(name) })
			}
			if most = max(most, len(seen)-before); cursor == 0 {
				break
			}
		}
		if want := 501 - map[bool]int{true: 1}[fields]; len(seen) != want || most > 64 {
			t.Errorf("fields %v: passed %d, want %d, up to %d in one call", fields, len(seen), want, most)
		}
	}
}

// TestScanPassesNothingTwice deletes others between the calls, so that buckets are merged.
func TestScanPassesNothingTwice(t *testing.T) {
	const all = 5000
	f := open(t, engine.Options{Shards: 2})
	for _, fields := range []bool{false, true} {
		for i := range all {
			if fields {
				f.hset("h", fmt.Sprint(i), strings.Repeat("v", 100))
			} else {
				f.set(fmt.Sprint(i), "v")
			}
		}
		seen, gone := map[string]int{}, 0
		note := func(name []byte) bool { seen[string(name)]++; return true }
		for cursor := uint64(0); ; {
			if fields {
				cursor, _ = f.tx.HScan(f.k("h"), cursor, 5, func(name []byte, _ engine.Value) bool { return note(name) })
			} else {
				cursor = f.tx.Scan(cursor, 5, func(name []byte, _ engine.Type) bool { return note(name) })
			}
			if cursor == 0 {
				break
			}
			for n := 0; n < 60 && gone < all; gone++ {
				name := fmt.Sprint(gone)
				if gone%50 == 0 {
					continue // stays
				}
				if n++; fields {
					f.hdel("h", name)
				} else {
					f.tx.Delete(f.k(name))
				}
			}
		}
		for name, n := range seen {
			if n != 1 {
				t.Errorf("fields %v: %q is passed %d times", fields, name, n)
			}
		}
		for i := 0; i < all; i += 50 {
			if seen[fmt.Sprint(i)] == 0 {
				t.Errorf("fields %v: %d is not passed", fields, i)
			}
		}
		if gone < all/2 {
			t.Errorf("fields %v: the scan ended when %d had gone", fields, gone)
		}
	}
}

// TestScanHoldsLittle has keys of which 64, the most slots of a hold, would be 2 MB.
func TestScanHoldsLittle(t *testing.T) {
	f := open(t, engine.Options{Shards: 1})
	for i := range 500 {
		f.set(fmt.Sprintf("%0*d", engine.MaxKey, i), "v")
	}
	n := 0
	f.unlocked(func() { f.tx.ScanOnce(func([]byte, engine.Type) bool { n++; return true }) })
	if n == 0 || n > 32 {
		t.Errorf("%d of the longest keys were passed under one hold", n)
	}
}

func TestScanTypes(t *testing.T) {
	f := open(t, engine.Options{})
	f.set("s", "v")
	f.hset("h", "f", "v")
	got := make(map[string]engine.Type)
	f.tx.Scan(0, 1<<20, func(key []byte, typ engine.Type) bool { got[string(key)] = typ; return true })
	equal(t, "string", got["s"], engine.String)
	equal(t, "hash", got["h"], engine.Hash)
}

func TestScanLocksByItself(t *testing.T) {
	f := open(t, engine.Options{})
	f.set("k", "v")
	f.unlocked(func() {
		equal(t, "Scan", len(f.scanAll(10)), 1)
		equal(t, "Len", f.tx.Len(), 1)
		key, ok := f.tx.Random([]byte("key "))
		equal(t, "Random", ok, true)
		equal(t, "Random", string(key), "key k")
	})
}

// The guarantee of SCAN: keys that are there from beginning to end are passed, however the table grows and shrinks meanwhile.
func TestScanWhileKeysChange(t *testing.T) {
	const stay = 500
	for name, step := range map[string]func(f *fixture, call int){
		"grows": func(f *fixture, call int) {
			for i := range 100 {
				if call < 200 {
					f.set(fmt.Sprint("new", call, "-", i), "v")
				}
			}
		},
		"shrinks": func(f *fixture, call int) {
			for i := range 100 {
				f.tx.Delete(f.k(fmt.Sprint("old", call*100+i)))
			}
		},
		"is rewritten": func(f *fixture, call int) {
			f.set(fmt.Sprint("stay", call%stay), "a longer value")
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := open(t, engine.Options{Shards: 4})
			for i := range stay {
				f.set(fmt.Sprint("stay", i), "v")
			}
			for i := range 5000 {
				f.set(fmt.Sprint("old", i), "v")
			}
			f.tx.Delete(f.k("old0"))
			seen := make(map[string]bool)
			cursor := uint64(0)
			for call := 0; call == 0 || cursor != 0; call++ {
				cursor = f.tx.Scan(cursor, 20, func(key []byte, _ engine.Type) bool { seen[string(key)] = true; return true })
				step(f, call)
				if call > 100_000 {
					t.Fatal("the scan does not end")
				}
			}
			for i := range stay {
				if !seen[fmt.Sprint("stay", i)] {
					t.Fatalf("stay%d was not passed", i)
				}
			}
			equal(t, "deleted before", seen["old0"], false)
		})
	}
}

func TestRandom(t *testing.T) {
	f := open(t, engine.Options{})
	key, ok := f.tx.Random([]byte("x"))
	equal(t, "empty", ok, false)
	equal(t, "dst", string(key), "x")
	for i := range 10 {
		f.set(fmt.Sprint("k", i), "v")
		f.setUntil(fmt.Sprint("expired", i), "v", f.base+10)
	}
	f.inDB(1, func() { f.set("other", "v") })
	f.tx.Now += 20
	got := make(map[string]int)
	for range 2000 {
		key, ok := f.tx.Random(nil)
		equal(t, "ok", ok, true)
		equal(t, "exists", f.exists(string(key)), true)
		got[string(key)]++
	}
	equal(t, "keys chosen", len(got), 10)
}
