package cmd

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/redistill/redistill/internal/stats"
	"github.com/redistill/redistill/internal/terminal"
)

// writeStats writes a report, or, to a terminal, only the checks if there are
// any.
func writeStats(w io.Writer, o *statsOptions, r *stats.Report, results []stats.Result) error {
	switch {
	case o.output == "json":
		return statsJSON(w, r, results)
	case o.output == "csv":
		return statsCSV(w, r)
	case len(results) > 0:
		return printChecks(w, results)
	}
	return statsTables(w, r)
}

func printChecks(w io.Writer, results []stats.Result) error {
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

func statsTables(w io.Writer, r *stats.Report) error {
	_, err := fmt.Fprintf(w, "%s at %s, up %s, eviction policy %s\n\n",
		r.Last.Server(), r.Target, r.Total["uptime"].Format(stats.Seconds), r.Last.Policy())
	if err != nil {
		return err
	}
	tables := metricTables(r)
	tables = append(tables, keyspaceTable(r.Last.Databases))
	commands, when := r.Last.Commands, "so far"
	if r.Interval > 0 {
		commands, when = r.Recent, lastInterval(r.Interval)
	}
	if len(commands) > 0 {
		tables = append(tables,
			commandTable("Most used commands, "+when+" (microseconds in the server)", commands, func(a, b stats.Command) int {
				return cmp.Or(cmp.Compare(b.Calls, a.Calls), cmp.Compare(a.Name, b.Name))
			}),
			commandTable("Slowest commands, "+when+" (microseconds in the server)", commands, func(a, b stats.Command) int {
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
func metricTables(r *stats.Report) []*terminal.Table {
	var tables []*terminal.Table
	for _, m := range stats.Metrics() {
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

func keyspaceTable(databases []stats.Database) *terminal.Table {
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
func commandTable(title string, commands []stats.Command, order func(a, b stats.Command) int) *terminal.Table {
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

// statsSchema is the version of the JSON below. Fields may be added to it.
const statsSchema = "redistill.stats/1"

// statsDocument is the JSON of a report. Metrics that the server does not know
// are absent; shares are from 0 to 1.
type statsDocument struct {
	Schema           string             `json:"schema"`
	Target           string             `json:"target"`
	Server           string             `json:"server"`
	Policy           string             `json:"eviction_policy"`
	Metrics          map[string]float64 `json:"metrics"`
	IntervalSeconds  float64            `json:"interval_seconds,omitempty"`
	IntervalMetrics  map[string]float64 `json:"interval_metrics,omitempty"`
	Keyspace         []stats.Database   `json:"keyspace"`
	Commands         []stats.Command    `json:"commands"`
	IntervalCommands []stats.Command    `json:"interval_commands,omitempty"` // percentiles are upper bounds
	Checks           []stats.Result     `json:"checks,omitempty"`
}

func statsJSON(w io.Writer, r *stats.Report, results []stats.Result) error {
	doc := statsDocument{
		Schema: statsSchema, Target: r.Target, Server: r.Last.Server(), Policy: r.Last.Policy(),
		Metrics: known(r.Total), IntervalSeconds: r.Interval.Seconds(), IntervalMetrics: known(r.Delta),
		Keyspace: append([]stats.Database{}, r.Last.Databases...), Commands: append([]stats.Command{}, r.Last.Commands...),
		IntervalCommands: r.Recent, Checks: results,
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(doc)
}

func known(values map[string]stats.Value) map[string]float64 {
	m := map[string]float64{}
	for name, v := range values {
		if v.Known {
			m[name] = v.Value
		}
	}
	return m
}

// statsCSV writes a line for each metric: name, unit, value, value over the
// interval. A value that is not known is empty.
func statsCSV(w io.Writer, r *stats.Report) error {
	out := csv.NewWriter(w)
	lines := [][]string{{"metric", "unit", "value", "interval"}}
	for _, m := range stats.Metrics() {
		lines = append(lines, []string{m.Name, string(m.Unit), csvNumber(r.Total[m.Name]), csvNumber(r.Delta[m.Name])})
	}
	return out.WriteAll(lines)
}

func csvNumber(v stats.Value) string {
	if !v.Known {
		return ""
	}
	return strconv.FormatFloat(v.Value, 'f', -1, 64)
}
