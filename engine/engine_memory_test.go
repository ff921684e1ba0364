package engine_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/test/await"
)

const (
	limit   = 16 << 20 // bytes
	valSize = 4 << 10
	twice   = 2 * limit / valSize // values that take twice the limit
)

var val = strings.Repeat("v", valSize)

func key(i int) string { return fmt.Sprint("key", i) }

func keys(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = key(i)
	}
	return names
}

// add stores a value as a command does: it makes room first.
func (f *fixture) add(key string, deadline int64) error {
	var err error
	f.unlocked(func() { err = f.s.Reserve(len(key) + valSize) })
	if err == nil {
		err = f.tx.Set(f.k(key), []byte(val), deadline)
	}
	return err
}

// overfill stores twice what fits under the keys 0 to n-1, the time going on by a second with each.
func (f *fixture) overfill(deadline int64) (n int) {
	f.Helper()
	for i := range twice {
		f.tx.Now += 1000
		f.check(f.add(key(i), deadline))
	}
	return twice
}

// survivors counts which keys of a range are there.
func (f *fixture) survivors(from, to int) (n int) {
	for i := from; i < to; i++ {
		if f.exists(key(i)) {
			n++
		}
	}
	return n
}

func (f *fixture) wantWithinLimit() {
	f.Helper()
	if st := f.stats(); st.DataBytes+st.OverheadBytes > f.s.MaxMemory()+2*valSize {
		f.Errorf("%d + %d bytes of a limit of %d", st.DataBytes, st.OverheadBytes, f.s.MaxMemory())
	}
}

func TestPolicies(t *testing.T) {
	for i, name := range engine.Policies() {
		p, ok := engine.ParsePolicy(name)
		equal(t, name, ok && int(p) == i && p.String() == name, true)
	}
	_, ok := engine.ParsePolicy("nosuch")
	equal(t, "nosuch", ok, false)
	f := open(t, engine.Options{MaxMemory: limit, Policy: engine.VolatileTTL})
	equal(t, "Policy", f.s.Policy(), engine.VolatileTTL)
	equal(t, "MaxMemory", f.s.MaxMemory(), limit)
	f.s.SetPolicy(engine.NoEviction)
	f.s.SetMaxMemory(2 * limit)
	equal(t, "Policy", f.s.Policy(), engine.NoEviction)
	equal(t, "MaxMemory", f.s.MaxMemory(), 2*limit)
}

func TestEvictionKeepsTheLimit(t *testing.T) {
	for _, name := range engine.Policies() {
		p, _ := engine.ParsePolicy(name)
		if p == engine.NoEviction {
			continue
		}
		t.Run(name, func(t *testing.T) {
			f := open(t, engine.Options{MaxMemory: limit, Policy: p})
			n := f.overfill(time.Now().Add(1000 * time.Hour).UnixMilli())
			f.wantWithinLimit()
			left := f.survivors(0, n)
			equal(t, "Len", f.tx.Len(), left)
			equal(t, "Evicted", f.stats().Evicted, uint64(n-left))
			equal(t, "EvictedBy", f.stats().EvictedBy[p], uint64(n-left))
			if left < n/4 { // half fits
				t.Errorf("%d of %d keys are left", left, n)
			}
			f.tx.ResetStats()
			equal(t, "Evicted after ResetStats", f.stats().Evicted, 0)
		})
	}
}

func TestNoEviction(t *testing.T) {
	f := open(t, engine.Options{MaxMemory: limit, Policy: engine.NoEviction})
	var err error
	n := 0
	for ; err == nil && n < twice; n++ {
		err = f.add(key(n), engine.NoDeadline)
	}
	f.wantErr("full", err, engine.ErrOutOfMemory)
	equal(t, "survivors", f.survivors(0, n), n-1)
	if n < twice/4 {
		t.Errorf("%d values of %d bytes fill %d bytes", n-1, valSize, limit)
	}
	equal(t, "Evicted", f.stats().Evicted, 0)
	f.tx.FlushAll()
	f.check(f.add("after the flush", engine.NoDeadline))
}

func TestVolatilePoliciesSpareOtherKeys(t *testing.T) {
	for _, p := range []engine.Policy{engine.VolatileLRU, engine.VolatileLFU, engine.VolatileRandom, engine.VolatileTTL} {
		t.Run(p.String(), func(t *testing.T) {
			f := open(t, engine.Options{MaxMemory: limit, Policy: p})
			for i := range twice / 8 {
				f.check(f.add(key(i), engine.NoDeadline))
				f.check(f.add(key(twice+i), f.base+int64(100*time.Hour/time.Millisecond)))
			}
			var err error
			n := twice / 8
			for ; err == nil && n < twice; n++ {
				err = f.add(key(n), engine.NoDeadline)
			}
			f.wantErr("only keys without a TTL are left", err, engine.ErrOutOfMemory)
			equal(t, "without TTL", f.survivors(0, n), n-1)
			equal(t, "with TTL", f.survivors(twice, twice+twice/8), 0)
			equal(t, "Evicted", f.stats().Evicted, twice/8)
		})
	}
}

