package main

import (
	"math"
	"slices"

	"golang.org/x/perf/benchmath"
)

// The check must find a slowdown of a tenth. So it fails where the ratio is certainly above
// slowAbove, and passes where it is certainly below clearBelow: a tenth is well outside. Between
// them, 5 to 8 %, a precise interval passes below clearBelow, and fails if it reaches above.
// Certainly means a confidence interval of the median of the ratios, which assumes nothing about
// their distribution.
//
// It must not fail by chance. The median of the ratios is 1 for a program that did not change. To
// fail, 24 of the first 30 ratios have to be above slowAbove, or a like part of more, and again in
// the second stage. On a busy machine, a quarter of them are, and the odds of 24 are 1 in 10^9 for
// each look.
const (
	slowAbove  = 1.05
	clearBelow = 1.08
	confidence = 0.999
	leastPairs = 30 // before the first look
	lookEvery  = 10 // pairs from one look to the next
)

// verdict is what is known of the CPU time of a benchmark.
type verdict string

const (
	unclear verdict = "CANNOT TELL: the machine is too busy"
	suspect verdict = "CANNOT TELL: slow at first, and not measured often enough again"
	refuted verdict = "CANNOT TELL: slow at first, but not when measured again"
	clearly verdict = "ok"
	broken  verdict = "CANNOT TELL: the benchmark fails on the base"
	slower  verdict = "SLOWER"
)

// contest compares one benchmark.
type contest struct {
	name    string
	first   []pair
	second  []pair // from when the first look slow
	verdict verdict
}

func newContest(name string) *contest { return &contest{name: name, verdict: unclear} }

// pairs are all of them.
func (c *contest) pairs() []pair { return slices.Concat(c.first, c.second) }

// decided reports whether more pairs are of no use.
func (c *contest) decided() bool { return c.verdict != unclear && c.verdict != suspect }

// add adds a pair, and judges what there is when it is time for a look.
func (c *contest) add(p pair) {
	pairs := &c.first
	if c.verdict == suspect {
		pairs = &c.second
	}
	*pairs = append(*pairs, p)
	if len(*pairs) < leastPairs || len(*pairs)%lookEvery != 0 {
		return
	}
	switch v := judge(*pairs); {
	case c.verdict == suspect && v == unclear: // and stays it
	case c.verdict == suspect && v == clearly:
		c.verdict = refuted
	case c.verdict == unclear && v == slower:
		c.verdict = suspect
	default:
		c.verdict = v
	}
}

// allocatesMore reports whether every process of the head allocated more than every one of the
// base, in number or in bytes. Mostly, all of one side allocate the same. Where something in the
// background allocates too, the odds that the 30 largest of 60 are all of the head are 1 in 10^17.
func (c *contest) allocatesMore() bool {
	pairs := c.pairs()
	if len(pairs) < leastPairs {
		return false
	}
	allocs, size := alloc(pairs)
	return allocs.head > allocs.base || size.head > size.base
}

// extremes are the most that a process of the base allocated in a round, and the least of the head.
type extremes struct{ base, head float64 }

func alloc(pairs []pair) (allocs, size extremes) {
	allocs.head, size.head = math.Inf(1), math.Inf(1)
	for _, p := range pairs {
		allocs.base, allocs.head = max(allocs.base, p.base.allocs), min(allocs.head, p.head.allocs)
		size.base, size.head = max(size.base, p.base.bytes), min(size.head, p.head.bytes)
	}
	return allocs, size
}

// fails reports whether the check fails because of this benchmark.
func (c *contest) fails() bool { return c.verdict == slower || c.allocatesMore() }

// judge looks at the ratios of pairs.
func judge(pairs []pair) verdict {
	switch r := ratio(pairs); {
	case r.Hi < clearBelow:
		return clearly
	case r.Lo > slowAbove:
		return slower
	}
	return unclear
}

// ratio is the median of the ratios of CPU times, with its interval, which is infinite if there are
// too few.
func ratio(pairs []pair) benchmath.Summary {
	if len(pairs) == 0 {
		return benchmath.Summary{Center: math.NaN(), Lo: math.Inf(-1), Hi: math.Inf(1)}
	}
	ratios := make([]float64, len(pairs))
	for i, p := range pairs {
		ratios[i] = p.head.seconds / p.base.seconds
	}
	s := benchmath.NewSample(ratios, &benchmath.DefaultThresholds)
	return benchmath.AssumeNothing.Summary(s, confidence)
}
