package command

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
)

// TestReadsOfSetsThatCount is TestReadsThatCount for sets: a key counts once, however many members
// are asked for, and the looks that a write takes do not, but for the sets that a result is made of.
func TestReadsOfSetsThatCount(t *testing.T) {
	srv := newTestServer(t)
	c := connect(t, srv)
	c.do("SADD s a b c")
	c.do("SADD t b c d")
	c.do("SET k 1")
	for _, test := range []struct {
		command      string
		hits, misses uint64
	}{
		{"SISMEMBER s a", 1, 0},
		{"SISMEMBER s none", 1, 0},
		{"SISMEMBER none a", 0, 1},
		{"SMISMEMBER s a b none", 1, 0},
		{"SMISMEMBER none a b", 0, 1},
		{"SCARD s", 1, 0},
		{"SMEMBERS s", 1, 0},
		{"SRANDMEMBER s", 1, 0},
		{"SRANDMEMBER s 2", 1, 0},
		{"SRANDMEMBER s -10", 1, 0},
		{"SRANDMEMBER none 2", 0, 1},
		{"SADD s a", 0, 0},
		{"SREM s none", 0, 0},
		{"SMOVE s t none", 0, 0},
		{"SMOVE s t a", 0, 0},
		{"SPOP none", 0, 0},
		{"SPOP s 0", 0, 0},
		{"SINTER s t", 2, 0},
		{"SUNION s t none", 2, 1},
		{"SDIFF s t", 2, 0},
		{"SINTERCARD 2 s none", 1, 1},
		{"SUNIONSTORE d s t", 2, 0},
		{"SINTERSTORE d s s", 2, 0},
		{"SSCAN s 0", 1, 0},
		{"SCARD k", 1, 0}, // of the wrong type, but there
	} {
		srv.Store.NewTx().ResetStats()
		c.do(test.command)
		if st := srv.Store.Stats(); st.Hits != test.hits || st.Misses != test.misses {
			t.Errorf("%s: %d hits and %d misses, want %d and %d", test.command, st.Hits, st.Misses, test.hits, test.misses)
		}
	}
}

// TestRandomMembersAreFair takes some members of sets of sizes that are treated in different ways,
// many times: SRANDMEMBER from one set, SPOP from a set that is made anew.
func TestRandomMembersAreFair(t *testing.T) {
	for _, test := range []struct {
		command            string
		size, count, times int
	}{
		{"SRANDMEMBER", 10, 3, 3000}, {"SRANDMEMBER", 10, 10, 3}, {"SRANDMEMBER", 10, 20, 3},
		{"SRANDMEMBER", 400, 20, 2000}, {"SRANDMEMBER", 400, 200, 200}, {"SRANDMEMBER", 10, -30, 300},
		{"SRANDMEMBER", 400, -30, 1000}, {"SPOP", 10, 3, 1500}, {"SPOP", 400, 20, 400}, {"SPOP", 400, 300, 100},
	} {
		t.Run(fmt.Sprint(test), func(t *testing.T) { testFairness(t, test.command, test.size, test.count, test.times) })
	}
}

func testFairness(t *testing.T, command string, size, count, times int) {
	c := connect(t, newTestServer(t))
	names := make([]string, size)
	for i := range names {
		names[i] = fmt.Sprint("member:", i)
	}
	want := min(count, size)
	if count < 0 {
		want = -count
	}
	got := map[string]int{}
	all := "SADD s " + strings.Join(names, " ")
	c.do(all)
	for range times {
		if command == "SPOP" {
			c.do(all)
		}
		members := fieldsOf(c.do(fmt.Sprintf("%s s %d", command, count)))
		for _, m := range members {
			got[m]++
		}
		slices.Sort(members)
		if n := len(slices.Compact(slices.Clone(members))); len(members) != want || count > 0 && n != want {
			t.Fatalf("%d members, %d different, want %d", len(members), n, want)
		}
		left := size
		if command == "SPOP" {
			left -= want
		}
		c.expect("SCARD s", ":"+strconv.Itoa(left))
	}
	// How often a member comes is binomial: seven standard deviations off come once in 10^11 members.
	p := float64(want) / float64(size)
	mean := p * float64(times)
	far := 7*math.Sqrt(mean*max(0, 1-p)+1) + 1
	if count < 0 {
		far = 7*math.Sqrt(mean) + 1
	}
	for _, name := range names {
		if n := float64(got[name]); math.Abs(n-mean) > far {
			t.Errorf("%s comes %v times, want about %v", name, n, mean)
		}
	}
}

