package engine_test

import (
	"bytes"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"sort"
	"testing"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/test/await"
)

// newBuffers returns the buffers of a store that does nothing in the background.
func newBuffers(t *testing.T, maxMemory int64) (*engine.Store, *engine.Buffers) {
	t.Helper()
	s, err := engine.Open(engine.Options{MaxMemory: maxMemory})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	s.StopBackground()
	return s, s.Buffers()
}

// TestBuffersAreApart: whatever is asked for and given back in whatever order, each buffer is as
// long as asked for and nobody else's.
func TestBuffersAreApart(t *testing.T) {
	_, buffers := newBuffers(t, 64<<20)
	type taken struct {
		bytes   []byte
		used    int
		touched int
		fill    byte
	}
	var all []taken
	r := rand.New(rand.NewPCG(5, 1))
	for i := range 3000 {
		if len(all) > 50 || r.IntN(3) == 0 && len(all) > 0 {
			k := r.IntN(len(all))
			b := all[k]
			if n := bytes.Count(b.bytes[:b.used], []byte{b.fill}); n != b.used {
				t.Fatalf("of %d bytes %d are somebody else's", b.used, b.used-n)
			}
			buffers.Put(b.bytes, max(b.used, b.touched))
			all[k] = all[len(all)-1]
			all = all[:len(all)-1]
			continue
		}
		n := 1 + r.IntN(1<<r.IntN(22))
		b := taken{used: n, fill: byte(i)}
		b.bytes, b.touched = buffers.Get(n)
		if len(b.bytes) < n {
			t.Fatalf("got %d bytes for %d", len(b.bytes), n)
		}
		for j := range n {
			b.bytes[j] = b.fill
		}
		all = append(all, b)
	}
}

// TestBuffersKeepLittle: what is given back is free, but for a part of the limit; that goes when
// nobody needed it for a while, or at once when it is to.
func TestBuffersKeepLittle(t *testing.T) {
	const limit, keep = 64 << 20, 1 << 20
	for _, size := range []int{4 << 10, 16 << 10, 64 << 10, 200 << 10, 700 << 10, 30 << 20} {
		s, buffers := newBuffers(t, limit)
		free := func() int64 { return s.Stats().FreeBytes - s.FreeBlockBytes() }
		use := func(n int) {
			var all [][]byte
			for range n {
				b, _ := buffers.Get(size)
				all = append(all, b)
			}
			for _, b := range all {
				buffers.Put(b, min(size, 700<<10))
			}
		}
		use(max(2*keep/size, 2))
		kept := free()
		if kept > keep || (kept == 0) != (size > 16<<20) {
			t.Errorf("%d: %d bytes are kept", size, kept)
		}
		s.Tick(0)
		if use(1); free() != kept {
			t.Errorf("%d: %d of %d bytes are kept while they are in use", size, free(), kept)
		}
		if s.Tick(0); free() > int64(size) {
			t.Errorf("%d: %d bytes are kept of which no more than one buffer was used", size, free())
		}
		s.Tick(0)
		if s.Tick(0); free() != 0 {
			t.Errorf("%d: %d bytes are kept that nobody uses", size, free())
		}
		use(3)
		if s.Purge(); free() != 0 {
			t.Errorf("%d: %d bytes are left after a purge", size, free())
		}
	}
}

// TestTouched: who gets a buffer is told how much of it takes memory already.
func TestTouched(t *testing.T) {
	_, buffers := newBuffers(t, 1<<30)
	const size = 200 << 10
	first, touched := buffers.Get(size)
	if touched != 0 {
		t.Errorf("of a new buffer %d bytes take memory", touched)
	}
	buffers.Put(first, size)
	again, touched := buffers.Get(size)
	if &again[0] != &first[0] || touched != size {
		t.Errorf("of a used buffer %d bytes take memory", touched)
	}
	if !buffers.Ahead() {
		return // they take all of their memory whatever happens
	}
	again[0], again[size-1] = 1, 1
	const used = 5000
	if touched = buffers.Drop(again, used, touched); touched != used || again[0] != 1 || again[size-1] != 0 {
		t.Errorf("of a buffer that was dropped %d bytes take memory; it has %d at the start and %d at the end", touched, again[0], again[size-1])
	}
	if touched = buffers.Drop(again, used, touched); touched != used || again[0] != 1 {
		t.Errorf("dropped again %d bytes take memory", touched)
	}
	buffers.Put(again, touched)
	small, _ := buffers.Get(100)
	if touched = buffers.Drop(small, 1, 100); touched != 100 {
		t.Errorf("of a small buffer %d bytes take memory", touched)
	}
}

