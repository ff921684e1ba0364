package engine_test

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/test/await"
)

// Ghosts remember the keys that went last, also while they grow with the keyspace.
func TestGhostsGrow(t *testing.T) {
	const n = 200_000
	var g engine.Ghosts
	hash := func(i int) uint64 { return uint64(i+1) * 0x9e3779b97f4a7c15 }
	for i := range n {
		g.Add(hash(i), i)
	}
	have, had := 0, 0
	for i := n * 3 / 4; i < n; i++ {
		if g.Take(hash(i)) {
			have++
		}
	}
	if have < n/4*95/100 {
		t.Errorf("of the last %d keys %d are remembered", n/4, have)
	}
	for i := n * 3 / 4; i < n; i++ {
		if g.Take(hash(i)) {
			had++
		}
	}
	if had > n/4*10/100 { // an older fingerprint that is the same, or the copy of a line
		t.Errorf("of %d keys %d are remembered after they came back", n/4, had)
	}
}

// The few keys with a deadline are found, however many blocks of others there are, and are all that goes.
func TestVolatileAmongMany(t *testing.T) {
	const limit, volatile = 96 << 20, 400
	for _, p := range []engine.Policy{engine.VolatileLRU, engine.VolatileTTL} {
		t.Run(p.String(), func(t *testing.T) {
			f := open(t, engine.Options{Shards: 1, MaxMemory: limit, Policy: p})
			n := 0
			for ; f.stats().DataBytes < limit*8/10; n++ {
				f.check(f.tx.Set(f.k(key(n)), []byte(val), engine.NoDeadline))
			}
			for i := range volatile {
				f.check(f.tx.Set(f.k(fmt.Sprint("volatile", i)), []byte(val), f.tx.Now+3600_000+int64(i)))
			}
			gone := func() uint64 { return f.stats().Evicted }
			for i := 0; gone() == 0; i++ {
				f.check(f.add(fmt.Sprint("more", i), engine.NoDeadline))
			}
			equal(t, "survivors", f.survivors(0, n), n)
			var err error
			for i := 0; err == nil; i++ {
				err = f.add(fmt.Sprint("yet more", i), engine.NoDeadline)
			}
			f.wantErr("full", err, engine.ErrOutOfMemory)
			equal(t, "Evicted", gone(), volatile)
			equal(t, "survivors at the end", f.survivors(0, n), n)
		})
	}
}

// TestCompactionBesideWriters: where writers fill each block that was opened to move records, compaction looks useless, and goes on all the same
// when there is more to compact. It did not while a shard grew: dead bytes became four times the data.
func TestCompactionBesideWriters(t *testing.T) {
	f := open(t, engine.Options{Shards: 1, Policy: engine.NoEviction})
	f.unlocked(f.s.StopBackground)
	f.s.Seed(1) // which blocks are looked at is chance, and with it how much is left: up to a ninth in 200 processes
	n := 0
	write := func(times int) {
		for range times {
			f.set(key(n), val)
			n++
		}
	}
	size := func() int64 { st := f.stats(); return st.DataBytes + st.DeadBytes }
	write(3000)
	for i := 0; i < n; i += 3 { // two thirds of each block stay
		f.tx.Delete(f.k(key(i)))
	}
	for range 40 {
		for was := size(); size() == was; {
			write(1)
		}
		write(14)                             // the block is full: the next record to be moved opens another
		f.unlocked(func() { f.s.Reclaim(1) }) // a block
	}
	write(1000)
	f.unlocked(func() { f.s.Reclaim(10_000) })
	if st := f.stats(); st.DeadBytes > st.DataBytes/8 {
		t.Errorf("%d bytes are dead beside %d live ones", st.DeadBytes, st.DataBytes)
	}
}

// While memory grows there is some at hand that the system has found already, so that nobody waits for that with a shard locked.
func TestReserveKeepsMemoryReady(t *testing.T) {
	f := open(t, engine.Options{Shards: 1, MaxMemory: 64 << 20})
	for i := range 1000 {
		f.check(f.add(key(i), engine.NoDeadline))
		if free := f.stats().FreeBytes; free < 512<<10 {
			t.Fatalf("%d bytes are ready after %d sets", free, i+1)
		}
	}
}

