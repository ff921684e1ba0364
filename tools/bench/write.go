package bench

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// WriteJSON writes the report, in the layout that Schema names.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// WriteCSV writes one line for every target, run and command, and one with the
// command ALL for every run. Latencies are in microseconds.
func (r *Report) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	_ = out.Write([]string{ // Error tells
		"target", "profile", "run", "command", "requests", "seconds", "requests_per_second", "hit_rate", "errors",
		"keys", "bytes_sent", "bytes_received", "mean_us", "p50_us", "p90_us", "p95_us", "p99_us", "p99.9_us", "p99.99_us", "max_us",
		"server_cpu_us_per_request", "server_rss_bytes", "problem",
	})
	for _, t := range r.Targets {
		for i := range t.Runs {
			run := &t.Runs[i]
			_ = out.Write(r.csvLine(t.Name, i, run, Command{"ALL", run.Requests, run.Latency}))
			for _, c := range run.Commands {
				_ = out.Write(r.csvLine(t.Name, i, run, c))
			}
		}
	}
	out.Flush()
	return out.Error()
}

func (r *Report) csvLine(target string, i int, run *Result, c Command) []string {
	float := func(f float64) string { return strconv.FormatFloat(f, 'f', 3, 64) }
	integer := func(n int64) string { return strconv.FormatInt(n, 10) }
	optional := func(f *float64, scale float64) string {
		if f == nil {
			return ""
		}
		return strconv.FormatFloat(*f*scale, 'f', 4, 64)
	}
	optionalInt := func(n *int64) string {
		if n == nil {
			return ""
		}
		return integer(*n)
	}
	line := []string{
		target, r.Settings.Profile.Name, strconv.Itoa(i + 1), c.Name, integer(c.Count), float(run.Seconds),
		float(float64(c.Count) / run.Seconds), optional(run.HitRate, 1), integer(run.Errors),
		optionalInt(run.Server.Keys), integer(run.BytesSent), integer(run.BytesReceived),
	}
	l := c.Latency
	for _, d := range []time.Duration{l.Mean, l.P50, l.P90, l.P95, l.P99, l.P999, l.P9999, l.Max} {
		line = append(line, float(float64(d)/1e3))
	}
	return append(line, optional(run.Server.CPUPerRequest, 1e6), optionalInt(run.Server.RSS), run.Problem)
}

// WriteGobench writes the complete runs in the format of Go's benchmarks, which
// benchstat reads: one line for every run.
func (r *Report) WriteGobench(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "goos: %s\ngoarch: %s\npkg: github.com/redistill/redistill/bench\n", r.Machine.OS, r.Machine.Arch)
	for _, t := range r.Targets {
		name := fmt.Sprintf("Benchmark%s/connections=%d/pipeline=%d", title(r.Settings.Profile.Name), r.Settings.Connections, r.Settings.Pipeline)
		if len(r.Targets) > 1 {
			name += "/target=" + strings.ReplaceAll(t.Name, " ", "_")
		}
		for i := range t.Runs {
			run := &t.Runs[i]
			if run.Problem != "" {
				continue
			}
			fmt.Fprintf(&b, "%s %d %.2f ns/op %.0f req/s %d p50-ns %d p99-ns", name, run.Requests,
				run.Seconds*1e9/float64(run.Requests), run.Throughput, run.Latency.P50, run.Latency.P99)
			if run.Server.CPUPerRequest != nil {
				fmt.Fprintf(&b, " %.1f server-cpu-ns/op", *run.Server.CPUPerRequest*1e9)
			}
			b.WriteByte('\n')
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func title(s string) string {
	r := []rune(s)
	r[0] = unicode.ToUpper(r[0])
	return string(r)
}
