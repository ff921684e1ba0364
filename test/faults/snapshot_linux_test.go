package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sys/unix"

	"github.com/redistill/redistill/internal/servertest"
	"github.com/redistill/redistill/netserver"
)

// savers is a server that loads what was saved in its directory, with a client.
type savers struct {
	*servertest.Server
	*redis.Client
}

func startSaver(t *testing.T, dir string) savers {
	t.Helper()
	s := servertest.StartIn(t, dir, redistill(t, netserver.Portable, "--persistence", "--snapshot-interval", "0", "--save-on-shutdown=false")...)
	c := redis.NewClient(&redis.Options{Addr: s.Addr, MaxRetries: -1})
	t.Cleanup(func() { _ = c.Close() })
	s.Eventually("it has loaded its snapshot", func() bool { return c.Ping(context.Background()).Err() == nil })
	return savers{s, c}
}

// counters are keys that clients count up, with a hash of many fields and a long string that change with them.
const counters = 400

// TestKillWhileSaving kills the server at random moments under writes, while it saves without a pause. What it loads then is
// not older than the last snapshot that was reported as written.
func TestKillWhileSaving(t *testing.T) {
	dir, floor := t.TempDir(), make([]int64, counters)
	end, rounds := time.Now().Add(*length), 0
	for ; rounds < 3 || time.Now().Before(end); rounds++ {
		s := startSaver(t, dir)
		var sent, done [counters]atomic.Int64
		for i := range counters {
			n, err := s.Get(t.Context(), fmt.Sprint("k", i)).Int64()
			if err != nil && err != redis.Nil || n < floor[i] {
				t.Fatalf("round %d: k%d is %d, the last snapshot had at least %d: %v", rounds, i, n, floor[i], err)
			}
			sent[i].Store(n)
			done[i].Store(n)
		}
		if n, err := s.HLen(t.Context(), "h").Result(); err != nil || rounds > 0 && n == 0 {
			t.Fatalf("round %d: %d fields, %v", rounds, n, err)
		}
		var clients sync.WaitGroup
		for c := range 4 {
			clients.Go(func() { countUp(s, c, &sent, &done) })
		}
		for killAt := time.Now().Add(time.Duration(50+rand.IntN(400)) * time.Millisecond); time.Now().Before(killAt) || floor[0] == 0; {
			var before [counters]int64
			for i := range before {
				before[i] = done[i].Load()
			}
			if s.Save(t.Context()).Err() == nil {
				copy(floor, before[:])
			}
		}
		go func() { _ = s.Save(context.Background()).Err() }()
		time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
		s.Kill()
		clients.Wait()
		_ = s.Close()
	}
	t.Logf("killed %d times", rounds)
}

// countUp counts every fourth counter up until the server is gone.
func countUp(s savers, c int, sent, done *[counters]atomic.Int64) {
	ctx := context.Background()
	for n := 0; ; n++ {
		i := (n*4 + c) % counters
		next := sent[i].Add(1)
		pipe := s.Pipeline()
		pipe.Set(ctx, fmt.Sprint("k", i), next, 0)
		pipe.HSet(ctx, "h", fmt.Sprint("f", n%5000), strings.Repeat("x", n%500))
		pipe.SetRange(ctx, "s", int64(n*700%300_000), fmt.Sprint(n))
		if _, err := pipe.Exec(ctx); err != nil {
			return
		}
		done[i].Store(next)
	}
}

// TestFailingDisk makes a snapshot fail in the middle, by a limit of the size of files. The old one stays and is loaded, the error is told,
// and clients are served.
func TestFailingDisk(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	s := startSaver(t, dir)
	s.Set(ctx, "k", "old", 0)
	if err := s.Save(ctx).Err(); err != nil {
		t.Fatal(err)
	}
	old, err := os.ReadFile(filepath.Join(dir, "dump.rdb"))
	if err != nil {
		t.Fatal(err)
	}
	s.Set(ctx, "k", "new", 0)
	s.Set(ctx, "large", strings.Repeat("x", 4<<20), 0)
	limit := unix.Rlimit{Cur: 1 << 20, Max: unix.RLIM_INFINITY}
	if err := unix.Prlimit(s.PID, unix.RLIMIT_FSIZE, &limit, nil); err != nil {
		t.Skip("skipped, because limits cannot be set here: ", err)
	}
	s.failsToSave(t, "file too large")
	if got, err := os.ReadFile(filepath.Join(dir, "dump.rdb")); err != nil || string(got) != string(old) {
		t.Errorf("the old snapshot changed: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.tmp")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	s.Kill()
	again := startSaver(t, dir)
	if v, err := again.Get(ctx, "k").Result(); v != "old" {
		t.Errorf("k is %q, %v", v, err)
	}
}

// failsToSave asks for a snapshot that cannot be written.
func (s savers) failsToSave(t *testing.T, reason string) {
	t.Helper()
	ctx := t.Context()
	if err := s.Save(ctx).Err(); err == nil {
		t.Error("SAVE succeeded")
	}
	if text := s.Info(ctx, "persistence").Val(); !strings.Contains(text, "rdb_last_bgsave_status:err") {
		t.Errorf("INFO says\n%s", text)
	}
	if log := s.Log(); !strings.Contains(log, reason) {
		t.Errorf("the log does not say %q:\n%s", reason, log)
	}
	if v, err := s.Get(ctx, "k").Result(); v != "new" {
		t.Errorf("k is %q, %v", v, err)
	}
}
