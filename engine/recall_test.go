package engine_test

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/redistill/redistill/engine"
)

// savedUse is a Sink that keeps what a snapshot says of the use of keys.
type savedUse struct{ keys []engine.SnapshotKey }

func (s *savedUse) Key(k *engine.SnapshotKey) error {
	key := *k
	key.Key = append([]byte(nil), k.Key...)
	s.keys = append(s.keys, key)
	return nil
}
func (s *savedUse) String([]byte) error { return nil }
func (s *savedUse) Len(int) error       { return nil }
func (s *savedUse) Bytes([]byte) error  { return nil }

// clients ask a cache for keys, a few of them much more often than the others, and a third of the time for one that is never asked for
// again. They store what is not there.
type clients struct{ *fixture }

const clientVal = 1 << 10

func newClients(t *testing.T, p engine.Policy, limit int64) *clients {
	s, err := engine.OpenArena(engine.Options{MaxMemory: limit, Policy: p, Shards: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	s.StopBackground()
	c := &clients{fixture: &fixture{T: t, s: s, tx: s.NewTx()}}
	c.tx.Now = 1e12
	return c
}

// ask makes n requests, a hundred in a second, and returns how many of them hit. What they are follows from seed.
func (c *clients) ask(seed uint64, n int) (hits int) {
	r := rand.New(rand.NewPCG(seed, 0))
	zipf := rand.NewZipf(r, 1.1, 50, 100_000)
	var name [9]byte
	for i := range n {
		if i%100 == 0 {
			c.tx.Now += 1000
			c.s.ExpireCycle(c.tx.Now)
		}
		id := zipf.Uint64()
		if name[0] = 0; r.IntN(3) == 0 {
			name[0], id = 1, seed<<32+uint64(i)
		}
		binary.BigEndian.PutUint64(name[1:], id)
		k := c.s.Key(name[:])
		c.tx.LockKey(k)
		_, ok, _ := c.tx.Get(k)
		c.tx.Unlock()
		if ok {
			hits++
			continue
		}
		c.store(k)
	}
	return hits
}

func (c *clients) store(k engine.Key) {
	c.Helper()
	c.check(c.s.Reserve(clientVal))
	c.tx.LockKey(k)
	defer c.tx.Unlock()
	deadline := engine.NoDeadline
	if c.s.Policy() >= engine.VolatileLRU {
		deadline = 2e12
	}
	c.check(c.tx.Set(k, make([]byte, clientVal), deadline))
}

// recall loads what a snapshot had, with what it says of the use of keys if use is set.
func (c *clients) recall(keys []engine.SnapshotKey, use bool) {
	var sample []int64
	for i := range keys {
		if keys[i].Idle >= 0 && i < 1000 && use {
			sample = append(sample, keys[i].Idle)
		}
	}
	c.s.BeginRecall(c.tx.Now, sample)
	for i := range keys {
		k := c.s.Key(keys[i].Key)
		c.store(k)
		c.tx.LockKey(k)
		if use && keys[i].Idle >= 0 {
			c.tx.SetIdle(k, keys[i].Idle*1000)
		}
		if use && keys[i].Frequency >= 0 {
			c.tx.SetFrequency(k, keys[i].Frequency)
		}
		c.tx.Unlock()
	}
	c.s.EndRecall()
}

// A cache that was started anew finds nearly as much as one that was not; and more than one that does not know which keys were used, also
// with less memory than before. Which keys share a block follows from the seed of the hash, and so the hits are others in each process: in 21 of
// them all bounds were 11 standard deviations away or more.
func TestRecall(t *testing.T) {
	const limit = 16 << 20
	for _, p := range []engine.Policy{engine.AllKeysLRU, engine.AllKeysLFU, engine.AllKeysS3FIFO, engine.AllKeysDensity, engine.VolatileLRU, engine.VolatileLFU} {
		t.Run(p.String(), func(t *testing.T) {
			old := newClients(t, p, limit)
			old.ask(1, 200_000)
			saved := &savedUse{}
			old.tx.LockAll()
			sn, err := old.tx.BeginSnapshot()
			old.tx.Unlock()
			old.check(err)
			old.check(sn.Write(saved))
			hits := func(part int64, use bool) int {
				c := newClients(t, p, limit/part)
				c.recall(saved.keys, use)
				return c.ask(2, 10_000)
			}
			uninterrupted, recalled, forgetful := old.ask(2, 10_000), 0, 0
			for _, part := range []int64{1, 2, 4} {
				n := hits(part, true)
				if recalled, forgetful = recalled+n, forgetful+hits(part, false); part == 1 && n < uninterrupted*95/100 {
					t.Errorf("%d hits, %d without a restart", n, uninterrupted)
				}
			}
			if recalled <= forgetful {
				t.Errorf("%d hits, %d without what was saved", recalled, forgetful)
			}
		})
	}
}

// What SetIdle is told of a sample is told again by Idle, as exactly as four bits allow, and longer as time goes by.
func TestRecalledIdleTime(t *testing.T) {
	c := openClocked(t, engine.Options{Policy: engine.AllKeysLRU})
	var idle []int64
	for i := range int64(1000) {
		idle = append(idle, i*i/100)
	}
	c.unlocked(func() { c.s.BeginRecall(c.tx.Now, append([]int64(nil), idle...)) })
	names := keys(len(idle))
	c.act(func() { c.set("first", "v") })
	c.pass(time.Second) // spans begin that are none of those for the keys to come
	for i, name := range names {
		c.act(func() {
			c.set(name, "v")
			c.tx.SetIdle(c.k(name), idle[i]*1000)
		})
	}
	c.unlocked(c.s.EndRecall)
	c.pass(5 * time.Second)
	values := map[time.Duration]bool{}
	for i, name := range names {
		got, want := c.idle(name), time.Duration(idle[i]+5)*time.Second // since they were told
		if got > 2*want && got > want+time.Minute || got < want/2 && idle[i] > 700 {
			t.Fatalf("%v after %v", got, want)
		}
		values[got] = true
	}
	if n := len(values); n < 8 {
		t.Errorf("%d different times", n)
	}
	c.act(func() { c.set("new", "v") })
	equal(t, "a new key", c.idle("new"), 0)
}

// The idle time of a single key is kept to the second.
func TestRecalledIdleTimeOfOne(t *testing.T) {
	f := open(t, engine.Options{Policy: engine.VolatileLRU})
	f.unlocked(func() { f.s.BeginRecall(f.tx.Now, []int64{1234}) })
	f.set("k", "v")
	f.tx.SetIdle(f.k("k"), 1234_000)
	f.unlocked(f.s.EndRecall)
	ms, _ := f.tx.Idle(f.k("k"))
	equal(t, "idle", ms, 1234_000)
}

// Frequencies from 5 to 12 are kept; others to a quarter, as the next one that the counter has. A
// new key has that of Redis.
func TestFrequencyScale(t *testing.T) {
	f := open(t, engine.Options{Policy: engine.AllKeysLFU})
	f.set("k", "v")
	frequency := func() int { n, _ := f.tx.Frequency(f.k("k")); return n }
	equal(t, "new", frequency(), 5)
	last := 0
	for n := range 256 {
		f.tx.SetFrequency(f.k("k"), n)
		got, off := frequency(), 0
		switch {
		case n < 5:
			off = 2
		case n > 12:
			off = n / 4
		}
		if got < n-off || got > n+off || got < last {
			t.Errorf("%d after %d, with %d before", got, n, last)
		}
		last = got
	}
	equal(t, "the highest", last, 255)
}

// A key that is used as often as redis-server needs for a counter has about that counter: 5 and the
// square root of a fifth of the uses.
func TestFrequencyOfUses(t *testing.T) {
	f := open(t, engine.Options{Shards: 1, Policy: engine.AllKeysLFU})
	f.s.Seed(1)
	for _, uses := range []int{10, 100, 1000, 10_000, 100_000, 1_000_000} {
		sum := 0
		const keys = 8
		for i := range keys {
			f.set(key(i), "v")
			for range uses {
				f.tx.Touch(f.k(key(i)))
			}
			n, _ := f.tx.Frequency(f.k(key(i)))
			sum += n
			f.tx.Delete(f.k(key(i)))
		}
		got, want := float64(sum)/keys, min(5+math.Sqrt(float64(uses)/5), 255)
		if got < want/1.6 || got > want*1.6 {
			t.Errorf("%.0f after %d uses, want about %.0f", got, uses, want)
		}
	}
}

// Keys that go to the main queue at once leave no holes where they were first.
func TestPromotionWastesNothing(t *testing.T) {
	f := open(t, engine.Options{Policy: engine.AllKeysS3FIFO, Shards: 1})
	for _, name := range keys(1000) {
		f.set(name, val)
		f.tx.SetFrequency(f.k(name), 10)
	}
	if st := f.stats(); st.DeadBytes > 1<<20 {
		t.Errorf("%d bytes are dead beside %d", st.DeadBytes, st.DataBytes)
	}
}

// A key that was used less than a new one counts each use, until it is like a new one.
func TestFrequencyBelowThatOfNewKeys(t *testing.T) {
	f := open(t, engine.Options{Shards: 1, Policy: engine.AllKeysLFU})
	f.set("k", "v")
	fresh, _ := f.tx.Frequency(f.k("k"))
	f.tx.SetFrequency(f.k("k"), 0)
	for i, want := range []int{0, 3, fresh} {
		if n, ok := f.tx.Frequency(f.k("k")); !ok || n != want {
			t.Errorf("after %d uses: %d, %v", i, n, ok)
		}
		f.tx.Touch(f.k("k"))
	}
}
