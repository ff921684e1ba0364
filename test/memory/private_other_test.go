//go:build !linux

package memory_test

// private is not known on this system.
func (*server) private() int64 { return 0 }