// Background work that goes in steps lets in those who wait for the shard: a mutex alone would be
// taken again before they wake. On one processor the one who waits runs when the other lets go, so that
// the number of yields does not depend on how fast the machine is.
func TestYieldLetsOthersIn(t *testing.T) {
	f := open(t, engine.Options{Shards: 1})
	f.unlocked(f.s.StopBackground)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for range 50 {
		var had atomic.Bool
		go func() {
			tx := f.s.NewTx()
			tx.LockKey(f.k("key"))
			had.Store(true)
			tx.Unlock()
		}()
		await.True(t, "somebody waits for the shard", func() bool { return waiting("engine.(*Tx).LockKey") == 1 })
		yields := 0
		f.unlocked(func() { yields = f.s.YieldUntil(had.Load) })
		if yields > 20 {
			t.Fatalf("others waited for %d yields", yields)
		}
	}
}

// firstGone reclaims until the policy gives up a key, and returns its number. The keys 0 to n-1 fill the blocks in this order.
func (f *fixture) firstGone(n int) int {
	f.Helper()
	for range 100 * n {
		f.unlocked(func() { f.s.Reclaim(1) })
		if f.stats().Evicted > 0 {
			for i := range n {
				if !f.exists(key(i)) {
					return i
				}
			}
		}
	}
	f.Fatal("no key was evicted")
	return -1
}

// Where every key is in use, the reclaimer gives up the oldest once it has kept half of the shard: so it has come to the middle. Were it to
// keep all, a writer would wait until everything had been moved.
func TestKeepingHasAnEnd(t *testing.T) {
	const n = 800
	f := open(t, engine.Options{Shards: 1, Policy: engine.AllKeysLFU})
	for i := range n {
		f.set(key(i), val)
		f.tx.SetFrequency(f.k(key(i)), 255)
	}
	if first := f.firstGone(n); first < n*4/10 || first > n*6/10 {
		t.Errorf("key %d of %d is the first that goes", first, n)
	}
}

// While keys are recalled, those that are kept grow older by an epoch instead. None goes before the reclaimer has moved them all.
func TestKeepingAgesRecalledKeys(t *testing.T) {
	const n = 800
	f := open(t, engine.Options{Shards: 1, Policy: engine.AllKeysLRU})
	f.unlocked(func() { f.s.BeginRecall(f.tx.Now, []int64{0}) })
	for i := range n {
		f.set(key(i), val)
	}
	if first := f.firstGone(n); first > n/10 {
		t.Errorf("key %d of %d is the first that goes", first, n)
	}
	f.tx.Now += 5000
	if ms, ok := f.tx.Idle(f.k(key(n - 1))); !ok || ms == 0 {
		t.Errorf("idle for %d ms, %v", ms, ok)
	}
	f.unlocked(f.s.EndRecall)
}

// Deadlines so far off that they need more bytes do not count where volatile-ttl looks for the sooner half of a block.
func TestFarDeadlinesDoNotCount(t *testing.T) {
	const n, hour = 900, 3600_000
	f := open(t, engine.Options{Shards: 1, Policy: engine.VolatileTTL})
	far := time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	for i := range n {
		f.setUntil(key(i), val, []int64{f.base + 10*hour, f.base + 1000*hour, far}[i%3])
	}
	f.unlocked(func() { f.s.Reclaim(20) })
	var gone [3]int
	for i := range n {
		if !f.exists(key(i)) {
			gone[i%3]++
		}
	}
	if gone[0] == 0 || gone[1] != 0 || gone[2] != 0 {
		t.Errorf("%d keys with the soonest deadline were evicted, %d with a later one, %d with one far off", gone[0], gone[1], gone[2])
	}
}

// Whoever waits for a shard to make room in it goes by the policy of the moment when it comes, not
// of that when it began to wait.
func TestPolicyChangesWhileRoomIsMade(t *testing.T) {
	f := open(t, engine.Options{MaxMemory: limit, Policy: engine.AllKeysRandom, Shards: 1})
	f.overfill(0)
	before := f.stats().Evicted
	made := make(chan error, 1)
	go func() { made <- f.s.Reserve(limit / 2) }()
	await.True(t, "somebody makes room", f.s.MakesRoom)
	f.s.SetPolicy(engine.NoEviction)
	f.tx.Unlock()
	err := await.Receive(t, "the end of it", made)
	f.tx.LockAll()
	if f.stats().Evicted != before || err != engine.ErrOutOfMemory {
		t.Errorf("%d keys were evicted: %v", f.stats().Evicted-before, err)
	}
}
