package engine

import (
	"bytes"
	"os"
	"strconv"
)

// ResidentSet returns the resident memory of the process in bytes, and how much of it is the program's and its libraries' files; 0 if that
// is not known.
func ResidentSet() (total, files int64) {
	b, err := os.ReadFile("/proc/self/statm") // size resident shared ..., in pages
	if err != nil {
		return 0, 0
	}
	f := bytes.Fields(b)
	if len(f) < 3 {
		return 0, 0
	}
	page := int64(os.Getpagesize())
	total, _ = strconv.ParseInt(string(f[1]), 10, 64)
	files, _ = strconv.ParseInt(string(f[2]), 10, 64)
	return total * page, files * page
}
