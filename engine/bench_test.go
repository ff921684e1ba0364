package engine_test

import (
	"encoding/binary"
	"flag"
	"hash/maphash"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/redistill/redistill/engine"
)

// benchKeys is the number of keys that the benchmarks work on; the figures in docs/performance.md are taken with 10 million.
var benchKeys = flag.Int("bench.keys", 1_000_000, "number of keys of the engine's benchmarks")

const benchValue = 256 // bytes

// benchKey writes the i-th key, 16 bytes, into buf.
func benchKey(buf []byte, i uint64) []byte {
	binary.BigEndian.PutUint64(buf, i)
	binary.BigEndian.PutUint64(buf[8:], i*0x9e3779b97f4a7c15)
	return buf[:16]
}

// subject is a store that is measured: the engine, or the maps that it is compared with.
type subject struct {
	get func(key []byte) int
	set func(key, val []byte)
}

// newEngine returns functions on one Tx, for one goroutine.
func newEngine(s *engine.Store) subject {
	tx, dst := s.NewTx(), make([]byte, 0, 4096)
	now := time.Now().UnixMilli()
	return subject{
		get: func(key []byte) int {
			tx.Now = now
			k := s.Key(key)
			tx.LockKey(k)
			v, _, _ := tx.Get(k)
			dst = v.AppendTo(dst[:0])
			tx.Unlock()
			return len(dst)
		},
		set: func(key, val []byte) {
			tx.Now = now
			k := s.Key(key)
			_ = s.Reserve(len(key) + len(val))
			tx.LockKey(k)
			_ = tx.Set(k, val, engine.NoDeadline)
			tx.Unlock()
		},
	}
}

// lockedMaps is the plain way to keep a cache in Go: 256 maps, each with its mutex.
type lockedMaps [256]struct {
	mu sync.Mutex
	m  map[string][]byte
}

func (l *lockedMaps) subject() subject {
	seed, dst := maphash.MakeSeed(), make([]byte, 0, 4096)
	for i := range l {
		l[i].m = make(map[string][]byte)
	}
	return subject{
		get: func(key []byte) int {
			m := &l[maphash.Bytes(seed, key)%256]
			m.mu.Lock()
			dst = append(dst[:0], m.m[string(key)]...)
			m.mu.Unlock()
			return len(dst)
		},
		set: func(key, val []byte) {
			m := &l[maphash.Bytes(seed, key)%256]
			m.mu.Lock()
			if old, ok := m.m[string(key)]; ok && cap(old) >= len(val) {
				m.m[string(key)] = append(old[:0], val...)
			} else {
				m.m[string(key)] = append([]byte(nil), val...)
			}
			m.mu.Unlock()
		},
	}
}

// BenchmarkStore compares the engine with locked maps: reads and overwrites of random keys among -bench.keys, and inserts of new ones.
func BenchmarkStore(b *testing.B) {
	for _, name := range []string{"engine", "maps"} {
		b.Run(name, func(b *testing.B) {
			var sub subject
			if name == "engine" {
				s, err := engine.Open(engine.Options{})
				if err != nil {
					b.Fatal(err)
				}
				defer s.Close()
				sub = newEngine(s)
			} else {
				sub = new(lockedMaps).subject()
			}
			n, buf, val := uint64(*benchKeys), make([]byte, 16), make([]byte, benchValue)
			for i := range n {
				sub.set(benchKey(buf, i), val)
			}
			rng := rand.New(rand.NewPCG(1, 2))
			b.Run("get", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if sub.get(benchKey(buf, rng.Uint64N(n))) != benchValue {
						b.Fatal("a key is missing")
					}
				}
			})
			b.Run("overwrite", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					sub.set(benchKey(buf, rng.Uint64N(n)), val)
				}
			})
			next := n
			b.Run("new", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					sub.set(benchKey(buf, next), val)
					next++
				}
			})
		})
	}
}
