//go:build invariants

package engine_test

import (
	"testing"

	"github.com/redistill/redistill/engine"
)

// A hash function that hardly tells keys apart makes everything slow, and nothing wrong.
func TestRandomOpsWithBadHashes(t *testing.T) {
	for name, keep := range map[string]uint64{
		"one tag":           1<<56 - 1,
		"few buckets":       0xff<<56 | 0x3ff,
		"one shard":         ^uint64(0xff),
		"four hashes":       3 << 8,
		"all keys the same": 0,
	} {
		t.Run(name, func(t *testing.T) {
			defer engine.DegradeHashes(keep)()
			w := newWorld(t, engine.Options{Shards: 4, Policy: engine.NoEviction})
			w.short = true
			w.between = func() { w.unlocked(func() { w.s.Reclaim(2) }) }
			w.run(randomOps(t, *ops/6/slower))
		})
	}
}
