//go:build !race

// One goroutine that fills large stores: nothing for the race detector, under which it would take minutes.

package engine

import (
	"fmt"
	"math"
	"testing"
	"time"
)

// population opens a store of one shard, calls fill for each of n keys, and returns what the store counts once it has compacted what can
// be.
func population(t *testing.T, n, keyLen int, fill func(tx *Tx, k Key) error) Stats {
	t.Helper()
	s, err := open(Options{Shards: 1, Policy: NoEviction}, true)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.StopBackground()
	tx := s.NewTx()
	tx.Now = time.Now().UnixMilli()
	for i := range n {
		k := s.Key(fmt.Appendf(nil, "%0*d", keyLen, i))
		tx.LockKey(k)
		err := fill(tx, k)
		tx.Unlock()
		if err != nil {
			t.Fatal(err)
		}
	}
	s.SetMaxMemory(1)
	for range 400 { // as often as in forty seconds in the background
		if s.makeRoom(0, 0) == nil {
			t.Fatal("the population fits into one byte")
		}
	}
	return s.Stats()
}

// checkCost compares what a Store counts with what was predicted. Half a block for each class, and one of the index, is chance.
func checkCost(t *testing.T, st Stats, n, classes int, c Cost) {
	t.Helper()
	parts := int64(float64(n) * c.Parts)
	got := float64(st.DataBytes + st.OverheadBytes + st.DeadBytes)
	want := float64(n)*c.Bytes + float64(IndexCost(int64(n), 1)+IndexCost(parts, 1)+OpenCost(1, classes))
	share := .01
	if c.Parts > 1 {
		// Blocks of parts may be a tenth empty when they are not worth compacting any more. Which ones are depends on the seed of hashes: in
		// 60 processes the two such shapes took 1.2 % and 1.0 % less than predicted, with standard deviations of 0.4 %.
		share = .05
	}
	if diff := math.Abs(got - want); diff > share*want+float64(classes+2)*blockSize/2 {
		t.Errorf("a Store takes %.0f bytes, the prediction is %.0f: %+.2f %%. Index %d, predicted %d for keys and %d for %d parts", got, want, 100*(want/got-1),
			st.OverheadBytes, IndexCost(int64(n), 1), IndexCost(parts, 1), parts)
	}
}

func TestStringCost(t *testing.T) {
	for _, test := range []struct {
		n, key, value int
		ttl           bool
	}{
		{500_000, 16, 16, false}, {100_000, 32, 100, true}, {100_000, 32, 256, true}, {30_000, 20, 900, true}, {30_000, 200, 2_000, false},
		{10_000, 64, 5_000, true}, {3_000, 64, 16_000, true}, {1_000, 64, 50_000, true}, {300, 64, 200_000, false}, {200_000, 16, 0, true},
		{1_000, 31_000, 100, false}, {600, 31_000, 20_000, false}, {1_000, 20_000, 100, true},
	} {
		t.Run(fmt.Sprintf("%d+%d/%v", test.key, test.value, test.ttl), func(t *testing.T) {
			value, at, classes := make([]byte, test.value), NoDeadline, 1
			if test.ttl {
				at = time.Now().UnixMilli() + 86400_000
			}
			if test.value > partData {
				classes = 2
			}
			st := population(t, test.n, test.key, func(tx *Tx, k Key) error { return tx.Set(k, value, at) })
			checkCost(t, st, test.n, classes, StringCost(test.key, test.value, test.ttl))
		})
	}
}

