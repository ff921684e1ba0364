package memory_test

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"
)

// watch samples the resident set of the server until stop is called, which returns the most.
func (s *server) watch() (stop func() int64) {
	if s.resident() == 0 {
		s.Skip("skipped, because the resident set is read from /proc")
	}
	done, most := make(chan struct{}), make(chan int64)
	go func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		worst := int64(0)
		for {
			select {
			case <-done:
				most <- worst
				return
			case <-tick.C:
				worst = max(worst, s.resident())
			}
		}
	}()
	return func() int64 { close(done); return <-most }
}

// TestSlowReaders: clients that ask for a large value, which is replaced then, and read nothing,
// neither evict many keys nor make the process larger than its limit. They are closed when what
// only they keep is above their budget. One that reads is served meanwhile.
func TestSlowReaders(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("skipped, because memory is measured as Linux shows it")
	}
	const limit, budget, size, clients = 256 << 20, 16 << 20, 1 << 20, 40
	for _, path := range []string{"auto", "epoll", "portable"} {
		t.Run(path, func(t *testing.T) {
			s := serve(t, "--max-memory", "256mb", "--max-memory-clients", fmt.Sprint(budget), "--io", path)
			s.fill(0, 120_000, 3000)
			large := strings.Repeat("v", size)
			s.client.Set(t.Context(), "large", large, 0)
			before := s.settled()
			if before["evicted_keys"] == 0 {
				t.Fatal("the keys do not fill the limit")
			}
			stop := s.watch()
			for range clients {
				s.stopReading("large")
				if err := s.client.Set(t.Context(), "large", large, 0).Err(); err != nil {
					t.Fatal(err)
				}
			}
			s.Eventually("clients are closed", func() bool { return s.info()["evicted_clients"] >= clients/4 })
			reader := s.dial()
			if _, err := reader.Write([]byte(strings.Repeat("GET large\r\n", 100))); err != nil {
				t.Fatal(err)
			}
			if _, err := io.CopyN(io.Discard, reader, 100*int64(len(fmt.Sprintf("$%d\r\n\r\n", size))+size)); err != nil {
				t.Errorf("a client that reads: %v", err)
			}
			worst, after := stop(), s.info()
			t.Logf("worst resident set %.1f %%, %d clients closed, keys evicted: %d before, %d after", 100*float64(worst)/limit,
				after["evicted_clients"], before["evicted_keys"], after["evicted_keys"])
			if n := after["evicted_clients"]; n >= clients {
				t.Errorf("%d clients were closed", n)
			}
			if n := after["evicted_keys"] - before["evicted_keys"]; n > 2*clients*size/3000 {
				t.Errorf("%d keys were evicted", n)
			}
			if worst > limit*103/100 {
				t.Errorf("the resident set was %d bytes of %d", worst, limit)
			}
		})
	}
}

// settled waits until no more keys were evicted for a second of the server's clock, and returns INFO.
func (s *server) settled() (i map[string]int64) {
	s.Helper()
	was := s.info()
	s.Eventually("no more keys are evicted", func() bool {
		if i = s.info(); i["evicted_keys"] != was["evicted_keys"] {
			was = i
		}
		return i["uptime_in_seconds"] > was["uptime_in_seconds"]+1
	})
	return i
}

// stopReading makes a client ask for a value many times and read nothing, and waits until the server can write no more, or closes it.
func (s *server) stopReading(key string) {
	s.Helper()
	c := s.dial()
	if _, err := c.Write([]byte("PING\r\n")); err != nil {
		s.Fatal(err)
	}
	if _, err := io.ReadFull(c, make([]byte, len("+PONG\r\n"))); err != nil {
		s.Fatal(err)
	}
	if _, err := c.Write([]byte(strings.Repeat("GET "+key+"\r\n", 100))); err != nil {
		s.Fatal(err)
	}
	s.Eventually("replies wait", func() bool {
		list, err := s.client.ClientList(s.Context()).Result()
		if err != nil {
			s.Fatal(err)
		}
		for line := range strings.Lines(list) {
			if strings.Contains(line, " addr="+c.LocalAddr().String()+" ") {
				return !strings.Contains(line, " obl=0 ")
			}
		}
		return true
	})
}
