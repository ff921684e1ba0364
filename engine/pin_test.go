package engine_test

import (
	"bytes"
	"testing"

	"github.com/redistill/redistill/engine"
)

// TestPins: whatever happens to a value meanwhile, its pinned bytes stay as they are, and then its memory comes back.
func TestPins(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(f *fixture, k engine.Key, val []byte)
	}{
		{"nothing", func(*fixture, engine.Key, []byte) {}},
		{"overwritten", func(f *fixture, k engine.Key, val []byte) { f.check(f.tx.Set(k, val, engine.NoDeadline)) }},
		{"shorter", func(f *fixture, k engine.Key, val []byte) { f.check(f.tx.Set(k, val[:20_000], engine.NoDeadline)) }},
		{"a range", func(f *fixture, k engine.Key, val []byte) {
			_, err := f.tx.SetRange(k, 10, val[10:])
			f.check(err)
		}},
		{"appended to", func(f *fixture, k engine.Key, val []byte) {
			_, err := f.tx.Append(k, val)
			f.check(err)
		}},
		{"expiring", func(f *fixture, k engine.Key, _ []byte) { f.tx.SetDeadline(k, f.base+1000) }},
		{"deleted", func(f *fixture, k engine.Key, _ []byte) { f.tx.Delete(k) }},
		{"flushed", func(f *fixture, _ engine.Key, _ []byte) { f.tx.Flush() }},
		{"evicted", func(f *fixture, _ engine.Key, _ []byte) { f.unlocked(func() { f.s.Reclaim(200) }) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := open(t, engine.Options{MaxMemory: 64 << 20, Policy: engine.AllKeysRandom, Shards: 1})
			old, other := bytes.Repeat([]byte("old "), 50_000), bytes.Repeat([]byte("new!"), 50_000)
			k := f.k("k")
			f.check(f.tx.Set(k, old, engine.NoDeadline))
			var pins engine.Pins
			v, _, err := f.tx.Get(k)
			f.check(err)
			head, pieces := v.Pin(&pins, nil, nil)
			test.change(f, k, other)
			for i := range 100 { // what was given up is used again
				f.check(f.tx.Set(f.k(string(rune('a'+i))), other, engine.NoDeadline))
			}
			got := bytes.Join(append([][]byte{head}, pieces...), nil)
			if !bytes.Equal(got, old) {
				t.Errorf("the bytes changed from offset %d on", mismatch(got, old))
			}
			f.check(f.unlockedCheck())
			f.unlocked(pins.Release)
			f.tx.FlushAll()
			f.unlocked(func() { f.s.ExpireCycle(f.base) })
			if st := f.stats(); st.DataBytes != 0 || st.DeadBytes > 64<<10*20 {
				t.Errorf("%d bytes of data and %d dead ones are left", st.DataBytes, st.DeadBytes)
			}
		})
	}
}

// mismatch returns the first offset at which two slices differ.
func mismatch(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}
