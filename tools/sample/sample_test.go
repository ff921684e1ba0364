package sample_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redistill/redistill/internal/resp/resptest"
	"github.com/redistill/redistill/test/servertest"
	"github.com/redistill/redistill/tools/client"
	"github.com/redistill/redistill/tools/plan"
	"github.com/redistill/redistill/tools/sample"
)

const users = 4_000

// fill writes what TestSample expects: sessions, pages and users, some keys without a prefix, and, where there are lists, lists.
func fill(t *testing.T, address string, lists bool) {
	t.Helper()
	pipe := connect(t, address).Pipeline()
	for i := range users {
		pipe.Set(t.Context(), fmt.Sprintf("session:%024d", i), strings.Repeat("s", 32+i%225), 24*time.Hour)
		pipe.HSet(t.Context(), fmt.Sprintf("user:%d", i), "name", "Ada", "city", "London")
		pipe.SAdd(t.Context(), fmt.Sprintf("tags:%d", i), "go", "cache", "redis", "a tag of 17 chars")
		if i%4 == 0 {
			pipe.Set(t.Context(), fmt.Sprintf("user:%d:page", i), strings.Repeat("p", 5_000), 0)
			pipe.Incr(t.Context(), fmt.Sprintf("hits:%d", i))
		}
		if i%100 == 0 {
			pipe.Set(t.Context(), fmt.Sprintf("plain%d", i), "x", 0)
			if lists {
				pipe.RPush(t.Context(), fmt.Sprintf("queue:%d", i), "a", "b")
			}
		}
	}
	if _, err := pipe.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func take(t *testing.T, address string, keys int) *plan.Sample {
	t.Helper()
	s, err := sample.Take(t.Context(), dial(t, address), sample.Options{Keys: keys, Rate: 1_000_000, Separator: ":"}, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSample looks at all keys of both servers, of which nothing is estimated then, and at some.
func TestSample(t *testing.T) {
	servers := map[string]func(t *testing.T) *servertest.Server{
		"redis-server": func(t *testing.T) *servertest.Server {
			return servertest.Start(t, servertest.Redis(t), "--port", servertest.Port, "--save", "")
		},
		"redistill": func(t *testing.T) *servertest.Server {
			return servertest.Start(t, servertest.Program(t), "serve", "--port", servertest.Port)
		},
	}
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			began := time.Now()
			fill(t, s.Addr, name == "redis-server")
			checkWhole(t, take(t, s.Addr, 1_000_000), name == "redis-server", began)
			checkPart(t, take(t, s.Addr, 2_000))
		})
	}
}

// want is what fill wrote.
var want = map[string]plan.Item{
	"session": {Count: users, Key: 32, Size: 143, TTL: 24 * time.Hour}, "user": {Count: users, Size: 9, Key: 9, Fields: 2, Field: 4},
	"tags": {Count: users, Size: 29, Key: 9, Members: 4}, "user.string": {Count: users / 4, Key: 14, Size: 5_000}, "hits": {Count: users / 4, Key: 9, Size: 1}, "other": {Count: users / 100, Key: 9, Size: 1},
}

// checkWhole compares a sample of all keys with what was written from a time on.
func checkWhole(t *testing.T, s *plan.Sample, lists bool, began time.Time) {
	t.Helper()
	if !s.Whole || s.Keys != int64(s.Sampled) || len(s.Groups) != len(want) {
		t.Errorf("got %d of %d keys in %d groups, whole %v", s.Sampled, s.Keys, len(s.Groups), s.Whole)
	}
	for _, it := range s.Items() {
		w, found := want[it.Name]
		if it.TTL < w.TTL && it.TTL >= w.TTL-time.Since(began) {
			it.TTL = w.TTL // what has passed since is not left
		}
		if got := it; !found || got.Count != w.Count || got.Size != w.Size || got.Key != w.Key || got.Fields != w.Fields || got.Field != w.Field || got.Members != w.Members || got.TTL != w.TTL {
			t.Errorf("%s: got %d keys of %d B with %d B, %d fields of %d B, TTL %v; want %+v", it.Name, got.Count, got.Key, got.Size, got.Fields, got.Field, got.TTL, w)
		}
		if shape := it.Shapes()[0]; shape.Counter != (it.Name == "hits") || shape.TTL != (w.TTL > 0) {
			t.Errorf("%s: got %+v", it.Name, shape)
		}
	}
	for _, g := range s.Groups {
		if g.CountBound != 0 || g.BytesBound != 0 || g.Bytes == 0 || g.There < g.Count*g.Size {
			t.Errorf("%s: %d ± %d keys, %d ± %d bytes, there %d", g.Name, g.Count, g.CountBound, g.Bytes, g.BytesBound, g.There)
		}
	}
	if lists && (len(s.Other) != 1 || s.Other[0].Type != "list" || s.Other[0].Count != users/100 || s.Other[0].There == 0) {
		t.Errorf("of other types: got %+v", s.Other)
	}
}

