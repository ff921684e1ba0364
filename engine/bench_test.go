package engine_test

import (
	"bytes"
	"encoding/binary"
	"flag"
	"hash/maphash"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
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
			if old, ok := m.m[string(key)]; ok && len(old) == len(val) {
				copy(old, val)
			} else {
				m.m[string(key)] = append([]byte(nil), val...)
			}
			m.mu.Unlock()
		},
	}
}

// BenchmarkStore compares the engine with locked maps: filling with -bench.keys keys, then reads and overwrites of random ones of them,
// and inserts of more. Fill is the mean of all keys and thus has its full part of what growing costs, and of the garbage collector's
// work, which comes once for each doubling of the heap; the inserts at the end have as much of both as falls into their time.
//
// Beside the time there is the CPU time outside of the kernel. The kernel's part is page faults of fresh memory, and those can be
// anything in a virtual machine: where the host has to find the memory first they cost several times all else.
func BenchmarkStore(b *testing.B) {
	for _, name := range []string{"engine", "maps"} {
		b.Run(name, func(b *testing.B) {
			if name == "maps" {
				benchSubject(b, new(lockedMaps).subject())
				return
			}
			s, err := engine.Open(engine.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			benchSubject(b, newEngine(s))
		})
	}
}

func benchSubject(b *testing.B, sub subject) {
	n, buf, val := uint64(*benchKeys), make([]byte, 16), make([]byte, benchValue)
	begin, user := time.Now(), userTime()
	for i := range n {
		sub.set(benchKey(buf, i), val)
	}
	fill := time.Since(begin)
	user = userTime() - user
	b.Run("fill", func(b *testing.B) {
		b.ReportMetric(float64(fill)/float64(n), "ns/op")
		b.ReportMetric(float64(user)/float64(n), "user-ns/op")
	})
	rng := rand.New(rand.NewPCG(1, 2))
	benchOp(b, "get", func() {
		if sub.get(benchKey(buf, rng.Uint64N(n))) != benchValue {
			b.Fatal("a key is missing")
		}
	})
	benchOp(b, "overwrite", func() { sub.set(benchKey(buf, rng.Uint64N(n)), val) })
	next := n
	benchOp(b, "new", func() {
		sub.set(benchKey(buf, next), val)
		next++
	})
}

// benchOp measures a function, also in CPU time outside of the kernel.
func benchOp(b *testing.B, name string, op func()) {
	b.Run(name, func(b *testing.B) {
		b.ReportAllocs()
		user := userTime()
		for b.Loop() {
			op()
		}
		b.ReportMetric(float64(userTime()-user)/float64(b.N), "user-ns/op")
	})
}

// BenchmarkMix does 95 reads to 5 overwrites of random keys on as many processors as -cpu says.
func BenchmarkMix(b *testing.B) {
	s, err := engine.Open(engine.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	n := uint64(*benchKeys)
	fill := newEngine(s)
	for i := range n {
		fill.set(benchKey(make([]byte, 16), i), make([]byte, benchValue))
	}
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		sub, buf, val := newEngine(s), make([]byte, 16), make([]byte, benchValue)
		rng := rand.New(rand.NewPCG(rand.Uint64(), 2))
		for pb.Next() {
			if key := benchKey(buf, rng.Uint64N(n)); rng.Uint64N(20) == 0 {
				sub.set(key, val)
			} else {
				sub.get(key)
			}
		}
	})
}

// userTime is the CPU time that the process has taken outside of the kernel, 0 where /proc does not tell.
func userTime() time.Duration {
	b, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return 0
	}
	after := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:])) // the fields from the third on
	ticks, _ := strconv.ParseInt(after[11], 10, 64)
	return time.Duration(ticks) * time.Second / 100
}
