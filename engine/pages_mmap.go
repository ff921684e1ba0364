//go:build unix && !linux && !race

package engine

import "golang.org/x/sys/unix"

// mapped says whether the arena is memory that stays readable until it is unmapped, whoever writes to it.
const mapped = true

// mapPages takes n bytes of zeroed pages from the system, outside the Go heap. They become resident when touched.
func mapPages(n int) []byte {
	b, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil
	}
	return b
}

// mapBuffer is mapPages for a buffer of a client, of any number of pages.
func mapBuffer(n int) []byte { return mapPages(n) }

// dropPages makes the pages of b not resident. What they held is lost.
func dropPages(b []byte) {
	_ = unix.Madvise(b, unix.MADV_DONTNEED) // advice: where it fails the pages just stay
}

// unmapPages gives back what mapPages returned.
func unmapPages(b []byte) {
	_ = unix.Munmap(b) // fails only for an address that mapPages never returned
}
