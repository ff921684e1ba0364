package soak

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redistill/redistill/internal/resp"
	"github.com/redistill/redistill/netserver"
	"github.com/redistill/redistill/test/servertest"
)

const (
	loopClients  = 16
	loopPipeline = 128
	loopRounds   = 3
)

// BenchmarkLoops compares the throughput of two event loops with that of one. The clients are as cheap as can be: they send the same
// bytes again and again over the Unix socket, and count what comes back. What they and others take of the processors is not there for the
// server, so throughput is divided by the processors that were left for it: those that it used, and what was idle.
func BenchmarkLoops(b *testing.B) {
	for _, path := range paths() {
		if path == netserver.Portable {
			continue
		}
		b.Run(path, func(b *testing.B) {
			var speedups []float64
			for range loopRounds {
				one, two := loopsThroughput(b, path, 1), loopsThroughput(b, path, 2)
				speedups = append(speedups, 2*two.perProcessor/one.perProcessor)
				b.Logf("1 loop: %v; 2 loops: %v", one, two)
			}
			slices.Sort(speedups)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(speedups[loopRounds/2], "speedup")
		})
	}
}

// throughput is what a number of loops did.
type throughput struct {
	perSecond    float64 // requests
	perProcessor float64 // requests a second of each processor that was left for the server
	busy, idle   float64 // processors that the server used, and that nobody used
}

func (t throughput) String() string {
	return fmt.Sprintf("%.0f requests/s, %.2f processors used, %.2f idle", t.perSecond, t.busy, t.idle)
}

// loopsThroughput loads a server with so many loops for the time of -soak.
func loopsThroughput(b *testing.B, path string, loops int) throughput {
	b.Helper()
	s := startServer(b, redistill(b, path, "--threads", fmt.Sprint(loops))...)
	defer s.Stop()
	var batches atomic.Int64
	var clients sync.WaitGroup
	stop := make(chan struct{})
	for i := range loopClients {
		clients.Go(func() {
			if err := repeat(s.Socket, fmt.Sprint("key:", i), stop, &batches); err != nil {
				b.Error(err)
			}
		})
	}
	time.Sleep(500 * time.Millisecond) // until all are under way
	begin, used, idle, before := time.Now(), s.Usage().CPU, unusedTime(b), batches.Load()
	time.Sleep(*length)
	requests := float64(batches.Load()-before) * loopPipeline
	seconds := time.Since(begin).Seconds()
	t := throughput{
		perSecond: requests / seconds, busy: (s.Usage().CPU - used).Seconds() / seconds, idle: (unusedTime(b) - idle).Seconds() / seconds,
	}
	close(stop)
	clients.Wait()
	t.perProcessor = t.perSecond / min(float64(loops), t.busy+t.idle)
	return t
}

// unusedTime is the time so far in which the machine's processors had nothing to do.
func unusedTime(b *testing.B) time.Duration {
	b.Helper()
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		b.Fatal(err)
	}
	var user, nice, system, idle, wait int64
	if _, err := fmt.Sscanf(string(text), "cpu %d %d %d %d %d", &user, &nice, &system, &idle, &wait); err != nil {
		b.Fatal(err)
	}
	return time.Duration(idle+wait) * servertest.ClockTick
}

// repeat sends pipelines of GETs of one key.
func repeat(socket, key string, stop <-chan struct{}, batches *atomic.Int64) error {
	nc, err := net.Dial("unix", socket)
	if err != nil {
		return err
	}
	defer func() { _ = nc.Close() }()
	var set, get, reply resp.Out
	value := string(bytes.Repeat([]byte("v"), 64))
	command := func(o *resp.Out, words ...string) {
		o.Array(len(words))
		for _, w := range words {
			o.BulkString(w)
		}
	}
	command(&set, "SET", key, value)
	command(&get, "GET", key)
	reply.BulkString(value)
	got := make([]byte, len(reply.B)*loopPipeline)
	if _, err := nc.Write(set.B); err != nil {
		return err
	}
	if _, err := io.ReadFull(nc, got[:len("+OK\r\n")]); err != nil {
		return err
	}
	gets, want := bytes.Repeat(get.B, loopPipeline), bytes.Repeat(reply.B, loopPipeline)
	go func() { // as far ahead as the socket has room, so that the server always has something to do
		for {
			if _, err := nc.Write(gets); err != nil {
				return // closed
			}
		}
	}()
	for {
		select {
		case <-stop:
			return nil
		default:
		}
		if _, err := io.ReadFull(nc, got); err != nil {
			return err
		}
		if !bytes.Equal(got, want) {
			return fmt.Errorf("got %.100q", got)
		}
		batches.Add(1)
	}
}
