package faults

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redistill/redistill/netserver"
	"github.com/redistill/redistill/test/servertest"
)

// What a storm changes.
const (
	stormPairs  = 100   // of a string and a hash
	stormTokens = 20    // each under one of some names, in one of two databases
	tokenNames  = 5     // of a token
	stormParts  = 4     // of a large string
	partLength  = 75000 // bytes
	stormFields = 3000  // of a large hash, two of which always change together
)

// storm changes keys, in all the ways that move, replace and remove them, so that at each moment some things are true that are not true
// between two moments: those that contents.check looks for.
type storm struct {
	t     *testing.T
	addr  string
	ended atomic.Bool

	flushing sync.RWMutex                        // held for writing while everything is removed and made anew, and for reading during a step of the others
	flushes  atomic.Int64                        // that began, and that ended
	tokens   [stormTokens]struct{ name, db int } // where they are. The mover and the flusher use it
	sent     atomic.Int64                        // the last number that is, or will be, in "first"
	done     atomic.Int64                        // the last one that was answered
}

// makeAll returns the commands that make everything that is always there. The tokens go back to where they begin.
func (s *storm) makeAll() [][]string {
	n := strconv.FormatInt(s.done.Load(), 10)
	all := [][]string{{"FLUSHALL"}, {"SET", "first", n}, {"SET", "second", n}}
	for i := range stormPairs {
		all = append(all, []string{"SET", fmt.Sprint("a:", i), "0"}, []string{"HSET", fmt.Sprint("b:", i), "n", "0"})
	}
	for i := range s.tokens {
		s.tokens[i].name, s.tokens[i].db = 0, 0
		all = append(all, []string{"SET", fmt.Sprintf("token:%d:0", i), strings.Repeat(string(rune('a'+i)), 1+i*5000)})
	}
	all = append(all, []string{"SET", "large", strings.Repeat(fmt.Sprintf("%-*d", partLength, 0), stormParts)})
	fields := []string{"HSET", "fields"}
	for i := range stormFields {
		fields = append(fields, strconv.Itoa(i), "0")
	}
	return append(all, fields, []string{"SELECT", "8"}, []string{"SET", "mark", "x"}, []string{"SELECT", "9"}, []string{"SET", "mark", "y"},
		[]string{"SELECT", "0"})
}

// check returns what is not as it is at any moment. At that of the snapshot "first" had between two numbers.
func (c contents) check(from, to int64) error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	number := func(key string) int64 {
		n, err := strconv.ParseInt(c[name{0, key}].text, 10, 64)
		if err != nil {
			wrong("%s: %v", key, err)
		}
		return n
	}
	if first, second := number("first"), number("second"); first != second && first != second+1 || first < from || first > to {
		wrong("%d was written before %d; at the moment it was from %d to %d", first, second, from, to)
	}
	for i := range stormPairs {
		if a, b := c[name{0, fmt.Sprint("a:", i)}].text, c[name{0, fmt.Sprint("b:", i)}].fields["n"]; a == "" || a != b {
			wrong("pair %d has %q and %q", i, a, b)
		}
	}
	for i := range stormTokens {
		var found []name
		for at := range tokenNames {
			for _, db := range []int{0, 5} {
				n := name{db, fmt.Sprintf("token:%d:%d", i, at)}
				if v, there := c[n]; there {
					found = append(found, n)
					if len(v.text) != 1+i*5000 || strings.Trim(v.text, string(rune('a'+i))) != "" {
						wrong("%v has %d bytes: %.20q", n, len(v.text), v.text)
					}
				}
			}
		}
		if len(found) != 1 {
			wrong("token %d is %v", i, found)
		}
	}
	if v := c[name{0, "large"}].text; len(v) != stormParts*partLength || v != strings.Repeat(v[:partLength], stormParts) {
		wrong("the parts of the large string, of %d bytes, differ", len(v))
	}
	fields := c[name{0, "fields"}].fields
	for i := 0; i < stormFields; i += 2 {
		if a, b := fields[strconv.Itoa(i)], fields[strconv.Itoa(i+1)]; a == "" || a != b {
			wrong("the fields %d and %d are %q and %q", i, i+1, a, b)
		}
	}
	if x, y := c[name{8, "mark"}].text, c[name{9, "mark"}].text; x+y != "xy" && x+y != "yx" {
		wrong("the databases that are exchanged have %q and %q", x, y)
	}
	return errors.Join(append(errs, c.checkVolatile())...)
}