// TestHeld: a small buffer takes all of its bytes, a large one the pages that were written to.
func TestHeld(t *testing.T) {
	_, buffers := newBuffers(t, 64<<20)
	for _, test := range []struct {
		asked, touched int
		held           int64
	}{{1, 0, 4 << 10}, {5 << 10, 1, 8 << 10}, {20 << 10, 1, 24 << 10}, {64 << 10, 1, 64 << 10}, {64<<10 + 1, 0, 0}, {64<<10 + 1, 1, 4 << 10}, {100 << 20, 4<<10 + 1, 8 << 10}} {
		b, _ := buffers.Get(test.asked)
		if got := buffers.Held(len(b), test.touched); got != test.held {
			t.Errorf("%+v: got %d", test, got)
		}
		buffers.Put(b, test.touched)
	}
}

// TestArrivingTakesRoom: values on their way in leave less to the arena at once, and it is back at
// once when they are gone.
func TestArrivingTakesRoom(t *testing.T) {
	s, _ := newBuffers(t, 8<<30) // so much that what the test itself takes is little
	s.SetPolicy(engine.NoEviction)
	const most = 3 << 30
	if err := s.Reserve(most); err != nil {
		t.Fatal(err)
	}
	largest := s.Largest()
	s.AddArriving(7 << 30)
	if s.Reserve(most) == nil {
		t.Error("there is room for what others take")
	}
	if s.Largest() != largest {
		t.Error("what may be stored depends on what arrives")
	}
	s.AddArriving(-7 << 30)
	if err := s.Reserve(most); err != nil {
		t.Error("the room is not back:", err)
	}
	if largest < 3<<30 || largest > 4<<30 {
		t.Errorf("the largest value has %d bytes", largest)
	}
	if err := s.Reserve(int(largest)); err != nil {
		t.Errorf("%d bytes should fit: %v", largest, err)
	}
}

// TestLoanOfArriving: values on their way in have a quarter of what clients do not use of their
// budget before they take from the arena.
func TestLoanOfArriving(t *testing.T) {
	s, _ := newBuffers(t, 2<<30)
	s.SetPolicy(engine.NoEviction)
	const budget = 64 << 20
	s.SetExternalBudget(budget)
	room := func() (mb int) {
		return sort.Search(2048, func(mb int) bool { return s.Reserve(mb<<20) != nil })
	}
	for _, test := range []struct{ used, arriving, takes int64 }{
		{0, budget / 4, 0}, {0, budget, budget * 3 / 4}, {budget / 2, budget / 4, budget / 8}, {budget, budget / 4, budget / 4},
	} {
		s.AddExternal(test.used)
		took, largest := 0, int64(0) // MB that they took, and what became of the largest value
		await.True(t, "a measurement during which the process needs the same", func() bool {
			for range 30 { // until what the process needs is known
				s.Stir()
				s.Tick(0)
			}
			before, most := room(), s.Largest()
			s.AddArriving(test.arriving)
			took, largest = before-room(), s.Largest()-most
			s.AddArriving(-test.arriving)
			return room() == before
		})
		if off := int64(took)<<20 - test.takes; off < -4<<20 || off > 4<<20 { // in whole megabytes
			t.Errorf("%+v: they took %d MB", test, took)
		}
		if largest != 0 {
			t.Errorf("%+v: the largest value has %d bytes more", test, largest)
		}
		s.AddExternal(-test.used)
	}
}

// TestGarbageIsCollected: much that was given up at once is collected soon, and not again.
func TestGarbageIsCollected(t *testing.T) {
	s, _ := newBuffers(t, 1<<40)
	s.SetExternalBudget(1 << 30)                     // enough that there is no other reason to collect
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // the runtime collects nothing by itself
	collects := func(garbage int64) bool {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		before := m.NumForcedGC
		s.AddGarbage(garbage)
		for range 20 {
			s.Tick(0)
		}
		runtime.ReadMemStats(&m)
		return m.NumForcedGC > before
	}
	calm := func() bool { return !collects(0) }
	await.True(t, "there is nothing to collect", calm)
	if collects(1 << 19) {
		t.Error("little was collected")
	}
	await.True(t, "much is collected", func() bool { return collects(1 << 24) })
	await.True(t, "there is nothing to collect any more", calm)
}