// The first eighth of the keys is read again and again while twice the limit is stored.
func TestEvictionSparesUsedKeys(t *testing.T) {
	for _, p := range []engine.Policy{engine.AllKeysLRU, engine.AllKeysLFU, engine.VolatileLRU, engine.VolatileLFU, engine.AllKeysS3FIFO, engine.AllKeysDensity} {
		t.Run(p.String(), func(t *testing.T) {
			f := open(t, engine.Options{MaxMemory: limit, Policy: p})
			hot := twice / 8
			used := keys(hot)
			deadline := f.base + int64(1000*time.Hour/time.Millisecond)
			for i := range twice {
				f.tx.Now += 10
				f.check(f.add(key(i), deadline))
				if i >= hot && i%(hot/4) == 0 {
					for range 4 {
						for _, name := range used {
							_, _, _ = f.tx.Get(f.k(name))
						}
					}
				}
			}
			if there, others := f.survivors(0, hot), f.survivors(hot, twice); there < hot*9/10 || others > twice*6/10 {
				t.Errorf("%d of %d used keys survive, and %d of %d others", there, hot, others, twice-hot)
			}
		})
	}
}

func TestVolatileTTLEvictsTheSoonestFirst(t *testing.T) {
	f := open(t, engine.Options{MaxMemory: limit, Policy: engine.VolatileTTL})
	hour := int64(time.Hour / time.Millisecond)
	for i := range twice / 2 {
		f.check(f.add(key(i), f.base+1000*hour))
		f.check(f.add(key(twice+i), f.base+10*hour))
	}
	late, soon := f.survivors(0, twice/2), f.survivors(twice, twice+twice/2)
	if late < 2*soon {
		t.Errorf("%d keys with a late deadline survive and %d with a soon one", late, soon)
	}
}

func TestTooLarge(t *testing.T) {
	f := open(t, engine.Options{MaxMemory: limit, Policy: engine.AllKeysLRU})
	huge := make([]byte, limit+1)
	f.set("k", "v")
	f.hset("h", "f", "v")
	token := f.tx.Watch(f.k("k"))
	var reserve, nearly error
	f.unlocked(func() { reserve, nearly = f.s.Reserve(len(huge)), f.s.Reserve(limit-1) })
	_, appendErr := f.tx.Append(f.k("k"), huge)
	_, rangeErr := f.tx.SetRange(f.k("k"), limit, []byte("x"))
	_, newErr := f.tx.SetRange(f.k("new"), limit-len("new"), []byte("x")) // a byte too much
	_, hashErr := f.tx.HSet(f.k("h"), []byte("f"), huge)
	for what, err := range map[string]error{
		"Reserve": reserve, "Reserve of what no block is left beside": nearly, "Set": f.tx.Set(f.k("k"), huge, 0), "Append": appendErr, "SetRange": rangeErr,
		"SetRange of missing": newErr, "HSet": hashErr,
	} {
		f.wantErr(what, err, engine.ErrOutOfMemory)
	}
	equal(t, "string", f.get("k"), "v")
	equal(t, "hash", f.hget("h", "f"), "v")
	equal(t, "Len", f.tx.Len(), 2)
	equal(t, "changed", f.tx.Changed(f.k("k"), token), false)
	equal(t, "Evicted", f.stats().Evicted, 0)
	f.tx.Unwatch(f.k("k"))
}

func TestChangedLimit(t *testing.T) {
	f := open(t, engine.Options{Policy: engine.NoEviction})
	for i := range twice {
		f.check(f.add(key(i), engine.NoDeadline))
	}
	f.s.SetMaxMemory(limit)
	var err error
	f.unlocked(func() { err = f.s.Reserve(1) })
	f.wantErr("over the limit", err, engine.ErrOutOfMemory)
	equal(t, "survivors", f.survivors(0, twice), twice)
	f.s.SetPolicy(engine.AllKeysRandom)
	f.unlocked(func() { err = f.s.Reserve(1) })
	f.check(err)
	f.wantWithinLimit()
	f.s.SetMaxMemory(0)
	f.unlocked(func() { err = f.s.Reserve(1 << 40) })
	f.check(err)
}

