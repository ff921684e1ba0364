package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redistill/redistill/test/await"
)

// counters are keys that clients count up, with a hash of many fields and a long string that change with them.
const counters = 400

// TestKillWhileSaving kills the server at random moments under writes, while it saves without a pause.
func TestKillWhileSaving(t *testing.T) {
	dir := t.TempDir()
	crashWhileSaving(t, dir, saver.Kill)
}

// TestPowerCut likewise, but at the random moment all is lost that was not synchronised with the disk. The filesystem is told not to put
// the data of a file on disk on its own when it is renamed.
func TestPowerCut(t *testing.T) {
	e := newExt4(t, "80m", "noauto_da_alloc,data=writeback")
	crashWhileSaving(t, e.dir, func(s saver) {
		e.cut()
		s.Kill()
		e.again()
	})
}

// crashWhileSaving ends the server at random moments under writes, while it saves without a pause. What it loads then is not older than the
// last snapshot that was reported as written.
func crashWhileSaving(t *testing.T, dir string, crash func(saver)) {
	floor := make([]int64, counters)
	end, rounds, saves := time.Now().Add(*length), 0, 0
	for ; (rounds < 3 || time.Now().Before(end)) && !t.Failed(); rounds++ {
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
		for crashAt := time.Now().Add(time.Duration(50+rand.IntN(400)) * time.Millisecond); time.Now().Before(crashAt) || floor[0] == 0; {
			var before [counters]int64
			for i := range before {
				before[i] = done[i].Load()
			}
			if s.Save(t.Context()).Err() == nil {
				copy(floor, before[:])
				saves++
			}
		}
		go func() { _ = s.Save(context.Background()).Err() }()
		time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond) // the moment is random
		crash(s)
		clients.Wait()
		_ = s.Close()
	}
	t.Logf("crashed %d times, after %d snapshots", rounds, saves)
}

// countUp counts every fourth counter up until the server is gone.
func countUp(s saver, c int, sent, done *[counters]atomic.Int64) {
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

// TestTwoServers: two servers that write the same file, both of them without a pause, leave one that is whole and one of theirs. Who comes
// while the other one writes says so, and goes on.
func TestTwoServers(t *testing.T) {
	dir := t.TempDir()
	var servers [2]saver
	for i := range servers {
		servers[i] = startSaver(t, dir)
	}
	var running sync.WaitGroup
	var saved, refused atomic.Int64
	end := time.Now().Add(*length / 2)
	for i, s := range servers {
		running.Go(func() {
			for n := range 1000 {
				s.Set(t.Context(), fmt.Sprint(n), strings.Repeat(fmt.Sprint(i), 1+n*5), 0)
			}
			for saved.Load() == 0 || time.Now().Before(end) {
				if err := s.Save(t.Context()).Err(); err == nil {
					saved.Add(1)
				} else {
					refused.Add(1)
				}
			}
		})
	}
	await.True(t, "a snapshot is written", func() bool { return saved.Load() > 0 })
	for looks := 0; looks == 0 || time.Now().Before(end) && !t.Failed(); looks++ {
		all := read(t, filepath.Join(dir, "dump.rdb"))
		owner := all[name{0, "0"}].text
		for n, v := range all {
			if strings.Trim(v.text, owner) != "" {
				t.Fatalf("%v is %.20q in the file of server %s", n, v.text, owner)
			}
		}
	}
	running.Wait()
	for _, s := range servers {
		if log := s.Log(); strings.Count(log, "level=ERROR") != strings.Count(log, "another process is writing this file") {
			t.Errorf("an error of another kind:\n%s", log)
		}
	}
	t.Logf("%d snapshots written, %d refused", saved.Load(), refused.Load())
}
