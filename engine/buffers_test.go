package engine_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/redistill/redistill/engine"
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

// TestBuffersAreApart: whatever is asked for and given back in whatever order, each buffer is as long as asked for and nobody else's.
func TestBuffersAreApart(t *testing.T) {
	_, buffers := newBuffers(t, 64<<20)
	type taken struct {
		bytes []byte
		used  int
		fill  byte
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
			buffers.Put(b.bytes, b.used)
			all[k] = all[len(all)-1]
			all = all[:len(all)-1]
			continue
		}
		n := 1 + r.IntN(1<<r.IntN(22))
		b := taken{buffers.Get(n), n, byte(i)}
		if len(b.bytes) < n {
			t.Fatalf("got %d bytes for %d", len(b.bytes), n)
		}
		for j := range n {
			b.bytes[j] = b.fill
		}
		all = append(all, b)
	}
}

// TestBuffersKeepLittle: what is given back is free, but for a part of the limit; that goes when nobody needed it for a while, or at once
// when it is to.
func TestBuffersKeepLittle(t *testing.T) {
	const limit, keep = 64 << 20, 1 << 20
	for _, size := range []int{4 << 10, 16 << 10, 64 << 10, 700 << 10, 30 << 20} {
		s, buffers := newBuffers(t, limit)
		free := func() int64 { return s.Stats().FreeBytes - s.FreeBlockBytes() }
		use := func(n int) {
			var all [][]byte
			for range n {
				all = append(all, buffers.Get(size))
			}
			for _, b := range all {
				buffers.Put(b, min(size, 700<<10))
			}
		}
		use(max(2*keep/size, 2))
		kept := free()
		if kept > keep || kept == 0 && size < 1<<20 || kept > 0 && size > 16<<20 {
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

// TestHeld: a small buffer takes all of its bytes, a large one the pages that were written to.
func TestHeld(t *testing.T) {
	_, buffers := newBuffers(t, 64<<20)
	for _, test := range []struct {
		asked, touched int
		held           int64
	}{{1, 0, 4 << 10}, {5 << 10, 1, 16 << 10}, {64 << 10, 1, 64 << 10}, {64<<10 + 1, 0, 0}, {64<<10 + 1, 1, 4 << 10}, {100 << 20, 4<<10 + 1, 8 << 10}} {
		b := buffers.Get(test.asked)
		if got := buffers.Held(len(b), test.touched); got != test.held {
			t.Errorf("%+v: got %d", test, got)
		}
		buffers.Put(b, test.touched)
	}
}

// TestArrivingTakesRoom: values on their way in leave less to the arena at once, and it is back at once when they are gone.
func TestArrivingTakesRoom(t *testing.T) {
	s, _ := newBuffers(t, 256<<20)
	s.SetPolicy(engine.NoEviction)
	const most = 100 << 20
	if err := s.Reserve(most); err != nil {
		t.Fatal(err)
	}
	largest := s.Largest()
	s.AddArriving(200 << 20)
	if s.Reserve(most) == nil {
		t.Error("there is room for what others take")
	}
	if s.Largest() != largest {
		t.Error("what may be stored depends on what arrives")
	}
	s.AddArriving(-200 << 20)
	if err := s.Reserve(most); err != nil {
		t.Error("the room is not back:", err)
	}
	if largest < 80<<20 || largest > 128<<20 {
		t.Errorf("the largest value has %d bytes", largest)
	}
	if err := s.Reserve(int(largest)); err != nil {
		t.Errorf("%d bytes should fit: %v", largest, err)
	}
}