func TestByteCounts(t *testing.T) {
	f := open(t, engine.Options{})
	empty := f.stats()
	for i := range 1000 {
		f.set(key(i), val)
	}
	f.fill("h", largeHash)
	full := f.stats()
	if got := full.DataBytes - empty.DataBytes; got < 1000*valSize || got > 1200*valSize {
		t.Errorf("1000 values of %d bytes count as %d bytes of data", valSize, got)
	}
	if full.OverheadBytes <= 0 {
		t.Errorf("overhead of %d bytes", full.OverheadBytes)
	}
	f.tx.FlushAll()
	if got := f.stats().DataBytes; got > empty.DataBytes {
		t.Errorf("%d bytes of data are left after FlushAll", got)
	}
}

// What a command adds to the byte counts, what undoes it takes away.
func TestByteCountsReturn(t *testing.T) {
	f := open(t, engine.Options{})
	for name, do := range map[string]func(){
		"set":      func() { f.set("k", val); f.set("k", ""); f.set("k", val+val) },
		"append":   func() { _, _ = f.tx.Append(f.k("k"), []byte(val)); _, _ = f.tx.Append(f.k("k"), []byte(val)) },
		"setrange": func() { _, _ = f.tx.SetRange(f.k("k"), 100, []byte(val)) },
		"incr":     func() { _, _ = f.tx.IncrBy(f.k("k"), 1<<40); _, _ = f.tx.IncrBy(f.k("k"), -1<<40) },
		"hash":     func() { f.fill("k", largeHash); f.fill("k", largeHash); f.hset("k", "f0", val); f.hdel("k", "f1") },
		"deadline": func() { f.set("k", val); f.tx.SetDeadline(f.k("k"), f.base+10); f.tx.SetDeadline(f.k("k"), 0) },
		"rename":   func() { f.set("x", val); f.set("k", "old"); f.rename(f.k("x"), f.k("k")) },
		"copy":     func() { f.fill("x", largeHash); _, _ = f.tx.Copy(f.k("x"), f.k("k"), 0, true); f.tx.Delete(f.k("x")) },
		"move":     func() { f.inDB(1, func() { f.set("k", val); f.move(f.k("k"), 0) }) },
		"swap":     func() { f.inDB(1, func() { f.set("k", val); f.tx.SwapDB(0, 1) }) },
	} {
		before := f.stats().DataBytes
		do()
		equal(t, name+" made a key", f.tx.Delete(f.k("k")), true)
		equal(t, name+": data", f.stats().DataBytes, before)
	}
}

func TestStats(t *testing.T) {
	f := open(t, engine.Options{})
	for i := range 10 {
		f.set(key(i), "v")
	}
	f.inDB(2, func() { f.setUntil("a", "v", f.base+1000); f.setUntil("b", "v", f.base+3000); f.set("c", "v") })
	st := f.stats()
	equal(t, "Keys", st.Keys[0], 10)
	equal(t, "Expires", st.Expires[0], 0)
	equal(t, "AvgTTL", st.AvgTTL[0], 0)
	equal(t, "Keys", st.Keys[2], 3)
	equal(t, "Expires", st.Expires[2], 2)
	if avg, most := st.AvgTTL[2], f.base+2000-time.Now().Add(-time.Minute).UnixMilli(); avg <= 0 || avg > most {
		t.Errorf("AvgTTL is %d, want 1 to %d", avg, most)
	}
}

func TestHitsAndMisses(t *testing.T) {
	f := open(t, engine.Options{})
	none, field := func(_ []byte, _ engine.Value) {}, []byte("f")
	for name, c := range map[string]struct {
		counts bool
		do     func(k engine.Key) error
	}{
		"Exists":      {true, func(k engine.Key) error { f.tx.Exists(k); return nil }},
		"Type":        {true, func(k engine.Key) error { f.tx.Type(k); return nil }},
		"Deadline":    {true, func(k engine.Key) error { f.tx.Deadline(k); return nil }},
		"Copy":        {true, func(k engine.Key) error { _, err := f.tx.Copy(k, f.k("copy"), 0, true); return err }},
		"Touch":       {true, func(k engine.Key) error { f.tx.Touch(k); return nil }},
		"Get":         {true, func(k engine.Key) error { _, _, err := f.tx.Get(k); return err }},
		"HGet":        {true, func(k engine.Key) error { _, _, err := f.tx.HGet(k, field); return err }},
		"HLen":        {true, func(k engine.Key) error { _, err := f.tx.HLen(k); return err }},
		"HEach":       {true, func(k engine.Key) error { return f.tx.HEach(k, func(_ []byte, _ engine.Value) bool { return true }) }},
		"HRandom":     {true, func(k engine.Key) error { _, err := f.tx.HRandom(k, none); return err }},
		"Encoding":    {false, func(k engine.Key) error { f.tx.Encoding(k); return nil }},
		"Idle":        {false, func(k engine.Key) error { f.tx.Idle(k); return nil }},
		"MemoryUsage": {false, func(k engine.Key) error { f.tx.MemoryUsage(k); return nil }},
		"Set":         {false, func(k engine.Key) error { return f.tx.Set(k, field, 0) }},
		"HSet":        {false, func(k engine.Key) error { _, err := f.tx.HSet(k, field, field); return err }},
		"IncrBy":      {false, func(k engine.Key) error { _, err := f.tx.IncrBy(k, 1); return err }},
		"Delete":      {false, func(k engine.Key) error { f.tx.Delete(k); return nil }},
	} {
		f.tx.FlushAll()
		if strings.HasPrefix(name, "H") {
			f.fill("there", largeHash)
		} else {
			f.set("there", "1")
		}
		f.tx.ResetStats()
		f.check(errors.Join(c.do(f.k("there")), c.do(f.k("missing"))))
		st, want := f.stats(), uint64(0)
		if c.counts {
			want = 1
		}
		equal(t, name+" hits", st.Hits, want)
		equal(t, name+" misses", st.Misses, want)
	}
}

