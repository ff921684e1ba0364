package bench

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A timeline begins with slots of firstWidth. When it would get more than
// maxSlots, each two neighbours become one, so that its memory is bounded and
// its slots are never longer than a hundredth of the run or so.
const (
	firstWidth = 100 * time.Millisecond
	maxSlots   = 256
)

// slot is what happened in one slot of time.
type slot struct {
	from    time.Duration           // since the start of the phase
	latency *hdrhistogram.Histogram // two digits from a microsecond on: 20 KB
	max     time.Duration
}

func newSlot() slot {
	return slot{latency: hdrhistogram.New(int64(time.Microsecond), maxLatency, 2)}
}

func (s *slot) add(latency time.Duration, n int) {
	record(s.latency, latency, n)
	s.max = max(s.max, latency)
}

// merge adds other to s and empties it.
func (s *slot) merge(other *slot) {
	s.latency.Merge(other.latency)
	s.max = max(s.max, other.max)
	other.latency.Reset()
	other.max = 0
}

// timeline is what happened in one phase, slot by slot.
type timeline struct {
	width atomic.Int64 // of a slot, in nanoseconds; changes with mu held
	mu    sync.Mutex
	slots []slot // slots[i] is from i*width on
}

// isIn reports whether the time now belongs to s.
func (t *timeline) isIn(s *slot, now time.Duration) bool {
	return t.start(now) == t.start(s.from)
}

// start returns where the slot begins that now belongs to.
func (t *timeline) start(now time.Duration) time.Duration {
	return now - now%time.Duration(t.width.Load())
}

// fold moves what s counted into the timeline.
func (t *timeline) fold(s *slot) {
	if s.latency.TotalCount() == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for s.from >= time.Duration(t.width.Load())*maxSlots {
		t.halve()
	}
	i := int(int64(s.from) / t.width.Load())
	for len(t.slots) <= i {
		t.slots = append(t.slots, newSlot())
	}
	t.slots[i].merge(s)
}

// halve makes each two neighbours one. The caller holds mu.
func (t *timeline) halve() {
	for i := range t.slots {
		if i%2 == 1 {
			t.slots[i/2].merge(&t.slots[i])
		} else if i > 0 {
			t.slots[i/2], t.slots[i] = t.slots[i], t.slots[i/2]
		}
	}
	t.slots = t.slots[:(len(t.slots)+1)/2]
	t.width.Store(2 * t.width.Load())
}

// intervals summarizes the slots of a phase that took so many seconds. At the end
// of it there may have been no replies, and so no slots.
func (t *timeline) intervals(seconds float64) []Interval {
	width := time.Duration(t.width.Load()).Seconds()
	var out []Interval
	for i := 0; float64(i)*width < seconds; i++ {
		interval := Interval{Start: float64(i) * width, Seconds: min(width, seconds-float64(i)*width)}
		if i < len(t.slots) {
			s := &t.slots[i]
			interval.Requests, interval.Max = s.latency.TotalCount(), s.max
			interval.P50 = min(s.max, time.Duration(s.latency.ValueAtQuantile(50)))
			interval.P99 = min(s.max, time.Duration(s.latency.ValueAtQuantile(99)))
		}
		out = append(out, interval)
	}
	return out
}
