package engine

// ghosts remember keys that were given up, so that one that comes back soon is known to have been given up too early. They are kept as
// 16-bit fingerprints in lines of 31, each a ring: 2 bytes a key, one key in about two thousand mistaken for another. There is a line
// more at a time, as in a table, but that the new one gets a copy of the other: whose keys they are cannot be told.
type ghosts struct {
	pages [][]ghostLine // of ghostPage lines, nil while the policy does not use them
	lines uint32        // how many are in use
	mask  uint32        // the largest power of two not above lines, minus one
}

// ghostLine is one cache line.
type ghostLine struct {
	next   uint16
	prints [ghostRing]uint16 // 0 for none
}

const (
	ghostRing  = 31
	ghostPage  = 256 // lines taken at a time
	ghostStart = 64  // lines to begin with
)

func (g *ghosts) at(i uint32) *ghostLine { return &g.pages[i/ghostPage][i%ghostPage] }

func (g *ghosts) line(h uint64) *ghostLine {
	return g.at(linear(uint32(h>>shardBits), g.lines, g.mask))
}

func ghostPrint(h uint64) uint16 { return uint16(h>>40) | 1 }

// add remembers the hash of a key that is given up. The space has keys keys: the ghosts are about as many.
func (g *ghosts) add(h uint64, keys int) {
	if g.lines == 0 {
		g.pages = append(g.pages, make([]ghostLine, ghostPage))
		g.lines, g.mask = ghostStart, ghostStart-1
	}
	if int(g.lines)*ghostRing < keys*3/4 {
		g.grow()
	}
	l := g.line(h)
	l.prints[l.next] = ghostPrint(h)
	l.next = (l.next + 1) % ghostRing
}

// grow adds a line.
func (g *ghosts) grow() {
	n := g.lines
	if int(n/ghostPage) == len(g.pages) {
		g.pages = append(g.pages, make([]ghostLine, ghostPage))
	}
	*g.at(n) = *g.at(n & g.mask)
	g.lines++
	if g.lines > g.mask<<1|1 {
		g.mask = g.mask<<1 | 1
	}
}

// take reports whether a key's hash is remembered, and forgets it.
func (g *ghosts) take(h uint64) bool {
	if g.lines == 0 {
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
func (g *ghosts) forget() { *g = ghosts{} }
