package engine

import (
	"fmt"
	"testing"
)

// No bucket has more members than the root says, also where two of them become one after the most
// were counted again.
func TestMostMembersOfABucket(t *testing.T) {
	s, err := Open(Options{Shards: 1, Policy: NoEviction})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	tx, k := s.NewTx(), s.Key([]byte("s"))
	tx.LockAll()
	defer tx.Unlock()
	const members = 20_000
	for i := range members {
		if _, err := tx.SAdd(k, fmt.Append(nil, "member", i)); err != nil {
			t.Fatal(err)
		}
	}
	counted := 0
	for i := range members - 1 {
		if _, err := tx.SRem(k, fmt.Append(nil, "member", i)); err != nil {
			t.Fatal(err)
		}
		var r ref
		tx.lookup(&r, k)
		h := bigSetOf(&r)
		most := h.most()
		if n := h.buckets(); n&(n-1) == 0 { // none of them was joined yet
			h.countMost()
			if counted++; h.most() > most {
				t.Fatalf("%d buckets: one has %d members, at most %d are said to be in any", n, h.most(), most)
			}
		}
	}
	if counted < 3 {
		t.Errorf("the members were counted %d times", counted)
	}
	if err := tx.Check(); err != nil {
		t.Error(err)
	}
}
