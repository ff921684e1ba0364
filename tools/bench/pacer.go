package bench

import "time"

// pacer says when requests are due in the open loop. It does not wait and does
// not look at the clock. Times count from the start of the run.
type pacer struct {
	interval float64 // between two requests, in nanoseconds
	offset   float64 // when the first one is due
	issued   int64
}

// newPacer is the pacer of connection i of n that share rate requests a second.
// They take turns, so that the requests of all are spread evenly.
func newPacer(rate float64, i, n int) pacer {
	all := float64(time.Second) / rate
	return pacer{interval: all * float64(n), offset: all * float64(i)}
}

// due returns when the next request is due.
func (p *pacer) due() time.Duration {
	return time.Duration(p.offset + p.interval*float64(p.issued))
}

// advance notes that n requests were issued.
func (p *pacer) advance(n int) { p.issued += int64(n) }

// dueBefore returns how many more requests are due before end.
func (p *pacer) dueBefore(end time.Duration) int64 {
	left := float64(end) - p.offset
	if left <= 0 {
		return 0
	}
	n := int64(left / p.interval)
	if p.offset+p.interval*float64(n) < float64(end) {
		n++
	}
	return max(0, n-p.issued)
}
