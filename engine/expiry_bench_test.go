package engine_test

import (
	"math/rand/v2"
	"sort"
	"testing"
	"time"

	"github.com/redistill/redistill/engine"
)

// BenchmarkExpiryLag fills a store with a million keys whose deadlines spread over a minute, beside a million that live longer, and
// reports how long after their deadlines the keys that nobody asks for are still counted as live data. Run it with -benchtime 1x; it
// takes a bit more than a minute.
func BenchmarkExpiryLag(b *testing.B) {
	const keys, spread = 1_000_000, time.Minute
	for range b.N {
		s, err := engine.Open(engine.Options{})
		if err != nil {
			b.Fatal(err)
		}
		tx, val, buf := s.NewTx(), make([]byte, benchValue), make([]byte, 16)
		rng := rand.New(rand.NewPCG(1, 2))
		set := func(i uint64, deadline int64) {
			k := s.Key(benchKey(buf, i))
			tx.LockKey(k)
			if err := tx.Set(k, val, deadline); err != nil {
				b.Fatal(err)
			}
			tx.Unlock()
		}
		begin := time.Now().Add(5 * time.Second) // the time that filling takes at most
		tx.Now = time.Now().UnixMilli()
		deadlines := make([]int64, keys)
		for i := range deadlines {
			deadlines[i] = begin.Add(time.Duration(rng.Int64N(int64(spread)))).UnixMilli()
			set(uint64(i), deadlines[i])
			set(uint64(keys+i), begin.Add(time.Hour).UnixMilli())
		}
		if time.Now().After(begin) {
			b.Skip("skipped, because filling the store took longer than the first deadline")
		}
		sort.Slice(deadlines, func(i, j int) bool { return deadlines[i] < deadlines[j] })
		reportLag(b, s, deadlines)
		s.Close()
	}
	b.ReportMetric(0, "ns/op")
}

// reportLag watches the number of keys that went, which go about in the order of their deadlines: the n-th to go lags behind the n-th
// deadline.
func reportLag(b *testing.B, s *engine.Store, deadlines []int64) {
	var lags []int64
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for now := range tick.C {
		gone := int(s.Stats().Expired)
		for len(lags) < gone {
			lags = append(lags, now.UnixMilli()-deadlines[len(lags)])
		}
		if gone == len(deadlines) {
			break
		}
	}
	sort.Slice(lags, func(i, j int) bool { return lags[i] < lags[j] })
	b.ReportMetric(float64(lags[len(lags)/2]), "p50-ms")
	b.ReportMetric(float64(lags[len(lags)*99/100]), "p99-ms")
	b.ReportMetric(float64(lags[len(lags)-1]), "max-ms")
}
