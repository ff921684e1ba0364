package engine_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/redistill/redistill/engine"
)

// BenchmarkSets measures adding members to sets, and looking for them, beside fields of hashes in the same shapes, which have no values.
// It reports the bytes that a member takes beyond its text once what is dead was compacted.
func BenchmarkSets(b *testing.B) {
	for _, shape := range []struct {
		name          string
		keys, members int
		format        string
	}{
		{"1x1M-of-20B", 1, 1_000_000, "member:%013d"},
		{"100Kx10-of-10B", 100_000, 10, "m:%08d"},
		{"10Kx100-integers", 10_000, 100, "%d"},
	} {
		b.Run(shape.name, func(b *testing.B) {
			total := shape.keys * shape.members
			r := rand.New(rand.NewPCG(1, 2))
			keys, names, text := make([][]byte, total), make([][]byte, total), 0
			for i, n := range r.Perm(total) {
				keys[i], names[i] = fmt.Append(nil, "key", n%shape.keys), fmt.Appendf(nil, shape.format, n)
				text += len(names[i])
			}
			for _, op := range []struct {
				name     string
				add, has func(tx *engine.Tx, k engine.Key, name []byte) (bool, error)
			}{
				{"set", (*engine.Tx).SAdd, (*engine.Tx).SHas},
				{"hash", func(tx *engine.Tx, k engine.Key, name []byte) (bool, error) { return tx.HSet(k, name, nil) },
					func(tx *engine.Tx, k engine.Key, name []byte) (bool, error) {
						_, ok, err := tx.HGet(k, name)
						return ok, err
					}},
			} {
				b.Run(op.name, func(b *testing.B) {
					for b.Loop() {
						measureSets(b, keys, names, text, op.add, op.has)
					}
					b.ReportMetric(0, "ns/op")
				})
			}
		})
	}
}

// measureSets adds all names to their keys and then looks for them in another order.
func measureSets(b *testing.B, keys, names [][]byte, text int, add, has func(*engine.Tx, engine.Key, []byte) (bool, error)) {
	s, err := engine.OpenArena(engine.Options{Shards: 1, Policy: engine.NoEviction})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	s.StopBackground()
	tx := s.NewTx()
	tx.Now = time.Now().UnixMilli()
	each := func(do func(*engine.Tx, engine.Key, []byte) (bool, error), stride int) float64 {
		began := time.Now()
		for i := range names {
			j := i * stride % len(names)
			ok, err := do(tx, lock(s, tx, keys[j]), names[j])
			tx.Unlock()
			if err != nil || !ok {
				b.Fatal(ok, err)
			}
		}
		return float64(time.Since(began).Nanoseconds()) / float64(len(names))
	}
	b.ReportMetric(each(add, 1), "ns/add")
	b.ReportMetric(each(has, 7), "ns/has")
	s.SetMaxMemory(1)
	for range 400 {
		_ = s.Reserve(0)
	}
	st := s.Stats()
	b.ReportMetric((float64(st.DataBytes+st.OverheadBytes+st.DeadBytes)-float64(text))/float64(len(names)), "B/member")
}
