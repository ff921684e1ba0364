package stats

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files")

// fixedReport is a report over ten seconds.
func fixedReport(t *testing.T) *Report {
	t.Helper()
	at := time.Unix(1000, 0)
	before := everything(t, at,
		"redistill_version:1.0.0", "uptime_in_seconds:100", "keyspace_hits:80", "keyspace_misses:20",
		"used_memory:1000000", "maxmemory:4000000", "maxmemory_policy:allkeys-lru",
		"total_commands_processed:120",
		"cmdstat_get:calls=100,usec=200,usec_per_call=2.00,rejected_calls=0,failed_calls=0")
	now := everything(t, at.Add(10*time.Second),
		"redistill_version:1.0.0", "uptime_in_seconds:110", "keyspace_hits:170", "keyspace_misses:30",
		"used_memory:2000000", "maxmemory:4000000", "maxmemory_policy:allkeys-lru",
		"total_commands_processed:320",
		"cmdstat_get:calls=200,usec=500,usec_per_call=2.50,rejected_calls=0,failed_calls=1",
		"cmdstat_config|set:calls=1,usec=90,usec_per_call=90.00,rejected_calls=0,failed_calls=0",
		"latency_percentiles_usec_get:p50=1.003,p99=5.023,p99.9=9.5",
		"db0:keys=5,expires=1,avg_ttl=99000", "db12:keys=1,expires=0,avg_ttl=0")
	r, err := NewReport("redis://cache:6379", before, now)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestGoldenOutputs(t *testing.T) {
	r := fixedReport(t)
	var results []Result
	for _, text := range []string{"hit_rate>85%", "memory<10%"} {
		c, err := ParseCheck(text)
		if err != nil {
			t.Fatal(err)
		}
		results = append(results, c.Apply(r))
	}
	for name, write := range map[string]func(io.Writer) error{
		"report.txt": r.WriteText, "report.csv": r.WriteCSV,
		"report.json": func(w io.Writer) error { return r.WriteJSON(w, results) },
		"results.txt": func(w io.Writer) error { return WriteResults(w, results) },
	} {
		var got bytes.Buffer
		if err := write(&got); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got.String() != string(want) {
			t.Errorf("%s differs from the golden file (go test ./tools/stats -update):\n%s", name, &got)
		}
	}
}
