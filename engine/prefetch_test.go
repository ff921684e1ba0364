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
			r := ref{sh: sh, sp: sh.dbs[0], key: k}
			if !r.find() {
				t.Fatalf("%s is missing", name)
			}
			bucket := sh.dbs[0].keys.peek(k.hash)
			p, room := sh.peek(bucket, tagOf(k.hash))
			if p == r.p {
				right++
				if room != blockSize-r.slot.loc().offset() {
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
	tx.Prefetch([]Key{s.Key([]byte("missing"))}, nil)
	tx.DB = 3
	tx.Prefetch([]Key{s.Key(names[0])}, nil) // an empty database
}

// TestPeekFields: the same for the fields of a large hash.
func TestPeekFields(t *testing.T) {
	if !mapped {
		t.Skip("Prefetch does nothing in this build")
	}
	s, err := Open(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	tx, k := s.NewTx(), s.Key([]byte("hash"))
	sh, val := tx.shard(k), make([]byte, 50)
	tx.LockAll()
	defer tx.Unlock()
	const n = 5_000
	for i := range n {
		if _, err := tx.HSet(k, strconv.AppendInt(nil, int64(i), 10), val); err != nil {
			t.Fatal(err)
		}
	}
	tx.SetDeadline(k, 1<<50)
	sp := sh.dbs[0]
	var r ref
	tx.lookup(&r, k)
	h := r.bigHash()
	right := 0
	for i := range n {
		field := strconv.AppendInt(nil, int64(i), 10)
		hash := hashBytes(field)
		root, buckets := peekRoot(r.p, blockSize)
		o, no := owner{k.hash, load32(root, rootID)}, linear(uint32(hash), buckets, bucketMask(buckets))
		part := partHash(o, no)
		p, room := sh.peek(sp.parts.peek(part), tagOf(part))
		_, q, _ := sh.findPart(sp, o, no)
		_, e, ok := h.findField(partBytes(q), field, hash)
		if !ok {
			t.Fatalf("%s is missing", field)
		}
		if p == q && peekEntry(p, room, tagOf(hash)) == partHeader+e.off {
			right++
		}
	}
	// A first guess by tag is wrong at times, for an entry and for the part of a bucket, with which all of its entries are. With 600 seeds 86 % were
	// right and 76 % at the least, with a standard deviation of 3 %: as of 100 buckets that are right or wrong as a whole, of which half are wrong
	// once in 10^16.
	if right*2 < n {
		t.Errorf("%d of %d entries were found", right, n)
	}
	tx.Prefetch([]Key{k, k, k}, [][]byte{[]byte("17"), nil, []byte("missing")})
}

// TestPeekMembers: the same for the members of a large set.
func TestPeekMembers(t *testing.T) {
	if !mapped {
		t.Skip("Prefetch does nothing in this build")
	}
	s, err := Open(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	tx, k := s.NewTx(), s.Key([]byte("set"))
	sh := tx.shard(k)
	tx.LockAll()
	defer tx.Unlock()
	const n = 20_000
	name := func(i int) []byte { return strconv.AppendInt([]byte("member:")[:7*(i%2)], int64(i), 10) } // a text, or an integer
	for i := range n {
		if _, err := tx.SAdd(k, name(i)); err != nil {
			t.Fatal(err)
		}
	}
	sp := sh.dbs[0]
	var r ref
	tx.lookup(&r, k)
	h, right := bigSetOf(&r), 0
	for i := range n {
		var scratch [8]byte
		m := newMember(name(i), &scratch)
		at := h.locate(&m)
		if !at.found {
			t.Fatalf("%s is missing", name(i))
		}
		root, buckets := peekRoot(r.p, blockSize)
		no := linear(uint32(m.hash), buckets, bucketMask(buckets))
		part := partHash(owner{k.hash, load32(root, rootID)}, no)
		p, room := sh.peek(sp.parts.peek(part), tagOf(part))
		b := bucketRun(partBytes(at.p))
		if p == at.p && peekMember(p, room, tagOf(m.hash), m.code) == partHeader+bucketHead+b.offset(at.i) {
			right++
		}
	}
	if right*2 < n { // as for fields
		t.Errorf("%d of %d members were found", right, n)
	}
	tx.Prefetch([]Key{k, k, k}, [][]byte{[]byte("18"), nil, []byte("missing")})
}
