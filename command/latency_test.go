package command

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/latency"
)

// monitored returns the number of samples of each event.
func monitored(srv *Server) map[latency.Event]int {
	n := map[latency.Event]int{}
	for _, s := range srv.latency.All() {
		n[s.Event] = len(s.Samples)
	}
	return n
}

// anHour is a threshold, in milliseconds, that no command reaches because the machine is busy.
const anHour = "3600000"

// doFor runs one command as if it had begun earlier.
func (c *client) doFor(took time.Duration, command string) string {
	c.Out.B = c.Out.B[:0]
	c.BeginBatch(time.Now().UnixMilli())
	c.clock -= int64(took)
	c.Exec(&Request{Args: split(command)})
	c.EndBatch()
	return string(c.Out.B)
}

// TestLatencyOfCommands: commands are monitored whether SLOWLOG is off, below or above the threshold, and by whether they are fast; those of
// a transaction each, and EXEC.
func TestLatencyOfCommands(t *testing.T) {
	for _, slower := range []string{"-1", "0", "36000000000"} {
		srv := newTestServer(t, "slowlog-log-slower-than "+slower, "latency-monitor-threshold "+anHour, debugAllowed)
		c := connect(t, srv)
		c.expect("DEBUG SLEEP 0", "+OK", "LATENCY LATEST", "*0")
		c.doFor(2*time.Hour, "DEBUG SLEEP 0")
		if got := monitored(srv); got[latency.Command] != 1 || got[latency.Fast] != 0 {
			t.Errorf("SLOWLOG at %s: samples %v", slower, got)
		}
		c.doFor(2*time.Hour, "PING")
		if got := monitored(srv); got[latency.Command] != 1 || got[latency.Fast] != 1 {
			t.Errorf("SLOWLOG at %s: samples %v", slower, got)
		}
		c.expect("LATENCY RESET", ":2", "MULTI", "+OK", "PING", "+QUEUED", "DEBUG SLEEP 0", "+QUEUED")
		if got := c.doFor(2*time.Hour, "EXEC"); got != "*2\r\n+PONG\r\n+OK\r\n" {
			t.Errorf("EXEC: %q", got)
		}
		// The first one took the hour, and EXEC with it.
		if got := monitored(srv); got[latency.Command] != 1 || got[latency.Fast] != 1 {
			t.Errorf("SLOWLOG at %s: samples %v of a transaction", slower, got)
		}
		kept := slower == "0"
		if got := srv.slowlog.len(); (got > 0) != kept {
			t.Errorf("SLOWLOG at %s has %d entries", slower, got)
		}
		c.expect("CONFIG SET latency-monitor-threshold 0", "+OK", "LATENCY RESET", ":2")
		c.doFor(2*time.Hour, "DEBUG SLEEP 0")
		c.expect("LATENCY LATEST", "*0")
	}
}

// TestLatencyIsMeasured: a command that takes time is one that took it, on a clock that only its sleep moves.
func TestLatencyIsMeasured(t *testing.T) { synctest.Test(t, testLatencyIsMeasured) }

func testLatencyIsMeasured(t *testing.T) {
	srv := newTestServer(t, "latency-monitor-threshold 2", debugAllowed)
	c := connect(t, srv)
	c.expect("DEBUG SLEEP 0.004", "+OK", "MULTI", "+OK", "DEBUG SLEEP 0.006", "+QUEUED", "EXEC", "*1 +OK")
	if s, ok := srv.latency.Find("command"); !ok || s.Max != 6 || len(s.Samples) != 1 {
		t.Errorf("found %v: %+v", ok, s)
	}
}

// TestLatencyOfFastCommand: a slow call of a fast command is an event of its own.
func TestLatencyOfFastCommand(t *testing.T) {
	srv := newTestServer(t, "latency-monitor-threshold 2")
	connect(t, srv).noteSlow(srv.table.find("get"), int64(3*time.Millisecond))
	if got := monitored(srv); got[latency.Fast] != 1 || got[latency.Command] != 0 {
		t.Errorf("samples %v", got)
	}
}

// TestLatencyOfStore: what the Store tells of is kept under Redis's names. The clock stands still, so that nothing else takes time.
func TestLatencyOfStore(t *testing.T) { synctest.Test(t, testLatencyOfStore) }

func testLatencyOfStore(t *testing.T) {
	srv := newTestServer(t, "latency-monitor-threshold 3")
	srv.delayed(engine.EvictionDelay, 2*time.Millisecond)
	srv.delayed(engine.EvictionDelay, 7*time.Millisecond)
	srv.delayed(engine.BackgroundDelay, 5*time.Millisecond)
	c := connect(t, srv)
	now := time.Now().Unix()
	c.expect("LATENCY LATEST", fmt.Sprintf("*2 *4 $14 eviction-cycle :%d :7 :7 *4 $12 expire-cycle :%d :5 :5", now, now))
	if got := c.do("LATENCY DOCTOR"); !strings.Contains(got, "eviction-cycle: 1 latency spikes (average 7ms") {
		t.Errorf("LATENCY DOCTOR: %q", got)
	}
}

// TestLatencyDoctorNamesCommands: the commands that were slow are named with their calls, and others are not.
func TestLatencyDoctorNamesCommands(t *testing.T) { synctest.Test(t, testLatencyDoctorNamesCommands) }

func testLatencyDoctorNamesCommands(t *testing.T) {
	srv := newTestServer(t, "latency-monitor-threshold 500", debugAllowed)
	c := connect(t, srv)
	c.expect("PING", "+PONG", "DEBUG SLEEP 0", "+OK")
	c.doFor(time.Second, "DEBUG SLEEP 0")
	got := c.do("LATENCY DOCTOR")
	if !regexp.MustCompile(`debug took about \d{3}ms or longer in 1 of 2 calls`).MatchString(got) || strings.Contains(got, "ping") {
		t.Errorf("got %q", got)
	}
}

// Each bound counts the calls of all classes that end at it or before.
func TestLatenciesByBound(t *testing.T) {
	var total commandTotal
	for class := range latencyClasses {
		total.latency[class] = 1
	}
	for i, got := range total.within() {
		want := uint64(0)
		for class := range latencyClasses {
			if latencyLimit(class) <= LatencyBounds()[i] {
				want++
			}
		}
		if got != want || want == 0 {
			t.Errorf("up to %v: %d calls, want %d", LatencyBounds()[i], got, want)
		}
	}
}
