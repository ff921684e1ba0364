package bench

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"
)

func TestRunCountsWhatTheServerCounts(t *testing.T) {
	for _, name := range []string{"session", "api", "html", "mixed", "headline"} {
		t.Run(name, func(t *testing.T) {
			s := startFake(t)
			cfg := small(t, name, 20_000)
			if name == "html" {
				cfg.Requests = 1000
				cfg.Profile, _ = cfg.Profile.With(Overrides{Keys: 50})
			}
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
	if *r.HitRate != 1 || math.Abs(float64(r.Hits)/40_000-1) > 0.01 {
		t.Errorf("got hit rate %f, %d reads", *r.HitRate, r.Hits)
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
		if math.Abs(*r.HitRate-0.95) > 0.01 {
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

// TestOpenLoopShowsStall: a server that stands still makes the requests late that
// were due meanwhile, although only one per connection waits for it. In the closed
// loop the same stall is one slow request. Requests end the runs, and not a time,
// of which a busy machine may need any part for other things.
func TestOpenLoopShowsStall(t *testing.T) {
	const stall = 800 * time.Millisecond
	measure := func(rate float64, requests int64) Result {
		s := startFake(t)
		s.stallAfter, s.stall = 100, stall
		cfg := small(t, "session", requests)
		cfg.Connections, cfg.Pipeline, cfg.Rate = 2, 1, rate
		r, err := Run(context.Background(), s.target(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	open := measure(500, 1000)
	if open.Latency.P99 < stall/2 || open.Latency.Max < stall {
		t.Errorf("the open loop hides the stall: %+v", open.Latency)
	}
	silent, longest, replied := 0.0, 0.0, false
	for _, i := range open.Intervals {
		switch {
		case i.Requests == 0 && replied: // not at the start
			silent += i.Seconds
		case i.Requests > 0:
			longest, silent, replied = max(longest, silent), 0, true // and not at the end
		}
	}
	if longest < stall.Seconds()/2 {
		t.Errorf("no reply in %f s at most over time, between others: %+v", longest, open.Intervals)
	}
	closed := measure(0, 20_000)
	if closed.Latency.P99 > stall/2 || closed.Latency.Max < stall {
		t.Errorf("the closed loop: %+v", closed.Latency)
	}
}

func TestOpenLoopKeepsItsRate(t *testing.T) {
	s := startFake(t)
	cfg := small(t, "counter", 0)
	cfg.Rate, cfg.Duration = 250, 4*time.Second // long enough that some are sent in time, although the machine may stand still for seconds
	r, err := Run(context.Background(), s.target(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Requests + r.Unsent; got < 990 || got > 1010 {
		t.Errorf("got %d requests and %d unsent, want 1000 in all", r.Requests, r.Unsent)
	}
	if r.Late == nil || r.Late.P50 <= 0 || r.Late.P50 > r.Latency.Max {
		t.Errorf("late by %+v", r.Late)
	}
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

func TestInterrupt(t *testing.T) {
	s := startFake(t)
	s.stallAfter, s.stall = 2000, 300*time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	cfg := small(t, "session", 0)
	cfg.Duration = time.Minute
	cfg.Progress = func(p Progress) {
		if p.Phase == "measure" && p.Requests > 0 {
			cancel()
		}
	}
	r, err := Run(ctx, s.target(), cfg)
	if !errors.Is(err, ErrInterrupted) || r.Requests == 0 || r.Seconds > 30 {
		t.Errorf("got %v, %+v", err, r)
	}
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
	s.listener.Close()
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
		if p.Name == "html" {
			cfg.Requests = 1000
		}
		r, err := Run(context.Background(), target, cfg)
		if err != nil {
			t.Fatalf("%s: %v", p.Name, err)
		}
		if r.Errors != 0 || r.Server.Name == "" || r.Server.RSS == nil || r.Server.Keys == nil {
			t.Errorf("%s: got %+v", p.Name, r)
		}
		if p.Name != "counter" && math.Abs(*r.HitRate-*r.Server.HitRate) > 1e-9 {
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
