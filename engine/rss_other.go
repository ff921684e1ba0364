//go:build !linux

package engine

// residentSet returns the resident memory of the process in bytes, 0 if it is not known.
func residentSet() int64 { return 0 }
