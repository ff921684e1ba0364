package engine_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/redistill/redistill/engine"
)

// largeFields is the number of fields of the hash of BenchmarkLargeHash, which takes some 100 bytes for each.
const largeFields = 1_000_000

// million is the keyspace of BenchmarkLargeHash.
type million struct {
	*testing.B
	s   *engine.Store
	tx  *engine.Tx
	rng *rand.Rand
	key engine.Key // of the hash that is worked on
	dst engine.Key // of a key in another shard, if there is one
	n   int        // fields added
}

func (l *million) field(n int) []byte { return fmt.Appendf(nil, "field:%08d", n) }
func (l *million) any() []byte        { return l.field(l.rng.IntN(largeFields)) }

func (l *million) check(err error) {
	if err != nil {
		l.Fatal(err)
	}
}

// fill makes the hash anew.
func (l *million) fill() {
	l.tx.LockAll()
	defer l.tx.Unlock()
	l.tx.FlushAll()
	l.n = largeFields
	val := make([]byte, 80)
	for i := range largeFields {
		_, err := l.tx.HSet(l.key, l.field(i), val)
		l.check(err)
	}
}

// BenchmarkLargeHash measures how long single operations on a hash of a million fields and 100 MB take with the locks held: the worst of
// many, and of one for those after which the hash is not the same. Run it with -benchtime 1x.
func BenchmarkLargeHash(b *testing.B) {
	s, err := engine.Open(engine.Options{Policy: engine.AllKeysRandom})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	l := &million{b, s, s.NewTx(), rand.New(rand.NewPCG(1, 2)), s.Key([]byte("hash")), engine.Key{}, 0}
	for i := 0; i == 0 || l.dst.Bytes == nil && i < 100; i++ {
		if k := s.Key(fmt.Append(nil, "other", i)); !s.SameShard(k, l.key) {
			l.dst = k
		}
	}
	l.tx.Now = time.Now().UnixMilli()
	l.fill()
	for _, op := range largeOps {
		b.Run(op.name, func(b *testing.B) {
			l.B = b
			for b.Loop() {
				l.tx.Now = time.Now().UnixMilli()
				b.ReportMetric(float64(l.worst(op.times, op.run))/1e3, "us-worst")
				if op.times == 1 {
					b.ReportMetric(float64(l.drain())/1e3, "us-worst-step-after")
					l.fill()
				}
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// worst calls an operation so many times and returns the longest time that it took, in nanoseconds.
func (l *million) worst(times int, run func(l *million) error) (worst int64) {
	for range times {
		l.tx.LockAll()
		began := time.Now()
		err := run(l)
		worst = max(worst, time.Since(began).Nanoseconds())
		l.tx.Unlock()
		l.check(err)
	}
	return worst
}

// drain does the reclaimer's work step by step until nothing is left, and returns the longest time that one step took in nanoseconds.
func (l *million) drain() (worst int64) {
	for l.s.Stats().DataBytes > 0 {
		began := time.Now()
		l.s.Reclaim(1)
		worst = max(worst, time.Since(began).Nanoseconds())
	}
	return worst
}

// largeOps are the operations that BenchmarkLargeHash measures.
var largeOps = []struct {
	name  string
	times int
	run   func(l *million) error
}{
	{"HSET-new", 10_000, func(l *million) error { l.n++; _, err := l.tx.HSet(l.key, l.field(l.n), make([]byte, 80)); return err }},
	{"HSET-longer", 10_000, func(l *million) error { _, err := l.tx.HSet(l.key, l.any(), make([]byte, 90)); return err }},
	{"HGET", 10_000, func(l *million) error { _, _, err := l.tx.HGet(l.key, l.any()); return err }},
	{"HDEL", 10_000, func(l *million) error { _, err := l.tx.HDel(l.key, l.any()); return err }},
	{"HLEN", 10_000, func(l *million) error { _, err := l.tx.HLen(l.key); return err }},
	{"HINCRBY", 10_000, func(l *million) error {
		_, err := l.tx.HIncrBy(l.key, fmt.Append(nil, l.rng.IntN(5000)), 1)
		return err
	}},
	{"HSCAN-10", 10_000, func(l *million) error {
		_, err := l.tx.HScan(l.key, uint64(l.rng.Uint32()), 10, func(_ []byte, _ engine.Value) bool { return true })
		return err
	}},
	{"HRANDFIELD", 10_000, func(l *million) error { _, err := l.tx.HRandom(l.key, func(_ []byte, _ engine.Value) {}); return err }},
	{"EXPIRE", 1000, func(l *million) error {
		l.tx.SetDeadline(l.key, l.tx.Now+100_000+int64(l.rng.IntN(100_000)))
		return nil
	}},
	{"PERSIST", 1000, func(l *million) error { l.tx.SetDeadline(l.key, engine.NoDeadline); return nil }},
	{"TTL", 1000, func(l *million) error { l.tx.Deadline(l.key); return nil }},
	{"TYPE", 1000, func(l *million) error { l.tx.Type(l.key); return nil }},
	{"OBJECT-ENCODING", 1000, func(l *million) error { l.tx.Encoding(l.key); return nil }},
	{"MEMORY-USAGE", 1000, func(l *million) error { l.tx.MemoryUsage(l.key); return nil }},
	{"DEL", 1, func(l *million) error { l.tx.Delete(l.key); return nil }},
	{"SET", 1, func(l *million) error { err := l.tx.Set(l.key, []byte("v"), 0); return err }},
	{"expire", 1, func(l *million) error {
		l.tx.SetDeadline(l.key, l.tx.Now+1)
		l.tx.Now += 2
		_, _, err := l.tx.HGet(l.key, l.any())
		return err
	}},
	{"evict", 1, func(*million) error { return nil }},
	{"FLUSHALL", 1, func(l *million) error { l.tx.FlushAll(); return nil }},
	{"RENAME", 1, func(l *million) error { _, err := l.tx.Rename(l.key, l.dst); return err }},
	{"MOVE", 1, func(l *million) error { _, err := l.tx.Move(l.key, 1); return err }},
	{"COPY", 1, func(l *million) error { _, err := l.tx.Copy(l.key, l.dst, 0, false); return err }},
	{"HGETALL", 1, func(l *million) error { return l.tx.HEach(l.key, func(_ []byte, _ engine.Value) bool { return true }) }},
}
