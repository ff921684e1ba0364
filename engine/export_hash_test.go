//go:build invariants

package engine

// DegradeHashes makes all hashes keep only some of their bits, until undo is called. No Store may be open.
func DegradeHashes(keep uint64) (undo func()) {
	hashKeep = keep
	return func() { hashKeep = ^uint64(0) }
}
