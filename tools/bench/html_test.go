package bench

import (
	"bytes"
	"encoding/xml"
	"io"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"
)

func htmlOf(t *testing.T, r *Report) string {
	t.Helper()
	var page bytes.Buffer
	if err := r.WriteHTML(&page); err != nil {
		t.Fatal(err)
	}
	return page.String()
}

// TestHTML: the page needs nothing from elsewhere, holds every chart as SVG that
// is well-formed, and shows names as they are.
func TestHTML(t *testing.T) {
	r := fixedReport(t)
	r.Targets[1].Name = `<script>alert("&")</script>`
	r.Problem = "the server closed the connection"
	page := htmlOf(t, r)
	for _, id := range []string{"throughput-over-time", "latency-over-time", "latency-by-percentile", "comparison"} {
		_, rest, found := strings.Cut(page, `<figure class="chart" id="`+id+`">`)
		_, rest, drawn := strings.Cut(rest, "<svg ")
		svg, _, closed := strings.Cut(rest, "</svg>")
		if !found || !drawn || !closed {
			t.Fatalf("there is no chart %s", id)
		}
		svg = "<svg " + svg + "</svg>"
		d := xml.NewDecoder(strings.NewReader(svg))
		for {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%s: %v in %s", id, err, svg)
			}
		}
		if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
			t.Errorf("%s holds what is no number: %s", id, svg)
		}
	}
	if regexp.MustCompile(`(?i)<script|src=|https?:|url\(|@import|<link`).MatchString(page) {
		t.Error("the page is not self-contained, or a name was not escaped")
	}
	for _, want := range []string{
		"&lt;script&gt;", "Partial results:</strong> the server closed the connection", "profile session: 100,000 keys",
		"200,000", "0.50 (0.50 to 0.50) worse", "0.50 (0.50 to 0.50) better", "<td>95.00</td>",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("there is no %q", want)
		}
	}
}

// TestHTMLOfOneTarget shows its percentiles and its commands, and no line where
// nothing was answered.
func TestHTMLOfOneTarget(t *testing.T) {
	r := fixedReport(t)
	r.Targets, r.Ratios = r.Targets[:1], nil
	run := &r.Targets[0].Runs[1] // the median
	ms := time.Millisecond
	run.Intervals = []Interval{{0, 4, 40, ms, ms, ms}, {4, 4, 0, 0, 0, 0}, {8, 2, 9, ms, 2 * ms, 3 * ms}}
	run.Commands = append(run.Commands, Command{"SET", 5, run.Latency})
	page := htmlOf(t, r)
	if strings.Contains(page, `id="comparison"`) {
		t.Error("there is nothing to compare")
	}
	over := r.latencyOverTime()
	if len(over.lines) != 3 || !math.IsNaN(over.lines[1].points[1].y) || over.lines[1].points[2].y != float64(2*ms) {
		t.Errorf("got %+v", over.lines)
	}
	if svg := string(over.SVG()); strings.Count(svg, "h0") != 6 {
		t.Errorf("the gap is not one: %s", svg)
	}
	by := r.latencyByPercentile()
	if len(by.lines) != 2 || by.lines[0].Name != "GET" || by.lines[1].Name != "SET" || len(by.Legend()) != 2 {
		t.Errorf("got %+v", by.lines)
	}
	if get := by.lines[0]; get.points[0].y != 2e6 || get.low[0] != 1e6 || get.high[0] != 3e6 {
		t.Errorf("got %+v", get)
	}
}

// TestHTMLOfLittle: reports with next to nothing in them are pages too.
func TestHTMLOfLittle(t *testing.T) {
	r := fixedReport(t)
	for i := range r.Targets {
		r.Targets[i].Runs = []Result{{Seconds: 0.001, Requests: 1, Problem: "died"}}
	}
	r.summarize()
	htmlOf(t, r)
	r.Targets[1].Runs = nil
	if page := htmlOf(t, r); strings.Contains(page, "NaN") {
		t.Error("a figure is no number")
	}
}

// TestAxes: ticks are few, round and on the axis, which covers its values.
func TestAxes(t *testing.T) {
	label := func(v float64) string { return "" }
	for e := -3.0; e < 11; e += 0.37 {
		v := math.Pow(10, e)
		for _, spread := range []float64{1, 1.01, 3, 17, 1e3, 1e7} {
			checkAxis(t, logAxis("", v, v*spread, label), v, v*spread)
		}
		checkAxis(t, linearAxis("", v, label), 0, v)
		checkAxis(t, timeAxis(v), 0, v)
	}
	checkAxis(t, linearAxis("", 0, label), 0, 0)
}

func checkAxis(t *testing.T, a axis, smallest, largest float64) {
	t.Helper()
	if a.from > smallest || a.to < largest || len(a.ticks) < 1 || len(a.ticks) > 11 {
		t.Errorf("from %g to %g: got %+v", smallest, largest, a)
	}
	for i, tick := range a.ticks {
		if p := a.place(tick.at); p < 0 || p > 1 || tick.at > a.to*1.0001 || i > 0 && p <= a.place(a.ticks[i-1].at) {
			t.Errorf("from %g to %g: the tick at %g is not on the axis %+v", smallest, largest, tick.at, a)
		}
	}
}

func TestTexts(t *testing.T) {
	for ns, want := range map[float64]string{1: "1 ns", 999: "999 ns", 1000: "1 µs", 83_120: "83.1 µs", 999_900: "1 ms", 2.5e9: "2.5 s", 1.2e12: "1,200 s"} {
		if got := durationText(ns); got != want {
			t.Errorf("%g: got %s, want %s", ns, got, want)
		}
	}
	for in, want := range map[string]string{"1": "1", "999": "999", "1000": "1,000", "-1000": "-1,000", "-100": "-100", "1234567": "1,234,567"} {
		if got := grouped(in); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
