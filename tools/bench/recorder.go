package bench

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Latency is recorded from 1 ns to two minutes with three significant digits.
const (
	maxLatency  = int64(2 * time.Minute)
	significant = 3
)

func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(1, maxLatency, significant) }

// recorder counts what happens in one phase, from all connections.
type recorder struct {
	shards   []*shard
	timeline timeline
	requests atomic.Int64 // as far as batches are complete
}

// shard is the part of a recorder that some of the connections share.
type shard struct {
	mu       sync.Mutex
	latency  [opKinds]*hdrhistogram.Histogram // nil until the kind is seen
	late     *hdrhistogram.Histogram          // nil in the closed loop
	slot     slot                             // not in the timeline yet
	hits     int64
	misses   int64
	errors   int64
	firstErr string
}

func newRecorder(shards int) *recorder {
	r := &recorder{shards: make([]*shard, shards)}
	r.timeline.width.Store(int64(firstWidth))
	for i := range r.shards {
		r.shards[i] = &shard{slot: newSlot()}
	}
	return r
}

// outcome is what the replies of one batch were.
type outcome struct {
	latency              []time.Duration // of batch.ops, as many as were answered
	now                  time.Duration   // when the last one came
	hits, misses, errors int64
	firstErr             string
}

// add records the answered requests of a batch. i is the connection's number.
func (r *recorder) add(i int, ops []op, o *outcome) {
	s := r.shards[i%len(r.shards)]
	s.mu.Lock()
	if !r.timeline.isIn(&s.slot, o.now) {
		r.timeline.fold(&s.slot)
		s.slot.from = r.timeline.start(o.now)
	}
	for j := 0; j < len(o.latency); {
		kind, latency, first := ops[j].kind, o.latency[j], j
		// Replies that one read brought often have the same latency.
		for j++; j < len(o.latency) && o.latency[j] == latency && ops[j].kind == kind; j++ {
		}
		h := s.latency[kind]
		if h == nil {
			h = newHistogram()
			s.latency[kind] = h
		}
		record(h, latency, j-first)
		s.slot.add(latency, j-first)
	}
	s.hits += o.hits
	s.misses += o.misses
	s.errors += o.errors
	if s.firstErr == "" {
		s.firstErr = o.firstErr
	}
	s.mu.Unlock()
	r.requests.Add(int64(len(o.latency)))
}

// sentLate records by how much connection i sent a request too late although it
// was free. That is the generator's fault.
func (r *recorder) sentLate(i int, late time.Duration) {
	s := r.shards[i%len(r.shards)]
	s.mu.Lock()
	if s.late == nil {
		s.late = newHistogram()
	}
	record(s.late, late, 1)
	s.mu.Unlock()
}

// record records n requests of the same latency. What is out of range is
// recorded as the most that is in it.
func record(h *hdrhistogram.Histogram, latency time.Duration, n int) {
	_ = h.RecordValues(min(max(1, int64(latency)), maxLatency), int64(n))
}

// summarize fills in what the connections counted, after they have ended.
func (r *recorder) summarize(run *Result) {
	var all [opKinds]*hdrhistogram.Histogram
	total, late := newHistogram(), newHistogram()
	for _, s := range r.shards {
		run.Hits += s.hits
		run.Misses += s.misses
		run.Errors += s.errors
		if run.FirstError == "" {
			run.FirstError = s.firstErr
		}
		r.timeline.fold(&s.slot)
		if s.late != nil {
			late.Merge(s.late)
		}
		for kind, h := range s.latency {
			if h == nil {
				continue
			}
			if all[kind] == nil {
				all[kind] = newHistogram()
			}
			all[kind].Merge(h)
			total.Merge(h)
		}
	}
	run.Requests = r.requests.Load()
	run.Latency = newLatency(total)
	if late.TotalCount() > 0 {
		run.Late = new(newLatency(late))
	}
	run.Intervals = r.timeline.intervals(run.Seconds)
	for kind, h := range all {
		if h != nil {
			run.Commands = append(run.Commands, Command{Name: opNames[kind], Count: h.TotalCount(), Latency: newLatency(h)})
		}
	}
	if asked := run.Hits + run.Misses; asked > 0 {
		rate := float64(run.Hits) / float64(asked)
		run.HitRate = &rate
	}
	if run.Seconds > 0 {
		run.Throughput = float64(run.Requests) / run.Seconds
	}
}

func newLatency(h *hdrhistogram.Histogram) Latency {
	at := func(q float64) time.Duration { return time.Duration(h.ValueAtQuantile(q)) }
	return Latency{
		Mean: time.Duration(h.Mean()), P50: at(50), P90: at(90), P95: at(95), P99: at(99),
		P999: at(99.9), P9999: at(99.99), Max: time.Duration(h.Max()),
	}
}
