package config

import (
	"errors"
	"slices"
	"testing"
)

func TestGet(t *testing.T) {
	c := mustLoad(t, Assignment{"memory.max_memory", "50%", Source{Origin: FromFlag}}, Assignment{"security.password", "pw", Source{Origin: FromFlag}})
	tests := []struct {
		patterns []string
		want     []Pair
	}{
		{[]string{"maxmemory"}, []Pair{{"maxmemory", "5368709100"}}},
		{[]string{"memory.max_memory"}, []Pair{{"memory.max_memory", "50%"}}},
		{[]string{"nope", "["}, nil},
		{nil, nil},
		{[]string{"MAXMEMORY", "maxmemory", "maxmemor?"}, []Pair{{"MAXMEMORY", "5368709100"}}},
		{[]string{"timeout", "*max_conn*", "maxclients"}, []Pair{{"timeout", "0"}, {"server.max_connections", "10000"}, {"maxclients", "10000"}}},
		{[]string{"hash-max-*-value"}, []Pair{{"hash-max-listpack-value", "64"}, {"hash-max-ziplist-value", "64"}}},
		{[]string{"requirepass"}, []Pair{{"requirepass", "pw"}}},
		{[]string{"replica-read-only", "appendonly", "save"}, []Pair{{"replica-read-only", "yes"}, {"appendonly", "no"}, {"save", ""}}},
		{[]string{"server.tcp_nodelay", "latency-tracking"}, []Pair{{"server.tcp_nodelay", "true"}, {"latency-tracking", "yes"}}},
		{[]string{"loglevel", "logging.level"}, []Pair{{"loglevel", "notice"}, {"logging.level", "info"}}},
		{[]string{"client-output-buffer-limit"}, []Pair{{"client-output-buffer-limit", "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"}}},
	}
	for _, test := range tests {
		if got := c.Get(test.patterns...); !slices.Equal(got, test.want) {
			t.Errorf("Get(%q) = %q, want %q", test.patterns, got, test.want)
		}
	}
	if all := c.Get("*"); len(all) != len(params) {
		t.Errorf("Get(*) has %d pairs, want %d", len(all), len(params))
	}
}

// TestSaveWithoutPersistence: what CONFIG GET would not show afterwards is refused.
func TestSaveWithoutPersistence(t *testing.T) {
	c := mustLoad(t)
	old := c.Values().SnapshotInterval
	if err := c.Set(Pair{"save", "60 1"}); !errors.Is(err, errNotPersistent) || c.Values().SnapshotInterval != old {
		t.Errorf("got %v", err)
	}
	if err := c.Set(Pair{"save", ""}); err != nil {
		t.Error(err)
	}
}

// TestSetDialects: our keys take our units, Redis's names what Redis takes.
func TestSetDialects(t *testing.T) {
	c := mustLoad(t)
	ok := []Pair{
		{"memory.max_memory", "50%"}, {"maxmemory", "2GB"}, {"MaxMemory", "1k"}, {"server.connection_timeout", "5m"},
		{"timeout", "300"}, {"server.tcp_nodelay", "no"}, {"latency-tracking", "no"}, {"loglevel", "verbose"},
		{"logging.level", "warn"}, {"client-output-buffer-limit", "replica 1mb 2 3"}, {"slowlog-log-slower-than", "-1"},
		{"tls-auth-clients", "Optional"}, {"tls-auth-clients-user", "cn"},
	}
	for _, pair := range ok {
		if err := c.Set(pair); err != nil {
			t.Errorf("Set(%v): %v", pair, err)
		}
	}
	v := c.Values()
	if v.MaxMemory != 1000 || v.ConnectionTimeout.Seconds() != 300 || v.TCPNoDelay || v.LatencyTracking || v.SlowlogSlowerThan >= 0 {
		t.Errorf("values after the changes: %+v", v)
	}
	if got := c.Get("client-output-buffer-limit", "loglevel"); got[0].Value != "normal 0 0 0 slave 1048576 2 3 pubsub 33554432 8388608 60" || got[1].Value != "warning" {
		t.Errorf("got %q", got)
	}
	want := []Pair{{"tls-auth-clients", "optional"}, {"security.tls_client_user", "common_name"}, {"tls-auth-clients-user", "CN"}}
	if got := c.Get("tls-auth-clients", "security.tls_client_user", "tls-auth-clients-user"); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	refused := []Pair{{"server.tcp_nodelay", "1"}, {"memory.max_memory", "0%"}, {"server.port", "1"}, {"logging.level", "notice"},
		{"tls-auth-clients-user", "common_name"}, {"security.tls_client_user", "CN"}}
	for _, pair := range refused {
		if err := c.Set(pair); err == nil {
			t.Errorf("Set(%v) succeeded", pair)
		}
	}
}

