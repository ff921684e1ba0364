package acl

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/redistill/redistill/internal/glob"
)

// TestMatcherIsGlob compares with matching every pattern.
func TestMatcherIsGlob(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	random := func(alphabet string, most int) string {
		b := make([]byte, rng.IntN(most+1))
		for i := range b {
			b[i] = alphabet[rng.IntN(len(alphabet))]
		}
		return string(b)
	}
	outcomes := [2]int{}
	for range 20_000 {
		var patterns []pattern
		for range rng.IntN(8) {
			patterns = append(patterns, pattern{random(`aab\*?[]^-`, 4), Access(1 + rng.IntN(3))})
		}
		m := newMatcher(patterns)
		for range 5 {
			key, need := []byte(random("abc*", 4)), Access(rng.IntN(4))
			want := false
			for _, p := range patterns {
				whole := glob.Compile([]byte(p.text), false)
				want = want || p.access&need == need && whole.Match(key)
			}
			if got := m.allows(key, need); got != want {
				t.Fatalf("%q %d among %q: got %v", key, need, patterns, got)
			}
			outcomes[map[bool]int{true: 1}[want]]++
		}
	}
	if outcomes[0] < 1000 || outcomes[1] < 1000 {
		t.Errorf("one outcome is rare: %v", outcomes)
	}
}

// BenchmarkCheck is what a command of a user with 20 rules costs.
func BenchmarkCheck(b *testing.B) {
	rules := []string{"on", ">x", "+@read", "+@write", "-flushall", "+config|get"}
	for i := range 6 {
		rules = append(rules, fmt.Sprintf("~app%d:*", i))
	}
	for i := range 6 {
		rules = append(rules, fmt.Sprintf("%%R~shared%d:*", i))
	}
	rules = append(rules, "~key:*", "&news:*")
	u := newUser("a", mustRules(b, rules...))
	args := [][]byte{[]byte("GET"), []byte("key:000000012345")}
	b.ReportAllocs()
	for b.Loop() {
		r := u.Rules()
		if r.Outright(cmdGet) || !r.FirstAllows(cmdGet, args[1], Read) {
			b.Fatal("not allowed")
		}
	}
}