// checkVolatile is check for keys that expire and are evicted.
func (c contents) checkVolatile() error {
	for n, v := range c {
		kind, rest, _ := strings.Cut(n.key, ":")
		switch kind {
		case "churn":
			if v.deadline == 0 || strings.ReplaceAll(v.text, rest+" ", "") != "" {
				return fmt.Errorf("%v has the deadline %d and %.40q", n, v.deadline, v.text)
			}
		case "x":
			if y, there := c[name{0, "y:" + rest}]; there && (y.text != v.text || y.deadline != v.deadline) {
				return fmt.Errorf("%v has %q until %d, its pair %q until %d", n, v.text, v.deadline, y.text, y.deadline)
			}
		}
	}
	return nil
}

// run does something again and again until the storm ends, with a client.
func (s *storm) run(running *sync.WaitGroup, step func(c *peer, r *rand.Rand, n int)) {
	running.Go(func() {
		c, r := dial(s.t, s.addr), rand.New(rand.NewPCG(rand.Uint64(), 1))
		defer c.close()
		for n := 1; !s.ended.Load(); n++ {
			s.flushing.RLock()
			step(c, r, n)
			s.flushing.RUnlock()
		}
	})
}

// begin begins the storm.
func (s *storm) begin(running *sync.WaitGroup) {
	s.run(running, func(c *peer, r *rand.Rand, n int) {
		var all [][]string
		for range 1 + r.IntN(5) {
			i := r.IntN(stormPairs)
			all = append(all, []string{"SET", fmt.Sprint("a:", i), strconv.Itoa(n)}, []string{"HSET", fmt.Sprint("b:", i), "n", strconv.Itoa(n)})
		}
		c.transact(all...)
	})
	other := dial(s.t, s.addr)
	s.run(running, func(c *peer, _ *rand.Rand, _ int) { // two clients, one after the other
		n := strconv.FormatInt(s.sent.Add(1), 10)
		c.expect("+OK", "SET", "first", n)
		s.done.Add(1)
		other.expect("+OK", "SET", "second", n)
	})
	s.run(running, s.move)
	s.run(running, func(c *peer, r *rand.Rand, n int) {
		var all [][]string
		for i := range stormParts {
			all = append(all, []string{"SETRANGE", "large", strconv.Itoa(i * partLength), strconv.Itoa(n)})
		}
		i := r.IntN(stormFields/2) * 2
		c.transact(append(all, []string{"HSET", "fields", strconv.Itoa(i), strconv.Itoa(n), strconv.Itoa(i + 1), strconv.Itoa(n)})...)
	})
	s.run(running, func(c *peer, _ *rand.Rand, _ int) { c.expect("+OK", "SWAPDB", "8", "9") })
	s.run(running, churnVolatile)
	s.run(running, churnVolatile)
}

// move renames a token, and moves it to the other database.
func (s *storm) move(c *peer, r *rand.Rand, _ int) {
	i := r.IntN(stormTokens)
	at := &s.tokens[i]
	next := (at.name + 1 + r.IntN(tokenNames-1)) % tokenNames
	c.expect("+OK", "SELECT", strconv.Itoa(at.db))
	c.expect("+OK", "RENAME", fmt.Sprintf("token:%d:%d", i, at.name), fmt.Sprintf("token:%d:%d", i, next))
	at.name, at.db = next, 5-at.db
	c.expect(":1", "MOVE", fmt.Sprintf("token:%d:%d", i, next), strconv.Itoa(at.db))
}

