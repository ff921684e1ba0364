package soak

import (
	"context"
	"os/exec"
	"testing"
	"time"

	"github.com/redistill/redistill/tools/bench"
	"github.com/redistill/redistill/tools/client"
)

// sessionValues is a population of small values.
func sessionValues(keys int, p bench.Population) bench.Population {
	p.Name, p.Weight, p.Keys, p.Key, p.Value, p.Size = "session", 1, keys, "session:{id}", bench.SessionValue, bench.Sizes{Min: 64, Max: 512}
	return p
}

// latencyLoads are what BenchmarkLatency runs. maxMemory is for both servers.
var latencyLoads = []struct {
	name, maxMemory string
	population      bench.Population
}{
	{"steady", "0", sessionValues(100_000, bench.Population{ReadRatio: 0.9})},
	// Every key that is written expires two seconds later, asked for or not.
	{"expiring", "0", sessionValues(100_000, bench.Population{ReadRatio: 0.5, TTL: bench.TTL(2 * time.Second)})},
	// Three times as much as there is room for.
	{"evicting", "64mb", sessionValues(500_000, bench.Population{ReadRatio: 0.5})},
	// Half of the requests ask for a key that was never there, and write it then.
	{"growing", "0", sessionValues(1000, bench.Population{Access: bench.CacheAside, HitRate: 0.01})},
}

// shareOfCapacity is the rate of requests, as a share of what redis-server can do under the same load.
const shareOfCapacity = 0.4

// BenchmarkLatency sends requests at fixed times, at a share of redis-server's own capacity, and reports how long the answers take from
// the time when the request was due. One measurement takes -soak.
func BenchmarkLatency(b *testing.B) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		b.Skip("skipped, because redis-server is not there to be compared with")
	}
	for _, load := range latencyLoads {
		memory := func(name string) []string { return []string{name, load.maxMemory} }
		list := contenders(b, append(memory("--max-memory"), "--eviction-policy", "allkeys-lru"),
			append(memory("--maxmemory"), "--maxmemory-policy", "allkeys-lru"))
		profile := bench.Profile{Name: load.name, Connections: 50, Pipeline: 1, Populations: []bench.Population{load.population}}
		cfg := bench.Config{Profile: profile, Duration: *length, Warmup: time.Second, Seed: 1}
		capacity := measured(b, list[len(list)-1], cfg).Throughput
		cfg.Rate = shareOfCapacity * capacity
		cfg.Pipeline = 100 // what is due does not wait for what was not answered
		for _, c := range list {
			b.Run(load.name+"/"+c.name, func(b *testing.B) {
				r := measured(b, c, cfg)
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(r.Throughput, "req/s")
				b.ReportMetric(float64(r.Unsent), "unsent")
				micros := func(d time.Duration) float64 { return float64(d) / 1e3 }
				b.ReportMetric(micros(r.Latency.P50), "p50-us")
				b.ReportMetric(micros(r.Latency.P99), "p99-us")
				b.ReportMetric(micros(r.Latency.P999), "p99.9-us")
			})
		}
	}
}

// measured starts a server, measures it once and ends it.
func measured(b *testing.B, c contender, cfg bench.Config) bench.Result {
	b.Helper()
	s := startServer(b, c.args...)
	defer s.Stop()
	return s.load(b, cfg)
}

// load measures the server once.
func (s *server) load(b *testing.B, cfg bench.Config) bench.Result {
	b.Helper()
	r, err := bench.Run(context.Background(), client.Target{Network: "tcp", Address: s.Addr}, cfg)
	if err != nil || r.Problem != "" || r.Errors > 0 {
		b.Fatalf("%v, %s, %s\n%s", err, r.Problem, r.FirstError, s.Log())
	}
	return r
}

const (
	calmRate  = 2000 // requests a second of the clients that do not flood
	calmOnes  = 20
	floodDeep = "500" // commands that the flooding client has under way
)

// BenchmarkFlood reports the latency of clients that ask for little, without and with another that sends tiny commands as fast as it can.
// There is one event loop, so that all share it.
func BenchmarkFlood(b *testing.B) {
	flooder, err := exec.LookPath("redis-benchmark")
	if err != nil {
		b.Skip("skipped, because redis-benchmark is not there to flood")
	}
	profile := bench.Profile{Name: "calm", Connections: calmOnes, Pipeline: 1,
		Populations: []bench.Population{sessionValues(10_000, bench.Population{ReadRatio: 0.9})}}
	cfg := bench.Config{Profile: profile, Duration: *length, Warmup: time.Second, Seed: 1, Rate: calmRate, Pipeline: 100}
	for _, c := range contenders(b, []string{"--threads", "1"}, nil) {
		b.Run(c.name, func(b *testing.B) {
			s := startServer(b, c.args...)
			calm := s.load(b, cfg).Latency
			flood := exec.Command(flooder, "-s", s.Socket, "-c", "1", "-P", floodDeep, "-n", "2000000000", "-t", "ping_mbulk", "-q")
			if err := flood.Start(); err != nil {
				b.Fatal(err)
			}
			flooded := s.load(b, cfg).Latency
			_ = flood.Process.Kill()
			_ = flood.Wait() // it was killed
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(calm.P99)/1e3, "calm-p99-us")
			b.ReportMetric(float64(flooded.P99)/1e3, "flooded-p99-us")
			b.ReportMetric(float64(flooded.P99)/float64(calm.P99), "times")
		})
	}
}
