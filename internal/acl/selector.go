package acl

import (
	"slices"
	"strings"
)

// selector is what some rules allow together.
type selector struct {
	catalog     *Catalog
	commands    bits // by index, and Catalog.future
	firstArgs   map[int][]string
	rules       []string // those about commands since +@all or -@all, as they are shown; see note
	allKeys     bool
	keys        []pattern
	allChannels bool
	channels    []string

	// Made by compile of the above.
	matcher  *matcher
	outright bits // the commands that need no look at their arguments
}

// newSelector returns a selector that allows nothing.
func newSelector(c *Catalog) *selector {
	return &selector{catalog: c, commands: newBits(c.future())}
}

// clone returns a copy that can be changed.
func (s *selector) clone() *selector {
	next := *s
	next.commands = slices.Clone(s.commands)
	next.keys = slices.Clone(s.keys)
	next.channels = slices.Clone(s.channels)
	next.rules = slices.Clone(s.rules)
	next.firstArgs = nil
	for id, args := range s.firstArgs {
		next.allowFirstArgs(id, slices.Clone(args))
	}
	return &next
}

func (s *selector) allowFirstArgs(id int, args []string) {
	if s.firstArgs == nil {
		s.firstArgs = map[int][]string{}
	}
	s.firstArgs[id] = args
}

// compile makes what checks need. It is called after the last change.
func (s *selector) compile() {
	s.matcher, s.outright = newMatcher(s.keys), newBits(s.catalog.future())
	for id, cmd := range s.catalog.commands {
		s.outright.set(id, (cmd.Free || s.commands.has(id)) && (s.allKeys || !cmd.HasKeys))
	}
}

// apply applies one rule about commands, keys or channels. A rule that is refused has changed nothing.
func (s *selector) apply(rule string) error {
	switch lower(untilZero(rule)) { // as C compares words
	case "allkeys", "~*":
		s.allKeys, s.keys = true, nil
	case "resetkeys":
		s.allKeys, s.keys = false, nil
	case "allchannels", "&*":
		s.allChannels, s.channels = true, nil
	case "resetchannels":
		s.allChannels, s.channels = false, nil
	case "allcommands", "+@all":
		s.commands.setAll(true)
		s.firstArgs, s.rules = nil, nil
	case "nocommands", "-@all":
		s.commands.setAll(false)
		s.firstArgs, s.rules = nil, nil
	default:
		return s.applyPart(rule)
	}
	return nil
}

// applyPart applies a rule that begins with a sign.
func (s *selector) applyPart(rule string) error {
	if rule == "" {
		return errSyntax
	}
	sign, text := rule[0], rule[1:]
	switch {
	case sign == '~':
		return s.addKeys(text, Read|Write)
	case sign == '%':
		return s.addKeysFor(text)
	case sign == '&':
		return s.addChannels(text)
	case sign == '+' && strings.HasPrefix(text, "@"), sign == '-' && strings.HasPrefix(text, "@"):
		return s.changeCategory(text[1:], sign == '+')
	case sign == '+' && strings.Contains(text, "|"):
		return s.allowPart(text)
	case sign == '+', sign == '-':
		id, ok := s.catalog.find(text)
		if !ok {
			return errUnknown
		}
		s.change(id, sign == '+')
		s.note(s.catalog.commands[id].Name, sign == '+')
		return nil
	}
	return errSyntax
}

// addKeysFor adds a pattern with the access that is named before it: "R~app:*", "W~app:*", "RW~app:*".
func (s *selector) addKeysFor(text string) error {
	if s.allKeys {
		return errAllKeys
	}
	letters, glob, ok := strings.Cut(text, "~")
	access := Access(0)
	for _, c := range lower(letters) {
		way := Access(0)
		switch c {
		case 'r':
			way = Read
		case 'w':
			way = Write
		}
		if way == 0 || access&way != 0 {
			return errSyntax
		}
		access |= way
	}
	if !ok || access == 0 {
		return errSyntax
	}
	return s.addKeys(glob, access)
}

// addKeys adds a pattern of keys. All access to all keys is the same as allkeys, as its text is.
func (s *selector) addKeys(glob string, access Access) error {
	switch {
	case s.allKeys:
		return errAllKeys
	case hasSpaces(glob):
		return errSyntax
	}
	i := slices.IndexFunc(s.keys, func(p pattern) bool { return p.text == glob })
	if i < 0 {
		i = len(s.keys)
		s.keys = append(s.keys, pattern{text: glob})
	}
	s.keys[i].access |= access
	if glob == "*" && s.keys[i].access == Read|Write {
		s.allKeys, s.keys = true, nil
	}
	return nil
}

func (s *selector) addChannels(glob string) error {
	switch {
	case s.allChannels:
		return errAllChannels
	case hasSpaces(glob):
		return errSyntax
	case !slices.Contains(s.channels, glob):
		s.channels = append(s.channels, glob)
	}
	return nil
}

// change allows or forbids a command with all of its subcommands.
func (s *selector) change(id int, allow bool) {
	s.commands.set(id, allow)
	delete(s.firstArgs, id)
	for _, sub := range s.catalog.subs[id] {
		s.commands.set(sub, allow)
	}
}

// changeCategory does that with every command of a category.
func (s *selector) changeCategory(name string, allow bool) error {
	category := s.catalog.category(name)
	if category == 0 {
		return errUnknown
	}
	for id, cmd := range s.catalog.commands {
		if cmd.Categories&category != 0 {
			s.change(id, allow)
		}
	}
	s.note("@"+name, allow)
	return nil
}

// note remembers a rule about commands in its place among the others, to be shown in this order, as
// Redis does since 7.2. It takes the place of an earlier rule about the same, and of those about
// parts of the command.
func (s *selector) note(what string, allow bool) {
	what = lower(what)
	s.rules = slices.DeleteFunc(s.rules, func(rule string) bool {
		return rule[1:] == what || strings.HasPrefix(rule[1:], what+"|")
	})
	sign := "-"
	if allow {
		sign = "+"
	}
	s.rules = append(s.rules, sign+what)
}

// allowPart allows a subcommand, or a command if its first argument is a certain word: "config|get", "select|0".
func (s *selector) allowPart(text string) error {
	at := strings.LastIndexByte(text, '|')
	id, ok := s.catalog.find(text[:at])
	word := text[at+1:]
	switch {
	case !ok:
		return errUnknown
	case s.catalog.inside[id]:
		return errFirstArg
	case word == "" || hasSpaces(word):
		return errSyntax
	case len(s.catalog.subs[id]) > 0:
		sub, ok := s.catalog.find(text)
		if !ok {
			return errUnknown
		}
		s.change(sub, true)
	case !slices.Contains(s.firstArgs[id], lower(word)):
		s.allowFirstArgs(id, append(s.firstArgs[id], lower(word)))
	}
	s.note(text, true)
	return nil
}
