package engine

import (
	"fmt"
	"testing"
)

// A value that is retained is the same in whatever order its parts are written, while all of them change:
// a type may need them in an order of its own.
func TestHeldPartsInAnyOrder(t *testing.T) {
	s, err := Open(Options{Shards: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	tx, k := s.NewTx(), s.Key([]byte("h"))
	set := func(text string) {
		t.Helper()
		for i := range 20_000 {
			if _, err := tx.HSet(k, fmt.Append(nil, i), []byte(text)); err != nil {
				t.Fatal(err)
			}
		}
	}
	tx.LockAll()
	set("before")
	sn, err := tx.BeginSnapshot()
	if err != nil {
		t.Fatal(err)
	}
	set("after.")
	sh := &s.shards[0]
	h := sh.nextRetained()
	if h == nil || h.parts < 100 {
		t.Fatalf("held: %+v", h)
	}
	fields := 0
	var scratch []byte
	for i := range h.parts {
		no := i / 2 // from both ends by turns
		if i%2 == 0 {
			no = h.parts - 1 - i/2
		}
		b, ok := sh.retainedPart(h, no, &scratch)
		if !ok {
			continue
		}
		eachEntry(b, hashBucket(b).entries(), func(e entry) bool {
			if string(e.val) != "before" {
				t.Errorf("part %d: field %s is %s", no, e.field, e.val)
			}
			fields++
			return true
		})
		if i == h.parts/2 {
			set("later.")
		}
	}
	if fields != 20_000 || len(h.saved) != 0 {
		t.Errorf("%d fields were written, %d parts are kept", fields, len(h.saved))
	}
	tx.Unlock()
	sn.Fail(ErrFlushed)
	if err := sn.Write(nil); err != ErrFlushed {
		t.Errorf("Write: %v", err)
	}
	if err := s.Check(); err != nil {
		t.Error(err)
	}
}
