package acl

import (
	"encoding/hex"
	"strings"
)

// String returns the rules that make a new user like this one, as ACL LIST and the file of users have them.
func (r *Rules) String() string {
	words := r.Flags()
	for _, p := range r.Passwords() {
		words = append(words, "#"+p)
	}
	for i, s := range r.selectors {
		text := s.text()
		if i > 0 {
			text = "(" + text + ")"
		}
		words = append(words, text)
	}
	return strings.Join(words, " ")
}

// Flags returns the words about the user as such. That about the payloads of RESTORE is kept and
// shown, and nothing else: they are always checked.
func (r *Rules) Flags() []string {
	flags := []string{"off"}
	if r.enabled {
		flags[0] = "on"
	}
	if r.noPass {
		flags = append(flags, "nopass")
	}
	if r.unchecked {
		return append(flags, "skip-sanitize-payload")
	}
	return append(flags, "sanitize-payload")
}

// Passwords returns the SHA-256 of each password in hexadecimal digits.
func (r *Rules) Passwords() []string {
	var list []string
	for _, d := range r.passwords {
		list = append(list, hex.EncodeToString(d[:]))
	}
	return list
}

// Selector is a selector as ACL GETUSER shows it.
type Selector struct {
	Commands, Keys, Channels string // rules, separated by spaces
}

// Selectors returns all selectors, of which the first is the one outside of parentheses.
func (r *Rules) Selectors() []Selector {
	var list []Selector
	for _, s := range r.selectors {
		list = append(list, Selector{s.commandsText(), s.keysText(), s.channelsText()})
	}
	return list
}

// text returns the rules that make a new selector like this one.
func (s *selector) text() string {
	var words []string
	if keys := s.keysText(); keys != "" {
		words = append(words, keys)
	}
	if !s.allChannels {
		words = append(words, "resetchannels")
	}
	if channels := s.channelsText(); channels != "" {
		words = append(words, channels)
	}
	return strings.Join(append(words, s.commandsText()), " ")
}

func (s *selector) keysText() string {
	if s.allKeys {
		return "~*"
	}
	var words []string
	for _, p := range s.keys {
		sign := map[Access]string{Read: "%R~", Write: "%W~", Read | Write: "~"}[p.access]
		words = append(words, sign+p.text)
	}
	return strings.Join(words, " ")
}

func (s *selector) channelsText() string {
	if s.allChannels {
		return "&*"
	}
	var words []string
	for _, c := range s.channels {
		words = append(words, "&"+c)
	}
	return strings.Join(words, " ")
}

// commandsText returns the rules about commands, from +@all or -@all on, in the order in which they
// were given.
func (s *selector) commandsText() string {
	first := "-@all"
	if s.commands.has(s.catalog.future()) {
		first = "+@all"
	}
	return strings.Join(append([]string{first}, s.rules...), " ")
}
