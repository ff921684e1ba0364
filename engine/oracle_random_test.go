package engine_test

import (
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/redistill/redistill/engine"
)

var (
	seed = flag.Uint64("seed", 0, "seed of the random tests, 0 for another each time")
	ops  = flag.Int("ops", 3000, "operations of each random test")
)

// randomOps returns the bytes of about so many random operations, and logs the seed that makes them again.
func randomOps(t testing.TB, n int) []byte {
	s := *seed
	if s == 0 {
		s = rand.Uint64()
	}
	t.Logf("-seed %d", s)
	var key [32]byte
	binary.NativeEndian.PutUint64(key[:], s)
	data := make([]byte, n*5)
	_, _ = rand.NewChaCha8(key).Read(data) // never fails
	return data
}

// FuzzOps does operations to a Store and an oracle and compares all that they return.
func FuzzOps(f *testing.F) {
	for i := range 4 {
		data := make([]byte, 400)
		_, _ = rand.NewChaCha8([32]byte{byte(i)}).Read(data)
		f.Add(uint8(i), data)
	}
	f.Fuzz(func(t *testing.T, shards uint8, data []byte) {
		w := newWorld(t, engine.Options{Shards: 1 << (shards % 9), Policy: engine.NoEviction})
		w.every = 50
		w.run(data[:min(len(data), 1<<14)])
	})
}

// The same operations have the same results whatever the number of shards, and whatever the reclaimer moves between them.
func TestRandomOps(t *testing.T) {
	for _, shards := range []int{1, 4, 256} {
		for _, steps := range []int{0, 1, 100} {
			t.Run(fmt.Sprintf("%d shards, reclaim %d", shards, steps), func(t *testing.T) {
				w := newWorld(t, engine.Options{Shards: shards, Policy: engine.NoEviction})
				if steps > 0 {
					w.between = func() { w.unlocked(func() { w.s.Reclaim(steps) }) }
				}
				w.run(randomOps(t, *ops/3/slower))
			})
		}
	}
}

// With little memory keys go, as the policy has it. Those that stay are right, and those that went do not come back.
func TestRandomOpsWhileEvicting(t *testing.T) {
	for i, name := range engine.Policies() {
		for _, shards := range []int{1, 4} {
			t.Run(fmt.Sprintf("%s, %d shards", name, shards), func(t *testing.T) {
				w := newWorld(t, engine.Options{Shards: shards, Policy: engine.Policy(i), MaxMemory: 3 << 20})
				w.evicting = true
				w.run(randomOps(t, *ops/4/slower))
			})
		}
	}
}
