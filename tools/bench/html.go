package bench

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed report.html
var htmlPage string

// WriteHTML writes the report as one page that needs nothing else: no script, no
// file beside it, no network.
func (r *Report) WriteHTML(w io.Writer) error {
	t, err := template.New("report").Funcs(template.FuncMap{
		"count": countText, "rate": rateText, "megabytes": megabytesText,
		"percent": func(f *float64) string { return optionalText(f, 100, 2) }, "micros": func(f *float64) string { return optionalText(f, 1e6, 2) },
		"duration": func(d time.Duration) string { return durationText(float64(d)) },
		"figure":   figureText,
		"add":      func(a, b int) int { return a + b },
	}).Parse(htmlPage)
	if err != nil {
		return err
	}
	return t.Execute(w, struct {
		*Report
		Charts     []chart
		Comparison template.HTML // empty without a second target
	}{r, r.charts(), r.comparison()})
}

func (r *Report) charts() []chart {
	return []chart{r.throughputOverTime(), r.latencyOverTime(), r.latencyByPercentile()}
}

func (r *Report) throughputOverTime() chart {
	c := chart{ID: "throughput-over-time", Title: "Throughput over time", Note: "Requests answered in a second, of every run."}
	most, longest := 0.0, 0.0
	for i, t := range r.Targets {
		for j := range t.Runs {
			l := line{Name: t.Name, Colour: i + 1}
			for _, v := range intervalsToDraw(&t.Runs[j]) {
				rate := float64(v.Requests) / v.Seconds
				l.points = append(l.points, point{v.Start + v.Seconds/2, rate})
				most = max(most, rate)
			}
			c.lines = append(c.lines, l)
			longest = max(longest, t.Runs[j].Seconds)
		}
	}
	c.x, c.y = timeAxis(longest), linearAxis("requests/s", most, rateText)
	c.hints = hintsOverTime(c.lines, func(l *line, p point) string {
		return fmt.Sprintf("%s: %s requests/s", l.Name, rateText(p.y))
	})
	return c
}

// intervalsToDraw are those of a run without a last one that is too short for its
// rate to mean something.
func intervalsToDraw(run *Result) []Interval {
	all := run.Intervals
	if n := len(all); n > 1 && all[n-1].Seconds < all[0].Seconds/2 {
		return all[:n-1]
	}
	return all
}

// hintsOverTime has one text for each point of the longest line, about all that
// have a point there.
func hintsOverTime(lines []line, text func(*line, point) string) []hint {
	var out []hint
	for i := 0; ; i++ {
		var words []string
		var h hint
		for j := range lines {
			l := &lines[j]
			if i >= len(l.points) {
				continue
			}
			if half := l.points[0].x; len(words) == 0 {
				h.from, h.to = l.points[i].x-half, l.points[i].x+half
				words = append(words, fmt.Sprintf("%.2f to %.2f s", h.from, h.to))
			}
			if !math.IsNaN(l.points[i].y) {
				words = append(words, text(l, l.points[i]))
			}
		}
		if len(words) == 0 {
			return out
		}
		h.text = strings.Join(words, "\n")
		out = append(out, h)
	}
}

// latencyOverTime shows the percentiles of one target, or p99 of two.
func (r *Report) latencyOverTime() chart {
	c := chart{ID: "latency-over-time", Title: "Latency over time"}
	p99 := func(i Interval) time.Duration { return i.P99 }
	longest := 0.0
	var which []string
	add := func(name string, colour int, run *Result, of func(Interval) time.Duration) {
		l := line{Name: name, Colour: colour}
		for _, v := range intervalsToDraw(run) {
			y := math.NaN()
			if v.Requests > 0 {
				y = float64(max(1, of(v)))
			}
			l.points = append(l.points, point{v.Start + v.Seconds/2, y})
		}
		c.lines = append(c.lines, l)
		longest = max(longest, run.Seconds)
	}
	for i := range r.Targets {
		t := &r.Targets[i]
		if len(t.Runs) == 0 {
			continue
		}
		n := t.typical()
		which = append(which, fmt.Sprintf("run %d of %s", n+1, t.Name))
		if len(r.Targets) > 1 {
			add(t.Name, i+1, &t.Runs[n], p99)
			continue
		}
		add("p50", 1, &t.Runs[n], func(i Interval) time.Duration { return i.P50 })
		add("p99", 2, &t.Runs[n], p99)
		add("longest", 3, &t.Runs[n], func(i Interval) time.Duration { return i.Max })
	}
	c.Note = "Of " + strings.Join(which, " and ") + ", the median of throughput. There is no line where nothing was answered."
	if len(r.Targets) > 1 {
		c.Title = "Latency over time: p99"
	}
	c.x, c.y = timeAxis(longest), latencyAxis(c.lines)
	c.hints = hintsOverTime(c.lines, func(l *line, p point) string { return l.Name + ": " + durationText(p.y) })
	return c
}

// typical returns the number of the complete run whose throughput is the median,
// or of the last run if none is complete.
func (r *Results) typical() int {
	var complete []int
	for i := range r.Runs {
		if r.Runs[i].Problem == "" {
			complete = append(complete, i)
		}
	}
	if len(complete) == 0 {
		return len(r.Runs) - 1
	}
	slices.SortFunc(complete, func(a, b int) int {
		return int(math.Copysign(1, r.Runs[a].Throughput-r.Runs[b].Throughput))
	})
	return complete[(len(complete)-1)/2]
}