func TestHashCost(t *testing.T) {
	for _, test := range []struct {
		n, fields, field, value int
		ttl                     bool
	}{
		{50_000, 5, 8, 20, false}, {20_000, 10, 8, 50, true}, {10_000, 50, 8, 50, false}, {10_000, 50, 8, 50, true}, {7_000, 68, 8, 50, true},
		{5_000, 50, 8, 100, false}, {300, 1_000, 8, 100, true}, {1_000, 10, 8, 3_000, false}, {600, 2, 2_500, 20_000, false},
	} {
		t.Run(fmt.Sprintf("%dx%d+%d/%v", test.fields, test.field, test.value, test.ttl), func(t *testing.T) {
			value := make([]byte, test.value)
			st := population(t, test.n, 32, func(tx *Tx, k Key) error {
				for i := range test.fields {
					if _, err := tx.HSet(k, fmt.Appendf(nil, "%0*d", test.field, i), value); err != nil {
						return err
					}
				}
				if test.ttl {
					tx.SetDeadline(k, time.Now().UnixMilli()+86400_000)
				}
				return nil
			})
			checkCost(t, st, test.n, 1, HashCost(32, test.fields, test.field, test.value, test.ttl))
		})
	}
}

func TestSetCost(t *testing.T) {
	for _, test := range []struct {
		n, members, member int
		ttl                bool
	}{
		{50_000, 5, 8, false}, {20_000, 10, 20, true}, {10_000, 50, 20, false}, {7_000, 60, 30, true}, {1_000, 12, 150, false},
		{500, 1_000, 20, true}, {1, 500_000, 20, false}, {300, 100, 200, false}, {300, 10, 2_000, false}, {100, 5, 20_000, false},
	} {
		t.Run(fmt.Sprintf("%dx%d/%v", test.members, test.member, test.ttl), func(t *testing.T) {
			st := population(t, test.n, 32, func(tx *Tx, k Key) error {
				for i := range test.members {
					if _, err := tx.SAdd(k, fmt.Appendf(nil, "m%0*d", test.member-1, i)); err != nil {
						return err
					}
				}
				if test.ttl {
					tx.SetDeadline(k, time.Now().UnixMilli()+86400_000)
				}
				return nil
			})
			checkCost(t, st, test.n, 1, SetCost(32, test.members, test.member, test.ttl))
		})
	}
}

func TestIntCost(t *testing.T) {
	const n, keyLen = 100_000, 40
	st := population(t, n, keyLen, func(tx *Tx, k Key) error { return tx.Set(k, []byte("31337"), tx.Now+86400_000) })
	checkCost(t, st, n, 1, IntCost(keyLen, true))
}

// TestIndexCost compares the tables of a growing Store with the prediction.
func TestIndexCost(t *testing.T) {
	s, err := open(Options{Shards: 4}, true)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	tx := s.NewTx()
	for i := range 1_000_000 {
		if i%50_000 == 0 {
			got, want := s.Stats().OverheadBytes, IndexCost(int64(i), 4)
			if diff := math.Abs(float64(got - want)); diff > .02*float64(want)+4*blockSize {
				t.Errorf("%d keys: the tables take %d bytes, the prediction is %d", i, got, want)
			}
		}
		k := s.Key(fmt.Append(nil, i))
		tx.LockKey(k)
		err := tx.Set(k, nil, NoDeadline)
		tx.Unlock()
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestHashesGrowInPlace: a hash that is written at once, and then gets a deadline, leaves behind no more than it must: what is at the end of
// a block when it does not fit there.
func TestHashesGrowInPlace(t *testing.T) {
	const n, fields = 5_000, 40
	s, err := open(Options{Shards: 1}, true)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	tx, value := s.NewTx(), make([]byte, 60)
	tx.Now = time.Now().UnixMilli()
	for i := range n {
		k := s.Key(fmt.Append(nil, i))
		tx.LockKey(k)
		for f := range fields {
			if _, err := tx.HSet(k, fmt.Append(nil, "field", f), value); err != nil {
				t.Fatal(err)
			}
		}
		tx.SetDeadline(k, tx.Now+86400_000)
		tx.Unlock()
	}
	st := s.Stats()
	t.Logf("%d bytes are live and %d dead", st.DataBytes, st.DeadBytes)
	if st.DeadBytes > st.DataBytes/20 {
		t.Error("more than a twentieth is dead")
	}
}
