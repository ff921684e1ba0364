package stats

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/redistill/redistill/tools/terminal"
)

// WriteResults writes a line for each check.
func WriteResults(w io.Writer, results []Result) error {
	for _, r := range results {
		word := "ok"
		if !r.OK {
			word = "FAILED"
		}
		if _, err := fmt.Fprintf(w, "%-6s  %s (is %s)\n", word, r.Check, r.Actual); err != nil {
			return err
		}
	}
	return nil
}

// topCommands is how many commands a table shows.
const topCommands = 8

// WriteText writes a report for people, in tables.
func (r *Report) WriteText(w io.Writer) error {
	_, err := fmt.Fprintf(w, "%s at %s, up %s, eviction policy %s\n\n",
		r.Last.Server(), r.Target, r.Total["uptime"].Format(Seconds), r.Last.Policy())
	if err != nil {
		return err
	}
	tables := r.metricTables()
	tables = append(tables, keyspaceTable(r.Last.Databases))
	commands, when := r.Last.Commands, "so far"
	if r.Interval > 0 {
		commands, when = r.Recent, lastInterval(r.Interval)
	}
	if len(commands) > 0 {
		tables = append(tables,
			commandTable("Most used commands, "+when+" (microseconds in the server)", commands, func(a, b Command) int {
				return cmp.Or(cmp.Compare(b.Calls, a.Calls), cmp.Compare(a.Name, b.Name))
			}),
			commandTable("Slowest commands, "+when+" (microseconds in the server)", commands, func(a, b Command) int {
				return cmp.Or(cmp.Compare(b.UsecPerCall, a.UsecPerCall), cmp.Compare(a.Name, b.Name))
			}))
	}
	for _, t := range tables {
		if err := t.Draw(w); err != nil {
			return err
		}
	}
	return nil
}

// metricTables makes a table of each group, without the metrics that the server
// does not know.
func (r *Report) metricTables() []*terminal.Table {
	var tables []*terminal.Table
	for _, m := range metrics {
		if m.Group == "Server" && r.Interval == 0 && m.Name == "uptime" {
			continue // it is in the first line
		}
		if len(tables) == 0 || tables[len(tables)-1].Title != m.Group {
			tables = append(tables, &terminal.Table{Title: m.Group, Header: metricHeader(m.Group, r.Interval)})
		}
		total := r.Total[m.Name]
		if !total.Known && m.Name != "hit_rate" && m.Name != "memory" {
			continue
		}
		row := []string{m.Label, total.Format(m.Unit)}
		t := tables[len(tables)-1]
		if len(t.Header) > 2 {
			row = append(row, "")
			if delta, ok := r.Delta[m.Name]; ok {
				row[2] = delta.Format(m.Unit)
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return tables
}

// metricHeader is the header of a group's table. Of memory, only the present is
// known.
func metricHeader(group string, interval time.Duration) []string {
	switch {
	case group == "Memory":
		return []string{"", "now"}
	case interval == 0:
		return []string{"", "so far"}
	}
	return []string{"", "so far", lastInterval(interval)}
}

func lastInterval(interval time.Duration) string {
	return "last " + interval.Round(100*time.Millisecond).String()
}

func keyspaceTable(databases []Database) *terminal.Table {
	t := &terminal.Table{Title: "Keyspace", Header: []string{"database", "keys", "with TTL", "mean TTL"}}
	for _, d := range databases {
		t.Rows = append(t.Rows, []string{
			"db" + strconv.Itoa(d.Index), strconv.FormatInt(d.Keys, 10), strconv.FormatInt(d.Expires, 10), d.AvgTTL.String(),
		})
	}
	if len(t.Rows) == 0 {
		t.Rows = [][]string{{"(empty)", "0", "0", "-"}}
	}
	return t
}

// commandTable shows the first commands in an order.
func commandTable(title string, commands []Command, order func(a, b Command) int) *terminal.Table {
	t := &terminal.Table{
		Title:  title,
		Header: []string{"command", "calls", "failed", "total ms", "mean", "p50", "p99", "p99.9"},
	}
	for _, c := range slices.SortedFunc(slices.Values(commands), order)[:min(len(commands), topCommands)] {
		row := []string{
			c.Name, strconv.FormatInt(c.Calls, 10), strconv.FormatInt(c.Failed, 10),
			strconv.FormatFloat(float64(c.Usec)/1000, 'f', 1, 64), strconv.FormatFloat(c.UsecPerCall, 'f', 2, 64),
		}
		for _, p := range []string{"p50", "p99", "p99.9"} {
			v, ok := c.Percentiles[p]
			text := "-"
			if ok {
				text = strconv.FormatFloat(v, 'f', 1, 64)
			}
			row = append(row, text)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
