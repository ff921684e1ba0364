package clients_test

import (
	"bytes"
	"strconv"
	"strings"
	"testing"

	"github.com/redistill/redistill/test/servertest"
)

// benchmarkTests are redis-benchmark's default tests whose commands the server
// has, with the label that each prints. A command family that is new in the
// server adds its tests here and nowhere else.
var benchmarkTests = []struct{ name, label string }{
	{"ping_inline", "PING_INLINE"},
	{"ping_mbulk", "PING_MBULK"},
	{"set", "SET"},
	{"get", "GET"},
	{"incr", "INCR"},
	{"sadd", "SADD"},
	{"hset", "HSET"},
	{"spop", "SPOP"},
	{"mset", "MSET (10 keys)"},
}

const benchmarkRequests = 2000

func TestRedisBenchmark(t *testing.T) {
	for name, args := range map[string][]string{
		"plain":       nil,
		"pipelined":   {"-P", "16"},
		"RESP3":       {"-3"},
		"threads":     {"--threads", "2", "-P", "4"},
		"1 KB values": {"-d", "1024"},
	} {
		t.Run(name, func(t *testing.T) {
			client := emptyDB(t, target, 0)
			runBenchmark(t, target, args...)
			requireReply(t, client.HLen(t.Context(), "myhash"), 1)
			if n, err := client.Get(t.Context(), "counter:__rand_int__").Int(); err != nil || n < benchmarkRequests {
				t.Errorf("the INCR test left %d, %v, want at least %d", n, err, benchmarkRequests)
			}
		})
	}
	t.Run("random keys", func(t *testing.T) {
		client := emptyDB(t, target, 0)
		runBenchmark(t, target, "-P", "16", "-r", "500")
		if n := must(t, client.HLen(t.Context(), "myhash")); n < 300 || n > 500 {
			t.Errorf("the HSET test left %d fields, want nearly 500", n)
		}
	})
	t.Run("password", func(t *testing.T) {
		e := passwordServer(t)
		emptyDB(t, e, 0)
		runBenchmark(t, e, "-a", e.password)
	})
}

// runBenchmark runs every test of the list. redis-benchmark exits with 0 after
// some failures, so it also has to print a result for each test and no more.
func runBenchmark(t *testing.T, e endpoint, args ...string) {
	t.Helper()
	program := servertest.Tool(t, "redis-benchmark")
	var names []string
	for _, b := range benchmarkTests {
		names = append(names, b.name)
	}
	base := []string{"-h", e.host, "-p", e.port, "-q", "-n", strconv.Itoa(benchmarkRequests), "-t", strings.Join(names, ",")}
	cmd := tool(t, program, append(base, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.Env = environ()
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Errorf("%v: %v\n%s", cmd.Args, err, &stderr)
	}
	results := make(map[string]bool)
	for _, line := range strings.FieldsFunc(string(out), func(r rune) bool { return r == '\r' || r == '\n' }) {
		label, rate, found := strings.Cut(line, ": ")
		switch {
		case strings.TrimSpace(line) == "" || strings.Contains(line, ": rps="): // progress
		case found && strings.Contains(rate, "requests per second"):
			results[label] = true
		default:
			t.Errorf("%v printed %q", cmd.Args, line)
		}
	}
	for _, b := range benchmarkTests {
		if !results[b.label] {
			t.Errorf("%v printed no result for %s:\n%s", cmd.Args, b.label, out)
		}
	}
}