// A reply of random members has no end of its own, as TestRandomFieldsAreMadeInSteps has it.
func TestRandomMembersAreMadeInSteps(t *testing.T) {
	srv := newTestServer(t)
	c, other := connect(t, srv), connect(t, srv)
	c.expect("SADD s m", ":1")
	const command = "SRANDMEMBER s -9223372036854775807"
	got, next := c.turn(command)
	if next != Yield || !strings.HasPrefix(got, "*9223372036854775807\r\n$1\r\nm\r\n") || len(got) > 2*replyStep {
		t.Fatalf("%v, %d bytes: %.60q", next, len(got), got)
	}
	if got, _ := c.turn(command); len(got) < replyStep || strings.Trim(got, "$1m\r\n") != "" {
		t.Errorf("the next step: %.60q", got)
	}
	other.expect("DEL s", ":1")
	if got, _ := c.turn(command); len(got) < replyStep || strings.Trim(got, "$-1\r\n") != "" {
		t.Errorf("when the set is gone: %.60q", got)
	}
	srv.maxReply = 1 << 20
	other.expect("SADD s m", ":1", "MULTI", "+OK", command, "+QUEUED", "EXEC", "*1 -"+string(errReplyTooLong))
}

// naive makes what SINTER, SUNION and SDIFF should of sets of numbers.
func naive(op string, sets [][]bool) (members []string) {
	for m := range sets[0] {
		in := 0
		for _, s := range sets {
			if s[m] {
				in++
			}
		}
		if op == "SINTER" && in == len(sets) || op == "SUNION" && in > 0 || op == "SDIFF" && in == 1 && sets[0][m] {
			members = append(members, strconv.Itoa(m))
		}
	}
	slices.Sort(members)
	return members
}

// TestAlgebra makes sets of few and of many random ones, some of which are missing or the same, and
// compares the replies, and what is stored, with those of a naive model.
func TestAlgebra(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 8))
	c := connect(t, newTestServer(t))
	const names, numbers = 40, 300
	for round := range 10 {
		c.do("FLUSHALL")
		sets := make([][]bool, names)
		for i := range sets {
			sets[i] = make([]bool, numbers)
			share, add := []int{0, 1, 50, 95, 100}[rng.IntN(5)], fmt.Sprint("SADD s", i)
			for m := range sets[i] {
				if sets[i][m] = rng.IntN(100) < share; sets[i][m] {
					add += " " + strconv.Itoa(m)
				}
			}
			c.do(add)
		}
		for _, n := range []int{1, 2, 3, fewSets, fewSets + 1, names} {
			var keys []string
			var from [][]bool
			for range n {
				i := rng.IntN(names)
				keys, from = append(keys, fmt.Sprint("s", i)), append(from, sets[i])
			}
			list := strings.Join(keys, " ")
			for _, op := range []string{"SINTER", "SUNION", "SDIFF"} {
				want := naive(op, from)
				if got := sortedReply(t, c.do(op+" "+list)); !slices.Equal(got, want) {
					t.Fatalf("round %d: %s %s: got %q, want %q", round, op, list, got, want)
				}
				c.expect(op+"STORE d "+list, ":"+strconv.Itoa(len(want)))
				if got := sortedReply(t, c.do("SMEMBERS d")); !slices.Equal(got, want) {
					t.Fatalf("round %d: %sSTORE d %s: got %q, want %q", round, op, list, got, want)
				}
			}
			limit := 1 + rng.IntN(numbers)
			c.expect(fmt.Sprintf("SINTERCARD %d %s LIMIT %d", n, list, limit), fmt.Sprint(":", min(limit, len(naive("SINTER", from)))))
		}
	}
}

