// Package invariants holds assertions that builds with the tag invariants check, and that compile to nothing in others.
//
// A condition that production code survives, by treating a key as missing or by an error, is asserted all the same: a test shall fail
// where it is broken, not go on.
package invariants

// Violated panics in builds with the tag invariants and does nothing in others. It is called where an invariant was found broken,
// before the code that copes.
func Violated(what string) {
	if Enabled {
		panic("invariant violated: " + what)
	}
}

// Mangle overwrites bytes that nobody may look at any more, so that a view that is kept too long shows. It does nothing in builds
// without the tag.
func Mangle(b []byte) {
	if Enabled && len(b) > 0 {
		b[0] = 0xdb
		for n := 1; n < len(b); n *= 2 {
			copy(b[n:], b[:n])
		}
	}
}
