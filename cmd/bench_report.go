package cmd

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/redistill/redistill/bench"
)

var benchOutputs = []string{"table", "json", "csv", "gobench"}

func writeBench(w io.Writer, r *bench.Report, output string) error {
	switch output {
	case "json":
		return r.WriteJSON(w)
	case "csv":
		return r.WriteCSV(w)
	case "gobench":
		return r.WriteGobench(w)
	}
	return writeBenchTables(w, r)
}

func writeBenchTables(w io.Writer, r *bench.Report) error {
	var b strings.Builder
	s := r.Settings
	loop := "closed loop"
	if s.Rate > 0 {
		loop = fmt.Sprintf("%g requests due a second", s.Rate)
	}
	fmt.Fprintf(&b, "profile %s: %d keys, %s, values of %d-%d B; %d connections, pipeline %d, %s\n",
		s.Profile, s.Keys, s.Distribution, s.MinValueSize, s.MaxValueSize, s.Connections, s.Pipeline, loop)
	for _, t := range r.Targets {
		for i := range t.Runs {
			if err := writeBenchRun(&b, t.Name, i, len(t.Runs), &t.Runs[i]); err != nil {
				return err
			}
		}
	}
	if err := writeBenchMedians(&b, r); err != nil {
		return err
	}
	if r.Problem != "" {
		fmt.Fprintf(&b, "\nPARTIAL RESULTS: %s\n", r.Problem)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeBenchRun writes what one run found. The rate stands beside what tells
// whether it is worth something.
func writeBenchRun(b *strings.Builder, name string, i, n int, run *bench.Result) error {
	fmt.Fprintf(b, "\n%s, run %d of %d", name, i+1, n)
	if run.Server.Name != "" {
		fmt.Fprintf(b, " (%s)", run.Server.Name)
	}
	fmt.Fprintf(b, "\n%.0f requests/s: %d in %.2f s", run.Throughput, run.Requests, run.Seconds)
	if run.HitRate != nil {
		fmt.Fprintf(b, ", hit rate %.2f %%", *run.HitRate*100)
	}
	if run.Server.Keys != nil {
		fmt.Fprintf(b, ", %d keys", *run.Server.Keys)
	}
	fmt.Fprintf(b, ", %s sent, %s received, %d errors\n", megabytes(run.BytesSent), megabytes(run.BytesReceived), run.Errors)
	if run.Server.CPUPerRequest != nil {
		fmt.Fprintf(b, "server: %.2f µs of CPU a request", *run.Server.CPUPerRequest*1e6)
		if run.Server.RSS != nil {
			fmt.Fprintf(b, ", %s resident", megabytes(*run.Server.RSS))
		}
		b.WriteByte('\n')
	}
	if run.FirstError != "" {
		fmt.Fprintf(b, "first error: %s\n", run.FirstError)
	}
	if run.Unsent > 0 {
		fmt.Fprintf(b, "THE SERVER FELL BEHIND: %d requests were due and never sent\n", run.Unsent)
	}
	if run.Problem != "" {
		fmt.Fprintf(b, "PARTIAL: the run ended early: %s\n", run.Problem)
	}
	rows := [][]string{latencyRow("all", run.Requests, run.Latency)}
	if len(run.Commands) == 1 {
		rows = nil
	}
	for _, c := range run.Commands {
		rows = append(rows, latencyRow(c.Name, c.Count, c.Latency))
	}
	t := table{"", []string{"µs", "requests", "mean", "p50", "p90", "p95", "p99", "p99.9", "p99.99", "max"}, rows}
	return t.draw(b)
}

func latencyRow(name string, n int64, l bench.Latency) []string {
	row := []string{name, fmt.Sprint(n)}
	for _, d := range []time.Duration{l.Mean, l.P50, l.P90, l.P95, l.P99, l.P999, l.P9999, l.Max} {
		row = append(row, fmt.Sprintf("%.0f", float64(d)/1e3))
	}
	return row
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// writeBenchMedians writes medians where there are several runs, and ratios
// where there are two targets.
func writeBenchMedians(b *strings.Builder, r *bench.Report) error {
	for _, t := range r.Targets {
		if len(t.Runs) < 2 {
			continue
		}
		var rows [][]string
		for _, m := range t.Medians {
			rows = append(rows, metricRow(m))
		}
		title := fmt.Sprintf("%s, %d runs", t.Name, len(t.Runs))
		if err := (&table{title, []string{"", "median", "min", "max"}, rows}).draw(b); err != nil {
			return err
		}
	}
	if len(r.Ratios) == 0 {
		return nil
	}
	var rows [][]string
	for _, ratio := range r.Ratios {
		better := "lower"
		if ratio.HigherIsBetter {
			better = "higher"
		}
		rows = append(rows, append(metricRow(ratio.Metric), better))
	}
	title := fmt.Sprintf("%s divided by %s, run by run", r.Targets[0].Name, r.Targets[1].Name)
	return (&table{title, []string{"", "median", "min", "max", "better"}, rows}).draw(b)
}

func metricRow(m bench.Metric) []string {
	row := []string{m.Name}
	for _, f := range []float64{m.Median, m.Min, m.Max} {
		precision := 0
		if f < 100 {
			precision = 3
		}
		row = append(row, fmt.Sprintf("%.*f", precision, f))
	}
	return row
}

// progressBar is one line on a terminal, and nothing elsewhere.
type progressBar struct {
	w io.Writer // nil if it is not a terminal
}

func newProgressBar(w io.Writer) progressBar {
	if f, ok := w.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "" {
			return progressBar{w}
		}
	}
	return progressBar{}
}

// show returns what bench is to call, or nil.
func (p progressBar) show() func(bench.Progress) {
	if p.w == nil {
		return nil
	}
	return func(now bench.Progress) {
		const width = 20
		full := int(now.Done * width)
		fmt.Fprintf(p.w, "\r\x1b[K%-8s [%s%s] %3.0f %% %d", now.Phase,
			strings.Repeat("#", full), strings.Repeat("-", width-full), now.Done*100, now.Requests)
	}
}

func (p progressBar) clear() {
	if p.w != nil {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