// leastChance is how likely the least likely samples are that checkPart accepts: there are ten numbers in a run of the tests.
const leastChance = 1e-10

// checkPart holds the numbers of keys in a sample against chance, and what is estimated from them against the formulas.
func checkPart(t *testing.T, s *plan.Sample) {
	t.Helper()
	if s.Whole || s.Sampled != 2_000 {
		t.Errorf("got %d of %d, whole %v", s.Sampled, s.Keys, s.Whole)
	}
	sampled := map[string]int{}
	n, all := float64(s.Sampled), float64(s.Keys)
	for _, g := range s.Groups {
		sampled[g.Name] = g.Sampled
		share := float64(g.Sampled) / n
		bound := 1.96 * all * math.Sqrt(share*(1-share)/(n-1)*(1-n/all))
		if g.Count != int64(math.Round(all*share)) || g.CountBound != int64(math.Round(bound)) {
			t.Errorf("%s: %d ± %d keys from %d, want %.0f ± %.0f", g.Name, g.Count, g.CountBound, g.Sampled, all*share, bound)
		}
		if g.BytesBound == 0 || g.BytesBound > 2*g.Bytes {
			t.Errorf("%s: %d ± %d bytes", g.Name, g.Bytes, g.BytesBound)
		}
	}
	for name, w := range want {
		if p := chance(sampled[name], s.Sampled, int(w.Count), int(s.Keys)); p < leastChance {
			t.Errorf("%s: %d of %d are in a sample of %d among %d, and chance makes that once in %g samples", name, sampled[name], w.Count, s.Sampled, s.Keys, 1/p)
		}
	}
}

// chance returns how likely a sample of n among all is to have this number of a group's keys, or one that is no more likely.
func chance(number, n, group, all int) float64 {
	choose := func(n, k int) float64 {
		a, _ := math.Lgamma(float64(n + 1))
		b, _ := math.Lgamma(float64(k + 1))
		c, _ := math.Lgamma(float64(n - k + 1))
		return a - b - c
	}
	likely := func(k int) float64 { return math.Exp(choose(group, k) + choose(all-group, n-k) - choose(all, n)) }
	sum, same := 0.0, likely(number)*(1+1e-6)
	for k := max(0, n+group-all); k <= min(n, group); k++ {
		if p := likely(k); p <= same {
			sum += p
		}
	}
	return sum
}

func TestChance(t *testing.T) {
	for _, test := range []struct {
		number, n, group, all int
		want                  float64
	}{{2, 4, 4, 8, 1}, {4, 4, 4, 8, 2.0 / 70}, {3, 4, 4, 8, 34.0 / 70}, {0, 2000, 40, 10_000, 2.125e-04}, {24, 2000, 40, 10_000, 3.260e-08}} {
		if got := chance(test.number, test.n, test.group, test.all); math.Abs(got/test.want-1) > 1e-3 {
			t.Errorf("%+v: got %g", test, got)
		}
	}
}

