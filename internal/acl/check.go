package acl

import "slices"

// Denial is why a command is not allowed.
type Denial uint8

// Denials, from the least to the most telling: of several selectors' reasons the last counts.
const (
	Allowed       Denial = iota
	DeniedCommand        // the command itself is not allowed
	DeniedKey            // one of its keys may not be used in this way
	DeniedAuth           // a login failed; never the outcome of Check
	DeniedChannel        // a channel; never the outcome of Check, as no command has channels
	DeniedCert           // the user whom a client's certificate names cannot log in; never the outcome of Check
)

// Outright reports whether the command with this index is allowed whatever its arguments are. If it is not, Check decides.
func (r *Rules) Outright(command int) bool { return r.outright.has(command) }

// May reports whether the command with this index is allowed with some keys.
func (r *Rules) May(command int) bool {
	return slices.ContainsFunc(r.selectors, func(s *selector) bool { return s.commands.has(command) })
}

// Check decides about a command. args are its words, keys where the keys are among them. If it is not allowed, at is the index of the key
// that is to blame, or 0. It is the last one that some selector refused, as Redis logs it.
func (r *Rules) Check(command int, args [][]byte, keys []Key) (why Denial, at int) {
	why = DeniedCommand
	for _, s := range r.selectors {
		d, i := s.check(command, args, keys)
		if d == Allowed {
			return Allowed, 0
		}
		if d > why || d == why && i > at {
			why, at = d, i
		}
	}
	return why, at
}

// FirstAllows reports whether the first selector allows the command with one key, which nearly always decides. If it does not, Check says
// what does.
func (r *Rules) FirstAllows(command int, key []byte, need Access) bool {
	s := r.selectors[0]
	return s.commands.has(command) && s.matcher.allows(key, need)
}

func (s *selector) check(command int, args [][]byte, keys []Key) (Denial, int) {
	if !s.commands.has(command) && !s.catalog.free.has(command) && !s.allowsPart(command, args) {
		return DeniedCommand, 0
	}
	if s.allKeys {
		return Allowed, 0
	}
	for _, k := range keys {
		if !s.matcher.allows(args[k.At], k.Access) {
			return DeniedKey, k.At
		}
	}
	return Allowed, 0
}

// allowsPart reports whether a command that is not allowed in general is with its first argument. Of a container that can be called, but
// whose subcommands are absent, that is one of them.
func (s *selector) allowsPart(command int, args [][]byte) bool {
	if len(args) < 2 {
		return false
	}
	word := lower(string(args[1]))
	if len(s.catalog.subs[command]) > 0 {
		sub, ok := s.catalog.find(s.catalog.commands[command].Name + "|" + word)
		return ok && s.commands.has(sub)
	}
	return slices.Contains(s.firstArgs[command], word)
}
