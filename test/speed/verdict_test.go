package main

import (
	"bytes"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// machine makes up pairs.
type machine struct {
	rng      *rand.Rand
	ratio    float64 // the true one
	spread   float64 // of a sample, as a part of it
	outliers float64 // the part of the samples that something disturbs
	n        int
}

func (m *machine) seconds(mean float64) float64 {
	v := mean * math.Exp(m.spread*m.rng.NormFloat64())
	if m.rng.Float64() < m.outliers {
		v *= 1.1 + m.rng.Float64()
	}
	return v
}

// pair returns the next pair. The process that runs second is always a little slower.
func (m *machine) pair() pair {
	p := pair{base: sample{seconds: m.seconds(1e-7)}, head: sample{seconds: m.seconds(1e-7 * m.ratio)}}
	if m.n++; m.n%2 == 0 {
		p.base.seconds *= 1.02
	} else {
		p.head.seconds *= 1.02
	}
	return p
}

// verdicts lets many contests run for up to a number of pairs, and counts how they end.
func verdicts(contests, pairs int, m machine) map[verdict]int {
	count := map[verdict]int{}
	for seed := range contests {
		m.rng = rand.New(rand.NewPCG(uint64(seed), 1))
		c := newContest("GET")
		for n := 0; n < pairs && !c.decided(); n++ {
			c.add(m.pair())
		}
		count[c.verdict]++
	}
	return count
}

func TestUnchangedNeverFails(t *testing.T) {
	quiet := verdicts(2000, 200, machine{ratio: 1, spread: 0.01})
	if quiet[clearly] != 2000 {
		t.Errorf("on a quiet machine: %v", quiet)
	}
	for _, m := range []machine{
		{ratio: 1, spread: 0.02, outliers: 0.3},
		{ratio: 1, spread: 0.3},
		{ratio: 1.03, spread: 0.05, outliers: 0.3},
	} {
		if got := verdicts(5000, 200, m); got[slower] > 0 {
			t.Errorf("spread %v, outliers %v: %v", m.spread, m.outliers, got)
		}
	}
}

func TestTenPercentFails(t *testing.T) {
	if got := verdicts(1000, 200, machine{ratio: 1.1, spread: 0.01}); got[slower] != 1000 {
		t.Errorf("on a quiet machine: %v", got)
	}
	busy := verdicts(1000, 200, machine{ratio: 1.1, spread: 0.02, outliers: 0.3})
	if busy[clearly] > 2 || busy[slower] < 800 {
		t.Errorf("on a busy machine: %v", busy)
	}
}

// addAll adds the same pair n times.
func addAll(c *contest, n int, p pair) {
	for range n {
		c.add(p)
	}
}

var (
	equal = pair{sample{1, 11, 1000}, sample{1, 11, 1000}}
	slow  = pair{sample{1, 11, 1000}, sample{1.2, 11, 1000}}
	more  = pair{sample{1, 11, 1000}, sample{1, 12, 1000}}
)

func TestStages(t *testing.T) {
	for _, test := range []struct {
		name          string
		first, second int // pairs
		p, q          pair
		want          verdict
		fails         bool
	}{
		{"too few", leastPairs - 1, 0, slow, equal, unclear, false},
		{"as many as it takes", leastPairs, 0, equal, equal, clearly, false},
		{"slow at first", leastPairs, leastPairs - 1, slow, slow, suspect, false},
		{"slow twice", leastPairs, leastPairs, slow, slow, slower, true},
		{"slow once", leastPairs, leastPairs, slow, equal, refuted, false},
		{"too few to judge allocations", leastPairs - 1, 0, more, equal, unclear, false},
		{"allocates", leastPairs, 0, more, equal, clearly, true},
	} {
		c := newContest(test.name)
		addAll(c, test.first, test.p)
		addAll(c, test.second, test.q)
		if c.verdict != test.want || c.fails() != test.fails {
			t.Errorf("%s: got %q, fails: %v", test.name, c.verdict, c.fails())
		}
	}
}

func TestAllocations(t *testing.T) {
	for _, test := range []struct {
		name       string
		base, head [2]sample // that take turns
		want       bool
	}{
		{"the same", [2]sample{{1, 2, 30}, {1, 2, 30}}, [2]sample{{1, 2, 30}, {1, 2, 30}}, false},
		{"one more", [2]sample{{1, 2, 30}, {1, 2, 30}}, [2]sample{{1, 3, 30}, {1, 3, 30}}, true},
		{"a byte more", [2]sample{{1, 2, 30}, {1, 2, 30}}, [2]sample{{1, 2, 31}, {1, 2, 31}}, true},
		{"fewer", [2]sample{{1, 2, 30}, {1, 2, 30}}, [2]sample{{1, 1, 20}, {1, 1, 20}}, false},
		{"more at times", [2]sample{{1, 2, 30}, {1, 2, 30}}, [2]sample{{1, 2, 30}, {1, 9, 90}}, false},
		{"more than mostly", [2]sample{{1, 2, 30}, {1, 3, 40}}, [2]sample{{1, 3, 40}, {1, 3, 40}}, false},
	} {
		c := newContest(test.name)
		for i := range leastPairs {
			c.add(pair{test.base[i%2], test.head[i%2]})
		}
		if got := c.allocatesMore(); got != test.want {
			t.Errorf("%s: got %v", test.name, got)
		}
	}
}

func TestReport(t *testing.T) {
	fine, busy, none := newContest("GET"), newContest("SET"), newContest("HSET")
	bad, waste := newContest("Parse"), newContest("Snapshot")
	addAll(fine, leastPairs, equal)
	addAll(busy, 5, slow)
	addAll(bad, 2*leastPairs, slow)
	addAll(waste, leastPairs, more)
	var out bytes.Buffer
	if !report(&out, []*contest{fine, busy, none}) {
		t.Errorf("failed:\n%s", &out)
	}
	for _, want := range []string{
		"CANNOT TELL whether these became slower: SET, HSET\n", "1.000 to 1.000", "unknown",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing:\n%s", want, &out)
		}
	}
	out.Reset()
	if report(&out, []*contest{fine, bad, waste}) {
		t.Errorf("passed:\n%s", &out)
	}
	for _, want := range []string{
		"FAILED: Parse, Snapshot\n", "SLOWER", "11 to 12, 1000 B to 1000 B", "ALLOCATES MORE; time: ok",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing:\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), "CANNOT TELL") {
		t.Errorf("all is clear:\n%s", &out)
	}
}
