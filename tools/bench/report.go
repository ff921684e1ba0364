package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/redistill/redistill/tools/client"
)

// Report is what one call of Measure found.
type Report struct {
	Schema   string    `json:"schema"`
	Machine  Machine   `json:"machine"` // of the generator
	Settings Settings  `json:"settings"`
	Targets  []Results `json:"targets"`
	// Ratios are of the first target to the second, if there are two.
	Ratios []Ratio `json:"ratios,omitempty"`
	// Problem says why the measurement ended early, and is empty when it did
	// not. The last run of a target may be a part of one then.
	Problem string `json:"problem,omitempty"`
}

// Machine is where the generator ran.
type Machine struct {
	OS   string `json:"os"`
	Arch string `json:"arch"`
	CPUs int    `json:"cpus"`
	CPU  string `json:"cpu,omitempty"` // model, where the system says it
	Go   string `json:"go"`
}

// String names the machine for people.
func (m Machine) String() string {
	text := fmt.Sprintf("%s/%s, %d CPUs", m.OS, m.Arch, m.CPUs)
	if m.CPU != "" {
		text += " (" + m.CPU + ")"
	}
	return text
}

// thisMachine is where this program runs.
func thisMachine() Machine {
	m := Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU(), Go: runtime.Version()}
	text, err := os.ReadFile("/proc/cpuinfo") // Linux alone has it, and not everywhere the model
	if err != nil {
		return m
	}
	for line := range strings.Lines(string(text)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			m.CPU = strings.TrimSpace(value)
			break
		}
	}
	return m
}

// Settings are those of a Config that make results comparable.
type Settings struct {
	Profile     Profile `json:"profile"` // as it was measured, with all overrides
	Connections int     `json:"connections"`
	Pipeline    int     `json:"pipeline"`
	Duration    float64 `json:"duration_seconds"`
	Requests    int64   `json:"requests"`
	Warmup      float64 `json:"warmup_seconds"`
	Rate        float64 `json:"rate"`
	Threads     int     `json:"threads"`
	Seed        uint64  `json:"seed"`
}

func (c Config) settings() Settings {
	c = c.withDefaults()
	return Settings{
		Profile: c.Profile, Connections: c.Connections, Pipeline: c.Pipeline,
		Duration: c.Duration.Seconds(), Requests: c.Requests, Warmup: c.Warmup.Seconds(), Rate: c.Rate,
		Threads: c.Threads, Seed: c.Seed,
	}
}

// Loop says how requests follow on each other.
func (s *Settings) Loop() string {
	if s.Rate > 0 {
		return fmt.Sprintf("%g requests due a second", s.Rate)
	}
	return "closed loop"
}

// Keys is the number of keys that are preloaded.
func (s *Settings) Keys() int {
	n := 0
	for _, p := range s.Profile.Populations {
		n += p.Keys
	}
	return n
}

// ValueSize is the bounds of the values of all populations.
func (s *Settings) ValueSize() Sizes {
	bounds := s.Profile.Populations[0].Size
	for _, p := range s.Profile.Populations {
		bounds.Min = min(bounds.Min, p.Size.Min)
		bounds.Max = max(bounds.Max, p.Size.Max)
	}
	return bounds
}

// Results are the runs of one target, and their medians.
type Results struct {
	Name    string   `json:"name"`
	Runs    []Result `json:"runs"`
	Medians []Metric `json:"medians"` // over the complete runs
}

