package population_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redistill/redistill/internal/plan"
	"github.com/redistill/redistill/internal/population"
	"github.com/redistill/redistill/internal/servertest"
)

const users = 4_000

// fill writes what TestSample expects: sessions, pages and users, some keys without a prefix, and, where there are lists, lists.
func fill(t *testing.T, address string, lists bool) {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: address, ReadTimeout: time.Minute})
	defer func() { _ = c.Close() }()
	pipe := c.Pipeline()
	for i := range users {
		pipe.Set(t.Context(), fmt.Sprintf("session:%024d", i), strings.Repeat("s", 32+i%225), 24*time.Hour)
		pipe.HSet(t.Context(), fmt.Sprintf("user:%d", i), "name", "Ada", "city", "London")
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

func sample(t *testing.T, address string, keys int) *population.Sample {
	t.Helper()
	s, err := population.TakeSample(t.Context(), dial(t, address), population.SampleOptions{Keys: keys, Rate: 1_000_000, Separator: ":", Timeout: time.Minute}, func(int) {})
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
			fill(t, s.Addr, name == "redis-server")
			checkWhole(t, sample(t, s.Addr, 1_000_000), name == "redis-server")
			checkPart(t, sample(t, s.Addr, 2_000))
		})
	}
}

// want is what fill wrote.
var want = map[string]plan.Item{
	"session": {Count: users, Key: 32, Size: 143, TTL: 24 * time.Hour}, "user": {Count: users, Size: 9, Key: 9, Fields: 2, Field: 4},
	"user.string": {Count: users / 4, Key: 14, Size: 5_000}, "hits": {Count: users / 4, Key: 9, Size: 1}, "other": {Count: users / 100, Key: 9, Size: 1},
}

func checkWhole(t *testing.T, s *population.Sample, lists bool) {
	t.Helper()
	if !s.Whole || s.Keys != int64(s.Sampled) || len(s.Groups) != len(want) {
		t.Errorf("got %d of %d keys in %d groups, whole %v", s.Sampled, s.Keys, len(s.Groups), s.Whole)
	}
	for _, it := range s.Items() {
		w, found := want[it.Name]
		if got := it; !found || got.Count != w.Count || got.Size != w.Size || got.Key != w.Key || got.Fields != w.Fields || got.Field != w.Field || got.TTL != w.TTL {
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

// checkPart allows six standard errors, which chance gets to once in ten million samples. They follow from what is there: a sample that has
// one of the few keys of a group, and so it is with one sample of 700, makes them a third of that, and one that has 20 half as much again.
func checkPart(t *testing.T, s *population.Sample) {
	t.Helper()
	if s.Whole || s.Sampled != 2_000 {
		t.Errorf("got %d of %d, whole %v", s.Sampled, s.Keys, s.Whole)
	}
	n, all := float64(s.Sampled), float64(s.Keys)
	for _, g := range s.Groups {
		w := want[g.Name]
		share := float64(w.Count) / all
		deviation := all * math.Sqrt(share*(1-share)/n*(1-n/all))
		off, bound := math.Abs(float64(g.Count-w.Count)), float64(g.CountBound)/deviation
		if off > 6*deviation || bound < 1.96/4 || bound > 1.96*2 {
			t.Errorf("%s: %d ± %d keys, want %d ± %.0f", g.Name, g.Count, g.CountBound, w.Count, 1.96*deviation)
		}
		if g.BytesBound == 0 || g.BytesBound > 2*g.Bytes {
			t.Errorf("%s: %d ± %d bytes", g.Name, g.Bytes, g.BytesBound)
		}
	}
}

// TestSampleReads: a user of redis-server who may only read is enough.
func TestSampleReads(t *testing.T) {
	s := servertest.Start(t, servertest.Redis(t), "--port", servertest.Port, "--save", "")
	fill(t, s.Addr, true)
	c := redis.NewClient(&redis.Options{Addr: s.Addr, ReadTimeout: time.Minute})
	defer func() { _ = c.Close() }()
	if err := c.Do(t.Context(), "ACL", "SETUSER", "default", "-@all", "+@read").Err(); err != nil {
		t.Fatal(err)
	}
	if got := sample(t, s.Addr, 100_000); !got.Whole || len(got.Groups) != len(want) {
		t.Errorf("got %d keys in %d groups, whole %v", got.Sampled, len(got.Groups), got.Whole)
	}
}

// TestSampleRate: it takes as long as the rate makes it.
func TestSampleRate(t *testing.T) {
	s := servertest.Start(t, servertest.Program(t), "serve", "--port", servertest.Port)
	fill(t, s.Addr, false)
	begin := time.Now()
	_, err := population.TakeSample(t.Context(), dial(t, s.Addr), population.SampleOptions{Keys: 300, Rate: 1000, Separator: ":", Timeout: time.Minute}, func(int) {})
	if took := time.Since(begin); err != nil || took < 290*time.Millisecond {
		t.Errorf("300 keys at 1000 a second took %v, error %v", took, err)
	}
}

// TestSampleManyPrefixes: beyond the largest groups, keys are one.
func TestSampleManyPrefixes(t *testing.T) {
	s := servertest.Start(t, servertest.Program(t), "serve", "--port", servertest.Port)
	c := redis.NewClient(&redis.Options{Addr: s.Addr, ReadTimeout: time.Minute})
	defer func() { _ = c.Close() }()
	for i := range 30 {
		for j := range 1 + i%3 {
			if err := c.Set(t.Context(), fmt.Sprintf("ä%d:%d", i, j), "v", 0).Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
	items := sample(t, s.Addr, 1000).Items()
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
		_, err := population.TakeSample(t.Context(), dial(t, answering(t, text)), population.SampleOptions{Keys: 10, Rate: 1000, Separator: ":", Timeout: time.Minute}, func(int) {})
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
	_, err := population.TakeSample(ctx, nc, population.SampleOptions{Keys: 10, Rate: 1000, Separator: ":", Timeout: time.Minute}, func(int) {})
	if !errors.Is(err, population.ErrInterrupted) {
		t.Errorf("got %v", err)
	}
}

func TestSampleOptions(t *testing.T) {
	for _, o := range []population.SampleOptions{{}, {Keys: -1, Rate: 1, Separator: ":"}, {Keys: 1, Separator: ":"}, {Keys: 1, Rate: 1}, {Keys: 1 << 30, Rate: 1, Separator: ":"}} {
		if _, err := population.TakeSample(t.Context(), nil, o, nil); err == nil {
			t.Errorf("%+v: got no error", o)
		}
	}
}
