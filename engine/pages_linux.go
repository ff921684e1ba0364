//go:build linux && !race

package engine

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// hugePage is the size of the pages that the kernel uses for memory marked so: one entry of the processor's address cache instead of 512.
// A cache of many gigabytes is read at random; with small pages, finding the address costs as much as the read.
const hugePage = 2 << 20

// mapped says whether the arena is memory that stays readable until it is unmapped, whoever writes to it.
const mapped = true

// mapPages takes n bytes of zeroed pages, a multiple of hugePage, from the system, outside the Go heap. They become resident when
// touched.
func mapPages(n int) []byte {
	all, err := unix.MmapPtr(-1, 0, nil, uintptr(n+hugePage), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil
	}
	lead := -uintptr(all) & (hugePage - 1)
	start := unsafe.Add(all, lead)
	if lead > 0 {
		_ = unix.MunmapPtr(all, lead) // a part of what was just mapped: cannot fail
	}
	_ = unix.MunmapPtr(unsafe.Add(start, n), hugePage-lead)
	b := unsafe.Slice((*byte)(start), n)
	_ = unix.Madvise(b, unix.MADV_HUGEPAGE) // advice: without it the pages are small
	return b
}

// mapBuffer takes n bytes of zeroed pages for a buffer of a client from the system. They are small
// ones, which become resident when touched and no sooner, so that what a client takes is known.
func mapBuffer(n int) []byte {
	p, err := unix.MmapPtr(-1, 0, nil, uintptr(n), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err != nil {
		return nil
	}
	b := unsafe.Slice((*byte)(p), n)
	_ = unix.Madvise(b, unix.MADV_NOHUGEPAGE) // fails where the kernel has no large pages
	return b
}

// dropPages makes the pages of b not resident. What they held is lost. They are small pages from then on, lest the kernel joins them to
// large ones again, which would be resident.
func dropPages(b []byte) {
	_ = unix.Madvise(b, unix.MADV_NOHUGEPAGE)
	_ = unix.Madvise(b, unix.MADV_DONTNEED) // advice: where it fails the pages just stay
}

// unmapPages gives back what mapPages returned.
func unmapPages(b []byte) {
	_ = unix.MunmapPtr(unsafe.Pointer(unsafe.SliceData(b)), uintptr(len(b))) // fails only for an address that mapPages never returned
}
