//go:build !unix || race

package engine

// The arena lives on the Go heap where there is no mmap, and under the race detector, which does not see other memory.

// mapped says whether the arena is memory that stays readable until it is unmapped, whoever writes to it.
const mapped = false

func mapPages(n int) []byte { return make([]byte, n) }

func mapBuffer(n int) []byte { return make([]byte, n) }

func dropPages([]byte) {}

func unmapPages([]byte) {}
