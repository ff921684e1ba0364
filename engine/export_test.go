package engine

// OpenArena is Open with a limit for the arena alone, so that tests do not depend on what else the process holds.
func OpenArena(o Options) (*Store, error) { return open(o, true) }
