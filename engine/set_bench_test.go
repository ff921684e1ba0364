package engine_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/redistill/redistill/engine"
)

// elementOp does something to an element of a key.
type elementOp func(tx *engine.Tx, k engine.Key, name []byte) (bool, error)

// BenchmarkSets measures adding members to sets, and looking for them, beside fields of hashes in
// the same shapes, which have no values. It reports the bytes that a member takes beyond its text,
// or for integers in all, once what is dead was compacted.
func BenchmarkSets(b *testing.B) {
	hset := func(tx *engine.Tx, k engine.Key, name []byte) (bool, error) {
		return tx.HSet(k, name, nil)
	}
	hget := func(tx *engine.Tx, k engine.Key, name []byte) (bool, error) {
		_, ok, err := tx.HGet(k, name)
		return ok, err
	}
	for _, shape := range []struct {
		name          string
		keys, members int
		format        string
		step          int
	}{
		{"1x1M-of-20B", 1, 1_000_000, "member:%013d", 1},
		{"1x1M-integers-of-63-bits", 1, 1_000_000, "%d", 9_223_372_036_854},
		{"100Kx10-of-10B", 100_000, 10, "m:%08d", 1},
		{"10Kx100-integers", 10_000, 100, "%d", 1},
	} {
		total := shape.keys * shape.members
		set := &benchedSet{keys: make([][]byte, total), names: make([][]byte, total)}
		for i, n := range rand.New(rand.NewPCG(1, 2)).Perm(total) {
			set.keys[i] = fmt.Append(nil, "key", n%shape.keys)
			set.names[i] = fmt.Appendf(nil, shape.format, n*shape.step)
			if shape.format != "%d" {
				set.text += len(set.names[i])
			}
		}
		b.Run(shape.name+"/set", func(b *testing.B) {
			set.run(b, (*engine.Tx).SAdd, (*engine.Tx).SHas)
		})
		b.Run(shape.name+"/hash", func(b *testing.B) { set.run(b, hset, hget) })
	}
}

// benchedSet are elements of keys, in the order in which they are added.
type benchedSet struct {
	keys, names [][]byte
	text        int // bytes of the names that count as text
}

func (set *benchedSet) run(b *testing.B, add, has elementOp) {
	for b.Loop() {
		set.measure(b, add, has)
	}
	b.ReportMetric(0, "ns/op")
}

// measure adds all elements to a store of their own and then looks for them in another order.
func (set *benchedSet) measure(b *testing.B, add, has elementOp) {
	s, err := engine.OpenArena(engine.Options{Shards: 1, Policy: engine.NoEviction})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	s.StopBackground()
	tx, n := s.NewTx(), len(set.names)
	each := func(do elementOp, stride int) float64 {
		began := time.Now()
		for i := range n {
			j := i * stride % n
			ok, err := do(tx, lock(s, tx, set.keys[j]), set.names[j])
			tx.Unlock()
			if err != nil || !ok {
				b.Fatal(ok, err)
			}
		}
		return float64(time.Since(began).Nanoseconds()) / float64(n)
	}
	b.ReportMetric(each(add, 1), "ns/add")
	b.ReportMetric(each(has, 7), "ns/has")
	s.SetMaxMemory(1)
	for range 400 { // as often as in forty seconds in the background
		_ = s.Reserve(0)
	}
	st := s.Stats()
	bytes := st.DataBytes + st.OverheadBytes + st.DeadBytes - int64(set.text)
	b.ReportMetric(float64(bytes)/float64(n), "B/member")
}
