//go:build !invariants

package invariants

// Enabled is false in builds without the tag invariants: what depends on it costs nothing.
const Enabled = false
