package engine

import (
	"fmt"
	"math"
	"testing"
	"time"
)

// population opens a store of one shard, so that blocks which are half full weigh little, and calls fill for each of n keys.
func population(t *testing.T, n, keyLen int, fill func(tx *Tx, k Key) error) Stats {
	t.Helper()
	s, err := open(Options{Shards: 1}, true)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
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
	return s.Stats()
}

// checkCost compares what a Store counts for each key with what was predicted. The share of the index varies within its bounds; of
// records only those that were split to fill a block differ.
func checkCost(t *testing.T, st Stats, n, want int) {
	t.Helper()
	got := float64(st.DataBytes+st.OverheadBytes) / float64(n)
	if diff := math.Abs(got - float64(want)); diff > max(.01*float64(want), 3) {
		t.Errorf("a Store takes %.1f bytes for a key, the prediction is %d", got, want)
	}
}

func TestRecordCost(t *testing.T) {
	for _, test := range []struct {
		n, key, value int
		ttl           bool
	}{
		{200_000, 16, 16, false}, {200_000, 32, 100, true}, {100_000, 32, 256, true}, {30_000, 20, 900, true}, {30_000, 200, 2_000, false},
		{10_000, 64, 5_000, true}, {2_000, 64, 16_000, true}, {1_000, 64, 50_000, true}, {300, 64, 200_000, false}, {200_000, 16, 0, true},
	} {
		t.Run(fmt.Sprintf("%d+%d/%v", test.key, test.value, test.ttl), func(t *testing.T) {
			value, at := make([]byte, test.value), NoDeadline
			if test.ttl {
				at = time.Now().UnixMilli() + 86400_000
			}
			st := population(t, test.n, test.key, func(tx *Tx, k Key) error { return tx.Set(k, value, at) })
			checkCost(t, st, test.n, RecordCost(test.key, test.value, test.ttl))
		})
	}
}

func TestHashCost(t *testing.T) {
	for _, test := range []struct{ n, key, fields, field, value int }{
		{50_000, 32, 5, 8, 20}, {20_000, 32, 10, 8, 50}, {5_000, 32, 50, 8, 100}, {600, 32, 1_000, 8, 50}, {3_000, 32, 10, 8, 3_000},
		{1_500, 32, 2, 2_500, 20_000},
	} {
		t.Run(fmt.Sprintf("%dx%d+%d", test.fields, test.field, test.value), func(t *testing.T) {
			value := make([]byte, test.value)
			st := population(t, test.n, test.key, func(tx *Tx, k Key) error {
				for i := range test.fields {
					if _, err := tx.HSet(k, fmt.Appendf(nil, "%0*d", test.field, i), value); err != nil {
						return err
					}
				}
				return nil
			})
			checkCost(t, st, test.n, HashCost(test.key, test.fields, test.field, test.value, false))
		})
	}
}
