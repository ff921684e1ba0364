package engine_test

import (
	"testing"
	"time"

	"github.com/redistill/redistill/engine"
)

// TestOnDelay: who makes room and each hold of a shard by the background are told of, and others who give a shard up for a moment are not.
func TestOnDelay(t *testing.T) {
	f := open(t, engine.Options{MaxMemory: limit, Policy: engine.AllKeysLRU})
	f.unlocked(f.s.StopBackground)
	var told [engine.EvictionDelay + 1]int
	f.s.OnDelay(func(d engine.Delay, took time.Duration) {
		told[d]++
		if took < 0 || took > time.Hour {
			t.Errorf("delay %d took %v", d, took)
		}
	})
	f.overfill(engine.NoDeadline)
	if told[engine.EvictionDelay] == 0 || told[engine.BackgroundDelay] != 0 {
		t.Errorf("after eviction: told of %v", told)
	}
	f.unlocked(func() {
		f.s.YieldUntil(func() bool { told[engine.EvictionDelay]++; return told[engine.EvictionDelay] > 1000 })
		if told[engine.BackgroundDelay] != 0 {
			t.Error("told of a shard that the background did not have")
		}
		f.s.Tick(f.base)
		if shards := len(f.s.Live()); told[engine.BackgroundDelay] < shards {
			t.Errorf("the background had %d shards and told of %d holds", shards, told[engine.BackgroundDelay])
		}
	})
	f.s.OnDelay(nil)
	before := told
	f.unlocked(func() { f.s.Tick(f.base) })
	f.overfill(engine.NoDeadline)
	if told != before {
		t.Errorf("told of %v when nobody wanted to know", told)
	}
}
