//go:build !race

// One goroutine that writes hundreds of megabytes: nothing for the race detector, under which it would take minutes.

package engine_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/redistill/redistill/engine"
)

// TestShardsKeepTheirShare: shards lose no keys to others, whatever dies in them, for keys are spread evenly. Values shrink in the course
// of this test, so that shards differ in what there is to compact. At a single moment a shard may have little by chance; the mean of many, by
// which it is judged, was 0.79 or more in all of 40 processes, with a standard deviation of 0.02: the bound is 14 of them away.
func TestShardsKeepTheirShare(t *testing.T) {
	for _, name := range engine.Policies() {
		p, _ := engine.ParsePolicy(name)
		if p == engine.NoEviction {
			continue
		}
		t.Run(name, func(t *testing.T) {
			f := open(t, engine.Options{MaxMemory: limit, Shards: 4, Policy: p})
			rng := rand.New(rand.NewPCG(1, 2))
			moments, shares := 0, 0.0
			for size := 8 << 10; size > 400; size -= size / 12 {
				for range limit / size / 2 {
					k := f.k(key(rng.IntN(2 * limit / size)))
					f.unlocked(func() { f.check(f.s.Reserve(size)) })
					f.check(f.tx.Set(k, make([]byte, size/2+rng.IntN(size)), f.base+int64(1000*time.Hour/time.Millisecond)))
				}
				if size < 2<<10 {
					var live []int64
					f.unlocked(func() { live = f.s.Live() })
					moments, shares = moments+1, shares+float64(slices.Min(live))/float64(slices.Max(live))
				}
			}
			if mean := shares / float64(moments); mean < .5 {
				t.Errorf("the least shard has %.2f of the largest, in the mean of %d moments", mean, moments)
			}
		})
	}
}
