package engine_test

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redistill/redistill/engine"
)

// churnTime is how long BenchmarkChurn runs for each limit; the figures in docs/performance.md are taken with 10 minutes.
var churnTime = flag.Duration("churn", 10*time.Second, "duration of the churn benchmark for each memory limit")

// BenchmarkChurn keeps a store at its memory limit with sets, overwrites and deletes of random keys, while the sizes of the values drift
// from 100 B over 10 KB to 100 KB and back, and samples the resident set of the process every 50 ms. It reports the worst and the usual
// resident set and the mean bytes of live data, all as shares of the limit: data over all the time from when the limit was first reached,
// and over the time in which keys were evicted. (While values shrink nothing has to go, and there is less to hold.) Run it with
// -benchtime 1x.
func BenchmarkChurn(b *testing.B) {
	for _, mb := range []int64{128, 512, 4096} {
		b.Run(fmt.Sprint(mb, "MB"), func(b *testing.B) {
			if _, err := os.Stat("/proc/self/statm"); err != nil {
				b.Skip("skipped, because the resident set is read from /proc")
			}
			for range b.N {
				churn(b, mb<<20)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

func churn(b *testing.B, limit int64) {
	s, err := engine.Open(engine.Options{MaxMemory: limit})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	stop := make(chan struct{})
	done := make(chan sample)
	go func() { done <- watchMemory(s, limit, stop) }()

	tx, rng, val := s.NewTx(), rand.New(rand.NewPCG(1, 2)), make([]byte, 200_000)
	last, sets := time.Now(), 0
	for elapsed := time.Duration(0); elapsed < *churnTime; {
		now := time.Now()
		elapsed += min(now.Sub(last), time.Second) // while the process is stopped there is no churn
		last = now
		// Two periods of a wave, on a logarithmic scale: 100 B at its ends, 100 KB at its top.
		wave := (1 - math.Cos(4*math.Pi*float64(elapsed)/float64(*churnTime))) / 2
		mean := 100 * math.Pow(1000, wave)
		for range 100 {
			size := int(mean * (0.5 + rng.Float64()))
			k := s.Key(strconv.AppendUint([]byte("key:"), rng.Uint64N(uint64(2*limit/int64(mean+50))), 10))
			if s.Reserve(size+len(k.Bytes)) != nil {
				b.Fatal("out of memory")
			}
			tx.Now = time.Now().UnixMilli()
			tx.LockKey(k)
			if rng.IntN(10) == 0 {
				tx.Delete(k)
			} else if err := tx.Set(k, val[:size], engine.NoDeadline); err != nil {
				b.Fatal(err)
			}
			tx.Unlock()
			sets++
		}
	}
	close(stop)
	m := <-done
	b.ReportMetric(100*m.worst, "worst-rss%")
	b.ReportMetric(100*m.median, "median-rss%")
	b.ReportMetric(100*m.data, "data%")
	b.ReportMetric(100*m.evicting, "evicting-data%")
	b.ReportMetric(float64(sets)/churnTime.Seconds(), "sets/s")
}

// sample sums up what was seen of memory, as shares of the limit.
type sample struct{ worst, median, data, evicting float64 }

// watchMemory samples until stop is closed. Data counts from the moment when the limit was nearly reached first.
func watchMemory(s *engine.Store, limit int64, stop chan struct{}) sample {
	var m sample
	var all []float64
	n, evicting, evicted := 0, 0, uint64(0)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			sort.Float64s(all)
			m.median, m.data, m.evicting = all[len(all)/2], m.data/float64(max(n, 1)), m.evicting/float64(max(evicting, 1))
			return m
		case <-tick.C:
			rss := float64(residentSet()) / float64(limit)
			all = append(all, rss)
			m.worst = max(m.worst, rss)
			if rss < 0.95 && n == 0 {
				continue
			}
			st := s.Stats()
			held := float64(st.DataBytes) / float64(limit)
			n++
			m.data += held
			if st.Evicted != evicted {
				evicted = st.Evicted
				evicting++
				m.evicting += held
			}
		}
	}
}

// residentSet reads the resident memory of the process, in bytes.
func residentSet() int64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	pages, _ := strconv.ParseInt(strings.Fields(string(b))[1], 10, 64)
	return pages * int64(os.Getpagesize())
}