// latencyAxis fits all lines, and their spread.
func latencyAxis(lines []line) axis {
	smallest, largest := math.Inf(1), 0.0
	for _, l := range lines {
		for i, p := range l.points {
			if math.IsNaN(p.y) {
				continue
			}
			smallest, largest = min(smallest, p.y), max(largest, p.y)
			if len(l.low) > 0 {
				smallest, largest = min(smallest, l.low[i]), max(largest, l.high[i])
			}
		}
	}
	if largest == 0 {
		smallest, largest = 1, 1
	}
	return logAxis("latency", smallest, largest, durationText)
}

// percentiles are the places on the axis of latency by percentile: as far apart
// as the share of slower requests is smaller.
var percentiles = []struct {
	name string
	at   float64
	of   func(*Latency) time.Duration
}{
	{"p50", 0.3, func(l *Latency) time.Duration { return l.P50 }},
	{"p90", 1, func(l *Latency) time.Duration { return l.P90 }},
	{"p95", 1.3, func(l *Latency) time.Duration { return l.P95 }},
	{"p99", 2, func(l *Latency) time.Duration { return l.P99 }},
	{"p99.9", 3, func(l *Latency) time.Duration { return l.P999 }},
	{"p99.99", 4, func(l *Latency) time.Duration { return l.P9999 }},
	{"longest", 5, func(l *Latency) time.Duration { return l.Max }},
}

// latencyByPercentile shows the commands of one target, or all requests of two.
func (r *Report) latencyByPercentile() chart {
	c := chart{
		ID: "latency-by-percentile", Title: "Latency by percentile",
		Note: "The median of all runs. The shade reaches from the lowest to the highest.",
	}
	c.x = axis{name: "share of requests that are not slower", from: 0.1, to: 5.1}
	for _, p := range percentiles {
		c.x.ticks = append(c.x.ticks, tick{p.at, p.name})
	}
	for i := range r.Targets {
		t := &r.Targets[i]
		if len(r.Targets) > 1 {
			c.addPercentiles(t.Name, i+1, t, func(run *Result) *Latency { return &run.Latency })
			continue
		}
		for kind, name := range opNames {
			c.addPercentiles(name, kind+1, t, func(run *Result) *Latency {
				j := slices.IndexFunc(run.Commands, func(c Command) bool { return c.Name == name })
				if j < 0 {
					return nil
				}
				return &run.Commands[j].Latency
			})
		}
	}
	c.y = latencyAxis(c.lines)
	for i, p := range percentiles {
		words := []string{p.name}
		for _, l := range c.lines {
			words = append(words, fmt.Sprintf("%s: %s (%s to %s)", l.Name, durationText(l.points[i].y), durationText(l.low[i]), durationText(l.high[i])))
		}
		c.hints = append(c.hints, hint{max(c.x.from, p.at-0.15), min(c.x.to, p.at+0.15), strings.Join(words, "\n")})
	}
	return c
}

// addPercentiles adds a line over the runs for which of returns something.
func (c *chart) addPercentiles(name string, colour int, t *Results, of func(*Result) *Latency) {
	l := line{Name: name, Colour: colour}
	for _, p := range percentiles {
		var values []float64
		for i := range t.Runs {
			if latency := of(&t.Runs[i]); latency != nil {
				values = append(values, float64(max(1, p.of(latency))))
			}
		}
		if len(values) == 0 {
			return
		}
		m := newMetric("", values)
		l.points = append(l.points, point{p.at, m.Median})
		l.low, l.high = append(l.low, m.Min), append(l.high, m.Max)
	}
	c.lines = append(c.lines, l)
}

// durationText writes nanoseconds with three digits.
func durationText(ns float64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1e9, "s"}, {1e6, "ms"}, {1e3, "µs"}} {
		if ns >= unit.size*0.9995 {
			return digits3(ns/unit.size) + " " + unit.name
		}
	}
	return digits3(ns) + " ns"
}

// digits3 writes at least three digits, and no zeros behind the point.
func digits3(v float64) string {
	if v >= 100 {
		return grouped(strconv.FormatFloat(v, 'f', 0, 64))
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// figureText writes at least four digits.
func figureText(v float64) string {
	if v >= 1000 {
		return rateText(v)
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

func rateText(v float64) string { return grouped(strconv.FormatFloat(v, 'f', 0, 64)) }

// grouped puts commas between thousands.
func grouped(number string) string {
	for i := len(number) - 3; i > 0 && number[i-1] != '-'; i -= 3 {
		number = number[:i] + "," + number[i:]
	}
	return number
}

// countText writes an int, an int64 or a pointer to one.
func countText(n any) string {
	if p, ok := n.(*int64); ok {
		n = *p
	}
	return grouped(fmt.Sprint(n))
}

func megabytesText(n int64) string { return grouped(strconv.FormatFloat(float64(n)/1e6, 'f', 0, 64)) }

func optionalText(f *float64, scale float64, places int) string {
	if f == nil {
		return ""
	}
	return strconv.FormatFloat(*f*scale, 'f', places, 64)
}
