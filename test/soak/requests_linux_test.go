package soak

import (
	"net"
	"strconv"
	"testing"

	"github.com/redistill/redistill/test/servertest"
)

// requestLoad is a test of redis-benchmark, with the bytes of values.
type requestLoad struct {
	name, test                                  string
	size, pipeline, connections, requests, keys int
}

var requestLoads = []requestLoad{
	{"get-p1", "get", 256, 1, 50, 200_000, 100_000},
	{"set-p1", "set", 256, 1, 50, 200_000, 100_000},
	{"get-p16", "get", 256, 16, 50, 2_000_000, 100_000},
	{"set-p16", "set", 256, 16, 50, 2_000_000, 100_000},
	{"get-p30", "get", 256, 30, 160, 3_000_000, 100_000},
	{"set-p30", "set", 256, 30, 160, 3_000_000, 100_000},
	{"incr-p16", "incr", 8, 16, 50, 2_000_000, 100_000},
	{"hset-p16", "hset", 64, 16, 50, 2_000_000, 100_000},
	{"sadd-p16", "sadd", 64, 16, 50, 2_000_000, 100_000},
	{"get-4k", "get", 4096, 1, 50, 150_000, 20_000},
	{"get-100k", "get", 100_000, 1, 50, 30_000, 1000},
	{"set-100k", "set", 100_000, 1, 50, 30_000, 1000},
}

// requestRounds is how often each server is started and measured, in turn with the others.
const requestRounds = 3

// BenchmarkRequests reports the servers' own CPU time for a request, in microseconds, and how many times redis-server's ours is: the medians of
// all rounds. It is meant for -server-cpus 0, with the test, and so the generator, on another processor by taskset.
func BenchmarkRequests(b *testing.B) {
	servertest.Redis(b)
	generator := servertest.Tool(b, "redis-benchmark")
	for _, load := range requestLoads {
		b.Run(load.name, func(b *testing.B) {
			list := contenders(b, nil, nil)
			micros, times := make([][]float64, len(list)), make([][]float64, len(list))
			for range requestRounds {
				for i, c := range list {
					micros[i] = append(micros[i], load.cost(b, c, generator))
				}
				redis := micros[len(list)-1]
				for i := range list {
					round := len(redis) - 1
					times[i] = append(times[i], micros[i][round]/redis[round])
				}
			}
			b.ReportMetric(0, "ns/op")
			for i, c := range list {
				b.ReportMetric(median(micros[i]), c.name+"-us")
				b.ReportMetric(median(times[i]), c.name+"-times")
			}
		})
	}
}

// cost runs the load on a server of its own, and returns the server's microseconds of CPU for a request.
func (l requestLoad) cost(b *testing.B, c contender, generator string) float64 {
	b.Helper()
	s := startServer(b, c.args...)
	defer s.Stop()
	_, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		b.Fatal(err)
	}
	args := []string{"-p", port, "-d", strconv.Itoa(l.size), "-P", strconv.Itoa(l.pipeline), "-c", strconv.Itoa(l.connections),
		"-r", strconv.Itoa(l.keys), "--csv"}
	if l.test == "get" {
		run(b, generator, append(args, "-t", "set", "-n", strconv.Itoa(6*l.keys))...) // nearly all of the keys
	}
	before := s.Usage().CPU
	run(b, generator, append(args, "-t", l.test, "-n", strconv.Itoa(l.requests))...)
	return float64((s.Usage().CPU - before).Microseconds()) / float64(l.requests)
}