// churnVolatile writes keys that expire soon, some of them late, which fill the memory however slow the machine is.
func churnVolatile(c *peer, r *rand.Rand, n int) {
	for range 20 {
		rest, ttl := strconv.Itoa(r.IntN(200_000)), 50+r.IntN(20_000)
		if r.IntN(2) == 0 {
			ttl = 3_600_000
		}
		c.say("SET", "churn:"+rest, strings.Repeat(rest+" ", 1+r.IntN(400)), "PX", strconv.Itoa(ttl))
	}
	c.flush()
	for range 20 {
		if reply, err := c.reply(); err != nil || reply != "+OK" && !strings.HasPrefix(reply, "-OOM") {
			c.t.Errorf("SET answers %q, %v", reply, err)
		}
	}
	soon := func() string {
		return strconv.FormatInt(time.Now().Add(time.Duration(r.Int64N(int64(5*time.Second)))).UnixMilli(), 10)
	}
	rest, value, at := strconv.Itoa(r.IntN(1000)), strconv.Itoa(n), soon()
	c.transact([]string{"SET", "x:" + rest, value, "PXAT", at}, []string{"SET", "y:" + rest, value, "PXAT", at})
	rest, at = strconv.Itoa(r.IntN(1000)), soon()
	c.transact([]string{"PEXPIREAT", "x:" + rest, at}, []string{"PEXPIREAT", "y:" + rest, at})
}

// TestMoment: a snapshot holds one moment, between its command and the reply, while transactions change keys of all kinds, keys are renamed,
// moved, expire and are evicted, databases are exchanged, and from time to time all are flushed.
func TestMoment(t *testing.T) {
	dir := t.TempDir()
	server := servertest.StartIn(t, dir, redistill(t, netserver.Portable, "--max-memory", "64mb", "--eviction-policy", "volatile-lru",
		"--persistence", "--snapshot-interval", "0", "--save-on-shutdown=false")...)
	s := &storm{t: t, addr: server.Addr}
	c := dialLoaded(t, server)
	defer c.close()
	c.transact(s.makeAll()...)
	var running sync.WaitGroup
	defer running.Wait()
	defer s.ended.Store(true)
	s.begin(&running)
	snapshots, failed, keys := 0, 0, 0
	enough := func() bool { return snapshots >= 3 && evicted(c) > 0 && s.flushes.Load() > 0 }
	for end := time.Now().Add(*length); (!enough() || time.Now().Before(end)) && !t.Failed(); {
		if evicted(c) > 0 && rand.IntN(4) == 0 { // some snapshots are begun again
			running.Go(func() { s.flush() })
		}
		flushes, from, to := s.flushes.Load(), s.done.Load(), int64(0)
		if rand.IntN(2) == 0 {
			c.expect("+Background saving started", "BGSAVE")
			to = s.sent.Load()
			server.Eventually("the snapshot is written", func() bool { return number(c, "rdb_bgsave_in_progress") == 0 })
		} else {
			c.do("SAVE")
			to = s.sent.Load()
		}
		if strings.Contains(c.do("INFO", "persistence"), "rdb_last_bgsave_status:err") {
			failed++
			continue
		}
		if s.flushes.Load() != flushes { // it was begun again
			to = s.sent.Load()
		}
		saved := read(t, filepath.Join(dir, "dump.rdb"))
		if err := saved.check(from, to); err != nil {
			t.Fatal(err)
		}
		snapshots++
		keys += len(saved)
	}
	t.Logf("%d snapshots of %d keys, %d given up, %d flushes, %d keys evicted, %d expired", snapshots, keys, failed, s.flushes.Load()/2, evicted(c),
		number(c, "expired_keys"))
}

// flush removes everything and makes it anew.
func (s *storm) flush() {
	c := dial(s.t, s.addr)
	defer c.close()
	s.flushing.Lock()
	defer s.flushing.Unlock()
	s.flushes.Add(1)
	c.transact(s.makeAll()...)
	s.flushes.Add(1)
}

// evicted returns how many keys were evicted.
func evicted(c *peer) int { return number(c, "evicted_keys") }

// number returns the value of a field of INFO.
func number(c *peer, field string) int {
	_, rest, _ := strings.Cut(c.do("INFO"), "\n"+field+":")
	text, _, _ := strings.Cut(rest, "\r")
	n, err := strconv.Atoi(text)
	if err != nil {
		c.t.Errorf("%s: %v", field, err)
	}
	return n
}