// Records of which only one fits into a block leave a third of it empty, and moving them does not help. That must come to an end.
func TestRoomAmongLargeRecords(t *testing.T) {
	for _, name := range engine.Policies() {
		p, _ := engine.ParsePolicy(name)
		t.Run(name, func(t *testing.T) {
			f := open(t, engine.Options{MaxMemory: 4 << 20, Shards: 1, Policy: p})
			var used []engine.Key
			for i := range 200 {
				used = append(used, f.k(strings.Repeat("k", 31<<10)+key(i)))
				var err error
				f.unlocked(func() { err = f.s.Reserve(48 << 10) })
				if err != nil {
					f.wantErr("Reserve", err, engine.ErrOutOfMemory)
					break
				}
				f.check(f.tx.Set(used[i], make([]byte, 12<<10), engine.NoDeadline))
				if i%8 == 0 { // all of them are in use
					for _, k := range used[:i] {
						_, _, _ = f.tx.Get(k)
					}
				}
			}
		})
	}
}

// TestDeadBytesComeBack: a store far from its limit does not grow when its values are written again and again.
func TestDeadBytesComeBack(t *testing.T) {
	f := open(t, engine.Options{Shards: 1})
	for round := range 40 {
		for i := range 4000 {
			if (i*i+round)%7 == 0 { // others stay, so that no block dies as a whole
				f.set(key(i), strings.Repeat("v", 500+(i*31+round*197)%3000))
			} else if round == 0 {
				f.set(key(i), strings.Repeat("v", 100))
			}
		}
		f.unlocked(func() { f.s.ExpireCycle(time.Now().UnixMilli()) })
	}
	if st := f.stats(); st.DeadBytes > st.DataBytes/2 {
		t.Errorf("%d bytes are dead beside %d live ones", st.DeadBytes, st.DataBytes)
	}
}

// What the sweep of a record costs it in frequency, a value in parts pays for its root record, not for each part.
func TestPartsCostNoFrequency(t *testing.T) {
	f := open(t, engine.Options{Shards: 1, Policy: engine.AllKeysLFU})
	f.fill("h", 20_000)
	for range 100_000 {
		f.tx.Touch(f.k("h"))
	}
	for i := range 1000 {
		f.set(key(i), val)
	}
	before, _ := f.tx.Frequency(f.k("h"))
	f.unlocked(func() { f.s.Reclaim(40) })
	after, ok := f.tx.Frequency(f.k("h"))
	const step = 17 // of Frequency, for one of the record's count
	if !ok || after < before-2*step {
		t.Errorf("frequency went from %d to %d, key is there: %v", before, after, ok)
	}
}

// TestLimitSetBesideBackground: the limit that was set last holds, also if the background is just at work with the one before. Whoever sets
// it waits for its turn before it reads the limit, and not only to measure the process: from there the older one could come back last.
func TestLimitSetBesideBackground(t *testing.T) {
	s, err := engine.Open(engine.Options{Policy: engine.NoEviction})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.StopBackground()
	s.SetMaxMemory(1)
	var both sync.WaitGroup
	measure := s.DelayMeasuring()
	both.Go(func() { s.Tick(0) })
	await.True(t, "the background is about to measure the process", func() bool { return waiting("engine.(*governor).rest") == 1 })
	both.Go(func() { s.SetMaxMemory(1 << 40) })
	await.True(t, "the other one waits", func() bool { return waiting("engine.(*Store).setLimit") == 2 })
	if n := waiting("engine.(*governor).rest"); n != 1 {
		t.Errorf("%d at a time are about to measure the process, want 1", n)
	}
	measure()
	both.Wait()
	if err := s.Reserve(1); err != nil {
		t.Fatal("there is no room within 1 TB: ", err)
	}
}
