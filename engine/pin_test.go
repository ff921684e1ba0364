package engine_test

import (
	"bytes"
	"math"
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

// pinned sets a value of size bytes, and pins it.
func (f *fixture) pinned(k engine.Key, size int) *engine.Pins {
	f.check(f.tx.Set(k, bytes.Repeat([]byte("x"), size), engine.NoDeadline))
	return f.pin(k)
}

// pin pins a value.
func (f *fixture) pin(k engine.Key) *engine.Pins {
	v, _, err := f.tx.Get(k)
	f.check(err)
	pins := &engine.Pins{}
	v.Pin(pins, nil, nil)
	return pins
}

// TestReclaimLeavesPins: blocks that are pinned are not moved, for that would free nothing and take
// memory: neither those of a large value nor such as hold little else.
func TestReclaimLeavesPins(t *testing.T) {
	for _, policy := range []engine.Policy{engine.NoEviction, engine.AllKeysLRU, engine.AllKeysLFU, engine.AllKeysRandom,
		engine.AllKeysS3FIFO, engine.AllKeysDensity, engine.VolatileLRU, engine.VolatileTTL} {
		f := open(t, engine.Options{MaxMemory: 64 << 20, Policy: policy, Shards: 1})
		keys := []engine.Key{f.k("k")}
		pins := []*engine.Pins{f.pinned(keys[0], 8<<20)}
		for i := range 400 {
			k := f.k(key(i))
			p := f.pinned(k, 20_000)
			if i%8 == 0 {
				keys, pins = append(keys, k), append(pins, p)
				continue
			}
			f.unlocked(p.Release)
			f.tx.Delete(k)
		}
		for i := range 10_000 {
			f.check(f.tx.Set(f.k(key(1000+i)), bytes.Repeat([]byte("v"), 500), f.base+1000))
		}
		before := f.arena()
		for range 100 {
			f.unlocked(func() { f.s.Reclaim(100) })
			kept := true
			for _, k := range keys {
				kept = kept && f.tx.Exists(k)
			}
			if after, alone := f.arena(), f.s.PinnedAlone(); after > before || alone > 0 && kept {
				t.Fatalf("%v: the arena had %d bytes, and has %d; %d of them are only pinned", policy, before, after, alone)
			}
		}
		for _, p := range pins {
			f.unlocked(p.Release)
		}
		equal(t, "pinned", f.s.Pinned(), 0)
	}
}

// arena returns the bytes of blocks that are in use.
func (f *fixture) arena() int64 {
	st := f.stats()
	return st.DataBytes + st.OverheadBytes + st.DeadBytes
}

// TestChangesBesidePins: of a value that is pinned only what changes is moved.
func TestChangesBesidePins(t *testing.T) {
	f := open(t, engine.Options{Shards: 1})
	k := f.k("k")
	pins := f.pinned(k, 8<<20)
	before := f.arena()
	for _, off := range []int{0, 1 << 20, 4<<20 + 1, 8<<20 - 100} {
		_, err := f.tx.SetRange(k, off, []byte("other"))
		f.check(err)
	}
	_, err := f.tx.Append(k, []byte("more"))
	f.check(err)
	if more := f.arena() - before; more > 10*64<<10 {
		t.Errorf("five small changes took %d bytes", more)
	}
	f.unlocked(pins.Release)
}

// TestPinBetweenSteps: a block that is pinned while it is being reclaimed is left as it is from
// then on.
func TestPinBetweenSteps(t *testing.T) {
	tried := 0
	for steps := range 20 {
		f := open(t, engine.Options{MaxMemory: 64 << 20, Policy: engine.AllKeysLRU, Shards: 1})
		k := f.k("k")
		for i := range 400 {
			f.check(f.tx.Set(f.k(key(i)), bytes.Repeat([]byte("v"), 100), engine.NoDeadline))
			if i == 200 {
				f.check(f.tx.Set(k, bytes.Repeat([]byte("x"), 70_000), engine.NoDeadline))
				_, err := f.tx.Append(k, []byte("a part of its own among other keys"))
				f.check(err)
			}
		}
		f.unlocked(func() { f.s.Reclaim(steps) })
		if !f.tx.Exists(k) {
			break
		}
		pins := f.pin(k)
		for range 20 {
			f.unlocked(func() { f.s.Reclaim(1) })
			if alone := f.s.PinnedAlone(); alone > 0 && f.tx.Exists(k) {
				t.Errorf("pinned after %d steps, the value was moved from %d bytes", steps, alone)
			}
		}
		f.unlocked(pins.Release)
		tried++
	}
	if tried < 8 {
		t.Errorf("only %d steps were tried", tried)
	}
}

// TestNoRoomBesidePins: the error says whether pins are to blame.
func TestNoRoomBesidePins(t *testing.T) {
	for _, test := range []struct {
		policy   engine.Policy
		deadline int64
		tail     bool // the value has a part in the block that its key is in
		want     error
	}{
		{engine.NoEviction, engine.NoDeadline, false, engine.ErrOutOfMemory},
		{engine.NoEviction, engine.NoDeadline, true, engine.ErrOutOfMemory},
		{engine.AllKeysLRU, engine.NoDeadline, false, engine.ErrPinned},
		{engine.AllKeysLRU, engine.NoDeadline, true, engine.ErrPinned},
		{engine.AllKeysRandom, engine.NoDeadline, true, engine.ErrPinned},
		{engine.AllKeysS3FIFO, engine.NoDeadline, true, engine.ErrPinned},
		{engine.VolatileLRU, engine.NoDeadline, true, engine.ErrOutOfMemory},
		{engine.VolatileLRU, math.MaxInt64 / 2, true, engine.ErrPinned},
	} {
		f := open(t, engine.Options{MaxMemory: 64 << 20, Policy: test.policy, Shards: 2})
		k := f.k("k")
		f.check(f.tx.Set(k, bytes.Repeat([]byte("x"), 40<<20), test.deadline))
		if test.tail {
			_, err := f.tx.Append(k, []byte("tail"))
			f.check(err)
		}
		pins := f.pin(k)
		var err error
		f.unlocked(func() { err = f.s.Reserve(30 << 20) })
		if err != test.want {
			t.Errorf("%+v: got %v", test, err)
		}
		f.unlocked(pins.Release)
		f.unlocked(func() { err = f.s.Reserve(30 << 20) })
		if (err == nil) != (test.want == engine.ErrPinned) {
			t.Errorf("%+v: without pins got %v", test, err)
		}
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
