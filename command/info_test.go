package command

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redistill/redistill/internal/config"
	"github.com/redistill/redistill/internal/info"
)

// infoFields reads the lines of a reply of INFO.
func infoFields(reply string) map[string]string {
	fields := map[string]string{}
	for line := range strings.SplitSeq(reply, "\r\n") {
		if name, value, ok := strings.Cut(line, ":"); ok && !strings.HasPrefix(line, "#") {
			fields[name] = value
		}
	}
	return fields
}

// subfields reads "a=1,b=2".
func subfields(value string) map[string]string {
	fields := map[string]string{}
	for part := range strings.SplitSeq(value, ",") {
		name, v, _ := strings.Cut(part, "=")
		fields[name] = v
	}
	return fields
}

func TestInfo(t *testing.T) { synctest.Test(t, testInfo) }

func testInfo(t *testing.T) {
	srv := newTestServer(t, "maxmemory 4gb", "maxmemory-policy allkeys-lfu") // more than the tests take: it is for the process
	srv.started = srv.started.Add(-7 * time.Second)
	c := connect(t, srv)
	for _, command := range []string{"SET a 1", "SET b 1 EX 100", "GET a", "GET a", "GET missing"} {
		c.doFor(time.Millisecond, command) // what takes no time at all is not counted
	}
	fields := infoFields(c.do("INFO"))
	for name, want := range map[string]string{
		"redis_version": `7\.2\.\d+`, "redistill_version": "test", "redistill_io": "test", "redistill_io_fallback": "no loops", "multiplexing_api": "test", "redis_mode": "standalone", "os": ".+ .+",
		"process_id": `\d+`, "run_id": "[0-9a-f]{40}", "tcp_port": "6379", "uptime_in_seconds": "7", "config_file": "",
		"hz": "10", "configured_hz": "10",
		"connected_clients": "1", "maxclients": "10000", "blocked_clients": "0",
		"used_memory": `[1-9]\d+`, "used_memory_human": `[\d.]+[BKM]`, "used_memory_rss": `[1-9]\d{6,}`, "maxmemory": "4294967296",
		"maxmemory_human": `4\.00G`, "maxmemory_policy": "allkeys-lfu", "used_memory_peak": `[1-9]\d+`, "total_system_memory": "1073741824",
		"redistill_go_heap_bytes": `[1-9]\d+`, "redistill_go_bytes": `[1-9]\d+`,
		"loading": "0", "aof_enabled": "0", "rdb_last_save_time": strconv.FormatInt(time.Now().Unix(), 10),
		"total_connections_received": "1", "total_commands_processed": "5", "keyspace_hits": "2", "keyspace_misses": "1",
		"expired_keys": "0", "evicted_keys": "0", "rejected_connections": "0",
		"role": "master", "connected_slaves": "0", "used_cpu_user": `\d+\.\d{6}`, "cluster_enabled": "0",
		"db0": `keys=2,expires=1,avg_ttl=100000`,
	} {
		if got, ok := fields[name]; !ok || !regexp.MustCompile("^"+want+"$").MatchString(got) {
			t.Errorf("%s:%s, want %s", name, got, want)
		}
	}
	if strings.Contains(c.do("INFO"), "Commandstats") {
		t.Error("INFO without arguments shows the statistics of commands")
	}
}

// laterFields are of releases after the redis-server of the tests.
var laterFields = []string{
	"client_query_buffer_limit_disconnections", "client_output_buffer_limit_disconnections", "acl_access_denied_auth", "acl_access_denied_cmd",
	"acl_access_denied_key", "acl_access_denied_channel", "acl_access_denied_tls_cert", "listener0",
	"total_blocking_keys", "total_blocking_keys_on_nokey", "eventloop_cycles", "eventloop_duration_sum", "eventloop_duration_cmd_sum",
	"instantaneous_eventloop_cycles_per_sec", "instantaneous_eventloop_duration_usec",
}

// Another field than Redis's needs the prefix, so that no client takes it for what it is not.
func TestInfoFieldsAreRedis(t *testing.T) {
	o := startOracle(t)
	o.do("SET", "a", "1")
	theirs := infoFields(o.do("INFO", "everything").(string))
	c := connect(t, newTestServer(t))
	c.do("SET a 1")
	for name := range infoFields(c.do("INFO")[1:]) {
		if _, known := theirs[name]; !known && !slices.Contains(laterFields, name) && !strings.HasPrefix(name, "redistill_") && !strings.HasPrefix(name, "errorstat_") {
			t.Errorf("%s is no field of redis-server", name)
		}
	}
}

func TestInfoIsVerbatimInRESP3(t *testing.T) {
	c := connect(t, newTestServer(t))
	c.expect("INFO cluster", "$30 # Cluster cluster_enabled:0 ")
	c.do("HELLO 3")
	c.expect("INFO CLUSTER", "=34 txt:# Cluster cluster_enabled:0 ", "INFO nope", "=4 txt:")
}

func TestConfigFile(t *testing.T) {
	c, err := config.Load(config.Memory{Bytes: 1 << 30}, []config.Assignment{
		{Key: "server.port", Text: "7000", Source: config.Source{Origin: config.FromEnv, Name: "REDIS_PORT"}},
		{Key: "memory.max_memory", Text: "1gb", Source: config.Source{Origin: config.FromFile, Name: "/etc/r.toml", Line: 3}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := configFile(c); got != "/etc/r.toml" {
		t.Errorf("configFile is %q", got)
	}
}

// TestInfoOfLargestBuffers: they are those that clients have now.
func TestInfoOfLargestBuffers(t *testing.T) {
	srv := newTestServer(t)
	a, b := connect(t, srv), open(t, srv)
	b.QueryCap = 70_000
	b.do("PING")
	b.hold(heldReplies, 90_000)
	largest := func() [2]string {
		fields := infoFields(a.do("INFO clients"))
		return [2]string{fields["client_recent_max_input_buffer"], fields["client_recent_max_output_buffer"]}
	}
	if got := largest(); got != [2]string{"70000", "90000"} {
		t.Errorf("got %q", got)
	}
	b.Close()
	if got := largest(); got[0] == "70000" || got[1] == "90000" {
		t.Errorf("after the client left: %q", got)
	}
}

// TestInfoOfLargeValues: a large value that was deleted is pending until its parts are.
func TestInfoOfLargeValues(t *testing.T) { synctest.Test(t, testInfoOfLargeValues) }

func testInfoOfLargeValues(t *testing.T) {
	srv := newTestServer(t)
	c := connect(t, srv)
	tx := srv.Store.NewTx()
	c.do("SET k " + strings.Repeat("v", 1<<20))
	tx.LockAll() // keeps the background from deleting them
	tx.Delete(srv.Store.Key([]byte("k")))
	s := srv.state(tx, info.Select([][]byte{[]byte("memory")}))
	tx.Unlock()
	if s.Doomed != 1 {
		t.Errorf("%d values are pending", s.Doomed)
	}
	srv.Store.ExpireCycle(c.call.Now)
	if got := infoFields(c.do("INFO memory"))["lazyfree_pending_objects"]; got != "0" {
		t.Errorf("%s values are pending", got)
	}
}
