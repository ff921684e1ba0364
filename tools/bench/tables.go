package bench

import (
	"fmt"
	"io"
	"time"

	"github.com/redistill/redistill/tools/terminal"
)

// WriteText writes the report for people, in tables.
func (r *Report) WriteText(w io.Writer) error {
	p := printer{terminal.NewPrinter(w)}
	p.report(r)
	return p.Flush()
}

// printer writes the parts of a report as text.
type printer struct{ *terminal.Printer }

func (p printer) report(r *Report) {
	s := r.Settings
	size := s.ValueSize()
	p.Line("profile %s: %d keys, %s, values of %d-%d B; %d connections, pipeline %d, %s",
		s.Profile.Name, s.Keys(), s.Profile.Distribution, size.Min, size.Max, s.Connections, s.Pipeline, s.Loop())
	for _, t := range r.Targets {
		for i := range t.Runs {
			p.run(t.Name, i, len(t.Runs), &t.Runs[i])
		}
	}
	p.medians(r)
	p.ratios(r)
	if r.Problem != "" {
		p.Line("\nPARTIAL RESULTS: %s", r.Problem)
	}
}

// run writes what one run found. The rate stands beside what tells whether it is
// worth something.
func (p printer) run(name string, i, n int, run *Result) {
	server := ""
	if run.Server.Name != "" {
		server = " (" + run.Server.Name + ")"
	}
	p.Line("\n%s, run %d of %d%s", name, i+1, n, server)
	rate := fmt.Sprintf("%.0f requests/s: %d in %.2f s", run.Throughput, run.Requests, run.Seconds)
	if run.HitRate != nil {
		rate += fmt.Sprintf(", hit rate %.2f %%", *run.HitRate*100)
	}
	if run.Server.Keys != nil {
		rate += fmt.Sprintf(", %d keys", *run.Server.Keys)
	}
	p.Line("%s, %s sent, %s received, %d errors", rate, terminal.Megabytes(run.BytesSent), terminal.Megabytes(run.BytesReceived), run.Errors)
	if run.Server.CPUPerRequest != nil {
		cost := fmt.Sprintf("server: %.2f µs of CPU a request", *run.Server.CPUPerRequest*1e6)
		if run.Server.RSS != nil {
			cost += fmt.Sprintf(", %s resident", terminal.Megabytes(*run.Server.RSS))
		}
		p.Line("%s", cost)
	}
	if run.FirstError != "" {
		p.Line("first error: %s", run.FirstError)
	}
	if run.Unsent > 0 {
		p.Line("THE SERVER FELL BEHIND: %d requests were due and never sent", run.Unsent)
	}
	if run.Late != nil {
		p.Line("bench itself sent requests %.0f µs late at p50, %.0f µs at p99; that is a part of their latency",
			float64(run.Late.P50)/1e3, float64(run.Late.P99)/1e3)
	}
	if run.Problem != "" {
		p.Line("PARTIAL: the run ended early: %s", run.Problem)
	}
	rows := [][]string{latencyRow("all", run.Requests, run.Latency)}
	if len(run.Commands) == 1 {
		rows = nil
	}
	for _, c := range run.Commands {
		rows = append(rows, latencyRow(c.Name, c.Count, c.Latency))
	}
	p.Table(&terminal.Table{
		Header: []string{"µs", "requests", "mean", "p50", "p90", "p95", "p99", "p99.9", "p99.99", "max"}, Rows: rows,
	})
}

func latencyRow(name string, n int64, l Latency) []string {
	row := []string{name, fmt.Sprint(n)}
	for _, d := range []time.Duration{l.Mean, l.P50, l.P90, l.P95, l.P99, l.P999, l.P9999, l.Max} {
		row = append(row, fmt.Sprintf("%.0f", float64(d)/1e3))
	}
	return row
}

// medians writes medians and spread where there are several runs.
func (p printer) medians(r *Report) {
	for _, t := range r.Targets {
		if len(t.Runs) < 2 {
			continue
		}
		var rows [][]string
		for _, m := range t.Medians {
			rows = append(rows, metricRow(m))
		}
		p.Table(&terminal.Table{
			Title: fmt.Sprintf("%s, %d runs", t.Name, len(t.Runs)), Header: []string{"", "median", "min", "max"}, Rows: rows,
		})
	}
}

// ratios writes how two targets compare.
func (p printer) ratios(r *Report) {
	if len(r.Ratios) == 0 {
		return
	}
	var rows [][]string
	for _, ratio := range r.Ratios {
		better := "lower"
		if ratio.HigherIsBetter {
			better = "higher"
		}
		rows = append(rows, append(metricRow(ratio.Metric), better, ratio.verdict()))
	}
	title := fmt.Sprintf("%s divided by %s, run by run", r.Targets[0].Name, r.Targets[1].Name)
	header := []string{"", "median", "min", "max", "better", "verdict"}
	p.Table(&terminal.Table{Title: title, Header: header, Rows: rows})
}

func metricRow(m Metric) []string {
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
