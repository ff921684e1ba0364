package engine

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"unsafe"
)

// Go returns a struct in registers if it has no more than nine words. With a tenth, GET took a fifth
// longer.
func TestViewFitsRegisters(t *testing.T) {
	if n := reflect.TypeFor[view]().NumField(); n > 9 {
		t.Errorf("view has %d fields", n)
	}
	if n := unsafe.Sizeof(view{}); n > 9*unsafe.Sizeof(uintptr(0)) {
		t.Errorf("view has %d bytes", n)
	}
}

// What encode writes, decode reads, and the size is that of the shape.
func TestRecordHeader(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	block := make([]byte, blockSize)
	p := unsafe.Pointer(&block[0])
	for range 20_000 {
		key := make([]byte, r.IntN(1<<r.IntN(10)))
		for i := range key {
			key[i] = byte(r.Uint32())
		}
		l, at := []layout{layoutString, layoutInt, layoutPacked, layoutParts}[r.IntN(4)], NoDeadline
		switch r.IntN(3) {
		case 0:
			at = deadlineZero + 1 + r.Int64N(wideDeadline-1)
		case 1:
			at = deadlineZero + wideDeadline + r.Int64N(1<<50)
		}
		n := r.IntN(1 << r.IntN(15))
		if l == layoutInt {
			n = 8
		}
		s := shapeOf(l|uint8(r.IntN(2))*flagRaw, len(key), n, at)
		want := s.encode(p, uint8(r.IntN(16)), uint8(r.IntN(16)), key, at)
		got := decode(p)
		if got != want || got.size != s.size() || got.val != s.header()+len(key) {
			t.Fatalf("%+v is decoded as %+v, encoded as %+v", s, got, want)
		}
		if got.layout() != l || string(got.keyBytes()) != string(key) || got.deadline() != at {
			t.Fatalf("layout %d, key %x, deadline %d: %+v has deadline %d", l, key, at, got, got.deadline())
		}
		if size, err := checkSize(block); err != nil || size != got.size {
			t.Fatalf("checkSize of %+v: %d, %v", s, size, err)
		}
		if !got.setDeadline(at) || got.deadline() != at {
			t.Fatalf("deadline %d cannot be set once more", at)
		}
	}
}
