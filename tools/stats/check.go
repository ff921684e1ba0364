package stats

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/redistill/redistill/internal/config"
)

// Check is a bound that a metric has to keep.
type Check struct {
	Text   string // as it was written
	metric *Metric
	op     string
	bound  float64
}

// operators, those of two characters before those that they begin with.
var operators = []string{">=", "<=", "!=", "==", ">", "<", "="}

// ParseCheck reads a metric, an operator and a bound: hit_rate>85%,
// memory_used<2gb, evicted_per_second<=100.
func ParseCheck(text string) (Check, error) {
	at := strings.IndexAny(text, "<>=!")
	if at < 0 {
		return Check{}, fmt.Errorf("check %q: want a metric, an operator and a bound, such as hit_rate>85%%", text)
	}
	c := Check{Text: text, metric: lookup(strings.TrimSpace(text[:at]))}
	if c.metric == nil {
		return Check{}, fmt.Errorf("check %q: no metric %q; there are %s", text, strings.TrimSpace(text[:at]), metricNames())
	}
	for _, op := range operators {
		if bound, ok := strings.CutPrefix(text[at:], op); ok {
			v, err := parseBound(strings.TrimSpace(bound), c.metric.Unit)
			if err != nil {
				return Check{}, fmt.Errorf("check %q: %w", text, err)
			}
			c.op, c.bound = op, v
			return c, nil
		}
	}
	return Check{}, fmt.Errorf("check %q: the operators are > >= < <= = !=", text)
}

func lookup(name string) *Metric {
	for i := range metrics {
		if metrics[i].Name == name {
			return &metrics[i]
		}
	}
	return nil
}

func metricNames() string {
	var names []string
	for _, m := range metrics {
		names = append(names, m.Name)
	}
	return strings.Join(names, ", ")
}

func parseBound(text string, unit Unit) (float64, error) {
	if unit == Bytes {
		n, err := config.ParseSize(text)
		if err != nil {
			return 0, fmt.Errorf("%q is not a size such as 512mb", text)
		}
		return float64(n), nil
	}
	number, percent := strings.CutSuffix(text, "%")
	v, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	switch {
	case percent && unit != Share:
		return 0, errors.New("this metric is not a percentage")
	case percent:
		return v / 100, nil
	case unit == Share && v > 1:
		return 0, fmt.Errorf("this metric is a share: write %s%% or %s", text, strconv.FormatFloat(v/100, 'g', -1, 64))
	}
	return v, nil
}

// Result is the outcome of a check.
type Result struct {
	Check  string `json:"check"`
	OK     bool   `json:"ok"`
	Actual string `json:"actual"` // as Format shows it
}

// Apply checks a report. The value over the interval counts, if there is one.
// A value that is not known fails.
func (c Check) Apply(r *Report) Result {
	v, ok := r.Delta[c.metric.Name]
	if !ok {
		v = r.Total[c.metric.Name]
	}
	return Result{c.Text, v.Known && c.holds(v.Value), v.Format(c.metric.Unit)}
}

func (c Check) holds(v float64) bool {
	switch c.op {
	case ">":
		return v > c.bound
	case ">=":
		return v >= c.bound
	case "<":
		return v < c.bound
	case "<=":
		return v <= c.bound
	case "!=":
		return v != c.bound
	}
	return v == c.bound
}

// Format shows a value for people, "-" if it is not known.
func (v Value) Format(unit Unit) string {
	if !v.Known {
		return "-"
	}
	switch unit {
	case Share:
		return strconv.FormatFloat(100*v.Value, 'f', 2, 64) + "%"
	case Bytes:
		if v.Value < 0 {
			return "-" + config.FormatSize(int64(-v.Value))
		}
		return config.FormatSize(int64(v.Value))
	case Rate, Ratio:
		return strconv.FormatFloat(v.Value, 'f', 2, 64)
	case Seconds:
		return formatSeconds(int64(v.Value))
	}
	return strconv.FormatFloat(v.Value, 'f', 0, 64)
}

// formatSeconds shows 93784 as 1d 2h 3m 4s.
func formatSeconds(n int64) string {
	var parts []string
	for _, u := range []struct {
		name string
		size int64
	}{{"d", 86400}, {"h", 3600}, {"m", 60}} {
		if n >= u.size {
			parts = append(parts, strconv.FormatInt(n/u.size, 10)+u.name)
			n %= u.size
		}
	}
	return strings.Join(append(parts, strconv.FormatInt(n, 10)+"s"), " ")
}
