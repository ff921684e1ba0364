package watch

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/redistill/redistill/tools/stats"
)

// grid is a table whose first column is text and whose others are numbers. The
// columns come with the more important ones first.
type grid struct {
	title string
	rows  [][]string // the first is the header
}

// maxDatabases is how many lines the keyspace takes at most.
const maxDatabases = 4

// keyspace lists the databases with the most keys.
func keyspace(databases []stats.Database) grid {
	g := grid{"Keyspace", [][]string{{"database", "keys", "with TTL", "mean TTL"}}}
	largest := slices.SortedStableFunc(slices.Values(databases), func(a, b stats.Database) int { return cmp.Compare(b.Keys, a.Keys) })
	for _, d := range largest[:min(len(largest), maxDatabases)] {
		g.rows = append(g.rows, []string{
			"db" + strconv.Itoa(d.Index), number(float64(d.Keys)), number(float64(d.Expires)), d.AvgTTL.Round(time.Second).String(),
		})
	}
	switch rest := len(databases) - maxDatabases; {
	case len(databases) == 0:
		g.rows = append(g.rows, []string{"(empty)"})
	case rest > 0:
		g.rows = append(g.rows, []string{strconv.Itoa(rest) + " more"})
	}
	return g
}

// commands returns the commands by calls, and by mean time: over the interval,
// or without one since the start.
func commands(r *stats.Report) (used, slowest grid) {
	list, when, calls := r.Recent, "", "calls/s"
	if r.Interval == 0 {
		list, when, calls = r.Last.Commands, " so far", "calls"
	}
	header := []string{"command", calls, "mean", "p99", "p50", "p99.9", "failed"}
	used = grid{"Most used" + when + " (µs)", [][]string{header}}
	for _, c := range sorted(list, func(a, b stats.Command) int { return cmp.Compare(b.Calls, a.Calls) }) {
		used.rows = append(used.rows, commandRow(&c, r.Interval))
	}
	slowest = grid{"Slowest" + when + " (µs)", [][]string{header}}
	for _, c := range sorted(list, func(a, b stats.Command) int { return cmp.Compare(b.UsecPerCall, a.UsecPerCall) }) {
		slowest.rows = append(slowest.rows, commandRow(&c, r.Interval))
	}
	return used, slowest
}

func sorted(list []stats.Command, order func(a, b stats.Command) int) []stats.Command {
	return slices.SortedFunc(slices.Values(list), func(a, b stats.Command) int {
		return cmp.Or(order(a, b), cmp.Compare(a.Name, b.Name))
	})
}

func commandRow(c *stats.Command, interval time.Duration) []string {
	calls := float64(c.Calls)
	if interval > 0 {
		calls /= interval.Seconds()
	}
	row := []string{c.Name, number(calls), number(c.UsecPerCall)}
	for _, p := range []string{"p99", "p50", "p99.9"} {
		text := "-"
		if usec, ok := c.Percentiles[p]; ok {
			text = number(usec)
		}
		row = append(row, text)
	}
	return append(row, number(float64(c.Failed)))
}
