package memory_test

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/redistill/redistill/internal/servertest"
	"github.com/redistill/redistill/internal/traces"
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
	conn, err := net.Dial("tcp", s.Addr)
	if err != nil {
		s.Fatal(err)
	}
	defer conn.Close()
	in, out, val := bufio.NewReaderSize(conn, 64<<10), bufio.NewWriterSize(conn, 64<<10), strings.Repeat("v", 64<<10)
	var hits, hitBytes, bytes float64
	for _, q := range reqs {
		bytes += float64(q.Size)
		key := strconv.FormatUint(q.ID, 10)
		fmt.Fprintf(out, "*2\r\n$3\r\nGET\r\n$%d\r\n%s\r\n", len(key), key)
		if reply := s.reply(in, out); reply >= 0 {
			hits++
			hitBytes += float64(q.Size)
			continue
		}
		fmt.Fprintf(out, "*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n", len(key), key, q.Size)
		for left := q.Size; left > 0; {
			n, _ := out.WriteString(val[:min(left, len(val))])
			left -= n
		}
		_, _ = out.WriteString("\r\n")
		s.reply(in, out)
	}
	return result{100 * hits / float64(len(reqs)), 100 * hitBytes / bytes, s.resident()}
}

// reply sends a command and reads its reply. It returns the length of a value, -1 for none, and 0 for another reply.
func (s *server) reply(in *bufio.Reader, out *bufio.Writer) int {
	s.Helper()
	if err := out.Flush(); err != nil {
		s.Fatal(err)
	}
	line, err := in.ReadString('\n')
	if err != nil {
		s.Fatal(err)
	}
	if line[0] != '$' {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(line[1:]))
	if err == nil && n >= 0 {
		_, err = io.CopyN(io.Discard, in, int64(n+2))
	}
	if err != nil {
		s.Fatal(err)
	}
	return n
}
