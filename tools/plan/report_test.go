package plan

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

// fixedReport is a report in which everything is known.
func fixedReport(t *testing.T) *Report {
	t.Helper()
	list := items(t, "sessions=1M:256B:ttl=24h", "pages=100:2MB")
	number := func(n int64) *int64 { return &n }
	p := &Plan{
		Lines: []Line{{
			Item: list[0], TTLSeconds: 86_400, Fits: number(337_000),
			Payload: 256_000_000, Keys: 32_000_000, Overhead: 24_000_000,
			Total: 312_000_000, Loaded: 312_000_000,
			Redis: 472_000_000, Valkey: 439_000_000, Memcached: number(392_000_000),
		}, {
			Item: list[1], Payload: 200_000_000, Keys: 3_200, Overhead: 386_000,
			Total: 200_389_200, Loaded: 200_389_200,
			Redis: 213_000_000, Valkey: 213_000_000, Refused: "item>1MB", Fits: number(33),
		}},
		All: Line{
			Item: Item{Name: "all", Count: 1_000_100}, Fits: number(337_033),
			Payload: 456_000_000, Keys: 32_003_200, Overhead: 24_386_000,
			Total: 512_389_200, Loaded: 512_389_200,
			Redis: 685_000_000, Valkey: 652_000_000, Refused: "item>1MB",
		},
		Connections: 100, Buffers: 1_638_400, Process: 29_360_128,
		HeadroomPct: 30, Headroom: 163_016_318, Needed: 706_404_046,
		MaxMemory: 768 << 20, Machine: 1 << 30, Memory: 256 << 20,
	}
	return &Report{
		Plan: p, Scale: 0.5,
		Sample: &Sample{
			Target: "redis://cache:6379", Keys: 1_000_200, Sampled: 5_000, Connections: 7,
			Groups: []Group{{
				Item: list[0], Name: "sessions", Prefix: "sessions", Type: "string", WithTTL: 0.996,
				Sampled: 4_000, Count: 1_000_000, CountBound: 1_000,
				Bytes: 330_000_000, BytesBound: 5_000_000, There: 400_000_000,
			}, {
				Item: list[1], Name: "pages", Prefix: "pages", Type: "string",
				Sampled: 3, Count: 100, CountBound: 20, Bytes: 200_000_000, BytesBound: 40_000_000,
			}},
			Other: []Kind{{Type: "list", Count: 100, There: 20_000}},
			Gap:   &Gap{Dataset: 640_000_000, Sampled: 600_000_000, Bound: 5_000_000, Bytes: 40_000_000},
		},
		Verified: &Verification{
			Items: []Measured{
				{"sessions", 500_000, 165_000_000, 160_000_000, 170_000_000},
				{"pages", 50, 100_000_000, 101_000_000, 101_000_000},
			},
			All:     Measured{"all", 500_050, 265_000_000, 261_000_000, 271_000_000},
			Process: 21_000_000,
		},
	}
}

func TestGoldenOutputs(t *testing.T) {
	r := fixedReport(t)
	for name, write := range map[string]func(io.Writer) error{
		"report.txt": r.WriteText, "report.md": r.WriteMarkdown, "report.json": r.WriteJSON,
		"report.csv": r.WriteCSV, "report.toml": r.WriteTOML,
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
			t.Errorf("%s differs from the golden file (go test ./tools/plan -update):\n%s", name, &got)
		}
	}
}
