package glob

import (
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
)

func match(pattern, s string, foldCase bool) bool {
	p := Compile([]byte(pattern), foldCase)
	return p.Match([]byte(s))
}

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
		{"[Z-a]", "z", true, false}, // the ends are folded after they are put in order
		{"[A-z]", "[", true, false},
		{"[X-z]", "Y", true, true},
		{"[\x80-\xa0]", "\x90", true, true},
		{"[\xff-a]", "A", true, true},
		{"[\xff-a]", "B", true, false},
		{`*\*\?b*`, "a*?bc", false, true},
		{`*\*b*`, "a?bc", false, false},
		{"*[*]b", "a*b", false, true},
		{"a\x00*", "a\x00b", false, true},
	} {
		if got := match(c.pattern, c.s, c.fold); got != c.want {
			t.Errorf("%q matches %q, fold %v: %v", c.pattern, c.s, c.fold, got)
		}
	}
}

// words returns a random sequence of words, of about the length n.
func words(rng *rand.Rand, list []string, n int) string {
	var b strings.Builder
	for n = rng.IntN(n + 1); n > 0; n-- {
		b.WriteString(list[rng.IntN(len(list))])
	}
	return b.String()
}

// TestMatchIsPlain compares patterns of all kinds with plainMatch: of single characters, which
// gives the odd classes, and of few elements many times, which gives runs that are long.
func TestMatchIsPlain(t *testing.T) {
	characters := strings.Split("a b A B * ? [ ] ^ - \\ \xff \x80 [ ] *", " ")
	elements := strings.Split(`a b a b ? [ab] [^b] [b-a] \a [\b] A`, " ")
	texts := strings.Split("a b a b aa ab A B \xff", " ")
	rng := rand.New(rand.NewPCG(1, 2))
	matches, masks := 0, 0
	for range 30_000 {
		pattern, s := words(rng, characters, 10), words(rng, texts, 10)
		if rng.IntN(4) == 0 {
			pattern = words(rng, elements, 4) + "*" + words(rng, elements, 150) + "*" + words(rng, elements, 4)
			s = words(rng, texts, 10) + strings.NewReplacer("?", "a", "[ab]", "b", "[^b]", "A", "[b-a]", "a",
				`\`, "", "[", "", "]", "").Replace(pattern[strings.IndexByte(pattern, '*')+1:])
			s = strings.ReplaceAll(s, "*", words(rng, texts, 5))
		}
		fold := rng.IntN(2) == 0
		p := Compile([]byte(pattern), fold)
		want := plainMatch([]byte(pattern), []byte(s), fold)
		if got := p.Match([]byte(s)); got != want {
			t.Fatalf("%q matches %q, fold %v: %v", pattern, s, fold, got)
		}
		if want {
			matches++
			if len(p.between) > 0 && p.between[0].masks != nil {
				masks++
			}
		}
	}
	if matches < 1000 || masks < 500 {
		t.Errorf("only %d matches, %d of them with masks", matches, masks)
	}
}

// TestTimeIsBounded matches what a matcher that looks at the whole pattern for each byte, or tries
// every place for each star, would need many minutes for.
func TestTimeIsBounded(t *testing.T) {
	name := []byte(strings.Repeat("a", Longest))
	for _, pattern := range []string{
		"*[" + strings.Repeat("b", 1<<20), "*[" + strings.Repeat("b-c", 1<<20) + "]x", "*" + strings.Repeat("[a]", 1<<20),
		strings.Repeat("*a", 16000) + "b", strings.Repeat("*[a-b]", 16000) + "c", strings.Repeat("*", 1<<20) + "b",
		strings.Repeat("a?*", 8000) + "b", strings.Repeat(`\a`, 1<<20) + "*", "*" + strings.Repeat("a", 16000) + "b*",
		"*" + strings.Repeat("?", 1000) + "b*", "*" + strings.Repeat("*??", 8000) + "b*",
		strings.Repeat("*????", 8000) + "b*", strings.Repeat("*"+strings.Repeat("?", 63), 500) + "b*",
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		p := Compile([]byte(pattern), false)
		runtime.ReadMemStats(&after)
		if took, most := after.TotalAlloc-before.TotalAlloc, uint64(2*len(pattern)+8<<20); took > most {
			t.Errorf("%.20s...: took %d bytes, want at most %d", pattern, took, most)
		}
		for range 20 {
			if p.Match(name) {
				t.Fatalf("%.20s... matches", pattern)
			}
		}
	}
}

func TestSteps(t *testing.T) {
	for _, c := range []struct {
		pattern string
		want    int
	}{
		{"user:*", 1}, {"[ab]*[cd]?????????????????????", 1}, {"*a*b*", 1}, {"*a?*b*", 2}, {"*???*", 4}, {"*????*", 1}, {"*" + strings.Repeat("?", 256) + "*", 4},
		{"*" + strings.Repeat("?", 16) + "*", 1}, {"*" + strings.Repeat("?", 64) + "*", 1}, {"*" + strings.Repeat("?", 65) + "*", 2},
		{"*" + strings.Repeat("?", 1024) + "*", 16}, {"*" + strings.Repeat("?", 1025) + "*", 17}, {"*a?*" + strings.Repeat("a", 9999) + "*", 2},
		{"*" + strings.Repeat("a", 65) + "?*", 2}, {strings.Repeat("*????", 128) + "*", 1},
		{strings.Repeat("*????", 129) + "*", 5}, {"*" + strings.Repeat("?", 9000) + "*", 9001}, {"*" + strings.Repeat("a", 1025) + "?*", 17},
	} {
		p := Compile([]byte(c.pattern), false)
		if got := p.Steps(); got != c.want {
			t.Errorf("%.40s: %d steps, want %d", c.pattern, got, c.want)
		}
	}
}

// TestLongest has patterns that only strings beyond Longest could match. Others match such strings.
func TestLongest(t *testing.T) {
	long := strings.Repeat("a", Longest+1)
	for _, c := range []struct {
		pattern string
		want    bool
	}{
		{"a*", true}, {"*aa*", true}, {"*", true}, {long[1:] + "*", true}, {strings.Repeat("?", Longest) + "*", true},
		{"*" + long[1:] + "*", true}, {long, false}, {long + "*", false}, {"*" + long, false}, {strings.Repeat("?", Longest+1), false},
		{"*" + strings.Repeat("[a]", Longest+1) + "*", false}, {strings.Repeat("*a", Longest+1), false},
	} {
		if got := match(c.pattern, long, false); got != c.want {
			t.Errorf("%.20s...: %v", c.pattern, got)
		}
	}
}

func FuzzMatch(f *testing.F) {
	f.Add([]byte("h[^a-c]*?"), []byte("hello"), true)
	f.Add([]byte("*?????????????[ab][^c]\\d????*"), []byte("hello, this is abcd and not more"), false)
	f.Fuzz(func(t *testing.T, pattern, s []byte, fold bool) {
		if len(pattern) > 1000 || len(s) > 1000 {
			return
		}
		p := Compile(pattern, fold)
		if got, want := p.Match(s), plainMatch(pattern, s, fold); got != want {
			t.Errorf("%q matches %q, fold %v: %v", pattern, s, fold, got)
		}
	})
}
