package soak

import (
	"encoding/csv"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/redistill/redistill/test/servertest"
	"github.com/redistill/redistill/tools/bench"
)

// generatorLoads are what BenchmarkGenerator runs: the test of redis-benchmark, the share of GETs, pipeline, and requests.
var generatorLoads = []struct {
	name, test, reads, pipeline, requests string
}{
	{"get-p16", "get", "1", "16", "2000000"},
	{"set-p16", "set", "0", "16", "2000000"},
	{"get-p1", "get", "1", "1", "200000"},
}

// generatorRounds is how often each generator runs, in turn with the other.
const generatorRounds = 5

// plainProfile has the keys and values of redis-benchmark -r 100000 -d 256.
const plainProfile = `
[[profile]]
name = "plain"
connections = 50
distribution = "uniform"
[[profile.population]]
name = "plain"
keys = 100_000
key = "{id}"
size = 256
read_ratio = 1.0
`

// generated is what one run of a generator found: its rate, and its own CPU time for each request.
type generated struct{ rate, cpu float64 }

// BenchmarkGenerator runs 'redistill bench' and redis-benchmark in turn against one server, with the same settings, and reports the medians
// of their rates and of their own CPU time for a request. Both run on the processors of the test, for which taskset is meant.
func BenchmarkGenerator(b *testing.B) {
	theirs, err := exec.LookPath("redis-benchmark")
	if err != nil {
		b.Skip("skipped, because redis-benchmark is not there to be compared with")
	}
	profile := filepath.Join(b.TempDir(), "plain.toml")
	if err := os.WriteFile(profile, []byte(plainProfile), 0o600); err != nil {
		b.Fatal(err)
	}
	for _, c := range contenders(b, nil, nil) {
		for _, load := range generatorLoads {
			b.Run(c.name+"/"+load.name, func(b *testing.B) {
				s := startServer(b, c.args...)
				_, port, err := net.SplitHostPort(s.Addr)
				if err != nil {
					b.Fatal(err)
				}
				base := []string{"-p", port, "-c", "50", "-d", "256", "-r", "100000", "--csv"}
				run(b, theirs, append(base, "-t", "set", "-P", "16", "-n", "600000")...)
				ours := []string{"bench", s.Addr, "--profile-file", profile, "--pipeline", load.pipeline, "--read-ratio", load.reads, "--warmup", "0s", "-o", "json"}
				run(b, servertest.Program(b), append(ours, "--requests", "1000")...)
				var a, r []generated
				for range generatorRounds {
					r = append(r, redisBenchmark(b, theirs, load.requests, append(base, "-t", load.test, "-P", load.pipeline, "-n", load.requests)...))
					a = append(a, redistillBench(b, append(ours, "--no-preload", "--requests", load.requests)...))
				}
				rate := func(g generated) float64 { return g.rate }
				cpu := func(g generated) float64 { return g.cpu }
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(medianOf(a, rate), "bench-req/s")
				b.ReportMetric(medianOf(r, rate), "redis-benchmark-req/s")
				b.ReportMetric(medianOf(a, rate)/medianOf(r, rate), "times")
				b.ReportMetric(medianOf(a, cpu)*1e6, "bench-cpu-us")
				b.ReportMetric(medianOf(r, cpu)*1e6, "redis-benchmark-cpu-us")
			})
		}
	}
}

func medianOf(all []generated, of func(generated) float64) float64 {
	var values []float64
	for _, g := range all {
		values = append(values, of(g))
	}
	return median(values)
}

// median sorts values and returns the one in the middle.
func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// run returns what a generator writes, and the seconds of CPU that it used.
func run(b *testing.B, program string, args ...string) (out []byte, cpu float64) {
	b.Helper()
	cmd := exec.Command(program, args...)
	out, err := cmd.Output()
	if err != nil {
		b.Fatalf("%v: %v", cmd.Args, err)
	}
	return out, (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
}

func redisBenchmark(b *testing.B, program, requests string, args ...string) generated {
	b.Helper()
	out, cpu := run(b, program, args...)
	// It writes its warnings there as well.
	rows, err := csv.NewReader(strings.NewReader(string(out[strings.LastIndex(string(out), `"test"`):]))).ReadAll()
	if err != nil || len(rows) != 2 {
		b.Fatalf("%v in %s", err, out)
	}
	rate, err1 := strconv.ParseFloat(rows[1][1], 64)
	n, err2 := strconv.ParseFloat(requests, 64)
	if err1 != nil || err2 != nil {
		b.Fatal(err1, err2)
	}
	return generated{rate, cpu / n}
}

func redistillBench(b *testing.B, args ...string) generated {
	b.Helper()
	out, cpu := run(b, servertest.Program(b), args...)
	var report bench.Report
	if err := json.Unmarshal(out, &report); err != nil {
		b.Fatal(err)
	}
	r := report.Targets[0].Runs[0]
	if r.HitRate != nil && *r.HitRate != 1 {
		b.Fatalf("the hit rate is %f", *r.HitRate)
	}
	return generated{r.Throughput, cpu / float64(r.Requests)}
}
