package acl

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"slices"
	"strings"
)

// Rules is what one user may do, and how he proves who he is. It does not change.
type Rules struct {
	catalog   *Catalog
	enabled   bool
	noPass    bool
	unchecked bool // the flag skip-sanitize-payload; see Flags
	passwords []digest
	selectors []*selector // at least one, the first

	outright     bits // the commands that some selector allows whatever their arguments
	unrestricted bool // these are all that can be called
}

// digest is the SHA-256 of a password.
type digest [sha256.Size]byte

// Reasons why a rule is refused. The texts are Redis's.
const (
	errUnknown     = reason("Unknown command or category name in ACL")
	errSyntax      = reason("Syntax error")
	errAllKeys     = reason("Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try 'resetkeys' to start with an empty list of patterns")
	errAllChannels = reason("Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. Try 'resetchannels' to start with an empty list of channels")
	errNoPassword  = reason("The password you are trying to remove from the user does not exist")
	errDigest      = reason("The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters")
	errFirstArg    = reason("Allowing first-arg of a subcommand is not supported")
)

// reason is an error whose text is all there is to it.
type reason string

func (r reason) Error() string { return string(r) }

// RuleError is a rule that was refused.
type RuleError struct {
	Rule   string
	Reason error
}

// Error returns Redis's text.
func (e *RuleError) Error() string {
	return "Error in ACL SETUSER modifier '" + untilZero(e.Rule) + "': " + e.Reason.Error()
}

// untilZero returns as much of a word as Redis shows in an error.
func untilZero(word string) string {
	shown, _, _ := strings.Cut(word, "\x00")
	return shown
}

// newRules returns what a new user has: nothing, and no way to log in.
func newRules(c *Catalog) *Rules {
	r := &Rules{catalog: c, selectors: []*selector{newSelector(c)}}
	r.compile()
	return r
}

// newDefaultRules returns what the default user has at the start: everything, without a password.
func newDefaultRules(c *Catalog) *Rules {
	r, err := newRules(c).apply([]string{"+@all", "~*", "&*", "on", "nopass"})
	if err != nil {
		panic("acl: " + err.Error()) // the rules are constant
	}
	return r
}

// apply returns the rules that result from applying words, of which those of a selector may be several. If one is refused the error is a
// *RuleError, or says which parenthesis is open.
func (r *Rules) apply(words []string) (*Rules, error) {
	words, err := joinSelectors(words)
	if err != nil {
		return nil, err
	}
	next := r.clone()
	for _, w := range words {
		if err := next.applyOne(w); err != nil {
			return nil, &RuleError{w, err}
		}
	}
	next.compile()
	return next, nil
}

// clone returns a copy that can be changed.
func (r *Rules) clone() *Rules {
	next := *r
	next.passwords = slices.Clone(r.passwords)
	next.selectors = make([]*selector, len(r.selectors))
	for i, s := range r.selectors {
		next.selectors[i] = s.clone()
	}
	return &next
}

// compile makes what checks need. It is called after the last change.
func (r *Rules) compile() {
	r.outright, r.unrestricted = newBits(r.catalog.future()), true
	for _, s := range r.selectors {
		s.compile()
		for i, word := range s.outright {
			r.outright[i] |= word
		}
	}
	for id, cmd := range r.catalog.commands {
		r.unrestricted = r.unrestricted && (cmd.Absent || r.outright.has(id))
	}
}

// joinSelectors makes one word of those from an opening parenthesis to a closing one.
func joinSelectors(words []string) ([]string, error) {
	var joined []string
	open := -1
	for i, w := range words {
		switch {
		case open >= 0 && strings.HasPrefix(w, "("):
			return nil, unmatched(words[open])
		case open >= 0 && strings.HasSuffix(w, ")"):
			joined = append(joined, strings.Join(words[open:i+1], " "))
			open = -1
		case open >= 0:
		case strings.HasPrefix(w, "(") && !strings.HasSuffix(w, ")"):
			open = i
		default:
			joined = append(joined, w)
		}
	}
	if open >= 0 {
		return nil, unmatched(words[open])
	}
	return joined, nil
}

func unmatched(word string) error {
	return reason("Unmatched parenthesis in acl selector starting at '" + untilZero(word) + "'.")
}

// applyOne applies one rule.
func (r *Rules) applyOne(rule string) error {
	if rule == "" { // Redis takes it for no rule
		return nil
	}
	switch lower(untilZero(rule)) { // as C compares words
	case "on":
		r.enabled = true
	case "off":
		r.enabled = false
	case "skip-sanitize-payload":
		r.unchecked = true
	case "sanitize-payload":
		r.unchecked = false
	case "nopass":
		r.noPass, r.passwords = true, nil
	case "resetpass":
		r.noPass, r.passwords = false, nil
	case "clearselectors":
		r.selectors = r.selectors[:1]
	case "reset":
		*r = Rules{catalog: r.catalog, selectors: []*selector{newSelector(r.catalog)}}
	default:
		return r.applyPart(rule)
	}
	return nil
}

// applyPart applies a rule that begins with a sign.
func (r *Rules) applyPart(rule string) error {
	switch rule[0] {
	case '>', '#':
		d, err := parseDigest(rule)
		if err != nil {
			return err
		}
		if !slices.Contains(r.passwords, d) {
			r.passwords = append(r.passwords, d)
		}
		r.noPass = false
		return nil
	case '<', '!':
		d, err := parseDigest(rule)
		if err != nil {
			return err
		}
		i := slices.Index(r.passwords, d)
		if i < 0 {
			return errNoPassword
		}
		r.passwords = slices.Delete(r.passwords, i, i+1)
		return nil
	case '(':
		if strings.HasSuffix(rule, ")") {
			return r.addSelector(rule[1 : len(rule)-1])
		}
	}
	return r.selectors[0].apply(rule)
}

// parseDigest returns the digest of the password that follows > or <, or the one that follows # or ! in hexadecimal.
func parseDigest(rule string) (d digest, err error) {
	text := rule[1:]
	if rule[0] == '>' || rule[0] == '<' {
		return sha256.Sum256([]byte(text)), nil
	}
	if n, err := hex.Decode(d[:], []byte(clipTo(text, 2*len(d)))); err != nil || n != len(d) || len(text) != 2*len(d) || text != lower(text) {
		return d, errDigest
	}
	return d, nil
}

func clipTo(s string, n int) string { return s[:min(n, len(s))] }

// addSelector adds a selector with the rules in text. What ends with a parenthesis could not be told from the end of the selector when its
// text is read again.
func (r *Rules) addSelector(text string) error {
	s := newSelector(r.catalog)
	for _, rule := range strings.FieldsFunc(text, isSpace) {
		if strings.HasSuffix(rule, ")") {
			return errSyntax
		}
		if err := s.apply(rule); err != nil {
			return err
		}
	}
	r.selectors = append(r.selectors, s)
	return nil
}

// Enabled reports whether clients may log in.
func (r *Rules) Enabled() bool { return r.enabled }

// NoPass reports whether any password is right.
func (r *Rules) NoPass() bool { return r.noPass }

// Unrestricted reports whether every command is allowed with any arguments, so that there is nothing to check.
func (r *Rules) Unrestricted() bool { return r.unrestricted }

// accepts reports whether a password with this digest is right. It takes the same time for each, right or wrong.
func (r *Rules) accepts(d digest) bool {
	right := 0
	for i := range r.passwords {
		right |= subtle.ConstantTimeCompare(d[:], r.passwords[i][:])
	}
	return r.enabled && (r.noPass || right == 1)
}
