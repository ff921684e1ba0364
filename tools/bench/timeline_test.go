package bench

import (
	"testing"
	"time"
)

// TestTimeline: every request is in the interval of its time, in a timeline that
// had to make its slots longer twice, and silence is shown.
func TestTimeline(t *testing.T) {
	const step = 10 * time.Millisecond
	r := newRecorder(3)
	ops := make([]op, 4)
	var want []int64
	at := func(now time.Duration) *int64 {
		for len(want) <= int(now/(4*firstWidth)) {
			want = append(want, 0)
		}
		return &want[now/(4*firstWidth)]
	}
	end := 3 * firstWidth * maxSlots
	for i := range int(end / step) {
		now := time.Duration(i) * step
		if now > 10*time.Second && now < 12*time.Second {
			continue
		}
		ms := time.Millisecond
		r.add(i, ops, &outcome{latency: []time.Duration{ms, ms, 2 * ms, now / 100}, now: now})
		*at(now) += 4
	}
	run := Result{Seconds: end.Seconds() + 1}
	r.summarize(&run)
	if run.Latency.Max < (end-step)/100 || run.Latency.P50 < time.Millisecond || run.Commands[0].Count != run.Requests {
		t.Errorf("got %+v", run.Latency)
	}
	at(end + time.Second - 1) // nothing happened then
	if len(run.Intervals) != len(want) {
		t.Fatalf("got %d intervals, want %d", len(run.Intervals), len(want))
	}
	total := 0.0
	for i, got := range run.Intervals {
		if got.Start != float64(i)*(4*firstWidth).Seconds() || got.Requests != want[i] || got.P50 > got.P99 || got.P99 > got.Max {
			t.Errorf("interval %d: got %+v, want %d requests", i, got, want[i])
		}
		total += got.Seconds
	}
	if total < run.Seconds-1e-6 || total > run.Seconds+1e-6 {
		t.Errorf("the intervals are %f seconds in all, want %f", total, run.Seconds)
	}
}
