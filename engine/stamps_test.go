package engine_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/redistill/redistill/engine"
)

// clocked is a Store of one shard whose background work goes by the clock of the test.
type clocked struct {
	*fixture
	period time.Duration // until the next background cycle, if nobody does anything
}

func openClocked(t *testing.T, o engine.Options) *clocked {
	o.Shards = 1
	c := &clocked{fixture: open(t, o)}
	c.unlocked(c.s.StopBackground)
	c.tick()
	return c
}

func (c *clocked) tick() { c.unlocked(func() { c.period = c.s.Tick(c.tx.Now) }) }

// pass lets time pass, in which nobody does anything.
func (c *clocked) pass(d time.Duration) {
	for end := c.tx.Now + d.Milliseconds(); c.tx.Now < end; c.tick() {
		c.tx.Now += min(max(c.period.Milliseconds(), 1), end-c.tx.Now)
	}
}

// act does something, as a client would.
func (c *clocked) act(do func()) {
	c.s.Stir()
	if c.s.Woken() {
		c.tick()
	}
	do()
}

func (c *clocked) idle(key string) time.Duration {
	c.Helper()
	ms, ok := c.tx.Idle(c.k(key))
	if !ok {
		c.Fatalf("%s is not there", key)
	}
	return time.Duration(ms) * time.Millisecond
}

// wantIdle fails unless a key was idle for so long, give or take a second.
func (c *clocked) wantIdle(key string, want time.Duration) {
	c.Helper()
	if got := c.idle(key); got < want-time.Second || got > want+time.Second {
		c.Errorf("%s is idle for %v, want %v", key, got, want)
	}
}

// Time passes also when nothing is written, and when nobody does anything.
func TestIdleTimePassesWithoutWrites(t *testing.T) {
	for _, p := range []engine.Policy{engine.AllKeysLRU, engine.VolatileLRU, engine.AllKeysRandom, engine.VolatileTTL, engine.NoEviction} {
		c := openClocked(t, engine.Options{Policy: p})
		c.act(func() { c.set("a", "v"); c.set("b", "v") })
		equal(t, "at once", c.idle("a"), 0)
		for _, d := range []time.Duration{3 * time.Second, time.Minute, time.Hour} {
			c.pass(d)
			c.wantIdle("a", d)
			c.act(func() { c.get("a") })
			equal(t, "read", c.idle("a"), 0)
		}
		c.wantIdle("b", time.Hour+time.Minute+3*time.Second)
		c.tx.NoTouch = true
		c.pass(10 * time.Second)
		c.act(func() { c.get("a") })
		c.wantIdle("a", 10*time.Second)
	}
}

// What SetIdle says of few keys is told again to the second, also after others were read and
// written, and time has passed.
func TestSetIdleHolds(t *testing.T) {
	c := openClocked(t, engine.Options{})
	want := map[string]time.Duration{}
	for i := range 6 {
		c.act(func() {
			key, d := fmt.Sprint("key", i), time.Duration(math.Pow(9, float64(i)))*time.Second
			c.set(key, "v")
			c.tx.SetIdle(c.k(key), d.Milliseconds())
			want[key] = d
		})
	}
	check := func() {
		for key, d := range want {
			c.wantIdle(key, d)
		}
	}
	check()
	for range 3 {
		for i := range 50 { // some MB: epochs end
			c.act(func() { c.set(fmt.Sprint("other", i), string(make([]byte, 100_000))) })
		}
		c.pass(time.Hour)
		for key := range want {
			want[key] += time.Hour
		}
		check()
	}
	c.act(func() { c.set("key1", "v") })
	equal(t, "written", c.idle("key1"), 0)
}

// However many keys were used at however many times, half and twice the time are the bounds;
// nothing that was used long ago looks young.
func TestIdleTimesOfMany(t *testing.T) {
	const n, seconds = 1000, 10_000
	c := openClocked(t, engine.Options{})
	r := rand.New(rand.NewPCG(1, 2))
	last := make([]int64, n)
	for i := range last {
		c.act(func() { c.set(key(i), "v") })
		last[i] = c.tx.Now
	}
	for s := range seconds {
		c.pass(300 * time.Millisecond)
		c.act(func() { // few keys are used often, most of them now and then or never again
			i := int(math.Pow(n, r.Float64()))
			c.get(key(i))
			last[i] = c.tx.Now
		})
		c.pass(700 * time.Millisecond)
		if s%1000 != 999 {
			continue
		}
		for i := range last {
			want := time.Duration(c.tx.Now-last[i]) * time.Millisecond
			if got := c.idle(key(i)); got < want/2-time.Second || got > 2*want+time.Second {
				t.Fatalf("after %d s: %s is idle for %v, want %v", s, key(i), got, want)
			}
		}
	}
}

