//go:build !race

// Under the race detector a server takes other memory, which nobody plans.

package verify_test

import (
	"errors"
	"math"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/test/servertest"
	"github.com/redistill/redistill/tools/client"
	"github.com/redistill/redistill/tools/plan"
	"github.com/redistill/redistill/tools/verify"
)

func parse(t *testing.T, texts ...string) []plan.Item {
	t.Helper()
	var items []plan.Item
	for _, text := range texts {
		it, err := plan.ParseItem(text)
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, it)
	}
	return items
}

// run loads items into a server of their own.
func run(t *testing.T, texts ...string) *plan.Verification {
	t.Helper()
	items := parse(t, texts...)
	p, err := plan.New(plan.Options{Items: items, Connections: 1, Headroom: 30})
	if err != nil {
		t.Fatal(err)
	}
	s := servertest.Start(t, servertest.Program(t), "serve", "--port", servertest.Port, "--max-memory", strconv.FormatInt(p.MaxMemory, 10),
		"--eviction-policy", "noeviction")
	growth := plan.Growth(items, engine.ShardsFor(p.MaxMemory, runtime.GOMAXPROCS(0)))
	c, err := client.Dial(t.Context(), client.Target{Network: "tcp", Address: s.Addr}, minute)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	v, err := verify.Run(t.Context(), c, items, growth, func(verify.Progress) {})
	if errors.Is(err, verify.ErrUnknownMemory) {
		t.Skip("skipped, because ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestPredictions loads populations of more than 100 MB each and holds what the plan predicts against the server's resident memory.
// Memory is not time: what is left of chance is below a percent of these sizes, huge pages that are not full and the Go runtime's heap.
func TestPredictions(t *testing.T) {
	for _, text := range []string{
		"tiny-keys=3300K:8B:key=12",
		"counters=1700K:int:key=40:ttl=1h",
		"sessions=350K:256B:ttl=24h",
		"api=19K:1KB-10KB:key=64:ttl=5m",
		"pages=900:50KB-200KB:key=128:ttl=1h",
		"small-hashes=850K:15B:fields=5:field=10",
		"user-hashes=150K:600B:fields=10:ttl=1h",
		"listpacks=35K:2500B:fields=50:ttl=1h",
		"tables=11K:8KB:fields=80",
		"large-hashes=95:1MB:fields=10K:ttl=1h",
		"long-fields=520:200KB:fields=10",
		"small-sets=650K:100B:members=10",
		"tag-sets=80K:1200B:members=60:ttl=1h",
		"large-sets=50:2MB:members=100K:ttl=1h",
		"long-members=400:300KB:members=20",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel() // some wait for memory to settle while others load
			begin := time.Now()
			v := run(t, text)
			m := v.Items[0]
			t.Logf("predicted %.2f MB, measured %.2f MB: %+.2f %%; as loaded %.2f MB; process %.2f MB; %.1f s", mb(m.Predicted), mb(m.Measured), 100*m.Off(), mb(m.Loaded), mb(v.Process), time.Since(begin).Seconds())
			if m.Measured < 100e6 {
				t.Errorf("only %.2f MB were measured", mb(m.Measured))
			}
			if math.Abs(m.Off()) > .03 {
				t.Errorf("predicted %.2f MB, measured %.2f MB: %+.2f %%", mb(m.Predicted), mb(m.Measured), 100*m.Off())
			}
		})
	}
}

func mb(n int64) float64 { return float64(n) / 1e6 }
