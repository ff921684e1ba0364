package engine_test

import (
	"container/list"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"testing"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/test/traces"
)

// traceDir holds the traces that BenchmarkReplay reads.
var traceDir = flag.String("traces", "", "directory of the traces of package traces, for BenchmarkReplay")

// hitRatios are the shares of requests and of bytes that were found, in percent.
type hitRatios struct{ objects, bytes float64 }

// replay asks a cache for every object of a trace in turn.
func replay(reqs []traces.Request, get func(r traces.Request) bool) hitRatios {
	var hits, hitBytes, bytes float64
	for _, r := range reqs {
		bytes += float64(r.Size)
		if get(r) {
			hits++
			hitBytes += float64(r.Size)
		}
	}
	return hitRatios{100 * hits / float64(len(reqs)), 100 * hitBytes / bytes}
}

// BenchmarkReplay replays the traces against the engine's policies and the exact algorithms that they stand for, with caches of 1, 3 and
// 10 percent of the working set, and reports hit ratios. It measures no time: run it with -benchtime 1x.
func BenchmarkReplay(b *testing.B) {
	for _, trace := range traces.Names {
		reqs, err := traces.Load(*traceDir, trace)
		if errors.Is(err, fs.ErrNotExist) {
			b.Skipf("skipped, because the traces are not in -traces %s", *traceDir)
		}
		if err != nil {
			b.Fatal(err)
		}
		total := traces.WorkingSet(reqs)
		for _, percent := range []int{1, 3, 10} {
			capacity := total * percent / 100
			report := func(name string, get func(r traces.Request) bool) {
				b.Run(fmt.Sprintf("%s/%d%%/%s", trace, percent, name), func(b *testing.B) {
					var h hitRatios
					for range b.N {
						h = replay(reqs, get)
					}
					b.ReportMetric(h.objects, "objects%")
					b.ReportMetric(h.bytes, "bytes%")
					b.ReportMetric(0, "ns/op")
				})
			}
			report("exact-lru", exactLRU(capacity))
			report("exact-s3fifo", exactS3FIFO(capacity))
			for _, name := range engine.Policies() {
				if p, _ := engine.ParsePolicy(name); p < engine.VolatileLRU {
					get, done := engineCache(b, p, capacity)
					report(name, get)
					done()
				}
			}
		}
	}
}

// engineCache returns the look-up of a Store whose arena, index included, takes capacity bytes.
func engineCache(b *testing.B, p engine.Policy, capacity int) (get func(r traces.Request) bool, done func()) {
	s, err := engine.OpenArena(engine.Options{MaxMemory: int64(capacity), Policy: p, Shards: 1})
	if err != nil {
		b.Fatal(err)
	}
	tx, val := s.NewTx(), make([]byte, 8<<20)
	tx.Now = 1
	var name [8]byte
	return func(r traces.Request) bool {
		binary.BigEndian.PutUint64(name[:], r.ID)
		k := s.Key(name[:])
		tx.LockKey(k)
		_, ok, _ := tx.Get(k)
		tx.Unlock()
		if ok {
			return true
		}
		if s.Reserve(r.Size+len(name)) == nil {
			tx.LockKey(k)
			_ = tx.Set(k, val[:r.Size], engine.NoDeadline)
			tx.Unlock()
		}
		return false
	}, s.Close
}

// exactLRU returns the look-up of a cache that keeps the least recently used order exactly.
func exactLRU(capacity int) func(r traces.Request) bool {
	order, where, used := list.New(), make(map[uint64]*list.Element), 0
	return func(r traces.Request) bool {
		if e, ok := where[r.ID]; ok {
			order.MoveToFront(e)
			return true
		}
		if r.Size > capacity {
			return false
		}
		for used+r.Size > capacity {
			e := order.Back()
			old := order.Remove(e).(traces.Request)
			delete(where, old.ID)
			used -= old.Size
		}
		where[r.ID] = order.PushFront(r)
		used += r.Size
		return false
	}
}

// exactS3FIFO returns the look-up of a cache that runs the algorithm of Yang et al., "FIFO queues are all you need for cache eviction"
// (SOSP 2023), object by object: a small queue of a tenth of the bytes, a main queue, and as many ghosts as the main queue has bytes.
func exactS3FIFO(capacity int) func(r traces.Request) bool {
	type object struct {
		traces.Request
		hits int
	}
	var small, main, ghosts list.List
	var smallBytes, mainBytes, ghostBytes int
	where, ghost := make(map[uint64]*object), make(map[uint64]bool)
	evictMain := func() {
		for main.Len() > 0 {
			o := main.Remove(main.Back()).(*object)
			if o.hits > 0 {
				o.hits--
				main.PushFront(o)
				continue
			}
			mainBytes -= o.Size
			delete(where, o.ID)
			return
		}
	}
	evictSmall := func() {
		for small.Len() > 0 {
			o := small.Remove(small.Back()).(*object)
			smallBytes -= o.Size
			if o.hits > 1 {
				o.hits = 0
				main.PushFront(o)
				mainBytes += o.Size
				continue
			}
			delete(where, o.ID)
			ghosts.PushFront(o.Request)
			ghost[o.ID] = true
			for ghostBytes += o.Size; ghostBytes > capacity*9/10; {
				old := ghosts.Remove(ghosts.Back()).(traces.Request)
				ghostBytes -= old.Size
				delete(ghost, old.ID)
			}
			return
		}
	}
	return func(r traces.Request) bool {
		if o := where[r.ID]; o != nil {
			o.hits = min(o.hits+1, 3)
			return true
		}
		if r.Size > capacity {
			return false
		}
		for smallBytes+mainBytes+r.Size > capacity {
			if smallBytes*10 >= capacity || main.Len() == 0 {
				evictSmall()
			} else {
				evictMain()
			}
		}
		o := &object{Request: r}
		where[r.ID] = o
		if ghost[r.ID] {
			main.PushFront(o)
			mainBytes += r.Size
		} else {
			small.PushFront(o)
			smallBytes += r.Size
		}
		return false
	}
}
