package command

import (
	"sync"
	"time"
)

// Sampling of rates and peaks, as often as Redis does it.
const (
	samplesPerSecond = 10 // by the Store
	rateSamples      = 16 // rates are means over so many samples
)

// sampler watches totals grow, for the figures of INFO that are rates or peaks.
type sampler struct {
	mu   sync.Mutex // guards the fields below
	peak int64      // most memory that was in use

	taken int // samples so far
	ring  [rateSamples + 1]totalsAt
}

// totalsAt are totals at a moment.
type totalsAt struct {
	nanos         int64 // by nanotime
	calls         uint64
	netIn, netOut int64 // bytes
	cycles        cycleTotals
}

// rates are means per second, and the mean time of a cycle.
type rates struct {
	calls, netIn, netOut, cycles int64
	cycle                        time.Duration
}

// background is called by the Store in its background. It takes a sample, and looks at what clients
// pin.
func (srv *Server) background() {
	srv.sampler.add(srv.totalsAt(nanotime()))
	srv.sampler.raisePeak(srv.usedMemory())
	srv.closePinning()
}

func (srv *Server) totalsAt(nanos int64) totalsAt {
	in, out := srv.total.network()
	return totalsAt{nanos, callTotals(srv.stripes), in, out, srv.cycles.totals()}
}

// add adds a sample. None are taken while no client does anything, and the time of that counts for no mean.
func (s *sampler) add(t totalsAt) {
	s.mu.Lock()
	if s.taken > 0 && t.nanos-s.ring[(s.taken-1)%len(s.ring)].nanos > int64(time.Second) {
		s.taken = 0
	}
	s.ring[s.taken%len(s.ring)] = t
	s.taken++
	s.mu.Unlock()
}

// raisePeak takes over used as the peak if it is higher, and returns the peak.
func (s *sampler) raisePeak(used int64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.peak = max(s.peak, used)
	return s.peak
}

// rates returns the mean rates between the newest sample and the oldest that is kept. Counters that CONFIG RESETSTAT took back count
// as standing still.
func (s *sampler) rates() rates {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken < 2 {
		return rates{}
	}
	newest := &s.ring[(s.taken-1)%len(s.ring)]
	oldest := &s.ring[max(s.taken-len(s.ring), 0)%len(s.ring)]
	perSecond := func(growth int64) int64 {
		return int64(float64(max(growth, 0)) / (float64(newest.nanos-oldest.nanos) / 1e9))
	}
	cycles := newest.cycles.since(oldest.cycles)
	return rates{
		perSecond(int64(newest.calls - oldest.calls)), perSecond(newest.netIn - oldest.netIn), perSecond(newest.netOut - oldest.netOut),
		perSecond(cycles.rounds), cycles.mean(),
	}
}

// reset forgets the samples, but not the peak.
func (s *sampler) reset() {
	s.mu.Lock()
	s.taken = 0
	s.mu.Unlock()
}
