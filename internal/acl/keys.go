package acl

import (
	"cmp"
	"slices"
	"strings"

	"github.com/redistill/redistill/internal/glob"
)

// Access is what a command does to a key, and what a pattern allows.
type Access uint8

// The ways of access. A command that needs neither, such as EXISTS, needs some pattern that the key matches.
const (
	Read  Access = 1 << iota // the value, or part of it, is returned or copied
	Write                    // the value changes or goes
)

// Key is a key among a command's words, and what is done with it.
type Key struct {
	At     int // the index of the word
	Access Access
}

// pattern is a pattern that keys are matched with.
type pattern struct {
	text   string
	access Access
}

// matcher decides whether a key matches one of some patterns. It does not change.
type matcher struct {
	// Those of plain that begin with the byte b are from byByte[b] on and before byByte[b+1].
	byByte [257]int32
	plain  []compiled // patterns that begin with a byte that stands for itself
	wild   []compiled // the others
}

// compiled is a pattern taken apart.
type compiled struct {
	prefix string // what comes before the first wildcard
	rest   rest
	access Access
	whole  *glob.Pattern // if rest is wildcard
}

// rest says what follows the prefix of a pattern.
type rest uint8

const (
	nothing  rest = iota // the prefix is all
	anything             // one or more stars
	wildcard             // what glob has to decide
)

func newMatcher(patterns []pattern) *matcher {
	m := &matcher{}
	for _, p := range patterns {
		if c := compile(p); len(c.prefix) > 0 {
			m.plain = append(m.plain, c)
		} else {
			m.wild = append(m.wild, c)
		}
	}
	slices.SortStableFunc(m.plain, func(a, b compiled) int { return cmp.Compare(a.prefix[0], b.prefix[0]) })
	for _, c := range m.plain {
		m.byByte[int(c.prefix[0])+1]++
	}
	for b := range 256 {
		m.byByte[b+1] += m.byByte[b]
	}
	return m
}

func compile(p pattern) compiled {
	c := compiled{access: p.access}
	end := strings.IndexAny(p.text, `*?[\`)
	if end < 0 {
		end = len(p.text)
	}
	c.prefix = p.text[:end]
	switch tail := p.text[end:]; {
	case tail == "":
		c.rest = nothing
	case strings.Trim(tail, "*") == "":
		c.rest = anything
	default:
		whole := glob.Compile([]byte(p.text), false)
		c.rest, c.whole = wildcard, &whole
	}
	return c
}

// allows reports whether a pattern that the key matches allows the access.
func (m *matcher) allows(key []byte, need Access) bool {
	if len(key) > 0 {
		b := int(key[0])
		for i := m.byByte[b]; i < m.byByte[b+1]; i++ {
			if c := &m.plain[i]; c.access&need == need && len(key) >= len(c.prefix) && string(key[:len(c.prefix)]) == c.prefix && c.restMatches(key) {
				return true
			}
		}
	}
	for i := range m.wild {
		if c := &m.wild[i]; c.access&need == need && c.restMatches(key) {
			return true
		}
	}
	return false
}

// restMatches reports whether a key that begins with the prefix matches. No star matches the empty
// key, as in glob.
func (c *compiled) restMatches(key []byte) bool {
	switch c.rest {
	case nothing:
		return len(key) == len(c.prefix)
	case anything:
		return len(key) > 0
	}
	return c.whole.Match(key)
}
