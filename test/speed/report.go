package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
)

// report prints a table and what follows from it, and reports whether the check passes.
func report(out io.Writer, contests []*contest) (ok bool) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "benchmark\tbase\tnow\tratio\tinterval\tpairs\tallocations\tverdict")
	var failed, unknown []string
	for _, c := range contests {
		fmt.Fprintln(table, c.row())
		if c.fails() {
			failed = append(failed, c.name)
		} else if c.verdict != clearly {
			unknown = append(unknown, c.name)
		}
	}
	_ = table.Flush() // to where an error has nowhere to be reported
	fmt.Fprintf(out, "times: CPU time of a command, the median of all processes\n"+
		"interval: of the ratio, with %v %% confidence\n"+
		"allocations: number and bytes in a round, some thousand commands\n", 100*confidence)
	if len(unknown) > 0 {
		fmt.Fprintf(out, "CANNOT TELL whether these became slower: %s\n", strings.Join(unknown, ", "))
	}
	if len(failed) > 0 {
		fmt.Fprintf(out, "FAILED: %s\n", strings.Join(failed, ", "))
	}
	return len(failed) == 0
}

func (c *contest) row() string {
	pairs := c.pairs()
	if len(pairs) == 0 {
		return c.name + "\t\t\t\t\t0\t\t" + string(c.verdict)
	}
	judged := pairs
	if len(c.second) >= leastPairs {
		judged = c.second
	}
	r := ratio(judged)
	interval := "unknown"
	if !math.IsInf(r.Lo, 0) && !math.IsInf(r.Hi, 0) {
		interval = fmt.Sprintf("%.3f to %.3f", r.Lo, r.Hi)
	}
	allocs, size := alloc(pairs)
	change := fmt.Sprintf("%v, %v B", allocs.head, size.head)
	text := string(c.verdict)
	if c.allocatesMore() {
		change = fmt.Sprintf("%v to %v, %v B to %v B", allocs.base, allocs.head, size.base, size.head)
		text = "ALLOCATES MORE; time: " + text
	}
	base := median(pairs, func(p pair) float64 { return p.base.seconds })
	head := median(pairs, func(p pair) float64 { return p.head.seconds })
	return fmt.Sprintf("%s\t%.1f ns\t%.1f ns\t%.3f\t%s\t%d\t%s\t%s",
		c.name, base*1e9, head*1e9, r.Center, interval, len(pairs), change, text)
}

func median(pairs []pair, of func(pair) float64) float64 {
	values := make([]float64, len(pairs))
	for i, p := range pairs {
		values[i] = of(p)
	}
	slices.Sort(values)
	return values[len(values)/2]
}
