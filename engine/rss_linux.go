package engine

import (
	"bytes"
	"os"
	"strconv"
)

// residentSet returns the resident memory of the process in bytes, 0 if it is not known.
func residentSet() int64 {
	b, err := os.ReadFile("/proc/self/statm") // size resident shared ..., in pages
	if err != nil {
		return 0
	}
	f := bytes.Fields(b)
	if len(f) < 2 {
		return 0
	}
	n, err := strconv.ParseInt(string(f[1]), 10, 64)
	if err != nil {
		return 0
	}
	return n * int64(os.Getpagesize())
}
