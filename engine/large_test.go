//go:build !race

// One goroutine that does a million operations: nothing for the race detector, under which it would take minutes.

package engine_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/redistill/redistill/engine"
)

// large is a store of some hundred thousand keys, and what must be in it. Some keys stay from beginning to end, so that a scan, of which
// there is always one going on, has to pass them whatever the table does.
type large struct {
	*fixture
	rng     *rand.Rand
	names   []string
	version []int   // of each key, 0 if it is not there
	until   []int64 // its deadline
	writes  int
	cursor  uint64
	seen    map[string]bool // keys that stay which the scan has passed
}

const (
	largeKeys = 200_000
	largeStay = 200 // the first keys stay
)

// A large table grows, shrinks and grows again, records are moved and expire, and every look-up and every scan stays right.
func TestLargeTables(t *testing.T) {
	for _, shards := range []int{1, 256} {
		t.Run(fmt.Sprint(shards, " shards"), func(t *testing.T) {
			n := *seed
			if n == 0 {
				n = rand.Uint64()
			}
			t.Logf("-seed %d", n)
			l := &large{
				fixture: open(t, engine.Options{Shards: shards, Policy: engine.NoEviction}),
				rng:     rand.New(rand.NewPCG(n, uint64(shards))),
				names:   keys(largeKeys), version: make([]int, largeKeys), until: make([]int64, largeKeys), seen: make(map[string]bool),
			}
			for i := range largeStay {
				l.write(i, engine.NoDeadline)
			}
			l.change(250_000, 10)
			l.change(400_000, 90)
			l.tx.Now += 3600_000 // what has a deadline expires
			l.unlocked(func() { l.s.ExpireCycle(l.tx.Now) })
			l.compare()
			l.change(100_000, 0)
		})
	}
}

// there reports whether a key must be.
func (l *large) there(i int) bool {
	return l.version[i] != 0 && (l.until[i] == engine.NoDeadline || l.tx.Now <= l.until[i])
}

func (l *large) value(i int) string {
	if !l.there(i) {
		return "(missing)"
	}
	return fmt.Sprintf("%0*d", 1+i%100, l.version[i])
}

func (l *large) write(i int, until int64) {
	l.writes++
	l.version[i], l.until[i] = l.writes, until
	l.check(l.tx.Set(l.k(l.names[i]), []byte(l.value(i)), until))
}

// change does so many random writes and deletes, of which a share in percent deletes, and compares everything at the end.
func (l *large) change(ops, deletes int) {
	l.Helper()
	for op := range ops {
		i := largeStay + l.rng.IntN(largeKeys-largeStay)
		switch {
		case l.rng.IntN(100) < deletes:
			if got, want := l.tx.Delete(l.k(l.names[i])), l.there(i); got != want {
				l.Fatalf("operation %d: deleting key %d says %v", op, i, got)
			}
			l.version[i] = 0
		case i%4 == 0:
			l.write(i, l.tx.Now+1+l.rng.Int64N(3600_000))
		default:
			l.write(i, engine.NoDeadline)
		}
		if op%16 == 0 {
			l.stepScan()
		}
		if op%1024 == 0 {
			l.unlocked(func() { l.s.Reclaim(2) })
		}
	}
	l.compare()
}

// stepScan goes on with the scan. At its end it must have passed all keys that stay.
func (l *large) stepScan() {
	l.Helper()
	l.cursor = l.tx.Scan(l.cursor, 50, func(name []byte, _ engine.Type) bool {
		i, err := strconv.Atoi(string(name[len("key"):]))
		if err != nil || !l.there(i) {
			l.Fatalf("a scan passes %q, which is not there", name)
		}
		if i < largeStay {
			l.seen[string(name)] = true
		}
		return true
	})
	if l.cursor == 0 {
		equal(l.T, "keys that stay in a scan", len(l.seen), largeStay)
		clear(l.seen)
	}
}

// compare looks at every key.
func (l *large) compare() {
	l.Helper()
	for i := range largeKeys {
		if got, want := l.get(l.names[i]), l.value(i); got != want {
			l.Fatalf("key %d is %s, want %s", i, got, want)
		}
	}
	l.unlocked(func() { l.check(l.s.Check()) })
}
