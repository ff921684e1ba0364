package bench

import (
	"context"
	"errors"
	"math"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redistill/redistill/tools/client"
)

func TestRunCountsWhatTheServerCounts(t *testing.T) {
	for _, name := range []string{"session", "api", "html", "mixed", "headline"} {
		t.Run(name, func(t *testing.T) {
			s := startFake(t)
			cfg := small(t, name, 5_000)
			keys := len(s.data)
			r, err := Run(context.Background(), s.target(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			if r.Requests != cfg.Requests || r.Latency.Max <= 0 || r.Latency.P50 > r.Latency.P99 || r.Throughput <= 0 {
				t.Errorf("got %d requests, %+v, %f a second", r.Requests, r.Latency, r.Throughput)
			}
			if int(r.Hits) != s.hits || int(r.Misses) != s.misses {
				t.Errorf("got %d hits and %d misses, the server counted %d and %d", r.Hits, r.Misses, s.hits, s.misses)
			}
			if *r.HitRate != *r.Server.HitRate || *r.Server.Keys != int64(len(s.data)) || len(s.data) <= keys || *r.Server.RSS != 1e6 {
				t.Errorf("got %+v", r.Server)
			}
			total := int64(0)
			for _, c := range r.Commands {
				total += c.Count
			}
			for _, i := range r.Intervals {
				total -= i.Requests
			}
			if total != 0 {
				t.Errorf("commands and intervals differ by %d requests", total)
			}
		})
	}
}

func TestSessionReadsTwentyTimesAWrite(t *testing.T) {
	s := startFake(t)
	r, err := Run(context.Background(), s.target(), small(t, "session", 42_000))
	if err != nil {
		t.Fatal(err)
	}
	// The standard deviation is 44 reads: 400 are nine of them.
	if *r.HitRate != 1 || math.Abs(float64(r.Hits)-40_000) > 400 {
		t.Errorf("got hit rate %f, %d reads", *r.HitRate, r.Hits)
	}
}

// TestLargeBatches: a batch that is larger than the buffers between client and
// server is sent while its replies are read.
func TestLargeBatches(t *testing.T) {
	s := startFake(t)
	cfg := small(t, "session", 400)
	half := 0.5
	var err error
	if cfg.Profile, err = cfg.Profile.With(Overrides{Keys: 40, ValueSize: Sizes{200_000, 200_000}, ReadRatio: &half}); err != nil {
		t.Fatal(err)
	}
	cfg.Pipeline = 100 // 10 MB each way
	if r, err := Run(context.Background(), s.target(), cfg); err != nil || r.Requests != 400 || int(r.Hits) != s.hits {
		t.Errorf("%v: got %d requests, %d hits; the server counted %d", err, r.Requests, r.Hits, s.hits)
	}
}

// TestCacheAside: 95 % are found, in a second run too, and every miss is
// followed by its SET.
func TestCacheAside(t *testing.T) {
	s := startFake(t)
	for range 2 {
		s.asked = map[string]int{}
		r, err := Run(context.Background(), s.target(), small(t, "api", 20_000))
		if err != nil {
			t.Fatal(err)
		}
		// Of 19,048 requests, chance has 1.2 % more or less in one of 10¹³ runs.
		if math.Abs(*r.HitRate-0.95) > 0.012 {
			t.Errorf("got hit rate %f", *r.HitRate)
		}
		// Misses of the last batches are not followed any more.
		if sets := s.asked["SET"] - 500; sets > int(r.Misses) || sets < int(r.Misses)-4*8 {
			t.Errorf("got %d SETs after %d misses", sets, r.Misses)
		}
	}
}

func TestCounter(t *testing.T) {
	s := startFake(t)
	if _, err := Run(context.Background(), s.target(), small(t, "counter", 1000)); err != nil {
		t.Fatal(err)
	}
	if s.asked["INCR"] != 500 || s.asked["EXPIRE"] != 500 || s.asked["SET"] != 500 {
		t.Errorf("got %v", s.asked)
	}
}

// TestMembership: nine of ten commands ask for a member, which says nothing of whether its key is there.
func TestMembership(t *testing.T) {
	s := startFake(t)
	r, err := Run(context.Background(), s.target(), small(t, "set", 20_000))
	if err != nil {
		t.Fatal(err)
	}
	asked, added := s.asked["SISMEMBER"], s.asked["SADD"]-500 // what was preloaded
	// Of 20,000 requests, chance has 1.6 % more or less reads in one of 10¹³ runs.
	if asked+added != 20_000 || math.Abs(float64(asked)/20_000-0.9) > 0.016 {
		t.Errorf("%d SISMEMBERs and %d SADDs", asked, added)
	}
	if r.HitRate != nil {
		t.Errorf("got hit rate %f", *r.HitRate)
	}
	half := 0.5
	p, err := builtin(t, "set").With(Overrides{ReadRatio: &half})
	if err != nil || p.Populations[0].Access != Membership || p.Populations[0].ReadRatio != half {
		t.Errorf("with half of reads: %+v, %v", p.Populations[0], err)
	}
}

// oversleep is how much too late a load on the clock of a test is woken.
const oversleep = time.Millisecond

// clocked makes a load whose connections are pipes to s, so that it runs on the
// clock of a test, where nothing takes time but a stall and what oversleeps.
func clocked(t *testing.T, s *fakeServer, cfg Config) *load {
	t.Helper()
	connect := func() *client.Conn {
		ours, theirs := net.Pipe()
		go s.serve(theirs)
		return client.New(ours, client.Options{Timeout: cfg.Timeout})
	}
	l := &load{cfg: cfg.withDefaults(), control: connect()}
	l.sleep = func(ctx context.Context, until time.Time, _ chan struct{}) error {
		if d := time.Until(until); d > 0 {
			<-time.After(d + oversleep)
		}
		return ctx.Err()
	}
	pops := prepare(cfg.Profile, cfg.Seed)
	for i := range l.cfg.Connections {
		l.workers = append(l.workers, &worker{cfg: &l.cfg, number: i, conn: connect(), gen: newGenerator(pops, cfg.Seed, 1<<60, i)})
	}
	t.Cleanup(func() {
		l.close()
		s.standStill() // so that nothing is left of it
	})
	return l
}

// near reports whether a latency is this one, to the digits that are recorded.
func near(got, want time.Duration) bool { return got >= want && got <= want+want/500 }

// TestOpenLoopShowsStall: a server that stands still makes the requests late that
// were due meanwhile, although only one per connection waits for it. In the closed
// loop the same stall is one slow request.
func TestOpenLoopShowsStall(t *testing.T) {
	const stall = 800 * time.Millisecond
	measure := func(t *testing.T, rate float64, requests int64) Result {
		s := newFake(t)
		s.stallAfter, s.stall = 100, stall
		cfg := small(t, "session", requests)
		cfg.Connections, cfg.Pipeline, cfg.Rate = 2, 1, rate
		drive := (*worker).closed
		if rate > 0 {
			drive = (*worker).open
		}
		r, err := clocked(t, s, cfg).measure(t.Context(), drive)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	synctest.Test(t, func(t *testing.T) {
		// 500 a second: 400 of 1,000 are due while the server stands still.
		open := measure(t, 500, 1000)
		if !near(open.Latency.Max, stall+oversleep) || open.Latency.P99 < stall*9/10 || open.Latency.P50 > 2*oversleep || open.Latency.P90 < stall/2 {
			t.Errorf("the open loop hides the stall: %+v", open.Latency)
		}
		silent, longest := 0.0, 0.0
		for _, i := range open.Intervals {
			if i.Requests > 0 {
				silent = 0
				continue
			}
			silent += i.Seconds
			longest = max(longest, silent)
		}
		if longest < stall.Seconds()/2 {
			t.Errorf("no reply in %f s at most over time: %+v", longest, open.Intervals)
		}
		closed := measure(t, 0, 20_000)
		if !near(closed.Latency.Max, stall) || closed.Latency.P99 > time.Microsecond || closed.Seconds != stall.Seconds() {
			t.Errorf("the closed loop, which took %f s: %+v", closed.Seconds, closed.Latency)
		}
	})
}

// TestOpenLoopKeepsItsRate: as many are sent as are due, late by what the
// generator oversleeps. What is due at the end of a run is not sent after it.
func TestOpenLoopKeepsItsRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := small(t, "session", 0)
		cfg.Rate, cfg.Duration = 250, 4*time.Second
		r, err := clocked(t, newFake(t), cfg).measure(t.Context(), (*worker).open)
		last := cfg.Duration - 4*time.Millisecond // when the last one is due
		if err != nil || r.Requests != 1000 || r.Unsent != 0 || r.Seconds != (last+oversleep).Seconds() {
			t.Errorf("%v: got %d requests in %f s, %d unsent, want 1000 in %v", err, r.Requests, r.Seconds, r.Unsent, last)
		}
		if r.Late == nil || !near(r.Late.P50, oversleep) || !near(r.Late.Max, oversleep) || !near(r.Latency.P50, oversleep) {
			t.Errorf("late by %+v, want %v; latency %+v", r.Late, oversleep, r.Latency)
		}

		s := newFake(t)
		s.stallAfter, s.stall = 100, cfg.Duration
		r, err = clocked(t, s, cfg).measure(t.Context(), (*worker).open)
		if err != nil || r.Requests+r.Unsent != 1000 || r.Requests > 200 {
			t.Errorf("%v: with a server that stands still got %d requests and %d unsent, want 1000 in all", err, r.Requests, r.Unsent)
		}
	})
}

