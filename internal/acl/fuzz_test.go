package acl

import (
	"slices"
	"strings"
	"testing"
)

// FuzzRules applies rules, one a line, and reads the text that results back: it makes the same user.
func FuzzRules(f *testing.F) {
	for _, rules := range []string{
		"on\n>x\n+@all\n-@dangerous\n~a*\n%R~b\n&c", "(~a +get)\n(%W~b\n+set)\nclearselectors", "+select|0\n+config\n-config|set\nreset",
		"#" + digestOfX + "\n!" + digestOfX, "~a)\n(~a)\n)", "%RW~*\nallkeys\nresetkeys", "(~a) +get)", "nopass\nskip-sanitize-payload",
	} {
		f.Add(rules)
	}
	catalog := testCatalog()
	f.Fuzz(func(t *testing.T, rules string) {
		r, err := newRules(catalog).apply(strings.Split(rules, "\n"))
		if err != nil {
			return
		}
		text := r.String()
		again, err := newRules(catalog).apply(strings.Split(text, " "))
		if err != nil {
			t.Fatalf("%q makes %q: %v", rules, text, err)
		}
		if !same(r, again) || again.String() != text {
			t.Fatalf("%q makes %q, which makes %q", rules, text, again)
		}
	})
}

// same reports whether two users may do the same and log in alike.
func same(a, b *Rules) bool {
	return a.enabled == b.enabled && a.noPass == b.noPass && a.unchecked == b.unchecked && slices.Equal(a.passwords, b.passwords) &&
		slices.EqualFunc(a.selectors, b.selectors, sameSelector)
}

func sameSelector(a, b *selector) bool {
	for id := range a.catalog.future() + 1 {
		if a.commands.has(id) != b.commands.has(id) {
			return false
		}
		if !slices.Equal(slices.Sorted(slices.Values(a.firstArgs[id])), slices.Sorted(slices.Values(b.firstArgs[id]))) {
			return false
		}
	}
	return a.allKeys == b.allKeys && slices.Equal(a.keys, b.keys) && a.allChannels == b.allChannels && slices.Equal(a.channels, b.channels)
}

// FuzzLoad loads a file of users, and the text of those a second time.
func FuzzLoad(f *testing.F) {
	f.Add("user default on nopass ~* &* +@all\nuser a on >x (+get ~a)\n")
	f.Add("\n  user  on\r\nuser a (+get\t ~a\n")
	catalog := testCatalog()
	f.Fuzz(func(t *testing.T, text string) {
		us := NewUsers(catalog)
		if _, err := us.Load(text, "f"); err != nil {
			return
		}
		saved := string(us.Text())
		if _, err := us.Load(saved, "f"); err != nil {
			t.Fatalf("%q makes %q: %v", text, saved, err)
		}
		if again := string(us.Text()); again != saved {
			t.Fatalf("%q makes %q, which makes %q", text, saved, again)
		}
	})
}
