//go:build holds

package engine_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/redistill/redistill/engine"
)

// holds collects what was done under holds of shards' locks.
type holds struct {
	mu             sync.Mutex
	records, bytes int                     // the most of any hold
	time           *hdrhistogram.Histogram // nanoseconds
}

func (h *holds) add(one engine.Hold) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.records, h.bytes = max(h.records, one.Records), max(h.bytes, one.Bytes)
	_ = h.time.RecordValue(int64(one.Time)) // within the bounds
}

// report prints what was seen as metrics of a benchmark, which fails if a hold did more than it may.
func (h *holds) report(b *testing.B) {
	h.mu.Lock()
	defer h.mu.Unlock()
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(h.time.TotalCount()), "holds")
	b.ReportMetric(float64(h.records), "max-records")
	b.ReportMetric(float64(h.bytes), "max-bytes")
	for _, p := range []float64{50, 99.9, 99.99, 100} {
		b.ReportMetric(float64(h.time.ValueAtQuantile(p))/1e3, fmt.Sprintf("p%v-us", p))
	}
	if h.records > 64 || h.bytes > 64<<10 {
		b.Errorf("%d records, %d bytes under one hold of a lock", h.records, h.bytes)
	}
}

// BenchmarkHolds measures what is done under one hold of a shard's lock, and how long it lasts, while a store grows to -bench.keys keys,
// while each of its policies evicts at the limit, and while a tenth of the keys expires at one moment. Run it with -tags holds -benchtime 1x.
func BenchmarkHolds(b *testing.B) {
	b.Run("grow", func(b *testing.B) { benchHolds(b, engine.Options{}, fillForever) })
	b.Run("expire", func(b *testing.B) { benchHolds(b, engine.Options{}, expireAtOnce) })
	for i, name := range engine.Policies() {
		if p := engine.Policy(i); p != engine.NoEviction {
			b.Run("evict/"+name, func(b *testing.B) {
				benchHolds(b, engine.Options{Policy: p, MaxMemory: int64(*benchKeys) * 128}, fillAndRead)
			})
		}
	}
}

func benchHolds(b *testing.B, o engine.Options, run func(*testing.B, *engine.Store)) {
	for range b.N {
		h := &holds{time: hdrhistogram.New(1, int64(time.Minute), 3)}
		engine.OnHold = h.add
		s, err := engine.Open(o)
		if err != nil {
			b.Fatal(err)
		}
		run(b, s)
		h.report(b)
		s.Close()
	}
}

// fillForever sets -bench.keys keys without a deadline.
func fillForever(_ *testing.B, s *engine.Store) {
	sub, buf, val := newEngine(s), make([]byte, 16), make([]byte, benchValue)
	for i := range uint64(*benchKeys) {
		sub.set(benchKey(buf, i), val)
	}
}

// fillAndRead sets -bench.keys keys with deadlines an hour away, one of 64 to a value in parts, and reads each once more a little later.
func fillAndRead(b *testing.B, s *engine.Store) {
	buf, val, tx := make([]byte, 16), make([]byte, 40_000), s.NewTx()
	tx.Now = time.Now().UnixMilli()
	for i := range uint64(*benchKeys) {
		n := benchValue
		if i%64 == 0 {
			n = len(val)
		}
		setReserved(b, s, tx, benchKey(buf, i), val[:n], tx.Now+3600_000)
		k := s.Key(benchKey(buf, i-i/64%1000))
		tx.LockKey(k)
		_, _, _ = tx.Get(k)
		tx.Unlock()
	}
}

// expireAtOnce sets -bench.keys keys, a tenth of which has the same deadline, and waits until those have been removed.
func expireAtOnce(b *testing.B, s *engine.Store) {
	buf, val, tx := make([]byte, 16), make([]byte, benchValue), s.NewTx()
	tx.Now = time.Now().UnixMilli()
	deadline := tx.Now + 1000 + int64(*benchKeys)/200
	expiring := uint64(0)
	for i := range uint64(*benchKeys) {
		at := engine.NoDeadline
		if i%10 == 0 {
			at = deadline
			expiring++
		}
		setReserved(b, s, tx, benchKey(buf, i), val, at)
	}
	for s.Stats().Expired < expiring {
		time.Sleep(10 * time.Millisecond)
	}
}

func setReserved(b *testing.B, s *engine.Store, tx *engine.Tx, key, val []byte, deadline int64) {
	if err := s.Reserve(len(key) + len(val)); err != nil {
		b.Fatal(err)
	}
	k := s.Key(key)
	tx.LockKey(k)
	if err := tx.Set(k, val, deadline); err != nil {
		b.Fatal(err)
	}
	tx.Unlock()
}
