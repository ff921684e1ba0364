package engine_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/redistill/redistill/engine"
)

// BenchmarkBigHash measures writes and reads of random fields of one hash of 100,000, as redis-benchmark makes it, beside counters of as
// many keys, which take the way through the engine that is the same for all commands.
func BenchmarkBigHash(b *testing.B) {
	s, err := engine.Open(engine.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	const fields = 100_000
	tx, rng, hash, val := s.NewTx(), rand.New(rand.NewPCG(1, 2)), []byte("myhash"), make([]byte, 64)
	tx.Now = time.Now().UnixMilli()
	for _, op := range []struct {
		name string
		run  func(name []byte) error
	}{
		{"hset", func(name []byte) error { _, err := tx.HSet(lock(s, tx, hash), name, val); return err }},
		{"hget", func(name []byte) error { _, _, err := tx.HGet(lock(s, tx, hash), name); return err }},
		{"incr", func(name []byte) error { _, err := tx.IncrBy(lock(s, tx, name), 1); return err }},
	} {
		run := func(b *testing.B, name []byte) {
			err := op.run(name)
			tx.Unlock()
			if err != nil {
				b.Fatal(err)
			}
		}
		name := []byte("element:000000000000")
		for i := range fields {
			run(b, digits(name, i))
		}
		b.Run(op.name, func(b *testing.B) {
			for b.Loop() {
				run(b, digits(name, rng.IntN(fields)))
			}
		})
	}
}

// lock locks a key.
func lock(s *engine.Store, tx *engine.Tx, key []byte) engine.Key {
	k := s.Key(key)
	tx.LockKey(k)
	return k
}

// digits writes n with leading zeros over the last six bytes of name.
func digits(name []byte, n int) []byte {
	for i := range 6 {
		name[len(name)-1-i] = byte('0' + n%10)
		n /= 10
	}
	return name
}
