package faults

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/redistill/redistill/test/servertest"
)

// TestTerminateLongTransaction: SIGTERM comes while a transaction, with all keys locked, would take
// many minutes. When the grace period is over it is cut off, and the snapshot is written.
func TestTerminateLongTransaction(t *testing.T) {
	onEachPath(t, func(t *testing.T, path string) {
		const keys, scans = 20_000, 10_000
		dir := t.TempDir()
		s := servertest.StartIn(t, dir, redistill(t, path, "--max-memory", "256mb", "--persistence", "--snapshot-interval", "0",
			"--shutdown-grace-period-secs", "1")...)
		c := dialLoaded(t, s)
		defer c.close()
		long := strings.Repeat("a", 1000)
		for i := range keys {
			c.say("SET", fmt.Sprint(long, i), "v")
		}
		c.say("MULTI")
		c.say("SET", "first", "v")
		for range scans { // each takes some 20 ms
			c.say("KEYS", "*?a?a?a?a?a?a?b*")
		}
		c.say("SET", "last", "v")
		c.flush()
		for range keys + scans + 3 {
			if reply, err := c.reply(); err != nil || reply[0] == '-' {
				t.Fatalf("%q, %v", reply, err)
			}
		}
		c.say("EXEC")
		c.flush()
		s.Signal(syscall.SIGTERM)
		if err := s.Wait(); err != nil {
			t.Error(err)
		}
		saved := read(t, filepath.Join(dir, "dump.rdb"))
		_, first := saved[name{0, "first"}]
		_, last := saved[name{0, "last"}]
		if len(saved) != keys+1 || !first || last {
			t.Errorf("%d keys were saved, the first of the transaction: %v, the last: %v", len(saved), first, last)
		}
		if !strings.Contains(s.Log(), "a transaction was cut off") {
			t.Errorf("the log does not say it: %s", s.Log())
		}
	})
}
