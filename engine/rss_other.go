//go:build !linux

package engine

// ResidentSet returns the resident memory of the process in bytes, and how much of it is the program's and its libraries' files; 0 if that
// is not known.
func ResidentSet() (total, files int64) { return 0, 0 }
