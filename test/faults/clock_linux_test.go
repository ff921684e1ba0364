package faults

import (
	"flag"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redistill/redistill/test/servertest"
)

var moveClock = flag.Bool("clock", false, "let TestClock move the machine's clock for a moment, which takes root")

// TestClock moves the machine's clock by an hour, forward, back, and further back. Deadlines are points of time for Redis, so keys expire
// early or late by as much; Redistill answers what redis-server does, and the connections of both last.
func TestClock(t *testing.T) {
	if !*moveClock {
		t.Skip("skipped, because the machine's clock is moved with -clock only")
	}
	onEachPath(t, func(t *testing.T, path string) {
		ours := dial(t, servertest.Start(t, redistill(t, path, "--max-memory", "64mb")...).Addr)
		redis := dial(t, servertest.Start(t, servertest.Redis(t), "--port", servertest.Port, "--save", "").Addr)
		apart := time.Duration(0) // how long a command came later to redis-server than to us, at most
		both := func(words ...string) {
			t.Helper()
			sent := time.Now()
			got, want := ours.do(words...), redis.do(words...)
			apart = max(apart, time.Since(sent))
			if got != want && !aboutEqual(got, want, apart) {
				t.Errorf("%q answers %q, redis-server answers %q", words, got, want)
			}
		}
		names, began := []string{"1m", "90m", "never", "hash"}, time.Now()
		defer setClock(t, began, 0)
		for _, ahead := range []time.Duration{0, time.Hour, 0, -time.Hour, 0} {
			now := setClock(t, began, ahead)
			for _, name := range names {
				both("TTL", name)
				both("PEXPIRETIME", name)
				both("EXISTS", name)
			}
			both("SET", "1m", "v", "EX", "60")
			both("SET", "90m", "v", "PX", "5400000", "NX")
			both("SET", "never", "v")
			both("HSET", "hash", "f", "v")
			both("EXPIREAT", "hash", strconv.FormatInt(now.Add(70*time.Minute).Unix(), 10), "GT")
			both("GETEX", "90m", "PERSIST")
			both("EXPIRE", "90m", "5400")
			both("DBSIZE")
		}
	})
}

// aboutEqual compares two replies that are numbers: a second may pass between them, and as much as the commands were apart.
func aboutEqual(a, b string, apart time.Duration) bool {
	x, err := strconv.ParseInt(strings.TrimPrefix(a, ":"), 10, 64)
	y, failed := strconv.ParseInt(strings.TrimPrefix(b, ":"), 10, 64)
	far := int64((time.Second + apart).Seconds())
	if x > 1e12 { // a point of time in milliseconds
		far = (time.Second + apart).Milliseconds()
	}
	return err == nil && failed == nil && x > 1 && y > 1 && max(x-y, y-x) <= far
}

// setClock sets the wall clock to what it was when the test began, what has passed since then, and how much it is to be ahead of that.
func setClock(t *testing.T, began time.Time, ahead time.Duration) time.Time {
	t.Helper()
	now := began.Round(0).Add(time.Since(began) + ahead)
	at := syscall.NsecToTimeval(now.UnixNano())
	if err := syscall.Settimeofday(&at); err != nil {
		t.Fatal(err)
	}
	return now
}
