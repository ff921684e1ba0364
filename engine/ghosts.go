package engine

// ghosts remember keys that were given up, so that one that comes back soon is known to have been given up too early. They are kept as
// 16-bit fingerprints in lines of 31, each a ring: 2 bytes a key, one key in about two thousand mistaken for another.
type ghosts struct {
	lines []ghostLine // a power of two, nil while the policy does not use them
}

// ghostLine is one cache line.
type ghostLine struct {
	next   uint16
	prints [31]uint16 // 0 for none
}

// minGhostLines is the number of lines to begin with.
const minGhostLines = 64

func (g *ghosts) line(h uint64) *ghostLine { return &g.lines[h>>shardBits&uint64(len(g.lines)-1)] }

func ghostPrint(h uint64) uint16 { return uint16(h>>40) | 1 }

// add remembers the hash of a key that is given up. The keyspace has keys keys: the ghosts are about as many.
func (g *ghosts) add(h uint64, keys int) {
	if len(g.lines) == 0 {
		g.lines = make([]ghostLine, minGhostLines)
	}
	if len(g.lines)*len(ghostLine{}.prints) < keys*3/4 {
		g.lines = append(g.lines, g.lines...) // a line's keys may now belong to either copy
	}
	l := g.line(h)
	l.prints[l.next] = ghostPrint(h)
	l.next = (l.next + 1) % uint16(len(l.prints))
}

// take reports whether a key's hash is remembered, and forgets it.
func (g *ghosts) take(h uint64) bool {
	if len(g.lines) == 0 {
		return false
	}
	l, p := g.line(h), ghostPrint(h)
	for i, have := range l.prints {
		if have == p {
			l.prints[i] = 0
			return true
		}
	}
	return false
}

// forget frees the memory.
func (g *ghosts) forget() { g.lines = nil }
