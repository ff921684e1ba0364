package acl

import "strings"

// Command is what rules need to know of a command.
type Command struct {
	Name       string // the full name in small letters: "get", "config|get"
	Categories uint32 // bit i stands for the category with index i
	Free       bool   // may be sent by anybody, whatever the rules say: AUTH, HELLO, QUIT
	HasKeys    bool   // names keys
	Absent     bool   // cannot be called: rules about it are kept and shown, and allow nothing
}

// Catalog is the list of commands that rules speak of. A command is known by its index in the list. It does not change.
type Catalog struct {
	categories []string
	commands   []Command
	subs       [][]int // by index of a container, the indexes of its subcommands
	inside     []bool  // is a subcommand
	byName     map[string]int
	free       bits // the commands with Free
}

// NewCatalog returns a catalog of the commands, of which a container comes before its subcommands. categories are the names that stand
// behind the bits of Command.Categories. Both are kept.
func NewCatalog(categories []string, commands []Command) *Catalog {
	c := &Catalog{categories: categories, commands: commands, subs: make([][]int, len(commands)), inside: make([]bool, len(commands)),
		byName: make(map[string]int, len(commands)), free: newBits(len(commands))}
	for i, cmd := range commands {
		c.byName[cmd.Name] = i
		if container, _, ok := strings.Cut(cmd.Name, "|"); ok {
			up := c.byName[container]
			c.subs[up] = append(c.subs[up], i)
			c.inside[i] = true
		}
		if cmd.Free {
			c.free.set(i, true)
		}
	}
	return c
}

// find returns the index of the command with the given full name, of any case.
func (c *Catalog) find(name string) (int, bool) {
	i, ok := c.byName[lower(name)]
	return i, ok
}

// category returns the bit of the category with the given name, of any case, or 0.
func (c *Catalog) category(name string) uint32 {
	name = lower(name)
	for i, known := range c.categories {
		if known == name {
			return 1 << i
		}
	}
	return 0
}

// future is the bit after those of all commands. It tells selectors that began with +@all from those that began with nothing, which
// differ in the commands that a later version brings.
func (c *Catalog) future() int { return len(c.commands) }

// bits is a set of small numbers.
type bits []uint64

// newBits returns an empty set for the numbers from 0 to most.
func newBits(most int) bits { return make(bits, most/64+1) }

func (b bits) has(i int) bool { return b[uint(i)/64]>>(uint(i)%64)&1 != 0 }

func (b bits) set(i int, on bool) {
	if on {
		b[i/64] |= 1 << (i % 64)
	} else {
		b[i/64] &^= 1 << (i % 64)
	}
}

// setAll makes the set hold all numbers, or none.
func (b bits) setAll(on bool) {
	word := uint64(0)
	if on {
		word = ^word
	}
	for i := range b {
		b[i] = word
	}
}

// lower makes ASCII letters small and leaves all other bytes alone.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c-'A' < 26 {
			b[i] = c | 0x20
		}
	}
	return string(b)
}

// isSpace reports whether a byte separates words, as C's isspace has it.
func isSpace(c rune) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// hasSpaces reports whether a name or pattern holds what the text of a user cannot: spaces, or a zero byte.
func hasSpaces(s string) bool {
	return strings.ContainsFunc(s, func(c rune) bool { return isSpace(c) || c == 0 })
}
