package memory_test

import (
	"errors"
	"flag"
	"io/fs"
	"os/exec"
	"slices"
	"strconv"
	"testing"

	"github.com/tidwall/redcon"

	"github.com/redistill/redistill/test/await"
	"github.com/redistill/redistill/test/servertest"
	"github.com/redistill/redistill/test/traces"
	"github.com/redistill/redistill/tools/client"
)

// The flags of BenchmarkHitRatio.
var (
	traceDir = flag.String("traces", "", "directory of the traces of package traces")
	memory   = flag.Int64("memory", 32<<20, "bytes of memory of each server")
)

// BenchmarkHitRatio replays the trace that has sizes, GET and a SET after each miss, against this server with several policies and
// redis-server with two. They get the same memory: this server as its limit, redis-server by that maxmemory with which its resident set
// is as large as this server's in the end, found by trying. It measures no time: run it with -benchtime 1x.
func BenchmarkHitRatio(b *testing.B) {
	reqs, err := traces.Load(*traceDir, traces.AdaptSize)
	if errors.Is(err, fs.ErrNotExist) {
		b.Skipf("skipped, because the traces are not in -traces %s", *traceDir)
	}
	if err != nil {
		b.Fatal(err)
	}
	resident := int64(0) // the most that this server had
	for _, policy := range []string{"allkeys-lru", "allkeys-lfu", "allkeys-s3fifo", "allkeys-density"} {
		b.Run("redistill/"+policy, func(b *testing.B) {
			for range b.N {
				r := serve(b, "--max-memory", strconv.FormatInt(*memory, 10), "--eviction-policy", policy).replay(reqs)
				resident = max(resident, r.resident)
				r.report(b, *memory)
			}
		})
	}
	program, err := exec.LookPath("redis-server")
	if err != nil {
		b.Skip("skipped, because there is no redis-server")
	}
	for _, policy := range []string{"allkeys-lru", "allkeys-lfu"} {
		b.Run("redis-server/"+policy, func(b *testing.B) {
			for range b.N {
				limit, r := sameMemory(resident, func(limit int64) result {
					return start(b, program, "--port", servertest.Port, "--save", "", "--maxmemory", strconv.FormatInt(limit, 10),
						"--maxmemory-policy", policy).replay(reqs)
				})
				r.report(b, limit)
			}
		})
	}
}

// sameMemory finds the highest limit, to a 64th, with which run's resident set is not above want.
func sameMemory(want int64, run func(limit int64) result) (limit int64, r result) {
	low, high := want/64, want
	for limit, r = low, run(low); high-low > want/64; {
		middle := (low + high) / 2
		if got := run(middle); got.resident > want {
			high = middle
		} else {
			low, limit, r = middle, middle, got
		}
	}
	return limit, r
}

// result is what a replay found.
type result struct {
	objects, bytes float64 // shares of requests and of bytes that hit, in percent
	resident       int64   // bytes, in the end
}

func (r result) report(b *testing.B, limit int64) {
	b.ReportMetric(r.objects, "objects%")
	b.ReportMetric(r.bytes, "bytes%")
	b.ReportMetric(float64(r.resident)/(1<<20), "resident-MB")
	b.ReportMetric(float64(limit)/(1<<20), "limit-MB")
	b.ReportMetric(0, "ns/op")
}

// replay asks the server for every object of a trace in turn.
func (s *server) replay(reqs []traces.Request) (r result) {
	s.Helper()
	target := client.Target{Network: "tcp", Address: s.Addr}
	conn, err := client.Dial(s.Context(), target, client.Options{Timeout: await.Limit})
	if err != nil {
		s.Fatal(err)
	}
	defer conn.Close()
	var val []byte
	var hits, hitBytes, bytes float64
	for _, q := range reqs {
		bytes += float64(q.Size)
		key := strconv.FormatUint(q.ID, 10)
		conn.Add("GET", key)
		if found := s.reply(conn); found {
			hits++
			hitBytes += float64(q.Size)
			continue
		}
		val = slices.Grow(val, q.Size)[:q.Size]
		conn.Begin(3)
		conn.Word("SET")
		conn.Word(key)
		conn.Bytes(val)
		s.reply(conn)
	}
	return result{100 * hits / float64(len(reqs)), 100 * hitBytes / bytes, s.resident()}
}

// reply sends a command and reads its reply. It returns whether that is a value.
func (s *server) reply(conn *client.Conn) (found bool) {
	s.Helper()
	err := conn.Send(func(r redcon.RESP) error {
		found = r.Type == redcon.Bulk && r.Data != nil
		return nil
	})
	if err != nil {
		s.Fatal(err)
	}
	return found
}
