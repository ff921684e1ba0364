package stats

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"strconv"
)

// Schema is the version of the JSON. Fields may be added to it.
const Schema = "redistill.stats/1"

// Document is the JSON of a report. Metrics that the server does not know
// are absent; shares are from 0 to 1.
type Document struct {
	Schema           string             `json:"schema"`
	Target           string             `json:"target"`
	Server           string             `json:"server"`
	Policy           string             `json:"eviction_policy"`
	Metrics          map[string]float64 `json:"metrics"`
	IntervalSeconds  float64            `json:"interval_seconds,omitempty"`
	IntervalMetrics  map[string]float64 `json:"interval_metrics,omitempty"`
	Keyspace         []Database         `json:"keyspace"`
	Commands         []Command          `json:"commands"`
	IntervalCommands []Command          `json:"interval_commands,omitempty"` // percentiles are upper bounds
	Checks           []Result           `json:"checks,omitempty"`
}

// WriteJSON writes a report and the results of checks, in the layout that Schema
// names.
func (r *Report) WriteJSON(w io.Writer, results []Result) error {
	doc := Document{
		Schema: Schema, Target: r.Target, Server: r.Last.Server(), Policy: r.Last.Policy(),
		Metrics: known(r.Total), IntervalSeconds: r.Interval.Seconds(), IntervalMetrics: known(r.Delta),
		Keyspace: append([]Database{}, r.Last.Databases...), Commands: append([]Command{}, r.Last.Commands...),
		IntervalCommands: r.Recent, Checks: results,
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(doc)
}

func known(values map[string]Value) map[string]float64 {
	m := map[string]float64{}
	for name, v := range values {
		if v.Known {
			m[name] = v.Value
		}
	}
	return m
}

// WriteCSV writes a line for each metric: name, unit, value, value over the
// interval. A value that is not known is empty.
func (r *Report) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	lines := [][]string{{"metric", "unit", "value", "interval"}}
	for _, m := range metrics {
		lines = append(lines, []string{m.Name, string(m.Unit), csvNumber(r.Total[m.Name]), csvNumber(r.Delta[m.Name])})
	}
	return out.WriteAll(lines)
}

func csvNumber(v Value) string {
	if !v.Known {
		return ""
	}
	return strconv.FormatFloat(v.Value, 'f', -1, 64)
}
