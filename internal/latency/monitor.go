// Package latency is the latency monitor: it keeps when something took latency-monitor-threshold or longer, and how long, in samples by
// event, one for each second at most, as Redis does. It draws them, and says what they may mean.
package latency

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Event is a kind of work that is monitored.
type Event uint8

// The events.
const (
	Command    Event = iota
	Fast             // a command that is always short
	Eviction         // a command waited for room to be made
	Background       // expired keys were removed, with a part of the keyspace locked
	Snapshot         // all of the keyspace was locked for a snapshot to begin
	numEvents
)

// names are Redis's, but for the last.
var names = [numEvents]string{"command", "fast-command", "eviction-cycle", "expire-cycle", "snapshot-begin"}

func (e Event) String() string { return names[e] }

// maxSamples is the number of samples that are kept of each event.
const maxSamples = 160

// Sample is the longest time of an event in a second.
type Sample struct {
	At     int64 // Unix seconds
	Millis int64
}

// Series are the samples of an event.
type Series struct {
	Event   Event
	Samples []Sample // oldest first
	Max     int64    // milliseconds, the longest since the series began; it may be no sample's any more
}

// Monitor keeps the series of all events. Any goroutine may use it.
type Monitor struct {
	threshold atomic.Int64 // nanoseconds from which on times are kept; 0: none

	mu     sync.Mutex // guards series
	series [numEvents]ring
}

// ring has the last samples of an event. It is empty if n is 0.
type ring struct {
	samples []Sample // up to maxSamples, sample i at i%maxSamples
	n       int      // samples so far
	max     int64
}

// SetThreshold says from what time on samples are kept, in milliseconds; 0 ends that.
func (m *Monitor) SetThreshold(millis int64) {
	m.threshold.Store(min(millis, math.MaxInt64/int64(time.Millisecond)) * int64(time.Millisecond))
}

// Threshold returns the time from which on samples are kept, and false if none are.
func (m *Monitor) Threshold() (time.Duration, bool) {
	t := time.Duration(m.threshold.Load())
	return t, t > 0
}

// Add keeps that something took so long, if that is as long as the threshold.
func (m *Monitor) Add(e Event, took time.Duration) {
	if t := m.threshold.Load(); t > 0 && int64(took) >= t {
		m.add(e, time.Now().Unix(), took.Milliseconds())
	}
}

// add keeps a sample, or raises the newest one if that is of the same second.
func (m *Monitor) add(e Event, at, millis int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := &m.series[e]
	r.max = max(r.max, millis)
	if r.n > 0 {
		if last := &r.samples[(r.n-1)%maxSamples]; last.At == at {
			last.Millis = max(last.Millis, millis)
			return
		}
	}
	if sample := (Sample{at, millis}); len(r.samples) < maxSamples {
		r.samples = append(r.samples, sample)
	} else {
		r.samples[r.n%maxSamples] = sample
	}
	r.n++
}

// All returns the series that have samples.
func (m *Monitor) All() []Series {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []Series
	for e := range numEvents {
		if r := &m.series[e]; r.n > 0 {
			start := r.n % len(r.samples) // of the oldest; 0 until the ring is full
			all = append(all, Series{e, slices.Concat(r.samples[start:], r.samples[:start]), r.max})
		}
	}
	return all
}

// Find returns the series of the event of that name, and false if it has no samples.
func (m *Monitor) Find(name string) (Series, bool) {
	all := m.All()
	i := slices.IndexFunc(all, func(s Series) bool { return s.Event.String() == name })
	if i < 0 {
		return Series{}, false
	}
	return all[i], true
}

// Reset forgets the series of the event of that name, or of every event where there is no name, and returns how many had samples.
func (m *Monitor) Reset(events ...string) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for e := range numEvents {
		r := &m.series[e]
		if r.n > 0 && (len(events) == 0 || slices.Contains(events, e.String())) {
			*r = ring{}
			n++
		}
	}
	return n
}