// TestSampleReads: a user of redis-server who may only read is enough.
func TestSampleReads(t *testing.T) {
	s := servertest.Start(t, servertest.Redis(t), "--port", servertest.Port, "--save", "")
	fill(t, s.Addr, true)
	c := connect(t, s.Addr)
	if err := c.Do(t.Context(), "ACL", "SETUSER", "default", "-@all", "+@read").Err(); err != nil {
		t.Fatal(err)
	}
	if got := take(t, s.Addr, 100_000); !got.Whole || len(got.Groups) != len(want) {
		t.Errorf("got %d keys in %d groups, whole %v", got.Sampled, len(got.Groups), got.Whole)
	}
}

// TestSampleRate: a sample takes as long as the rate makes it, on the clock of the test.
func TestSampleRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		go resptest.Serve(theirs, func(name string) string { return ofStrings[name] })
		began := time.Now()
		s, err := sample.Take(t.Context(), client.New(ours, minute), sample.Options{Keys: 300, Rate: 1000, Separator: ":"}, func(int) {})
		if took := time.Since(began); err != nil || s.Sampled != 300 || took != 300*time.Millisecond {
			t.Errorf("300 keys at 1000 a second took %v, error %v", took, err)
		}
		_ = ours.Close()
	})
}

// ofStrings are the replies of a server that has strings alone.
var ofStrings = map[string]string{
	"CLIENT": "+OK\r\n", "DBSIZE": ":1000\r\n", "INFO": "$0\r\n\r\n", "TYPE": "+string\r\n", "PTTL": ":-1\r\n", "MEMORY": ":100\r\n",
	"STRLEN": ":5\r\n", "OBJECT": "$3\r\nraw\r\n", "SCAN": "*2\r\n$1\r\n7\r\n*100\r\n" + strings.Repeat("$3\r\na:b\r\n", 100),
}

// TestSampleManyPrefixes: beyond the largest groups, keys are one.
func TestSampleManyPrefixes(t *testing.T) {
	s := servertest.Start(t, servertest.Program(t), "serve", "--port", servertest.Port)
	c := connect(t, s.Addr)
	for i := range 30 {
		for j := range 1 + i%3 {
			if err := c.Set(t.Context(), fmt.Sprintf("ä%d:%d", i, j), "v", 0).Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
	items := take(t, s.Addr, 1000).Items()
	if last := items[len(items)-1]; len(items) != 21 || last.Name != "other" || last.Count != 10 || !strings.HasPrefix(items[0].Name, "_") {
		t.Errorf("got %d items, the last one %s of %d", len(items), last.Name, last.Count)
	}
	if _, err := plan.New(plan.Options{Items: items}); err != nil {
		t.Error(err)
	}
}

// answering listens, and answers whatever comes with a text.
func answering(t *testing.T, text string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = nc.Close() }()
				in := bufio.NewReader(nc)
				if _, err := in.ReadByte(); err == nil {
					_, _ = nc.Write([]byte(text))
					_, _ = in.WriteTo(io.Discard) // until the client goes away
				}
			}()
		}
	}()
	return l.Addr().String()
}

// TestSampleOfNoServer: what does not speak the protocol is an error, and takes no memory.
func TestSampleOfNoServer(t *testing.T) {
	for text, wantError := range map[string]string{
		"HTTP/1.1 400 Bad Request\r\n\r\n":               "does not speak",
		"+OK\r\n*1000000000\r\n":                         "does not speak",
		"+OK\r\n$99999999999\r\n":                        "does not speak",
		"+OK\r\n-ERR \x1b[31mno\x07\r\n":                 "the server replied: ERR ?[31mno?",
		"+OK\r\n" + strings.Repeat("*1\r\n", 100_000):    "does not speak",
		"+OK\r\n" + strings.Repeat("x", 100_000):         "does not speak",
		"+OK\r\n:0\r\n$0\r\n\r\n*2\r\n$1\r\n0\r\n*0\r\n": "the database is empty",
	} {
		_, err := sample.Take(t.Context(), dial(t, answering(t, text)), sample.Options{Keys: 10, Rate: 1000, Separator: ":"}, func(int) {})
		if err == nil || !strings.Contains(err.Error(), wantError) {
			t.Errorf("%.20q: got %v, want %q", text, err, wantError)
		}
	}
}