// TestSieve: two members with the same hash are not taken for each other.
func TestSieve(t *testing.T) {
	c := connect(t, newTestServer(t))
	c.do("SADD a m")
	c.do("SADD b n")
	c.tx.LockAll()
	defer c.tx.Unlock()
	sets := []source{{c.srv.Store.Key([]byte("a")), 1}, {c.srv.Store.Key([]byte("b")), 1}}
	s := newSieve(&c.call, fewSets+1, 2)
	s.nextPass()
	s.note(1, []byte("m")) // as if n had the hash of m and had come before it
	s.note(1, []byte("x")) // as if it had that of x
	for member, want := range map[string]bool{"m": true, "x": false, "y": false} {
		if got, err := s.find(sets, []byte(member)); got != want || err != nil {
			t.Errorf("%s: %v, %v, want %v", member, got, err, want)
		}
	}
}

// TestSieveIsBounded: very many members pass in parts, and where there are more than was expected
// none is remembered, and the sets are asked.
func TestSieveIsBounded(t *testing.T) {
	c := connect(t, newTestServer(t))
	const each = sieveMost / fewSets
	stored, union, difference := "SUNIONSTORE d", "SUNION", "SDIFFSTORE d all"
	for i := range 2 * fewSets {
		name := fmt.Sprint(" s", i)
		c.do(addNumbers(fmt.Sprint("s", i, " ", i/2, "-"), each)) // each two are the same
		stored, union, difference = stored+name, union+name, difference+name
	}
	all := fmt.Sprint(":", sieveMost)
	members := sortedReply(t, c.do(union))
	if n := len(slices.Compact(members)); n != sieveMost || n != len(members) {
		t.Errorf("a union of %d members has %d", sieveMost, len(members))
	}
	c.expect(stored, all, "RENAME d all", "+OK", "SADD all more", ":1", difference, ":1",
		"SMEMBERS d", "*1 $4 more")

	c.tx.LockAll()
	defer c.tx.Unlock()
	s := newSieve(&c.call, fewSets+1, 0)
	s.nextPass()
	for i := range sieveMost {
		s.note(1, strconv.AppendInt(nil, int64(i), 10))
	}
	if s.first == nil {
		t.Errorf("it forgets before %d members", sieveMost)
	}
	if s.note(1, []byte("more")); s.first != nil {
		t.Errorf("it remembers %d members", len(s.first))
	}
}

// TestSievePasses: each member counts in one pass, none of which has more than are remembered. What
// would need too many passes is asked at once.
func TestSievePasses(t *testing.T) {
	c := connect(t, newTestServer(t))
	const members = 5 * sieveMost
	s, counted := newSieve(&c.call, fewSets+1, members), 0
	for s.nextPass() {
		for i := range members {
			if m := strconv.AppendInt(nil, int64(i), 10); s.passes(m) {
				s.note(0, m)
				counted++
			}
		}
		if s.first == nil {
			t.Fatalf("pass %d of %d has too many members", s.pass, s.of)
		}
	}
	if counted != members || s.of < 5 {
		t.Errorf("%d members count in %d passes", counted, s.of)
	}
	s = newSieve(&c.call, fewSets+1, (fewSets+1)*passesPerSet*sieveMost)
	if !s.nextPass() || s.first != nil || !s.passes(nil) || s.nextPass() {
		t.Errorf("too many members take %d passes", s.of)
	}
}

// addNumbers is a SADD of n members, each a prefix and a number. The first word of the prefix is the
// key.
func addNumbers(prefix string, n int) string {
	key, prefix, _ := strings.Cut(prefix, " ")
	words := []string{"SADD", key}
	for i := range n {
		words = append(words, prefix+strconv.Itoa(i))
	}
	return strings.Join(words, " ")
}

// TestStoreNeedsRoom: a result that does not fit is refused before the command runs, and what was
// there stays. What fits is stored.
func TestStoreNeedsRoom(t *testing.T) {
	srv := newServerWith(t, io.Discard, nil, "maxmemory 8gb", "maxmemory-policy noeviction", "maxmemory-clients 1mb")
	c := connect(t, srv)
	c.do(addNumbers("a "+strings.Repeat("x", 90), 20_000))
	c.expect("SADD b 1", ":1", "SADD d old", ":1")
	weight := func(command string, weigh Weigh) int {
		c.call.Args = split(command)
		c.call.Keys = nil
		for _, name := range c.call.Args[1:] {
			c.call.Keys = append(c.call.Keys, srv.Store.Key(name))
		}
		c.tx.LockAll()
		defer c.tx.Unlock()
		return weigh(&c.call)
	}
	large, small := weight("SDIFFSTORE d a b", weighDiff), weight("SINTERSTORE d a b", weighInter)
	if union := weight("SUNIONSTORE d a b", weighUnion); union != large+small || large < 2_000_000 || small > 1000 {
		t.Errorf("weights: %d, %d, %d of both", large, small, union)
	}
	leaveNoRoom(srv, 2_000_000)
	c.expect("SUNIONSTORE d a b", oom, "SDIFFSTORE d a b", oom, "SMEMBERS d", "*1 $3 old")
}

