package command

import (
	"math/bits"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Stats counts what the commands of some sessions did. An event loop has one of its own, so that counting costs no shared cache
// line; INFO adds them up. The counters are atomic because INFO reads them meanwhile.
type Stats struct {
	commands []commandStats // by Command.index
	mu       sync.Mutex     // guards errors
	errors   map[string]uint64
}

// newStats returns counters for the commands of t.
func newStats(t *table) *Stats {
	return &Stats{commands: make([]commandStats, len(t.list)), errors: map[string]uint64{}}
}

// commandStats counts one command. The number of calls is not kept: it is the sum of the latency classes.
type commandStats struct {
	nanos    atomic.Uint64 // total time
	rejected atomic.Uint64 // refused before it ran
	failed   atomic.Uint64 // ran and replied with an error
	latency  [latencyClasses]atomic.Uint64
}

// Latencies are counted in classes of which there are four for every doubling, so that a class tells a time within 25 %. The unit is
// 64 ns; the last class takes in everything from a second on, as Redis's histograms do.
const (
	latencyUnitBits = 6
	latencyClasses  = 92
)

// latencyClass returns the class of a time. Below 8 units a class is one unit wide; then come groups of four classes, each group of
// classes twice as wide as those of the group before.
func latencyClass(nanos int64) int {
	units := uint64(max(nanos, 0)) >> latencyUnitBits
	double := max(bits.Len64(units)-3, 0)
	return min(double*4+int(units>>double), latencyClasses-1)
}

// latencyLimit returns the time that is just above those of a class.
func latencyLimit(class int) time.Duration {
	double := max(class/4-1, 0)
	return time.Duration(class-double*4+1) << (double + latencyUnitBits)
}

func (c *commandStats) add(nanos int64, failed bool) {
	c.nanos.Add(uint64(nanos))
	if failed {
		c.failed.Add(1)
	}
	c.latency[latencyClass(nanos)].Add(1)
}

// maxErrorCodes bounds the number of codes that are counted apart.
const maxErrorCodes = 128

// countError counts an error reply, of the form "-CODE text\r\n", by its code.
func (s *Stats) countError(reply []byte) {
	end := 1
	for end < len(reply) && reply[end] != ' ' && reply[end] != '\r' {
		end++
	}
	code := reply[1:end]
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.errors[string(code)]; known || len(s.errors) < maxErrorCodes {
		s.errors[string(code)]++
	}
}

// reset sets everything to zero.
func (s *Stats) reset() {
	for i := range s.commands {
		c := &s.commands[i]
		c.nanos.Store(0)
		c.rejected.Store(0)
		c.failed.Store(0)
		for j := range c.latency {
			c.latency[j].Store(0)
		}
	}
	s.mu.Lock()
	clear(s.errors)
	s.mu.Unlock()
}

// commandTotal is what all sessions together did with one command.
type commandTotal struct {
	nanos, calls, rejected, failed uint64
	latency                        [latencyClasses]uint64
}

// commandTotals adds up the counters of one command.
func commandTotals(stripes []*Stats, cmd *Command) (t commandTotal) {
	for _, s := range stripes {
		c := &s.commands[cmd.index]
		t.nanos += c.nanos.Load()
		t.rejected += c.rejected.Load()
		t.failed += c.failed.Load()
		for i := range c.latency {
			n := c.latency[i].Load()
			t.latency[i] += n
			t.calls += n
		}
	}
	return t
}

// callTotals adds up the calls of all commands. It is called ten times a second, so it passes over the many commands that were never
// called.
func callTotals(stripes []*Stats) (calls uint64) {
	for _, s := range stripes {
		for i := range s.commands {
			c := &s.commands[i]
			if c.nanos.Load() == 0 {
				continue
			}
			for j := range c.latency {
				calls += c.latency[j].Load()
			}
		}
	}
	return calls
}

// callTime adds up the time of all calls.
func callTime(stripes []*Stats) (nanos uint64) {
	for _, s := range stripes {
		for i := range s.commands {
			nanos += s.commands[i].nanos.Load()
		}
	}
	return nanos
}

// percentile returns a time that the share p of the calls did not take longer than.
func (t *commandTotal) percentile(p float64) time.Duration {
	rank, seen := uint64(p*float64(t.calls)+0.5), uint64(0)
	for class, n := range t.latency {
		if seen += n; seen >= max(rank, 1) {
			return latencyLimit(class)
		}
	}
	return latencyLimit(latencyClasses - 1)
}

// errorCount is a number of error replies with one code.
type errorCount struct {
	code  string
	count uint64
}

// errorTotals adds up the error replies, ordered by code.
func errorTotals(stripes []*Stats) []errorCount {
	sum := map[string]uint64{}
	for _, s := range stripes {
		s.mu.Lock()
		for code, n := range s.errors {
			sum[code] += n
		}
		s.mu.Unlock()
	}
	var list []errorCount
	for code, n := range sum {
		list = append(list, errorCount{code, n})
	}
	slices.SortFunc(list, func(a, b errorCount) int { return strings.Compare(a.code, b.code) })
	return list
}
