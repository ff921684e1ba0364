package latency

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestGraph draws what redis-server 7.0.15 drew. A file has the time, the samples, and the graph of them.
func TestGraph(t *testing.T) {
	files, _ := filepath.Glob("testdata/graph-*.txt")
	if len(files) < 3 {
		t.Fatalf("%d files", len(files))
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		numbers, want, _ := strings.Cut(string(text), "\n\n")
		lines := strings.Split(numbers, "\n")
		var now int64
		if _, err := fmt.Sscanf(lines[0], "now %d", &now); err != nil {
			t.Fatal(err)
		}
		s := Series{Event: Command}
		for _, line := range lines[1:] {
			var sample Sample
			if _, err := fmt.Sscan(line, &sample.At, &sample.Millis); err != nil {
				t.Fatal(err)
			}
			s.Samples = append(s.Samples, sample)
			s.Max = max(s.Max, sample.Millis)
		}
		if got := string(s.Graph(now)); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
		}
	}
}

func TestAgo(t *testing.T) {
	for seconds, want := range map[int64]string{0: "0s", 59: "59s", 60: "1m", 3599: "59m", 3600: "1h", 86399: "23h", 86400: "1d", 1e6: "11d"} {
		if got := ago(seconds); got != want {
			t.Errorf("%d seconds: got %s, want %s", seconds, got, want)
		}
	}
}

// TestSamplesOfASecond: a second has one sample, the longest.
func TestSamplesOfASecond(t *testing.T) {
	var m Monitor
	for _, s := range []Sample{{100, 5}, {100, 7}, {100, 6}, {101, 3}, {101, 2}} {
		m.add(Fast, s.At, s.Millis)
	}
	got, ok := m.Find("fast-command")
	if !ok || got.Max != 7 || !slices.Equal(got.Samples, []Sample{{100, 7}, {101, 3}}) {
		t.Errorf("got %+v", got)
	}
}

// TestRing: the last 160 samples are kept, and the maximum of all.
func TestRing(t *testing.T) {
	for _, n := range []int64{1, 159, 160, 161, 319, 320, 500} {
		var m Monitor
		for i := range n {
			m.add(Command, i, 1000-i)
		}
		s := m.All()[0]
		kept := min(n, maxSamples)
		if int64(len(s.Samples)) != kept || s.Max != 1000 {
			t.Errorf("%d samples: %d kept, maximum %d", n, len(s.Samples), s.Max)
		}
		for i, sample := range s.Samples {
			if want := n - kept + int64(i); sample.At != want || sample.Millis != 1000-want {
				t.Fatalf("%d samples: number %d is %v, want that of second %d", n, i, sample, want)
			}
		}
	}
}

func TestThreshold(t *testing.T) {
	var m Monitor
	m.Add(Command, time.Hour)
	if len(m.All()) != 0 {
		t.Error("a sample was kept while the monitor was off")
	}
	m.SetThreshold(5)
	m.Add(Command, 5*time.Millisecond-1)
	m.Add(Fast, 5*time.Millisecond)
	if all := m.All(); len(all) != 1 || all[0].Event != Fast || all[0].Samples[0].Millis != 5 {
		t.Errorf("got %+v", all)
	}
	m.SetThreshold(1 << 62)
	m.Add(Command, 1<<62)
	if _, ok := m.Find("command"); ok {
		t.Error("a sample below a threshold of ages was kept")
	}
	m.SetThreshold(0)
	m.Add(Command, time.Hour)
	if len(m.All()) != 1 {
		t.Error("a sample was kept after the monitor was switched off")
	}
}

func TestReset(t *testing.T) {
	var m Monitor
	for e := range numEvents {
		m.add(e, 1, 1)
	}
	for _, test := range []struct {
		events []string
		want   int
	}{{[]string{"nosuch", "COMMAND"}, 0}, {[]string{"command", "command", "expire-cycle"}, 2}, {nil, int(numEvents) - 2}, {nil, 0}} {
		if got := m.Reset(test.events...); got != test.want {
			t.Errorf("reset of %q: got %d, want %d", test.events, got, test.want)
		}
	}
	m.add(Command, 2, 3)
	if s, _ := m.Find("command"); s.Max != 3 || len(s.Samples) != 1 {
		t.Errorf("after a reset: %+v", s)
	}
}

// TestReport: the summary has the figures that redis-server 7.0.15 computed for these samples, and what is said follows from the facts.
func TestReport(t *testing.T) {
	series := Series{Event: Command, Max: 547}
	for i, ms := range []int64{24, 547, 300, 10, 200, 50, 20} {
		series.Samples = append(series.Samples, Sample{1254 + int64(i) + min(int64(i), 1), ms})
	}
	facts := &Facts{Now: 1262, Threshold: 5 * time.Millisecond, SlowFrom: 10 * time.Millisecond}
	want := "1. command: 7 latency spikes (average 164ms, mean deviation 158ms, period 1.14 sec), the last one of 20ms 1s ago. Worst all time event 547ms."
	if got := Report([]Series{series}, true, facts); !strings.Contains(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
	of := func(e Event) []Series { return []Series{{Event: e, Samples: []Sample{{1, 1}}, Max: 1}} }
	for _, test := range []struct {
		all  []Series
		on   bool
		f    Facts
		want string
	}{
		{nil, false, Facts{}, "Latency is not monitored. CONFIG SET latency-monitor-threshold MILLISECONDS"},
		{nil, true, Facts{Threshold: 5 * time.Millisecond}, "Nothing took 5ms or longer"},
		{of(Command), true, Facts{Threshold: 5 * time.Millisecond, SlowFrom: -1}, "SLOWLOG is off: CONFIG SET slowlog-log-slower-than 5000 "},
		{of(Fast), true, Facts{Threshold: 5 * time.Millisecond, SlowFrom: time.Second}, "only commands of 1s and longer, and does not show all that is monitored: CONFIG SET slowlog-log-slower-than 5000"},
		{of(Fast), true, Facts{Threshold: 5 * time.Millisecond, SlowFrom: 5 * time.Millisecond, SlowKept: 12}, "there are 12."},
		{of(Command), false, Facts{SlowFrom: -1}, "SLOWLOG GET"},
		{of(Command), true, Facts{Threshold: time.Millisecond, Slowest: []Calls{{"keys", 40, 12, 9 * time.Millisecond}}},
			"keys took about 1ms or longer in 12 of 40 calls, the longest up to 9ms (LATENCY HISTOGRAM keys)."},
		{of(Fast), true, Facts{}, "fast-command: "},
		{of(Eviction), true, Facts{Evicted: 77, Used: 90 << 20, Max: 100 << 20}, "eviction-cycle: commands waited for keys to be evicted, 77 so far, with 90 of 100 MB in use."},
		{of(Background), true, Facts{}, "expire-cycle: "},
		{of(Snapshot), true, Facts{}, "snapshot-begin: "},
		{of(Snapshot), true, Facts{Swapped: 5 << 20}, "6 MB of the process are swapped out"},
	} {
		if got := Report(test.all, test.on, &test.f); !strings.Contains(got, test.want) || !strings.HasSuffix(got, "\n") {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}
