package glob

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		fold, want bool
	}{
		{"", "", false, true},
		{"", "a", false, false},
		{"a", "", false, false},
		{"*", "a", false, true},
		{"*", "", false, false}, // KEYS and SCAN take "*" as no pattern before they ask
		{"**", "", false, false},
		{"a*", "a", false, true},
		{"a**", "a", false, true},
		{"*a", "ba", false, true},
		{"*a", "ab", false, false},
		{"*ab*ab*", "abab", false, true},
		{"*ab*ab*", "aba", false, false},
		{"a*b*c", "aXbXbXc", false, true},
		{"a*b*c", "aXcXb", false, false},
		{"h?llo", "hello", false, true},
		{"h?llo", "hllo", false, false},
		{"?", "", false, false},
		{"*?", "x", false, true},
		{"h[ae]llo", "hallo", false, true},
		{"h[ae]llo", "hillo", false, false},
		{"h[^e]llo", "hallo", false, true},
		{"h[^e]llo", "hello", false, false},
		{"h[a-b]llo", "hbllo", false, true},
		{"h[b-a]llo", "hallo", false, true},
		{"h[a-b]llo", "hcllo", false, false},
		{`h\*llo`, "h*llo", false, true},
		{`h\*llo`, "hello", false, false},
		{`\[a]`, "[a]", false, true},
		{`a\`, `a\`, false, true},
		{`[\]]`, "]", false, true},
		{`[\a-c]`, "b", false, false}, // an escaped byte begins no range
		{`[\a-c]`, "-", false, true},
		{`[a\b]`, "a", false, true},
		{`[a\b]`, "b", false, true},
		{"[ab-c]", "a", false, true},
		{"[]", "a", false, false},
		{"[^]", "a", false, true},
		{"[abc", "b", false, true},
		{"[abc", "d", false, false},
		{"x[", "x", false, false},
		{"[", "[", false, false},
		{"[^", "a", false, true},
		{"[a-", "-", false, true},
		{"[a-]", "b", false, false}, // the bracket ends the range, not the class
		{"[a-]", "`", false, true},
		{`[\`, `\`, false, true},
		{"[a-\xff]", "b", false, false}, // from 0xff, which is -1, to 'a'
		{"[a-\xff]", "A", false, true},
		{"MAX*", "maxmemory", true, true},
		{"max[A-Z]emory", "maxmemory", true, true},
		{"MAX*", "maxmemory", false, false},
		{`[\M]ax`, "max", true, false},
		{"a\x00*", "a\x00b", false, true},
	} {
		if got := Match([]byte(c.pattern), []byte(c.s), c.fold); got != c.want {
			t.Errorf("Match(%q, %q, %v) = %v", c.pattern, c.s, c.fold, got)
		}
	}
}

// slowMatch is Match by trying everything that a star can take.
func slowMatch(pattern, s []byte, foldCase bool) bool {
	switch {
	case len(pattern) == 0:
		return len(s) == 0
	case pattern[0] == '*':
		return slowMatch(pattern[1:], s, foldCase) || len(s) > 0 && slowMatch(pattern, s[1:], foldCase)
	case len(s) == 0:
		return false
	}
	width, ok := one(pattern, s[0], foldCase)
	return ok && slowMatch(pattern[width:], s[1:], foldCase)
}

func TestMatchTriesAll(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	random := func(alphabet string, most int) []byte {
		b := make([]byte, rng.IntN(most+1))
		for i := range b {
			b[i] = alphabet[rng.IntN(len(alphabet))]
		}
		return b
	}
	matches := 0
	for range 200_000 {
		pattern, s := random(`ab*?[]^-\`, 10), random("abAB", 10)
		if len(s) == 0 {
			continue
		}
		fold := rng.IntN(2) == 0
		want := slowMatch(pattern, s, fold)
		if got := Match(pattern, s, fold); got != want {
			t.Fatalf("Match(%q, %q, %v) = %v", pattern, s, fold, got)
		}
		if want {
			matches++
		}
	}
	if matches < 1000 {
		t.Errorf("only %d of the patterns match", matches)
	}
}

// TestTimeIsBounded counts what a match looks at. A matcher that tries everything would not come to an end here.
func TestTimeIsBounded(t *testing.T) {
	s := []byte(strings.Repeat("a", 2000))
	for _, pattern := range []string{
		strings.Repeat("a*", 200) + "b", strings.Repeat("*a", 200) + "b", strings.Repeat("a?*", 200) + "b", strings.Repeat("*", 500) + "b",
		strings.Repeat("[^b]*", 100) + "b", "*" + strings.Repeat("a", 500) + "b", "*[" + strings.Repeat("b", 500) + "]",
		strings.Repeat("*[a-b]", 100) + "c", "*" + strings.Repeat(`\a`, 300) + "b",
	} {
		ok, looked := match([]byte(pattern), s, false)
		if ok {
			t.Errorf("%.20s... matches", pattern)
		}
		if most := len(pattern) * len(s); looked > most {
			t.Errorf("%.20s...: looked at %d bytes of the pattern, want at most %d", pattern, looked, most)
		}
	}
}

func FuzzMatch(f *testing.F) {
	f.Add([]byte("h[^a-c]*?"), []byte("hello"))
	f.Fuzz(func(t *testing.T, pattern, s []byte) {
		if len(pattern) > 12 || len(s) > 12 || len(s) == 0 {
			return
		}
		got, looked := match(pattern, s, true)
		if want := slowMatch(pattern, s, true); got != want {
			t.Errorf("Match(%q, %q, true) = %v", pattern, s, got)
		}
		if looked > len(pattern)*len(s) {
			t.Errorf("Match(%q, %q, true) looked at %d bytes of the pattern", pattern, s, looked)
		}
	})
}
