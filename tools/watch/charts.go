package watch

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/redistill/redistill/internal/config"
	"github.com/redistill/redistill/tools/stats"
)

// chart is a line of the screen: a figure of now, its course, and a remark.
type chart struct {
	metric string
	label  string // at most labelWidth columns
	recent bool   // show what it is over the interval, not since the start
	format func(v float64) string
	top    func(r *stats.Report) float64 // the value of a full column; nil or 0 for the largest in sight
	note   func(r *stats.Report) string
}

var charts = []chart{
	{"hit_rate", "hit rate", true, percent, whole, func(r *stats.Report) string { return "since start " + show(r, "hit_rate", percent) }},
	{"operations_per_second", "ops/s", true, number, nil, func(r *stats.Report) string {
		return show(r, "operations", number) + " so far, " + show(r, "errors", number) + " errors"
	}},
	{"memory_used", "memory", false, size, memoryLimit, memoryNote},
	{"evicted_per_second", "evicted/s", true, number, nil, soFar("evicted")},
	{"expired_per_second", "expired/s", true, number, nil, soFar("expired")},
	{"connections", "clients", false, number, nil, func(r *stats.Report) string {
		return "of " + show(r, "connections_limit", number) + ", " + show(r, "connections_rejected", number) + " rejected"
	}},
	{"input_per_second", "in/s", true, size, nil, nil},
	{"output_per_second", "out/s", true, size, nil, nil},
	{"cpu", "cores", true, hundredths, nil, func(r *stats.Report) string { return "since start " + show(r, "cpu", hundredths) }},
}

// value is what the chart shows next.
func (c *chart) value(r *stats.Report) stats.Value {
	if c.recent {
		return r.Delta[c.metric]
	}
	return r.Total[c.metric]
}

// show is a total for people.
func show(r *stats.Report, metric string, format func(float64) string) string {
	if v := r.Total[metric]; v.Known {
		return format(v.Value)
	}
	return "-"
}

func soFar(metric string) func(r *stats.Report) string {
	return func(r *stats.Report) string { return show(r, metric, number) + " so far" }
}

func whole(*stats.Report) float64 { return 1 }

func memoryLimit(r *stats.Report) float64 { return r.Total["memory_limit"].Value }

func memoryNote(r *stats.Report) string {
	if !r.Total["memory_limit"].Known {
		return "no limit"
	}
	return show(r, "memory", percent) + " of " + show(r, "memory_limit", size) + ", " + show(r, "memory_left", size) + " left"
}

func percent(v float64) string { return strconv.FormatFloat(100*v, 'f', 1, 64) + "%" }

func hundredths(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }

func size(v float64) string {
	if v < 0 {
		return "-" + config.FormatSize(int64(-v))
	}
	return config.FormatSize(int64(v))
}

// number shows a count or a rate in at most six columns, unless it is negative
// or beyond all bounds.
func number(v float64) string {
	switch {
	case v < 10:
		return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0")
	case v < 99999.5:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v < 999.5e3:
		return strconv.FormatFloat(v/1e3, 'f', 0, 64) + "k"
	case v < 999.5e6:
		return fmt.Sprintf("%.3gM", v/1e6)
	}
	return fmt.Sprintf("%.3gG", v/1e9)
}

// The eighths of a column of a sparkline.
var eighths = []rune("▁▂▃▄▅▆▇█")

// sparkline draws the last width values, and blanks for NaN and before the
// first. top is the value of a full column; 0 stands for the largest one shown.
func sparkline(values []float64, width int, top float64) string {
	values = values[max(0, len(values)-width):]
	if top <= 0 {
		for _, v := range values {
			if v > top { // never of NaN
				top = v
			}
		}
	}
	line := []rune(strings.Repeat(" ", width-len(values)))
	for _, v := range values {
		switch {
		case math.IsNaN(v):
			line = append(line, ' ')
		case top <= 0:
			line = append(line, eighths[0])
		default:
			level := int(math.Round(v / top * float64(len(eighths)-1)))
			line = append(line, eighths[min(max(level, 0), len(eighths)-1)])
		}
	}
	return string(line)
}
