package engine

import (
	"strconv"
	"testing"
)

// TestPeek: what Prefetch loads is what look-ups read, for nearly all keys: not for those in overflow buckets, or behind a key with the
// same tag.
func TestPeek(t *testing.T) {
	if !mapped {
		t.Skip("Prefetch does nothing in this build")
	}
	s, err := Open(Options{Shards: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	tx := s.NewTx()
	tx.LockAll()
	defer tx.Unlock()
	names := make([][]byte, 20_000)
	for i := range names {
		names[i] = strconv.AppendInt([]byte("key:"), int64(i), 10)
	}
	check := func(from int) {
		t.Helper()
		right := 0
		for _, name := range names[from:] {
			k := s.Key(name)
			sh := tx.shard(k)
			slot, v, ok := sh.find(sh.dbs[0], k)
			if !ok {
				t.Fatalf("%s is missing", name)
			}
			bucket := sh.dbs[0].keys.peek(k.hash)
			p, room := sh.peek(bucket, tagOf(k.hash))
			if p == v.p {
				right++
				if room != blockSize-slot.loc().offset() {
					t.Errorf("%s: room %d", name, room)
				}
			}
		}
		if right*10 < len(names[from:])*8 {
			t.Errorf("%d of %d records were found", right, len(names[from:]))
		}
	}
	for _, name := range names {
		if err := tx.Set(s.Key(name), name, NoDeadline); err != nil {
			t.Fatal(err)
		}
	}
	check(0)
	for _, name := range names[:19_000] {
		tx.Delete(s.Key(name))
	}
	check(19_000) // the tables have shrunk
	tx.Prefetch([]Key{s.Key([]byte("missing"))})
	tx.DB = 3
	tx.Prefetch([]Key{s.Key(names[0])}) // an empty database
}