func TestOpenLoopEndsAfterRequests(t *testing.T) {
	s := startFake(t)
	cfg := small(t, "counter", 1000)
	cfg.Connections, cfg.Rate = 1, 100_000
	r, err := Run(context.Background(), s.target(), cfg)
	if err != nil || r.Requests != 1000 {
		t.Errorf("got %v, %d requests", err, r.Requests)
	}
}

func TestErrorReplies(t *testing.T) {
	s := startFake(t)
	s.fail = "GET"
	r, err := Run(context.Background(), s.target(), small(t, "session", 10_000))
	contains(t, err, "OOM no memory")
	if r.Errors == 0 || r.Requests >= 10_000 || r.FirstError != "OOM no memory" || r.Problem == "" {
		t.Errorf("got %+v", r)
	}
	cfg := small(t, "session", 10_000)
	cfg.KeepGoing = true
	r, err = Run(context.Background(), s.target(), cfg)
	if err != nil || r.Errors < 9000 || r.Requests != 10_000 || r.Hits != 0 || r.HitRate != nil {
		t.Errorf("got %v, %+v", err, r)
	}
	s.fail = "SET"
	_, err = Run(context.Background(), s.target(), small(t, "session", 10_000))
	contains(t, err, "preloading: the server replied: OOM no memory")
}