func TestSetChangesAllOrNothing(t *testing.T) {
	c := mustLoad(t)
	before := c.Values()
	refused := [][]Pair{
		{{"timeout", "4"}, {"maxmemory", "abc"}},
		{{"timeout", "4"}, {"nope", "1"}},
		{{"timeout", "4"}, {"databases", "8"}},
		{{"timeout", "4"}, {"Timeout", "5"}},
	}
	for _, pairs := range refused {
		if err := c.Set(pairs...); err == nil {
			t.Errorf("Set(%v) succeeded", pairs)
		}
		if c.Values() != before {
			t.Errorf("Set(%v) changed the values", pairs)
		}
	}
	if err := c.Set(Pair{"timeout", "4"}, Pair{"maxmemory", "1mb"}); err != nil {
		t.Fatal(err)
	}
	if before.ConnectionTimeout != 0 || c.Values().ConnectionTimeout.Seconds() != 4 || c.Values().MaxMemory != 1<<20 {
		t.Errorf("after: %+v", c.Values())
	}
}

func TestHooks(t *testing.T) {
	c := mustLoad(t)
	var calls []int64
	c.OnChange("memory.max_memory", func(next *Values) error {
		calls = append(calls, next.MaxMemory)
		return nil
	})
	full := errors.New("no room")
	c.OnChange("slowlog-max-len", func(next *Values) error {
		if next.SlowlogMaxLen > 1000 {
			return full
		}
		return nil
	})
	old := c.Values().MaxMemory
	steps := []struct {
		pairs []Pair
		want  string
		calls []int64
	}{
		{[]Pair{{"timeout", "1"}}, "", nil},
		{[]Pair{{"maxmemory", "1mb"}}, "", []int64{1 << 20}},
		{[]Pair{{"memory.max_memory", "2mb"}, {"slowlog-max-len", "5"}}, "", []int64{2 << 20}},
		{[]Pair{{"maxmemory", "3mb"}, {"slowlog-max-len", "5000"}},
			"CONFIG SET failed (possibly related to argument 'slowlog-max-len') - no room", []int64{3 << 20, 2 << 20}},
	}
	for _, step := range steps {
		calls = nil
		err := c.Set(step.pairs...)
		if got := errorText(err); got != step.want {
			t.Errorf("Set(%v) = %q, want %q", step.pairs, got, step.want)
		}
		if !slices.Equal(calls, step.calls) {
			t.Errorf("Set(%v) called the hook with %v, want %v", step.pairs, calls, step.calls)
		}
	}
	if v := c.Values(); v.MaxMemory != 2<<20 || v.SlowlogMaxLen != 5 || old == v.MaxMemory {
		t.Errorf("after the refused change: %+v", v)
	}
	if err := c.Set(Pair{"slowlog-max-len", "5000"}); !errors.Is(err, full) {
		t.Errorf("the hook's error is lost: %v", err)
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestOnChangeOfUnknownSettingPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	mustLoad(t).OnChange("maxmemmory", nil)
}

// TestConcurrentUse is for the race detector.
func TestConcurrentUse(t *testing.T) {
	c := mustLoad(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 200 {
			_ = c.Set(Pair{"maxmemory", "1mb"}, Pair{"timeout", "1"})
			_ = c.Set(Pair{"maxmemory", "2mb"}, Pair{"timeout", "2"})
		}
	}()
	first := c.Values()
	for {
		v := c.Values()
		if v != first && v.MaxMemory>>20 != int64(v.ConnectionTimeout.Seconds()) {
			t.Fatalf("torn values: %d bytes with %v", v.MaxMemory, v.ConnectionTimeout)
		}
		c.Get("*")
		c.Effective()
		select {
		case <-done:
			return
		default:
		}
	}
}
