package acl

import (
	"encoding/hex"
	"slices"
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

// Flags returns the words about the user as such.
func (r *Rules) Flags() []string {
	flags := []string{"off"}
	if r.enabled {
		flags[0] = "on"
	}
	if r.noPass {
		flags = append(flags, "nopass")
	}
	switch r.payloads {
	case skipSanitize:
		flags = append(flags, "skip-sanitize-payload")
	case sanitize:
		flags = append(flags, "sanitize-payload")
	}
	return flags
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

// commandsText returns the rules that allow the selector's commands, from +@all or -@all on. Those about categories come first, as
// ACL SETUSER knows no others that say so much; what they get wrong is put right command by command.
func (s *selector) commandsText() string {
	subtracts := s.commands.has(s.catalog.future())
	first, sign := "-@all", "+"
	if subtracts {
		first, sign = "+@all", "-"
	}
	// drawn is what the rules so far make.
	drawn := newSelector(s.catalog)
	drawn.commands.setAll(subtracts)
	words := []string{first}
	for _, name := range s.fittingCategories(subtracts) {
		words = append(words, sign+"@"+name)
		_ = drawn.changeCategory(name, !subtracts) // it is in the catalog
	}
	for id, cmd := range s.catalog.commands {
		if allowed := s.commands.has(id); allowed != drawn.commands.has(id) {
			sign := "-"
			if allowed {
				sign = "+"
			}
			words = append(words, sign+cmd.Name)
			drawn.change(id, allowed)
		}
		if !s.commands.has(id) {
			for _, arg := range s.firstArgs[id] {
				words = append(words, "+"+cmd.Name+"|"+arg)
			}
		}
	}
	return strings.Join(words, " ")
}

// fittingCategories returns the categories of which more commands differ from the start (+@all if the selector subtracts) than not, the
// best first. It chooses as Redis does: the fewest exceptions win, then the most commands; what a category covers does not count again.
func (s *selector) fittingCategories(subtracts bool) (chosen []string) {
	left := s.clone()
	for {
		best, fewest, most := "", 0, 0
		for i, name := range s.catalog.categories {
			if slices.Contains(chosen, name) {
				continue
			}
			same, differ := left.count(1<<i, !subtracts)
			if same > differ && (best == "" || differ < fewest || differ == fewest && same > most) {
				best, fewest, most = name, differ, same
			}
		}
		if best == "" {
			return chosen
		}
		chosen = append(chosen, best)
		_ = left.changeCategory(best, subtracts) // it is in the catalog
	}
}

// count returns how many commands of a category are allowed, or forbidden, as asked for, and how many are not.
func (s *selector) count(category uint32, allowed bool) (same, differ int) {
	for id, cmd := range s.catalog.commands {
		switch {
		case cmd.Categories&category == 0:
		case s.commands.has(id) == allowed:
			same++
		default:
			differ++
		}
	}
	return same, differ
}
