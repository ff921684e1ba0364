package engine_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/redistill/redistill/engine"
)

// TestRestWhileStoring: what is stored, or evicted, while the process is measured is the arena's. Where a loader had stored 256 MB between
// the look at the arena and that at the process, the limit was said to be used up by other things.
func TestRestWhileStoring(t *testing.T) {
	const size = 256 << 20
	pages, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(pages) }()
	for i := 0; i < size; i += unix.Getpagesize() {
		pages[i] = 1
	}
	rest := func(before, after int64) int64 {
		arena := before
		return engine.RestBeside(func() (size int64) { size, arena = arena, after; return size })
	}
	all := rest(0, 0)
	for _, test := range [][2]int64{{size, size}, {0, size}, {size, 0}} {
		if got := rest(test[0], test[1]); got > all-size/2 {
			t.Errorf("an arena of %d bytes before and %d after leaves %d bytes to the rest of %d", test[0], test[1], got, all)
		}
	}
}
