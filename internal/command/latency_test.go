package command

import (
	"regexp"
	"strings"
	"testing"
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

// TestLatencyOfCommands: commands are monitored whether SLOWLOG is off, below or above the threshold, and by whether they are fast; those of
// a transaction each, and EXEC.
func TestLatencyOfCommands(t *testing.T) {
	for _, slower := range []string{"-1", "0", "60000000"} {
		srv := newTestServer(t, "slowlog-log-slower-than "+slower, "latency-monitor-threshold 2")
		c := connect(t, srv)
		c.expect("PING", "+PONG", "LATENCY LATEST", "*0", "DEBUG SLEEP 0.004", "+OK")
		if got := monitored(srv); got[latency.Command] != 1 || got[latency.Fast] != 0 {
			t.Errorf("SLOWLOG at %s: samples %v", slower, got)
		}
		c.expect("LATENCY RESET command", ":1", "MULTI", "+OK", "DEBUG SLEEP 0.004", "+QUEUED", "EXEC", "*1 +OK")
		if s, _ := srv.latency.Find("command"); s.Max < 4 {
			t.Errorf("SLOWLOG at %s: maximum %d ms", slower, s.Max)
		}
		kept := slower == "0"
		if got := srv.slowlog.len(); (got > 0) != kept {
			t.Errorf("SLOWLOG at %s has %d entries", slower, got)
		}
		c.expect("CONFIG SET latency-monitor-threshold 0", "+OK", "LATENCY RESET", ":1", "DEBUG SLEEP 0.004", "+OK", "LATENCY LATEST", "*0")
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

// TestLatencyOfStore: what the Store tells of is kept under Redis's names.
func TestLatencyOfStore(t *testing.T) {
	srv := newTestServer(t, "latency-monitor-threshold 3")
	srv.delayed(engine.EvictionDelay, 2*time.Millisecond)
	srv.delayed(engine.EvictionDelay, 7*time.Millisecond)
	srv.delayed(engine.BackgroundDelay, 5*time.Millisecond)
	c := connect(t, srv)
	got := regexp.MustCompile(`:\d{10}`).ReplaceAllString(c.do("LATENCY LATEST"), ":TIME")
	want := "*2 *4 $14 eviction-cycle :TIME :7 :7 *4 $12 expire-cycle :TIME :5 :5"
	if got = strings.ReplaceAll(got, "\r\n", " "); strings.TrimSpace(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := c.do("LATENCY DOCTOR"); !strings.Contains(got, "eviction-cycle: 1 latency spikes (average 7ms") {
		t.Errorf("LATENCY DOCTOR: %q", got)
	}
}

// TestLatencyDoctorNamesCommands: the commands that were slow are named with their calls, and others are not.
func TestLatencyDoctorNamesCommands(t *testing.T) {
	srv := newTestServer(t, "latency-monitor-threshold 2")
	c := connect(t, srv)
	c.expect("PING", "+PONG", "DEBUG SLEEP 0.003", "+OK", "DEBUG SLEEP 0", "+OK")
	got := c.do("LATENCY DOCTOR")
	if !strings.Contains(got, "debug took about 2ms or longer in 1 of 2 calls") || strings.Contains(got, "ping") {
		t.Errorf("got %q", got)
	}
}
