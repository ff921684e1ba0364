//go:build !linux

package snapshot

// standBack does nothing here.
func standBack() {}
