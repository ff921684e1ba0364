package wire

import (
	"slices"
	"strings"
	"testing"

	"github.com/redistill/redistill/internal/info"
)

// infoFields returns the names in the reply of INFO everything, in order.
func infoFields(t *testing.T, s server) []string {
	t.Helper()
	c, err := dial(s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	reply, err := c.do("INFO", "everything")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.SplitSeq(string(reply.wire()), "\r\n") {
		if name, _, ok := strings.Cut(line, ":"); ok && !strings.HasPrefix(name, "cmdstat_") && !strings.HasPrefix(name, "latency_percentiles_") {
			names = append(names, name)
		}
	}
	return names
}

// TestInfoHasRedisFields: a field of redis-server's INFO is in ours, or listed as absent with a reason, and not both; and those of both come
// in the same order.
func TestInfoHasRedisFields(t *testing.T) {
	parallel(t)
	ours, redis := infoFields(t, startSubject(t, "")), infoFields(t, startRedis(t, ""))
	if len(redis) < 150 {
		t.Fatalf("redis-server has only %d fields", len(redis))
	}
	var absent []string
	for _, a := range info.AbsentFields() {
		absent = append(absent, a.Fields...)
	}
	for _, name := range redis {
		if slices.Contains(ours, name) == slices.Contains(absent, name) {
			t.Errorf("%s is in both INFO and the list of absent fields, or in neither", name)
		}
	}
	for _, name := range absent {
		if !slices.Contains(redis, name) {
			t.Errorf("%s is said to be absent and is no field of redis-server's", name)
		}
	}
	newer := []string{ // of Redis 7.2, and the last of 8.6
		"client_query_buffer_limit_disconnections", "client_output_buffer_limit_disconnections",
		"acl_access_denied_auth", "acl_access_denied_cmd", "acl_access_denied_key", "acl_access_denied_channel", "acl_access_denied_tls_cert",
		"listener0", "total_blocking_keys", "total_blocking_keys_on_nokey", "eventloop_cycles", "eventloop_duration_sum",
		"eventloop_duration_cmd_sum", "instantaneous_eventloop_cycles_per_sec", "instantaneous_eventloop_duration_usec",
	}
	for _, name := range ours {
		if !slices.Contains(redis, name) && !slices.Contains(newer, name) && !strings.HasPrefix(name, "redistill_") {
			t.Errorf("%s is neither redis-server's nor begins with redistill_", name)
		}
	}
	both := func(names []string) []string {
		return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !slices.Contains(ours, name) || !slices.Contains(redis, name) })
	}
	for i, name := range both(ours) {
		if want := both(redis)[i]; name != want {
			t.Fatalf("%s is where redis-server has %s", name, want)
		}
	}
}
