package command

import (
	"time"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/info"
)

// Observation is what monitoring reads of a server at one moment. Its counters are those of INFO, which CONFIG RESETSTAT sets to zero.
type Observation struct {
	info.State
	Store     engine.Stats
	Latencies []Latency // of Snapshot.Commands, in the same order
	Slow      int64     // commands that were entered into SLOWLOG since the start
}

// Latency says how many calls of a command took up to each of LatencyBounds.
type Latency [latencyBounds]uint64

// latencyBounds is the number of LatencyBounds: from 1.024 us, four times as long each, to 1.07 s.
const latencyBounds = 11

// LatencyBounds returns the times by which Latency counts. They are ends of the classes that are counted, so that counts are exact.
func LatencyBounds() (bounds [latencyBounds]time.Duration) {
	for i := range bounds {
		bounds[i] = 1024 << (2 * i)
	}
	return bounds
}

// Observe gathers an Observation. It locks the keyspace's shards one after the other, no longer than INFO does.
func (srv *Server) Observe() *Observation {
	o := &Observation{}
	want := info.Select([][]byte{[]byte("all")})
	tx := srv.Store.NewTx()
	o.State, o.Store = *srv.state(tx, want), tx.Stats()
	for _, c := range o.Commands {
		t := commandTotals(srv.stripes, srv.table.find(c.Name))
		o.Latencies = append(o.Latencies, t.within())
	}
	srv.slowlog.mu.Lock()
	o.Slow = srv.slowlog.nextID
	srv.slowlog.mu.Unlock()
	return o
}

// within counts the calls by LatencyBounds.
func (t *commandTotal) within() (counts Latency) {
	sum, class := uint64(0), 0
	for i, bound := range LatencyBounds() {
		for ; class < latencyClasses && latencyLimit(class) <= bound; class++ {
			sum += t.latency[class]
		}
		counts[i] = sum
	}
	return counts
}
