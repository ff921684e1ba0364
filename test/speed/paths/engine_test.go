//go:build unix

package paths

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/redistill/redistill/engine"
)

const (
	strings   = 2000
	valueSize = 256 // bytes
	hashes    = 1000
	fields    = 8 // of a hash
	fieldSize = 32
	now       = 1_700_000_000_000
)

// store is a keyspace, and what a benchmark needs to work on it.
type store struct {
	*engine.Store
	b     *testing.B
	tx    *engine.Tx
	rng   *rand.Rand
	key   [16]byte
	field [8]byte
	value [valueSize]byte
}

func openStore(b *testing.B) *store {
	s, err := engine.Open(engine.Options{Shards: 4})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.Close)
	st := &store{Store: s, b: b, tx: s.NewTx(), rng: rand.New(rand.NewPCG(1, 2))}
	st.tx.Now = now
	return st
}

// writeKey writes the n-th key into 16 bytes.
func writeKey(buf []byte, n uint64) {
	const digits = "0123456789abcdef"
	n *= 0x9e3779b97f4a7c15
	for i := range buf {
		buf[i] = digits[n>>(4*i)&15]
	}
}

// lock locks the n-th key.
func (s *store) lock(n uint64) engine.Key {
	writeKey(s.key[:], n)
	k := s.Key(s.key[:])
	s.tx.LockKey(k)
	return k
}

// check ends the benchmark after an error.
func (s *store) check(err error) {
	if err != nil {
		s.b.Fatal(err)
	}
}

func (s *store) set(n uint64) {
	s.check(s.Reserve(len(s.key) + valueSize))
	err := s.tx.Set(s.lock(n), s.value[:], engine.NoDeadline)
	s.tx.Unlock()
	s.check(err)
}

func (s *store) hset(n, field uint64) {
	binary.BigEndian.PutUint64(s.field[:], field)
	s.check(s.Reserve(len(s.key) + len(s.field) + fieldSize))
	_, err := s.tx.HSet(s.lock(n), s.field[:], s.value[:fieldSize])
	s.tx.Unlock()
	s.check(err)
}

func (s *store) setAll() {
	for n := range uint64(strings) {
		s.set(n)
	}
}

func (s *store) hsetAll() {
	for n := range uint64(hashes) {
		for field := range uint64(fields) {
			s.hset(strings+n, field)
		}
	}
}

// BenchmarkGET reads strings.
func BenchmarkGET(b *testing.B) {
	const commands = 5000
	s, dst := openStore(b), make([]byte, 0, 2*valueSize)
	s.setAll()
	measure(b, commands, func() {
		for range commands {
			v, _, err := s.tx.Get(s.lock(s.rng.Uint64N(strings)))
			dst = v.AppendTo(dst[:0])
			s.tx.Unlock()
			s.check(err)
			if len(dst) != valueSize {
				b.Fatalf("got %d bytes", len(dst))
			}
		}
	})
}

// BenchmarkSET overwrites strings.
func BenchmarkSET(b *testing.B) {
	const commands = 4000
	s := openStore(b)
	s.setAll()
	measure(b, commands, func() {
		for range commands {
			s.set(s.rng.Uint64N(strings))
		}
	})
}

// BenchmarkHSET overwrites fields of small hashes.
func BenchmarkHSET(b *testing.B) {
	const commands = 3000
	s := openStore(b)
	s.hsetAll()
	measure(b, commands, func() {
		for range commands {
			r := s.rng.Uint64N(hashes * fields)
			s.hset(strings+r/fields, r%fields)
		}
	})
}

// BenchmarkSnapshot walks strings and hashes. A command is a key.
func BenchmarkSnapshot(b *testing.B) {
	s := openStore(b)
	s.setAll()
	s.hsetAll()
	measure(b, strings+hashes, func() {
		s.tx.LockAll()
		snapshot, err := s.tx.BeginSnapshot()
		s.tx.Unlock()
		s.check(err)
		var seen counter
		s.check(snapshot.Write(&seen))
		size := strings*valueSize + hashes*fields*(len(s.field)+fieldSize)
		if seen.keys != strings+hashes || seen.bytes != size {
			b.Fatalf("the snapshot has %d keys with %d bytes", seen.keys, seen.bytes)
		}
	})
}

// counter takes a snapshot and counts what it has.
type counter struct{ keys, bytes int }

func (c *counter) Key(*engine.SnapshotKey) error { c.keys++; return nil }
func (c *counter) String(s []byte) error         { c.bytes += len(s); return nil }
func (c *counter) Len(int) error                 { return nil }
func (c *counter) Bytes(part []byte) error       { c.bytes += len(part); return nil }
