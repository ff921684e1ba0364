package netserver

import (
	"regexp"
	"strconv"
	"testing"
)

// TestCycles: each request that waits for the reply of the one before takes a round of its own, on
// every path.
func TestCycles(t *testing.T) { eachPath(t, testCycles) }

func testCycles(t *testing.T, path string) {
	c := startServer(t, path).dial()
	shown := func(name string) int {
		t.Helper()
		match := regexp.MustCompile(name + `:(\d+)`).FindStringSubmatch(c.do("INFO", "stats"))
		if match == nil {
			t.Fatalf("INFO has no %s", name)
		}
		n, err := strconv.Atoi(match[1])
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	const requests = 100
	before := shown("eventloop_cycles")
	for range requests {
		c.do("PING")
	}
	if n := shown("eventloop_cycles") - before; n < requests {
		t.Errorf("%d cycles for %d requests", n, requests)
	}
	for _, name := range []string{"eventloop_duration_sum", "eventloop_duration_cmd_sum"} {
		if shown(name) == 0 {
			t.Errorf("%s is 0", name)
		}
	}
}
