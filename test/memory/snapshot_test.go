package memory_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redistill/redistill/test/servertest"
)

var (
	snapshotBytes = flag.Int64("snapshot.bytes", 1<<30, "bytes of values in the benchmarks of snapshots")
	snapshotRate  = flag.Float64("snapshot.rate", 0, "requests a second while a snapshot is taken, 0 for half of what the server can answer")
	snapshotTime  = flag.Duration("snapshot.time", 10*time.Second, "how long the load runs without a snapshot, and then with")
)

// sessionSize is the length of the values in the benchmarks of snapshots.
const sessionSize = 1000

// rivals are the two servers, each with the flags that make it save to its directory, and load from there, when it is told to.
var rivals = []struct {
	name string
	args func(t testing.TB) []string
}{
	{"redistill", func(t testing.TB) []string {
		return []string{servertest.Program(t), "serve", "--port", servertest.Port, "--max-memory", "0", "--persistence", "--snapshot-interval", "0",
			"--save-on-shutdown=false"}
	}},
	{"redis", func(t testing.TB) []string {
		return []string{servertest.Redis(t), "--port", servertest.Port, "--save", "", "--rdbcompression", "no"}
	}},
	{"redis, compressed", func(t testing.TB) []string {
		return []string{servertest.Redis(t), "--port", servertest.Port, "--save", ""}
	}},
}

// fillSessions stores values of random hex digits until there are as many bytes as wanted, under the keys that the load asks for.
func (s *server) fillSessions(total int64) {
	s.Helper()
	raw := make([]byte, 1<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(raw)
	digits := fmt.Appendf(nil, "%x", raw)
	s.set(int(total/sessionSize), func(w *bufio.Writer, i int) {
		_, _ = fmt.Fprintf(w, "*5\r\n$3\r\nSET\r\n$32\r\nsession:%024d\r\n$%d\r\n", i, sessionSize)
		_, _ = w.Write(digits[i%(len(digits)-sessionSize):][:sessionSize])
		_, _ = w.WriteString("\r\n$2\r\nEX\r\n$5\r\n86400\r\n")
	})
}

// save has the server save, and returns how long it took.
func (s *server) save() time.Duration {
	s.Helper()
	began := time.Now()
	if err := s.client.Save(s.Context()).Err(); err != nil {
		s.Fatal(err)
	}
	return time.Since(began)
}

// loaded waits until a server that was just started has its data, and returns how long that took from then on.
func (s *server) loaded(began time.Time) time.Duration {
	s.Helper()
	s.Eventually("it has loaded its snapshot", func() bool { return s.client.Ping(s.Context()).Err() == nil })
	return time.Since(began)
}

// BenchmarkSaveAndLoad saves sessions and loads them again, with each of the servers.
func BenchmarkSaveAndLoad(b *testing.B) {
	for _, rival := range rivals {
		b.Run(rival.name, func(b *testing.B) {
			s := start(b, rival.args(b)...)
			s.fillSessions(*snapshotBytes)
			for b.Loop() {
				b.ReportMetric(s.save().Seconds(), "s/save")
			}
			s.client.ShutdownNoSave(s.Context())
			_ = s.Wait()
			began := time.Now()
			again := &server{TB: b, Server: servertest.Launch(b, s.Dir, rival.args(b)...)}
			again.connect()
			b.ReportMetric(again.loaded(began).Seconds(), "s/load")
			if n, err := again.client.DBSize(b.Context()).Result(); err != nil || n != *snapshotBytes/sessionSize {
				b.Errorf("%d keys were loaded, error %v, want %d", n, err, *snapshotBytes/sessionSize)
			}
			again.client.ShutdownNoSave(b.Context())
			_ = again.Wait()
		})
	}
}

// percentiles are what `redistill bench` measured, in nanoseconds.
type percentiles struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// load runs requests, half of them reads, at a rate, or as many as can be, and returns their latencies, and how many there were in a second.
func (s *server) load(rate float64, duration time.Duration) (percentiles, float64) {
	s.Helper()
	var out, errs bytes.Buffer
	cmd := exec.Command(servertest.Program(s.TB), "bench", s.Addr, "--profile", "session", "--keys", fmt.Sprint(*snapshotBytes/sessionSize),
		"--value-size", fmt.Sprint(sessionSize), "--read-ratio", "0.5", "--distribution", "uniform", "--rate", fmt.Sprint(rate),
		"--duration", duration.String(), "--no-preload", "--output", "json")
	cmd.Stdout, cmd.Stderr = &out, io.Writer(&errs)
	if err := cmd.Run(); err != nil {
		s.Fatalf("%v: %s", err, errs.String())
	}
	var report struct {
		Targets []struct {
			Runs []struct {
				Latency    percentiles `json:"latency"`
				Throughput float64     `json:"throughput"`
			} `json:"runs"`
		} `json:"targets"`
	}
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		s.Fatal(err)
	}
	run := report.Targets[0].Runs[0]
	return run.Latency, run.Throughput
}

// BenchmarkSnapshotUnderLoad measures the latency of requests without a snapshot, and while one follows the other, and how much the memory of
// the server, and of its children, grows.
func BenchmarkSnapshotUnderLoad(b *testing.B) {
	for _, rival := range rivals[:2] {
		b.Run(rival.name, func(b *testing.B) {
			s := start(b, rival.args(b)...)
			s.fillSessions(*snapshotBytes)
			for b.Loop() {
				s.snapshotUnderLoad(b)
			}
			s.client.ShutdownNoSave(s.Context())
			_ = s.Wait()
		})
	}
}

func (s *server) snapshotUnderLoad(b *testing.B) {
	rate := *snapshotRate
	if rate == 0 {
		_, capacity := s.load(0, 3*time.Second)
		rate = capacity / 2
	}
	without, _ := s.load(rate, *snapshotTime)
	before := s.private()
	var stop atomic.Bool
	taken, ended := 0, make(chan struct{})
	most := int64(0)
	go func() {
		defer close(ended)
		for !stop.Load() {
			if s.client.BgSave(b.Context()).Err() == nil {
				taken++
			}
			for s.saving() && !stop.Load() {
				most = max(most, s.private())
				time.Sleep(300 * time.Millisecond) // looking costs the server time
			}
		}
	}()
	with, _ := s.load(rate, *snapshotTime)
	stop.Store(true)
	<-ended
	s.Eventually("the last snapshot ends", func() bool { return !s.saving() })
	b.ReportMetric(without.P99/1e6, "ms/p99-without")
	b.ReportMetric(with.P99/1e6, "ms/p99-with")
	b.ReportMetric(without.Max/1e6, "ms/max-without")
	b.ReportMetric(with.Max/1e6, "ms/max-with")
	b.ReportMetric(float64(most-before)/float64(*snapshotBytes)*100, "%memory")
	b.ReportMetric(float64(taken), "snapshots")
	b.ReportMetric(rate, "requests/s")
}

func (s *server) saving() bool {
	text, _ := s.client.Info(s.Context(), "persistence").Result()
	return strings.Contains(text, "rdb_bgsave_in_progress:1")
}
