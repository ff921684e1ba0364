package bench

import (
	"bytes"
	"context"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files")

// fixedReport is a report in which everything is known.
func fixedReport(t testing.TB) *Report {
	profile := builtin(t, "session")
	r := &Report{
		Schema: Schema, Machine: Machine{"linux", "amd64", 2, "Some CPU", "go1.26"},
		Settings: Config{Profile: profile, Duration: 10 * time.Second, Seed: 1}.settings(),
	}
	for i, name := range []string{"redis://127.0.0.1:6379", "redis-server --port {port}"} {
		results := Results{Name: name}
		for j := range 3 {
			rate, cpu, rss, keys := 0.95, 5e-6*float64(i+1), int64(50e6), int64(100_000)
			d := time.Duration(i+j+1) * time.Millisecond
			l := Latency{d, d, 2 * d, 3 * d, 4 * d, 5 * d, 6 * d, 7 * d}
			n := int64(1_000_000 * (i + 1) * (j + 1))
			results.Runs = append(results.Runs, Result{
				Seconds: 10, Requests: n, Throughput: float64(n) / 10, Hits: 95, Misses: 5, HitRate: &rate,
				BytesSent: 1000, BytesReceived: 2000, Latency: l, Commands: []Command{{"GET", n, l}},
				Intervals: []Interval{{0, 10, n, l.P50, l.P99, l.Max}}, Server: Server{"redis 7.0.15", &keys, &cpu, &rss, &rate},
			})
		}
		r.Targets = append(r.Targets, results)
	}
	r.summarize()
	return r
}

func TestGoldenOutputs(t *testing.T) {
	r := fixedReport(t)
	for name, write := range map[string]func(io.Writer) error{
		"report.json": r.WriteJSON, "report.csv": r.WriteCSV, "report.gobench": r.WriteGobench,
		"report.txt": r.WriteText,
	} {
		var got bytes.Buffer
		if err := write(&got); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got.String() != string(want) {
			t.Errorf("%s differs from the golden file (go test ./tools/bench -update):\n%s", name, got.String())
		}
	}
}

func TestMediansAndRatios(t *testing.T) {
	r := fixedReport(t)
	if m := r.Targets[0].Medians[0]; m != (Metric{"throughput", 200_000, 100_000, 300_000}) {
		t.Errorf("got %+v", m)
	}
	if q := r.Ratios[0]; q.Median != 0.5 || q.Min != 0.5 || q.Max != 0.5 || !q.HigherIsBetter {
		t.Errorf("got %+v", q)
	}
	if m := newMetric("", []float64{4, 1, 3, 2}); m.Median != 2.5 || m.Min != 1 || m.Max != 4 {
		t.Errorf("got %+v", m)
	}
}

func TestVerdict(t *testing.T) {
	for want, q := range map[string]Ratio{
		"better":      {Metric{"", 0.9, 0.8, 0.99}, false, 3},
		"worse":       {Metric{"", 0.9, 0.8, 0.99}, true, 3},
		"even":        {Metric{"", 1, 0.95, 1.1}, true, 3},
		"cannot tell": {Metric{"", 1, 0.7, 1.1}, true, 9},
	} {
		if got := q.verdict(); got != want {
			t.Errorf("%+v: got %s, want %s", q, got, want)
		}
		q.Pairs = 2
		if got := q.verdict(); got != cannotTell {
			t.Errorf("of two pairs: got %s", got)
		}
	}
}

// TestMeasureInTurn: A B A B, and a ratio for every pair.
func TestMeasureInTurn(t *testing.T) {
	a, b := startFake(t), startFake(t)
	r, err := Measure(context.Background(), small(t, "session", 500), 2, Named{"a", a.target(), nil}, Named{"b", b.target(), nil})
	if err != nil || len(r.Targets) != 2 || len(r.Targets[0].Runs) != 2 || len(r.Targets[1].Runs) != 2 || len(r.Ratios) < 5 {
		t.Fatalf("got %v, %+v", err, r)
	}
	if a.hits == 0 || b.hits == 0 {
		t.Error("a target was not asked")
	}
}

func TestBaseline(t *testing.T) {
	var text bytes.Buffer
	if err := fixedReport(t).WriteJSON(&text); err != nil {
		t.Fatal(err)
	}
	old, err := ReadBaseline(bytes.NewReader(text.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	now := fixedReport(t)
	if got := now.Regressions(old, 0); len(got) != 0 {
		t.Errorf("against itself: %v", got)
	}
	now.Targets[0].Medians[0].Median *= 0.85 // throughput
	p99 := &now.Targets[0].Medians[2]        // of the old runs 4000 to 12000
	p99.Median, p99.Min, p99.Max = 14_000, 12_001, 16_000
	now.Targets[0].Medians[4].Median *= 0.5 // CPU
	got := now.Regressions(old, 0.1)
	if len(got) != 2 || got[0].Name != "throughput" || got[1].Name != "p99 µs" {
		t.Fatalf("got %v", got)
	}
	if got[0].Unsure+got[1].Unsure != "" {
		t.Errorf("of runs that are all worse: got %v", got)
	}
	p99.Min = 12_000
	got = now.Regressions(old, 0.1)
	if want := "the runs overlap: 12000 to 16000, were 4000 to 12000"; got[1].Unsure != want {
		t.Errorf("of runs that overlap: got %q, want %q", got[1].Unsure, want)
	}
	p99.Min = 12_001
	now.Targets[0].Runs[2].Problem = "died"
	got = now.Regressions(old, 0.1)
	if want := "(--repeat), there are 2 and 3"; !strings.HasSuffix(got[1].Unsure, want) {
		t.Errorf("of two runs: got %q, want %q", got[1].Unsure, want)
	}
	p99.Median = old.Targets[0].Medians[2].Median
	if got := now.Regressions(old, 0.2); len(got) != 0 {
		t.Errorf("got %v", got)
	}
	now.Targets[0].Medians = now.Targets[0].Medians[:4] // CPU is not known
	got = now.Regressions(old, 0.2)
	if len(got) != 1 || got[0].String() != "CPU µs per request is not known, was 5" {
		t.Errorf("got %v", got)
	}

	now.Machine.Go = "go1.27"
	if got := now.OtherMachine(old); got != "" {
		t.Errorf("the same machine: %s", got)
	}
	now.Machine.CPUs = 4
	if got := now.OtherMachine(old); got != "the baseline is of another machine: "+
		"linux/amd64, 2 CPUs (Some CPU), this one is linux/amd64, 4 CPUs (Some CPU)" {
		t.Errorf("another machine: %s", got)
	}

	profile := builtin(t, "api")
	same := builtin(t, "session")
	if err := CheckBaseline(old, Config{Profile: same, Duration: time.Second}); err != nil {
		t.Error(err)
	}
	contains(t, CheckBaseline(old, Config{Profile: profile}), "it was measured with the profile session and not api")
	for in, want := range map[string]string{
		"{":                           "not a report in JSON",
		`{"schema":"other/9"}`:        `its schema is "other/9"`,
		`{"schema":"` + Schema + `"}`: "no result",
		strings.Replace(text.String(), `"targets"`, `"problem":"died","targets"`, 1): "ended early: died",
	} {
		_, err := ReadBaseline(strings.NewReader(in))
		contains(t, err, want)
	}
}

func TestValidate(t *testing.T) {
	profile := builtin(t, "counter")
	half := 0.5
	if _, err := profile.With(Overrides{ReadRatio: &half}); err == nil {
		t.Error("a counter has no read ratio")
	}
	profile = builtin(t, "mixed")
	scaled, err := profile.With(Overrides{Scale: 0.01, ValueSize: Sizes{5, 6}, ReadRatio: &half})
	if p := scaled.Populations[1]; err != nil || p.Keys != 1000 || p.Size.Max != 6 || p.Access != ReadWrite || profile.Populations[1].Keys != 100_000 {
		t.Errorf("got %v, %+v", err, p)
	}
	two := 2.0
	bad, _ := profile.With(Overrides{ReadRatio: &two})
	backwards, _ := profile.With(Overrides{ValueSize: Sizes{6, 5}})
	for want, c := range map[string]Config{
		"needs a profile": {},
		"connections":     {Profile: profile, Connections: -1},
		"pipeline":        {Profile: profile, Pipeline: 1 << 20},
		"durations":       {Profile: profile, Warmup: -1},
		"requests":        {Profile: profile, Requests: -1},
		"rate":            {Profile: profile, Rate: -1},
		"threads":         {Profile: profile, Threads: -1},
		"read-ratio":      {Profile: bad},
		"value sizes":     {Profile: backwards},
	} {
		contains(t, c.Validate(), want)
	}
}