// A key that was used once and never again is evicted before those that were used since, however
// much time has passed and however much was written.
func TestOldKeysNeverLookYoung(t *testing.T) {
	const n, large = 100, 10_000
	for _, spans := range []int{0, 1, 15, 16, 17, 100} {
		c := openClocked(t, engine.Options{MaxMemory: 16 << 20, Policy: engine.AllKeysLRU})
		each := func(kind string, do func(key string)) {
			for i := range n {
				do(fmt.Sprint(kind, i))
			}
		}
		for _, kind := range []string{"old", "young"} {
			each(kind, func(key string) { c.act(func() { c.set(key, "v") }) })
		}
		c.pass(time.Second)
		c.act(func() { each("old", func(key string) { c.get(key) }) })
		for i := range spans {
			c.pass(time.Second)
			c.act(func() { c.get("young0") })
			if i%3 == 0 { // the shard grows, and epochs end
				c.act(func() { c.set(fmt.Sprint("filler", i), string(make([]byte, large))) })
			}
		}
		c.pass(time.Second)
		c.act(func() { each("young", func(key string) { c.get(key) }) })
		for i := range 3 * (16 << 20) / large { // a turn and more
			c.unlocked(func() { c.check(c.s.Reserve(large)) })
			c.set(fmt.Sprint("new", i), string(make([]byte, large)))
			if i%100 == 0 {
				each("young", func(key string) { c.get(key) })
				c.tx.Now++
				c.tick()
			}
		}
		each("young", func(key string) { equal(t, key, c.get(key), "v") })
		c.tx.NoTouch = true
		each("old", func(key string) { equal(t, fmt.Sprint(key, " after ", spans), c.get(key), "(missing)") })
	}
}

// What was used in the last six of eight epochs stays, whether much time passes meanwhile or none;
// what was used before goes, and so does what is said to have been.
func TestRecentKeysAreKept(t *testing.T) {
	const groups, each, large, steps = 13, 20, 1000, 16 // steps of a turn, in which all blocks are written again
	for _, ms := range []int64{0, 1, 600} {
		c := openClocked(t, engine.Options{MaxMemory: 8 << 20, Policy: engine.AllKeysLRU})
		written, filler := 0, strings.Repeat("x", large) // blocks are full, so that none is compacted
		write := func(n int) {
			for range n {
				c.unlocked(func() { c.check(c.s.Reserve(large)) })
				c.set(fmt.Sprint("other", written), filler)
				if written++; written%100 == 0 {
					c.tx.Now += ms
					c.tick()
				}
			}
			c.unlocked(func() { c.check(c.s.Check()) })
		}
		turn := (8 << 20) / large
		for range 4 * steps {
			write(turn / steps)
		}
		turn = c.tx.Len()
		group := func(i int, do func(k engine.Key)) {
			for j := range each {
				do(c.k(fmt.Sprint("group", i, "-", j)))
			}
		}
		for i := range groups + 1 {
			group(i, func(k engine.Key) { c.check(c.tx.Set(k, []byte("v"), engine.NoDeadline)) })
		}
		for i := range groups {
			group(i, func(k engine.Key) { c.tx.Touch(k) })
			write(turn / steps)
		}
		group(groups, func(k engine.Key) { c.tx.Touch(k); c.tx.SetIdle(k, 1e9) })
		write(turn * 7 / steps)
		for i := range groups + 1 {
			kept := 0
			group(i, func(k engine.Key) {
				if c.tx.Exists(k) {
					kept++
				}
			})
			if recent := i >= 7 && i < groups; recent && kept < each || (i < 3 || i == groups) && kept > 0 {
				t.Errorf("%d ms: %d of %d keys of group %d stay", ms, kept, each, i)
			}
		}
	}
}

// Access bits that were counters are no times.
func TestPolicyThatGoesByRecencyAgain(t *testing.T) {
	c := openClocked(t, engine.Options{Policy: engine.AllKeysLRU})
	names := keys(500)
	for i, name := range names {
		c.act(func() { c.set(name, "v") })
		if i%20 == 0 {
			c.pass(time.Second)
		}
	}
	c.act(func() { c.s.SetPolicy(engine.AllKeysLFU) })
	for i, name := range names {
		c.tx.SetFrequency(c.k(name), i%256)
	}
	c.pass(time.Hour)
	c.act(func() { c.s.SetPolicy(engine.AllKeysLRU) })
	c.pass(time.Minute)
	for _, name := range names {
		c.wantIdle(name, time.Minute)
	}
	c.act(func() { c.get(names[0]) })
	c.pass(time.Minute)
	c.wantIdle(names[0], time.Minute)
	c.wantIdle(names[1], 2*time.Minute)
}

// A background cycle looks at few records, and in the end at all of them.
func TestStampsAreFreedInTurns(t *testing.T) {
	const n = 200_000
	c := openClocked(t, engine.Options{})
	for i := range n {
		c.set(key(i), "v")
	}
	c.unlocked(func() {
		for range 40 {
			c.tx.Now += 600
			c.s.ExpireCycle(c.tx.Now)
		}
		if n := c.s.Leaving(); n < 10 {
			t.Fatalf("%d blocks have stamps that leave", n)
		}
		for range 100 {
			left := c.s.Leaving()
			c.s.Restamp(1000)
			if after := c.s.Leaving(); left == 0 {
				return
			} else if after >= left || after < left-3 {
				t.Fatalf("%d blocks had stamps that leave, then %d", left, after)
			}
		}
		t.Error("there is no end to it")
	})
}
