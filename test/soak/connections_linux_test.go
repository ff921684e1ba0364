package soak

import (
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redistill/redistill/test/servertest"
)

const (
	idleConnections = 10_000
	// settleTime is how long a server may take until it has given back what connections do not need.
	settleTime = 5 * time.Second
	idleTime   = 20 * time.Second
)

var (
	ping = []byte("PING\r\n")
	pong = []byte("+PONG\r\n")
)

// pinged sends a PING and reads the answer into got, which has the length of pong.
func pinged(nc net.Conn, got []byte) error {
	if _, err := nc.Write(ping); err != nil {
		return err
	}
	if _, err := io.ReadFull(nc, got); err != nil {
		return err
	}
	if string(got) != string(pong) {
		return fmt.Errorf("got %q", got)
	}
	return nil
}

// BenchmarkIdle opens 10,000 connections that say a PING and nothing more. It reports what each adds to the resident memory, and the
// processor time of the server while nothing happens.
func BenchmarkIdle(b *testing.B) {
	for _, c := range contenders(b, []string{"--max-connections", "20000"}, nil) {
		b.Run(c.name, func(b *testing.B) {
			s := startServer(b, c.args...)
			before := s.settled()
			var conns []net.Conn
			defer func() {
				for _, nc := range conns {
					_ = nc.Close()
				}
			}()
			got := make([]byte, len(pong))
			for range idleConnections {
				nc, err := net.Dial("tcp", s.Addr)
				if err != nil {
					b.Fatal(err)
				}
				conns = append(conns, nc)
				if err := pinged(nc, got); err != nil {
					b.Fatal(err)
				}
			}
			time.Sleep(settleTime)
			settled := s.Usage()
			time.Sleep(idleTime)
			after := s.Usage()
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(settled.Resident-before.Resident)/idleConnections, "B/conn")
			b.ReportMetric(100*(after.CPU-settled.CPU).Seconds()/idleTime.Seconds(), "%core")
		})
	}
}

const openers = 16

// BenchmarkChurn opens connections, says a PING on each and closes it again, as fast as that goes. One operation is one connection. What
// the process has more of in the end than after the first thousand is reported too.
func BenchmarkChurn(b *testing.B) {
	for _, c := range contenders(b, nil, nil) {
		b.Run(c.name, func(b *testing.B) {
			s := startServer(b, c.args...)
			churn(b, s, 1000)
			before := s.settled()
			b.ResetTimer()
			churn(b, s, int64(b.N))
			b.StopTimer()
			after := s.settled()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "conns/s")
			b.ReportMetric((after.CPU-before.CPU).Seconds()/float64(b.N)*1e6, "cpu-us/conn")
			b.ReportMetric(float64(after.Descriptors-before.Descriptors), "fds-more")
			b.ReportMetric(float64(after.Threads-before.Threads), "threads-more")
			b.ReportMetric(float64(after.Resident-before.Resident)/1024, "KB-more")
		})
	}
}

// churn opens and closes n connections.
func churn(b *testing.B, s *server, n int64) {
	var begun atomic.Int64
	var running sync.WaitGroup
	for range openers {
		running.Go(func() {
			got := make([]byte, len(pong))
			for begun.Add(1) <= n {
				nc, err := net.Dial("tcp", s.Addr)
				if err != nil {
					b.Error(err)
					return
				}
				_ = nc.(*net.TCPConn).SetLinger(0) // a reset: otherwise the ports run out
				if err := pinged(nc, got); err != nil {
					b.Error(err)
				}
				_ = nc.Close()
			}
		})
	}
	running.Wait()
}

// settled returns the usage when the server has closed what its clients closed.
func (s *server) settled() servertest.Usage {
	s.tb.Helper()
	last := s.Usage()
	for quiet := 0; quiet < 5; time.Sleep(100 * time.Millisecond) {
		u := s.Usage()
		if quiet++; u.Descriptors != last.Descriptors {
			quiet = 0
		}
		last = u
	}
	return last
}