// TestSampleInterrupted: the end of the context ends a wait for a server that does not answer.
func TestSampleInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	nc := dial(t, answering(t, ""))
	cancel()
	_, err := sample.Take(ctx, nc, sample.Options{Keys: 10, Rate: 1000, Separator: ":"}, func(int) {})
	if !errors.Is(err, client.ErrInterrupted) {
		t.Errorf("got %v", err)
	}
}

func TestSampleOptions(t *testing.T) {
	for _, o := range []sample.Options{{}, {Keys: -1, Rate: 1, Separator: ":"}, {Keys: 1, Separator: ":"}, {Keys: 1, Rate: 1}, {Keys: 1 << 30, Rate: 1, Separator: ":"}} {
		if _, err := sample.Take(t.Context(), nil, o, nil); err == nil {
			t.Errorf("%+v: got no error", o)
		}
	}
}

// TestGap: what INFO counts and the sample does not have is said.
func TestGap(t *testing.T) {
	replies := maps.Clone(ofStrings)
	const memory = "used_memory_dataset:90000\r\n"
	replies["INFO"] = fmt.Sprintf("$%d\r\n%s\r\n", len(memory), memory)
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		go resptest.Serve(theirs, func(name string) string { return replies[name] })
		o := sample.Options{Keys: 300, Rate: 1000, Separator: ":"}
		s, err := sample.Take(t.Context(), client.New(ours, minute), o, func(int) {})
		if err != nil {
			t.Fatal(err)
		}
		// A thousand keys take 100 bytes each, of which 40 are no data.
		want := plan.Gap{Dataset: 90_000, Sampled: 60_000, Bytes: 30_000}
		if s.Gap == nil || *s.Gap != want {
			t.Errorf("got %+v, want %+v", s.Gap, want)
		}
		_ = ours.Close()
	})
}

// TestGapOfServers: of all keys the sample and INFO say about the same, on both servers, unless there
// are other databases, which INFO counts too.
func TestGapOfServers(t *testing.T) {
	for name, s := range map[string]*servertest.Server{
		"redis-server": servertest.Start(t, servertest.Redis(t), "--port", servertest.Port, "--save", ""),
		"redistill":    servertest.Start(t, servertest.Program(t), "serve", "--port", servertest.Port),
	} {
		fill(t, s.Addr, false)
		got := take(t, s.Addr, 1_000_000).Gap
		if got == nil || got.Bound != 0 || math.Abs(float64(got.Bytes)) > .15*float64(got.Dataset) {
			t.Errorf("%s: got %+v", name, got)
		}
		other := connect(t, s.Addr)
		if err := other.Do(t.Context(), "MOVE", "plain0", 1).Err(); err != nil {
			t.Fatal(err)
		}
		if got := take(t, s.Addr, 1_000_000).Gap; got != nil {
			t.Errorf("%s: with another database got %+v", name, got)
		}
	}
}

// TestIDsAreNoGroups: what keys are for is told by what comes behind an ID.
func TestIDsAreNoGroups(t *testing.T) {
	s := servertest.Start(t, servertest.Program(t), "serve", "--port", servertest.Port)
	pipe := connect(t, s.Addr).Pipeline()
	for i := range 100 {
		pipe.Set(t.Context(), fmt.Sprintf("%d:profile", i), "v", 0)
		pipe.Set(t.Context(), fmt.Sprintf("%08x-4a1c:%d:cart:x", 1e9+i, i), "v", 0)
		pipe.Set(t.Context(), fmt.Sprintf("xyz%d:y", i), "v", 0) // an ID of which that cannot be seen
		pipe.Set(t.Context(), fmt.Sprintf("v2:%d", i), "v", 0)
	}
	if _, err := pipe.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, it := range take(t, s.Addr, 1000).Items() {
		if it.Count != 100 {
			t.Errorf("%s has %d keys, want 100", it.Name, it.Count)
		}
		names = append(names, it.Name)
	}
	slices.Sort(names)
	if want := []string{"cart", "other", "profile", "v2"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
}