// Metric is one figure over all runs of a target.
type Metric struct {
	Name   string  `json:"name"`
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// Ratio is one figure of a target divided by that of another, pair by pair.
type Ratio struct {
	Metric
	HigherIsBetter bool `json:"higher_is_better"`
	Pairs          int  `json:"pairs"` // of runs
}

// metric is a figure that is compared.
type metric struct {
	name           string
	higherIsBetter bool
	of             func(*Result) (value float64, ok bool)
}

func micros(d time.Duration) (float64, bool) { return float64(d) / 1e3, d > 0 }

// metrics returns the figures that are compared, in the order of reports.
func metrics() []metric {
	return []metric{
		{"throughput", true, func(r *Result) (float64, bool) { return r.Throughput, r.Throughput > 0 }},
		{"p50 µs", false, func(r *Result) (float64, bool) { return micros(r.Latency.P50) }},
		{"p99 µs", false, func(r *Result) (float64, bool) { return micros(r.Latency.P99) }},
		{"p99.9 µs", false, func(r *Result) (float64, bool) { return micros(r.Latency.P999) }},
		{"CPU µs per request", false, func(r *Result) (float64, bool) {
			if r.Server.CPUPerRequest == nil {
				return 0, false
			}
			return *r.Server.CPUPerRequest * 1e6, true
		}},
		{"resident MB", false, func(r *Result) (float64, bool) {
			if r.Server.RSS == nil {
				return 0, false
			}
			return float64(*r.Server.RSS) / 1e6, *r.Server.RSS > 0
		}},
	}
}

// Named is a target with the name that reports give it.
type Named struct {
	Name string
	client.Target
	// Ended waits for the end of a server's process that has closed its connections,
	// and says how it ended, or nothing if it still runs. It is nil if that is not
	// known.
	Ended func() string
}

// Measure runs cfg repeat times on every target, in turn: A B A B. When a run
// fails, the report holds what was measured until then and says so in Problem;
// it is nil only if nothing was measured.
func Measure(ctx context.Context, cfg Config, repeat int, targets ...Named) (*Report, error) {
	report := &Report{
		Schema:   Schema,
		Machine:  thisMachine(),
		Settings: cfg.settings(),
	}
	for _, t := range targets {
		report.Targets = append(report.Targets, Results{Name: t.Name})
	}
	var failed error
	for n := range repeat {
		for i, t := range targets {
			result, err := Run(ctx, t.Target, cfg.numbered(n*len(targets)+i+1, repeat*len(targets)))
			if err = t.explain(err); err != nil && result.Problem != "" {
				result.Problem = err.Error()
			}
			if result.Requests > 0 {
				report.Targets[i].Runs = append(report.Targets[i].Runs, result)
			}
			if failed = err; err != nil {
				break
			}
		}
		if failed != nil {
			break
		}
	}
	if len(report.Targets[0].Runs) == 0 {
		return nil, failed
	}
	if failed != nil {
		report.Problem = failed.Error()
	}
	report.summarize()
	return report, failed
}

// numbered has Progress say which run it is of.
func (c Config) numbered(run, runs int) Config {
	if tell := c.Progress; tell != nil {
		c.Progress = func(p Progress) {
			p.Run, p.Runs = run, runs
			tell(p)
		}
	}
	return c
}

// explain adds to the error of a run how the server's process ended, if it did. A
// server that answers with an error, or not at all, has not ended, and is not
// waited for.
func (t *Named) explain(err error) error {
	var refused client.ServerError
	if err == nil || t.Ended == nil || errors.Is(err, client.ErrInterrupted) || errors.Is(err, client.ErrNoAnswer) ||
		errors.Is(err, client.ErrPassword) || errors.As(err, &refused) {
		return err
	}
	if last := t.Ended(); last != "" {
		return fmt.Errorf("%w; it ended: %s", err, last)
	}
	return err
}

// summarize computes medians and ratios from the runs.
func (r *Report) summarize() {
	for i := range r.Targets {
		t := &r.Targets[i]
		t.Medians = nil
		for _, m := range metrics() {
			var values []float64
			for _, run := range t.Runs {
				if v, ok := m.of(&run); ok && run.Problem == "" {
					values = append(values, v)
				}
			}
			if len(values) > 0 {
				t.Medians = append(t.Medians, newMetric(m.name, values))
			}
		}
	}
	if len(r.Targets) == 2 {
		r.Ratios = ratios(r.Targets[0].Runs, r.Targets[1].Runs)
	}
}

func ratios(a, b []Result) []Ratio {
	var out []Ratio
	for _, m := range metrics() {
		var values []float64
		for i := range min(len(a), len(b)) {
			va, ok1 := m.of(&a[i])
			vb, ok2 := m.of(&b[i])
			if ok1 && ok2 && a[i].Problem == "" && b[i].Problem == "" {
				values = append(values, va/vb)
			}
		}
		if len(values) > 0 {
			out = append(out, Ratio{newMetric(m.name, values), m.higherIsBetter, len(values)})
		}
	}
	return out
}

// newMetric sorts values, of which there is at least one.
func newMetric(name string, values []float64) Metric {
	slices.Sort(values)
	n := len(values)
	return Metric{name, (values[(n-1)/2] + values[n/2]) / 2, values[0], values[n-1]}
}
