package engine_test

import (
	"bufio"
	"compress/gzip"
	"container/list"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/ulikunitz/xz"

	"github.com/redistill/redistill/engine"
)

// traceDir holds the traces that BenchmarkReplay reads; they lie beside the checkout, not in it.
var traceDir = flag.String("traces", "../../shared/traces", "directory of cache traces for the replay benchmarks")

// request is one look-up of a trace; on a miss the object is stored.
type request struct {
	id   uint64
	size int
}

// unitSize is the size given to the objects of traces that record none.
const unitSize = 4000

// openTrace opens a trace file through the decompressor that its name asks for.
func openTrace(name string) (io.Reader, error) {
	f, err := os.Open(filepath.Join(*traceDir, name))
	if err != nil {
		return nil, err
	}
	switch filepath.Ext(name) {
	case ".xz":
		return xz.NewReader(bufio.NewReader(f))
	case ".gz":
		return gzip.NewReader(f)
	}
	return nil, fmt.Errorf("%s: unknown compression", name)
}

// loadAdaptSize reads lines of time, id and size; (id, size) is the key.
func loadAdaptSize(r io.Reader) (reqs []request, err error) {
	ids := make(map[[2]uint64]uint64)
	for in := bufio.NewReader(r); ; {
		var at, id, size uint64
		if _, err = fmt.Fscanln(in, &at, &id, &size); err != nil {
			break
		}
		key := [2]uint64{id, size}
		if _, ok := ids[key]; !ok {
			ids[key] = uint64(len(ids))
		}
		reqs = append(reqs, request{ids[key], int(size)})
	}
	return reqs, ignoreEOF(err)
}

// loadScarab reads big-endian 64-bit keys.
func loadScarab(r io.Reader) (reqs []request, err error) {
	for in := bufio.NewReader(r); ; {
		var key [8]byte
		if _, err = io.ReadFull(in, key[:]); err != nil {
			break
		}
		reqs = append(reqs, request{binary.BigEndian.Uint64(key[:]), unitSize})
	}
	return reqs, ignoreEOF(err)
}

// loadARC reads lines of a first key, a number of keys, and two numbers that are not used.
func loadARC(r io.Reader) (reqs []request, err error) {
	for in := bufio.NewReader(r); ; {
		var start, count, zero, seq uint64
		if _, err = fmt.Fscanln(in, &start, &count, &zero, &seq); err != nil {
			break
		}
		for i := range count {
			reqs = append(reqs, request{start + i, unitSize})
		}
	}
	return reqs, ignoreEOF(err)
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

var traces = []struct {
	name, file string
	load       func(io.Reader) ([]request, error)
}{
	{"adaptsize", "adaptsize-request.trace.xz", loadAdaptSize},
	{"scarab", "scarab-recs.trace.xz", loadScarab},
	{"oltp", "arc-oltp.gz", loadARC},
}

// workingSet is the bytes of all objects of a trace.
func workingSet(reqs []request) (n int) {
	seen := make(map[uint64]bool)
	for _, r := range reqs {
		if !seen[r.id] {
			seen[r.id] = true
			n += r.size
		}
	}
	return n
}

// hitRatios are the shares of requests and of bytes that were found, in percent.
type hitRatios struct{ objects, bytes float64 }

// replay asks a cache for every object of a trace in turn.
func replay(reqs []request, get func(r request) bool) hitRatios {
	var hits, hitBytes, bytes float64
	for _, r := range reqs {
		bytes += float64(r.size)
		if get(r) {
			hits++
			hitBytes += float64(r.size)
		}
	}
	return hitRatios{100 * hits / float64(len(reqs)), 100 * hitBytes / bytes}
}

// BenchmarkReplay replays the traces against the engine's policies and the exact algorithms that they stand for, with caches of 1, 3 and
// 10 percent of the working set, and reports hit ratios. It measures no time: run it with -benchtime 1x.
func BenchmarkReplay(b *testing.B) {
	for _, tr := range traces {
		r, err := openTrace(tr.file)
		if errors.Is(err, fs.ErrNotExist) {
			b.Skipf("skipped, because the traces are not in %s", *traceDir)
		}
		if err != nil {
			b.Fatal(err)
		}
		reqs, err := tr.load(r)
		if err != nil {
			b.Fatal(err)
		}
		total := workingSet(reqs)
		for _, percent := range []int{1, 3, 10} {
			capacity := total * percent / 100
			report := func(name string, get func(r request) bool) {
				b.Run(fmt.Sprintf("%s/%d%%/%s", tr.name, percent, name), func(b *testing.B) {
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
func engineCache(b *testing.B, p engine.Policy, capacity int) (get func(r request) bool, done func()) {
	s, err := engine.OpenArena(engine.Options{MaxMemory: int64(capacity), Policy: p, Shards: 1})
	if err != nil {
		b.Fatal(err)
	}
	tx, val := s.NewTx(), make([]byte, 8<<20)
	tx.Now = 1
	var name [8]byte
	return func(r request) bool {
		binary.BigEndian.PutUint64(name[:], r.id)
		k := s.Key(name[:])
		tx.LockKey(k)
		_, ok, _ := tx.Get(k)
		tx.Unlock()
		if ok {
			return true
		}
		if s.Reserve(r.size+len(name)) == nil {
			tx.LockKey(k)
			_ = tx.Set(k, val[:r.size], engine.NoDeadline)
			tx.Unlock()
		}
		return false
	}, s.Close
}

// exactLRU returns the look-up of a cache that keeps the least recently used order exactly.
func exactLRU(capacity int) func(r request) bool {
	order, where, used := list.New(), make(map[uint64]*list.Element), 0
	return func(r request) bool {
		if e, ok := where[r.id]; ok {
			order.MoveToFront(e)
			return true
		}
		if r.size > capacity {
			return false
		}
		for used+r.size > capacity {
			e := order.Back()
			old := order.Remove(e).(request)
			delete(where, old.id)
			used -= old.size
		}
		where[r.id] = order.PushFront(r)
		used += r.size
		return false
	}
}

// exactS3FIFO returns the look-up of a cache that runs the algorithm of Yang et al., "FIFO queues are all you need for cache eviction"
// (SOSP 2023), object by object: a small queue of a tenth of the bytes, a main queue, and as many ghosts as the main queue has bytes.
func exactS3FIFO(capacity int) func(r request) bool {
	type object struct {
		request
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
			mainBytes -= o.size
			delete(where, o.id)
			return
		}
	}
	evictSmall := func() {
		for small.Len() > 0 {
			o := small.Remove(small.Back()).(*object)
			smallBytes -= o.size
			if o.hits > 1 {
				o.hits = 0
				main.PushFront(o)
				mainBytes += o.size
				continue
			}
			delete(where, o.id)
			ghosts.PushFront(o.request)
			ghost[o.id] = true
			for ghostBytes += o.size; ghostBytes > capacity*9/10; {
				old := ghosts.Remove(ghosts.Back()).(request)
				ghostBytes -= old.size
				delete(ghost, old.id)
			}
			return
		}
	}
	return func(r request) bool {
		if o := where[r.id]; o != nil {
			o.hits = min(o.hits+1, 3)
			return true
		}
		if r.size > capacity {
			return false
		}
		for smallBytes+mainBytes+r.size > capacity {
			if smallBytes*10 >= capacity || main.Len() == 0 {
				evictSmall()
			} else {
				evictMain()
			}
		}
		o := &object{request: r}
		where[r.id] = o
		if ghost[r.id] {
			main.PushFront(o)
			mainBytes += r.size
		} else {
			small.PushFront(o)
			smallBytes += r.size
		}
		return false
	}
}
