package info

import (
	"strings"
	"testing"
	"time"
)

func selected(names ...string) Sections {
	var args [][]byte
	for _, n := range names {
		args = append(args, []byte(n))
	}
	return Select(args)
}

// headers returns the titles in a reply, in order.
func headers(reply string) string {
	var titles []string
	for line := range strings.SplitSeq(reply, "\r\n") {
		if title, ok := strings.CutPrefix(line, "# "); ok {
			titles = append(titles, title)
		}
	}
	return strings.Join(titles, " ")
}

// The expected lists are what redis-server 7.0.15 answers to the same arguments.
func TestSelect(t *testing.T) {
	const (
		byDefault = "Server Clients Memory Persistence Stats Replication CPU Modules Errorstats Cluster Keyspace"
		all       = "Server Clients Memory Persistence Stats Replication CPU Modules Commandstats Errorstats Latencystats Cluster Keyspace"
	)
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, byDefault},
		{[]string{"DEFAULT"}, byDefault},
		{[]string{"all"}, all},
		{[]string{"Everything"}, all},
		{[]string{"server", "all"}, all},
		{[]string{"keyspace", "SERVER", "server"}, "Server Keyspace"},
		{[]string{"default", "latencystats"}, byDefault[:len(byDefault)-len("Cluster Keyspace")] + "Latencystats Cluster Keyspace"},
		{[]string{"nope"}, ""},
		{[]string{"nope", "cpu"}, "CPU"},
	} {
		got := headers(string(Append(nil, &State{}, selected(test.args...))))
		if got != test.want {
			t.Errorf("INFO %q shows %q, want %q", test.args, got, test.want)
		}
	}
}

func TestAppend(t *testing.T) {
	s := &State{
		DataBytes: 3 << 20, IndexBytes: 1 << 19, DeadBytes: 1 << 18, GoBytes: 1 << 18, StartupBytes: 1 << 20, PeakBytes: 8 << 20, RSSBytes: 6 << 20, MaxMemory: 500,
		MaxMemoryPolicy: "allkeys-lru", SystemCPU: 1500 * time.Millisecond,
		Bind: []string{"127.0.0.1", "::1"}, Port: 6379, UnixSocket: "/run/r.sock", TLSPort: 6380,
		Commands: []Command{
			{Name: "get", Calls: 2, Time: 5 * time.Microsecond, Failed: 1, Percentiles: []Percentile{
				{"50", 1024 * time.Nanosecond}, {"99.9", 4096 * time.Nanosecond}}},
			{Name: "config|get", Rejected: 3},
		},
		Errors:    []Error{{"ERR", 50}},
		Databases: []Database{{Index: 3, Keys: 5, Expires: 1, AvgTTL: 99 * time.Second}},
	}
	for _, test := range []struct{ section, want string }{
		{"commandstats", "# Commandstats\r\n" +
			"cmdstat_get:calls=2,usec=5,usec_per_call=2.50,rejected_calls=0,failed_calls=1\r\n" +
			"cmdstat_config|get:calls=0,usec=0,usec_per_call=0.00,rejected_calls=3,failed_calls=0\r\n"},
		{"latencystats", "# Latencystats\r\nlatency_percentiles_usec_get:p50=1.024,p99.9=4.096\r\n"},
		{"errorstats", "# Errorstats\r\nerrorstat_ERR:count=50\r\n"},
		{"keyspace", "# Keyspace\r\ndb3:keys=5,expires=1,avg_ttl=99000\r\n"},
		{"cpu", "# CPU\r\nused_cpu_sys:1.500000\r\nused_cpu_user:0.000000\r\n" +
			"used_cpu_sys_children:0.000000\r\nused_cpu_user_children:0.000000\r\n"},
	} {
		if got := string(Append(nil, s, selected(test.section))); got != test.want {
			t.Errorf("%s:\n%q\nwant\n%q", test.section, got, test.want)
		}
	}
	memory := string(Append(nil, s, selected("memory")))
	for _, line := range []string{
		"used_memory:4194304", "used_memory_human:4.00M", "used_memory_peak_perc:50.00%", "used_memory_overhead:1048576", "used_memory_dataset_perc:100.00%",
		"maxmemory_human:500B", "mem_fragmentation_ratio:1.50", "maxmemory_policy:allkeys-lru", "total_system_memory_human:0B",
	} {
		if !strings.Contains(memory, "\r\n"+line+"\r\n") {
			t.Errorf("no line %q in\n%s", line, memory)
		}
	}
	if got, want := string(Append(nil, s, selected("server"))), "\r\nlistener0:name=tcp,bind=127.0.0.1,bind=::1,port=6379\r\n"+
		"listener1:name=unix,bind=/run/r.sock\r\nlistener2:name=tls,bind=127.0.0.1,bind=::1,port=6380\r\n"; !strings.HasSuffix(got, want) {
		t.Errorf("the server section ends in\n%q", got)
	}
	if got := string(Append(nil, &State{}, selected("server"))); strings.Contains(got, "listener") {
		t.Errorf("a server that does not listen shows listeners:\n%q", got)
	}
	two := string(Append([]byte("x"), s, selected("cpu", "cluster")))
	if !strings.HasPrefix(two, "x# CPU\r\n") || !strings.HasSuffix(two, "\r\n\r\n# Cluster\r\ncluster_enabled:0\r\n") {
		t.Errorf("two sections: %q", two)
	}
}

func TestFieldsAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range fields {
		if seen[f.name] {
			t.Errorf("%s is in the table twice", f.name)
		}
		seen[f.name] = true
	}
}
