package info

import (
	"strings"
	"testing"
)

// TestMemoryFigures: the parts add up, and what is divided by nothing is 0.
func TestMemoryFigures(t *testing.T) {
	of := func(s *State) map[string]Figure {
		m := map[string]Figure{}
		for _, f := range MemoryFigures(s) {
			m[f.Name] = f
		}
		return m
	}
	s := &State{
		DataBytes: 600, IndexBytes: 200, DeadBytes: 200, FreeBytes: 500, ClientBytes: 50, GoBytes: 100, ProgramBytes: 150, StartupBytes: 300, PeakBytes: 2600,
		RSSBytes: 1950, Databases: []Database{{Index: 0, Keys: 4, IndexBytes: 150}, {Index: 9, Keys: 1, IndexBytes: 50}},
	}
	m := of(s)
	for name, want := range map[string]int64{
		"total.allocated": 1300, "startup.allocated": 300, "peak.allocated": 2600, "clients.normal": 50, "overhead.total": 700, "keys.count": 5,
		"keys.bytes-per-key": 200, "dataset.bytes": 600, "allocator.allocated": 800, "allocator.active": 1000, "allocator.resident": 1500,
		"allocator-fragmentation.bytes": 200, "allocator-rss.bytes": 500, "rss-overhead.bytes": 450, "fragmentation.bytes": 650,
	} {
		if got := m[name]; got.Number != want || got.IsRatio {
			t.Errorf("%s: got %+v, want %d", name, got, want)
		}
	}
	for name, want := range map[string]float64{
		"dataset.percentage": 60, "peak.percentage": 50, "allocator-fragmentation.ratio": 1.25, "allocator-rss.ratio": 1.5, "rss-overhead.ratio": 1.3, "fragmentation": 1.5,
	} {
		if got := m[name]; got.Ratio != want || !got.IsRatio {
			t.Errorf("%s: got %+v, want %v", name, got, want)
		}
	}
	if db := m["db.9"].Database; len(db) != 3 || db[0].Number != 50 {
		t.Errorf("db.9: %+v", db)
	}
	for name, f := range of(&State{StartupBytes: 100}) {
		if f.Ratio != 0 || f.Number != 0 && name != "startup.allocated" {
			t.Errorf("of an empty server: %+v", f)
		}
	}
}

// TestMemoryReport: each problem is found where it is, and only there.
func TestMemoryReport(t *testing.T) {
	const mb = 1 << 20
	sound := State{DataBytes: 50 * mb, GoBytes: 10 * mb, RSSBytes: 60 * mb, PeakBytes: 70 * mb, MaxMemory: 100 * mb, SystemBytes: 1000 * mb,
		MaxMemoryPolicy: "allkeys-lru", ConnectedClients: 10}
	if got, want := MemoryReport(&sound, 0), "60.0 MB are in use, 70.0 MB at the most so far; 50.0 MB of it are data. The limit is 100.0 MB, with allkeys-lru.\n\nNo problem was found.\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, test := range []struct {
		change  func(s *State)
		swapped int64
		want    string
	}{
		{func(*State) {}, mb, "- 1.0 MB of the process are swapped out"},
		{func(s *State) { s.MaxMemory = 0 }, 0, "- There is no memory limit"},
		{func(s *State) { s.SystemBytes = 90 * mb }, 0, "- maxmemory (100.0 MB) is more than the machine or its container has (90.0 MB)"},
		{func(s *State) { s.DataBytes, s.MaxMemoryPolicy = 90*mb, "noeviction" }, 0, "- 100.0 MB of maxmemory (100.0 MB) are in use and nothing may be evicted"},
		{func(s *State) { s.RSSBytes = 106 * mb }, 0, "- 106.0 MB are resident, more than maxmemory (100.0 MB) allows"},
		{func(s *State) { s.DeadBytes = 25 * mb }, 0, "- 25.0 MB of the blocks in use are dead"},
		{func(s *State) { s.FreeBytes = 20 * mb }, 0, "- 20.0 MB are resident and not in use"},
		{func(s *State) { s.ClientBytes = 11 * mb }, 0, "- The buffers of 10 clients take 11.0 MB"},
		{func(s *State) { s.GoBytes, s.MaxMemory = 60*mb, 200*mb }, 0, "- The Go runtime has 60.0 MB"},
	} {
		s := sound
		test.change(&s)
		got := MemoryReport(&s, test.swapped)
		if _, found, _ := strings.Cut(got, "\n\n"); !strings.HasPrefix(found, test.want) || strings.Count(got, "\n- ") != 1 {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}

func TestAllocatorReport(t *testing.T) {
	got := AllocatorReport(&State{DataBytes: 123, RSSBytes: 456}, []Figure{{Name: "/gc/cycles/total:gc-cycles", Number: 7}})
	for _, want := range []string{"records 123\n", "resident 456\n", "/gc/cycles/total:gc-cycles 7\n"} {
		if !strings.Contains(strings.Join(strings.Fields(got), " ")+"\n", strings.TrimSuffix(want, "\n")) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}
