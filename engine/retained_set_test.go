package engine

import (
	"fmt"
	"testing"
)

// A set that is retained is what it was at the moment of the snapshot, however it shrinks, grows and is
// replaced meanwhile.
func TestHeldSet(t *testing.T) {
	const members = 20_000
	for _, end := range []string{"", "delete", "store"} {
		t.Run(end, func(t *testing.T) {
			s, err := Open(Options{Shards: 1, Policy: NoEviction})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			tx, k := s.NewTx(), s.Key([]byte("s"))
			change := func(do func(k Key, text []byte) (bool, error), prefix string, from int) {
				t.Helper()
				for i := from; i < members; i++ {
					if ok, err := do(k, fmt.Append(nil, prefix, i)); !ok || err != nil {
						t.Fatal(prefix, i, ok, err)
					}
				}
			}
			tx.LockAll()
			change(tx.SAdd, "before", 0)
			change(tx.SAdd, "", 0) // integers
			sn, err := tx.BeginSnapshot()
			if err != nil {
				t.Fatal(err)
			}
			change(tx.SAdd, "after", 0)
			change(tx.SRem, "before", 10)
			change(tx.SRem, "", 10)
			sh := &s.shards[0]
			h := sh.nextRetained()
			if h == nil || h.parts < 100 {
				t.Fatalf("held: %+v", h)
			}
			seen := map[string]bool{}
			var scratch []byte
			for i := range h.parts {
				no := h.parts - 1 - i
				if i == h.parts/2 {
					change(tx.SRem, "after", 0)
					switch end {
					case "delete":
						tx.Delete(k)
					case "store":
						_, err := tx.SStore(k, func(add func([]byte) error) error {
							return add([]byte("stored"))
						})
						if err != nil {
							t.Fatal(err)
						}
					}
				}
				b, ok := sh.retainedPart(h, no, &scratch)
				if !ok {
					continue
				}
				r := bucketRun(b)
				r.each(func(_ int, c code, kept []byte) bool {
					m := keptMember(c, kept)
					seen[string(textOf(m))] = true
					return true
				})
			}
			for i := range members {
				if !seen[fmt.Sprint(i)] || !seen[fmt.Sprint("before", i)] {
					t.Fatalf("member %d is not in the snapshot", i)
				}
			}
			if len(seen) != 2*members || len(h.saved) != 0 {
				t.Errorf("%d members were written, %d parts are kept", len(seen), len(h.saved))
			}
			tx.Unlock()
			sn.Fail(ErrFlushed)
			if err := sn.Write(nil); err != ErrFlushed {
				t.Errorf("Write: %v", err)
			}
			if err := s.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}
