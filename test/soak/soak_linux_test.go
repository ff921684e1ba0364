package soak

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redistill/redistill/internal/servertest"
)

const talkers = 40

// TestSoak runs mixed load on a server: random commands, sizes, pipelines and disconnects, over TCP and the Unix socket. Every byte of
// every reply is checked. In the end nothing may be left of the connections, and in a long run memory may not grow.
func TestSoak(t *testing.T) {
	for _, path := range paths() {
		t.Run(path, func(t *testing.T) {
			soak(t, startServer(t, redistill(t, path, "--max-memory", "2gb", "--eviction-policy", "noeviction")...))
		})
	}
}

func soak(t *testing.T, s *server) {
	before := s.settled()
	stop := make(chan struct{})
	var commands, connections atomic.Int64
	var running sync.WaitGroup
	for i := range talkers {
		running.Go(func() {
			network, address := "tcp", s.Addr
			if i%2 == 0 {
				network, address = "unix", s.Socket
			}
			k := &talker{r: rand.New(rand.NewPCG(uint64(i), uint64(length.Nanoseconds()))), most: 1 << 20}
			for visit := 0; ; visit++ {
				if err := k.dial(network, address, fmt.Sprint("soak", i, "-", visit, ":")); err != nil {
					t.Errorf("talker %d: %v", i, err)
					return
				}
				n, err := k.run(stop)
				commands.Add(int64(n))
				connections.Add(1)
				if err != nil {
					t.Errorf("talker %d on its connection %d: %v", i, visit, err)
					return
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	samples := s.watch(t)
	close(stop)
	running.Wait()

	s.Eventually("the connections' descriptors are closed", func() bool { return s.Usage().Descriptors <= before.Descriptors })
	after := s.Usage()
	t.Logf("%d commands on %d connections; threads %d, then %d; CPU time %v", commands.Load(), connections.Load(), before.Threads,
		after.Threads, after.CPU)
	checkFlat(t, samples)
}

// watch takes samples until the time is over or the test has failed.
func (s *server) watch(t *testing.T) []servertest.Usage {
	var samples []servertest.Usage
	every := time.NewTicker(max(*length/400, 20*time.Millisecond))
	defer every.Stop()
	end := time.After(*length)
	for !t.Failed() {
		select {
		case <-every.C:
			samples = append(samples, s.Usage())
		case <-end:
			return samples
		}
	}
	return samples
}

// longRun is from when on memory is expected to have come to rest in the first quarter: keys go after keyLife.
const longRun = 5 * time.Minute

// checkFlat compares the quarters of the time. The first is for warming up.
func checkFlat(t *testing.T, samples []servertest.Usage) {
	t.Helper()
	if len(samples) < 8 {
		return
	}
	var most [4]servertest.Usage
	for i, u := range samples {
		q := &most[i*4/len(samples)]
		q.Resident, q.Descriptors, q.Threads = max(q.Resident, u.Resident), max(q.Descriptors, u.Descriptors), max(q.Threads, u.Threads)
	}
	for i, q := range most {
		t.Logf("quarter %d: at most %d MB resident, %d descriptors, %d threads", i+1, q.Resident>>20, q.Descriptors, q.Threads)
	}
	if second, last := most[1], most[3]; *length >= longRun && (last.Resident > second.Resident*11/10+8<<20 || last.Threads > second.Threads+4) {
		t.Error("memory or threads grow")
	}
}

// TestStopped: a server that is stopped for a while (SIGSTOP) loses nothing of what clients send meanwhile, new ones among them.
func TestStopped(t *testing.T) {
	for _, path := range paths() {
		t.Run(path, func(t *testing.T) { stopped(t, startServer(t, redistill(t, path)...)) })
	}
}

func stopped(t *testing.T, s *server) {
	var clients []*talker
	open := func(n int) {
		t.Helper()
		for range n {
			i := len(clients)
			// Small values, so that the sockets take a pipeline which nobody reads.
			k := &talker{r: rand.New(rand.NewPCG(7, uint64(i))), most: 1000}
			if err := k.dial("tcp", s.Addr, fmt.Sprint("stopped", i, ":")); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = k.conn.Close() })
			clients = append(clients, k)
		}
	}
	open(10)
	for range 3 {
		for i, k := range clients {
			k.make(50)
			if err := k.exchange(len(k.commands.B), len(k.replies.B)); err != nil {
				t.Fatalf("client %d: %v", i, err)
			}
		}
		s.Signal(syscall.SIGSTOP)
		s.Eventually("it is stopped", func() bool { return s.Usage().State == "T" })
		open(10)
		for i, k := range clients {
			k.make(20)
			if err := k.send(len(k.commands.B)); err != nil {
				t.Fatalf("client %d: %v", i, err)
			}
		}
		s.Signal(syscall.SIGCONT)
		for i, k := range clients {
			if err := k.check(len(k.replies.B)); err != nil {
				t.Fatalf("client %d: %v", i, err)
			}
		}
	}
}
