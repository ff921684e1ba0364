package command

import (
	"math/bits"
	"sync/atomic"
)

// Stats counts what the commands of some sessions did. An event loop has one of its own, so that counting costs no shared cache
// line; INFO adds them up. The counters are atomic because INFO reads them meanwhile.
type Stats struct {
	commands []commandStats // by Command.index
}

// commandStats counts one command.
type commandStats struct {
	calls    atomic.Uint64
	nanos    atomic.Uint64 // total time
	rejected atomic.Uint64 // refused before it ran
	failed   atomic.Uint64 // ran and replied with an error
	latency  [latencyBuckets]atomic.Uint32
}

// latencyBuckets is the number of latency classes: below 1 us, and one for each power of two of microseconds, as LATENCY HISTOGRAM
// shows them.
const latencyBuckets = 31

func (c *commandStats) add(nanos int64, failed bool) {
	c.calls.Add(1)
	c.nanos.Add(uint64(nanos))
	if failed {
		c.failed.Add(1)
	}
	c.latency[min(bits.Len64(uint64(nanos)/1000), latencyBuckets-1)].Add(1)
}