// TestWeightsAreBounds: no result of a store takes more than what the command weighed, whatever its
// sources are like.
func TestWeightsAreBounds(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 9))
	c := connect(t, newTestServer(t))
	usage := func(key string) int {
		n, _ := strconv.Atoi(strings.Trim(c.do("MEMORY USAGE "+key), ":\r\n"))
		return n
	}
	for range 40 {
		c.do("FLUSHALL")
		for _, key := range []string{"a", "b"} {
			n := 1 << rng.IntN(13)
			switch rng.IntN(3) {
			case 0:
				c.do(addNumbers(key+" ", n))
			case 1:
				c.do(addNumbers(key+" m", n))
			case 2:
				for range n {
					c.do(fmt.Sprint("SADD ", key, " ", rng.Int64()))
				}
			}
		}
		c.tx.LockAll()
		c.call.Keys = nil
		for _, key := range []string{"d", "a", "b"} {
			c.call.Keys = append(c.call.Keys, c.srv.Store.Key([]byte(key)))
		}
		union, diff := weighUnion(&c.call), weighDiff(&c.call)
		c.tx.Unlock()
		c.do("SUNIONSTORE d a b")
		if n := usage("d"); n > union {
			t.Errorf("a union takes %d, it weighed %d: %s", n, union, c.do("SCARD d"))
		}
		c.do("SDIFFSTORE d a missing")
		if n := usage("d"); n > diff {
			t.Errorf("a difference takes %d, it weighed %d: %s", n, diff, c.do("SCARD d"))
		}
	}
}

// TestScanOfLargeSet: SSCAN finds all members in turns, as HSCAN does fields, and its patterns have
// the same limit.
func TestScanOfLargeSet(t *testing.T) {
	c := connect(t, newTestServer(t))
	const n = 10_000
	c.do(addNumbers("s m", n))
	for _, command := range []string{"SSCAN s 0 COUNT 100000", "SSCAN s 0 COUNT 100000 MATCH m*"} {
		if got, next := c.turn(command); next != Yield || got != "" {
			t.Errorf("%s: the first turn: %v, %d bytes", command, next, len(got))
		}
		if found := fieldsOf(c.do(command)); len(slices.Compact(slices.Sorted(slices.Values(found)))) != n+1 { // and the cursor
			t.Errorf("%s: %d different members, want %d", command, len(found)-1, n)
		}
	}
	c.expect("SSCAN s 0 MATCH *"+strings.Repeat("?", 257)+"*", "-"+string(errPattern))
}

// TestHotCommandsOfSetsAllocateNothing is TestHotCommandsAllocateNothing for sets.
func TestHotCommandsOfSetsAllocateNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := connect(t, newTestServer(t))
		c.do("SADD s a b c")
		c.do("SADD i 1 2 3")
		for _, commands := range [][]string{
			{"SADD s a"}, {"SADD s new", "SREM s new"}, {"SADD i 1"},
			{"SREM s none"}, {"SISMEMBER s a"}, {"SISMEMBER i 2"}, {"SISMEMBER none a"},
			{"SMISMEMBER s a none"}, {"SCARD s"}, {"SMOVE s i none"},
		} {
			var batch [][][]byte
			for _, command := range commands {
				batch = append(batch, split(command))
			}
			n := testing.AllocsPerRun(200, func() {
				c.Out.B = c.Out.B[:0]
				for _, args := range batch {
					c.Exec(&Request{Args: args})
				}
			})
			if n != 0 || c.Out.B[0] == '-' {
				t.Errorf("%q: %v allocations, reply %q", commands, n, c.Out.B)
			}
		}
	})
}
