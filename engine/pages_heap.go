//go:build !unix || race

package engine

// The arena lives on the Go heap where there is no mmap, and under the race detector, which does not see other memory.

func mapPages(n int) []byte { return make([]byte, n) }

func dropPages([]byte) {}

func unmapPages([]byte) {}