func TestServerDies(t *testing.T) {
	s := startFake(t)
	s.dieAfter = 5000
	report, err := Measure(context.Background(), small(t, "session", 100_000), 3, Named{"fake", s.target(), nil})
	if err == nil || report == nil {
		t.Fatalf("got %v, %v", report, err)
	}
	run := report.Targets[0].Runs[0]
	if run.Requests < 1000 || run.Requests > 6000 || run.Problem == "" || report.Problem == "" || len(report.Targets[0].Medians) != 0 {
		t.Errorf("got %+v", report)
	}
}

// TestInterrupt: it ends a run at once, although the server does not answer.
func TestInterrupt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFake(t)
		s.stallAfter, s.stall = 2000, time.Hour
		ctx, cancel := context.WithCancel(t.Context())
		cfg := small(t, "session", 0)
		cfg.Duration = time.Hour
		interrupted := time.Duration(0) // after the start
		began := time.Now()
		cfg.Progress = func(p Progress) {
			if p.Phase == "measure" && p.Requests > 0 {
				interrupted = time.Since(began)
				cancel()
			}
		}
		r, err := clocked(t, s, cfg).measure(ctx, (*worker).closed)
		if !errors.Is(err, client.ErrInterrupted) || r.Requests == 0 || r.Problem == "" || r.Seconds != interrupted.Seconds() {
			t.Errorf("interrupted after %v, got %v, %+v", interrupted, err, r)
		}
		// Then it asks for the server's figures, as long as for any reply.
		if took := time.Since(began); took != interrupted+cfg.Timeout {
			t.Errorf("it ended after %v, want %v", took, interrupted+cfg.Timeout)
		}
	})
}

func TestConnectErrors(t *testing.T) {
	s := startFake(t)
	s.password = "right"
	target := s.target()
	target.Password = "wrong"
	_, err := Run(context.Background(), target, small(t, "session", 10))
	contains(t, err, "WRONGPASS")
	target.Password = "right"
	if _, err = Run(context.Background(), target, small(t, "session", 10)); err != nil {
		t.Error(err)
	}
	target.Address = "127.0.0.1:1" // which is never given to anybody who asks for a free port
	_, err = Run(context.Background(), target, small(t, "session", 10))
	contains(t, err, "connection refused")
}

// TestRealServer holds every profile against redis-server, and compares the hit
// rate with what the server itself counted.
func TestRealServer(t *testing.T) {
	target := startRedis(t)
	for _, p := range Profiles() {
		cfg := small(t, p.Name, 5000)
		cfg.Warmup = 50 * time.Millisecond
		r, err := Run(context.Background(), target, cfg)
		if err != nil {
			t.Fatalf("%s: %v", p.Name, err)
		}
		if r.Errors != 0 || r.Server.Name == "" || r.Server.RSS == nil || r.Server.Keys == nil {
			t.Errorf("%s: got %+v", p.Name, r)
		}
		if p.Name != "counter" && p.Name != "set" && math.Abs(*r.HitRate-*r.Server.HitRate) > 1e-9 {
			t.Errorf("%s: got hit rate %f, the server counted %f", p.Name, *r.HitRate, *r.Server.HitRate)
		}
	}
}

func TestManyConnections(t *testing.T) {
	s := startFake(t)
	cfg := small(t, "session", 4000)
	cfg.Connections, cfg.Pipeline = 1000, 2
	r, err := Run(context.Background(), s.target(), cfg)
	if err != nil || r.Requests != 4000 {
		t.Errorf("got %v, %d requests", err, r.Requests)
	}
}
