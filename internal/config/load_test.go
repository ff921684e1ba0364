package config

import (
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"
)

func TestDefaults(t *testing.T) {
	v := mustLoad(t).Values()
	if !slices.Equal(v.Bind, []string{"127.0.0.1"}) || v.Port != 6379 || v.MaxConnections != 10000 {
		t.Errorf("listening: %+v", v)
	}
	if v.ConnectionTimeout != 0 || v.TCPKeepalive != 300*time.Second || !v.TCPNoDelay || v.ShutdownGracePeriod != 10*time.Second {
		t.Errorf("connections: %+v", v)
	}
	if v.MaxMemory != testMemory.Bytes/100*80 || v.EvictionPolicy != "allkeys-lru" || v.Password != "" {
		t.Errorf("memory and password: %+v", v)
	}
	if v.LogLevel != slog.LevelInfo || v.LogFormat != "text" {
		t.Errorf("logging: %+v", v)
	}
	if v.SlowlogSlowerThan != 10*time.Millisecond || v.ProtoMaxBulkLen != 512<<20 || v.ClientOutputBufferLimit.PubSub.SoftSeconds != 60 {
		t.Errorf("Redis's own: %+v", v)
	}
}

func TestLoadRefusesImpossibleValues(t *testing.T) {
	file := Source{Origin: FromFile, Name: "redistill.toml", Line: 7}
	flag := Source{Origin: FromFlag, Name: "x"}
	tests := []struct {
		a    Assignment
		want string
	}{
		{Assignment{"server.port", "65536", file}, `redistill.toml:7: server.port = "65536": must be a port from 1 to 65535, 0 for none, or auto for a free one`},
		{Assignment{"server.tcp_nodelay", "1", flag}, `flag --x = "1": must be true or false`},
		{Assignment{"memory.max_memory", "101%", Source{Origin: FromEnv, Name: "REDIS_MAX_MEMORY"}},
			`environment variable REDIS_MAX_MEMORY = "101%": must be a size such as 2GB or 512mb, a share of the memory such as 80%, plain bytes, or 0 for no limit`},
		{Assignment{"server.nope", "1", file}, `redistill.toml:7: server.nope: no such setting`},
		{Assignment{"logging.level", "notice", flag}, `flag --x = "notice": must be one of debug, info, warn, error`},
		{Assignment{"server.connection_timeout", "100000000h", flag},
			`flag --x = "100000000h": must be whole seconds such as 300, or a number with s, m, h or d such as 5m`},
		{Assignment{"server.tcp_keepalive", "2147483648", flag},
			`flag --x = "2147483648": must be whole seconds such as 300, or a number with s, m, h or d such as 5m`},
	}
	for _, test := range tests {
		// A bad value is refused even where a stronger source replaces it.
		_, err := Load(testMemory, []Assignment{test.a, {"server.port", "1", flag}})
		var e *Error
		if !errors.As(err, &e) || err.Error() != test.want {
			t.Errorf("%s = %q:\n got %v\nwant %s", test.a.Key, test.a.Text, err, test.want)
		}
	}
}

func TestUnknownMemoryNeedsASize(t *testing.T) {
	if _, err := Load(Memory{}, nil); err == nil {
		t.Error("80% of an unknown amount was accepted")
	}
	c, err := Load(Memory{}, []Assignment{{"memory.max_memory", "2GB", Source{Origin: FromFlag}}})
	if err != nil || c.Values().MaxMemory != 2<<30 {
		t.Errorf("2GB: %v", err)
	}
}

func TestEffectiveMasksSecrets(t *testing.T) {
	file := Source{Origin: FromFile, Name: "f", Line: 3}
	c := mustLoad(t, Assignment{"security.password", "hunter2", file})
	for _, e := range c.Effective() {
		if e.Setting.Key == "security.password" {
			if e.Value != "********" || e.Source != file {
				t.Errorf("password shown as %q from %v", e.Value, e.Source)
			}
			return
		}
	}
	t.Error("security.password is not listed")
}

func TestEffectiveNamesSources(t *testing.T) {
	c := mustLoad(t, Assignment{"server.port", "1", Source{Origin: FromEnv, Name: "REDIS_PORT"}})
	if err := c.Set(Pair{"maxmemory", "1gb"}); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"server.port": "REDIS_PORT", "memory.max_memory": "CONFIG SET", "server.bind": "default"}
	for _, e := range c.Effective() {
		if w, ok := want[e.Setting.Key]; ok && e.Source.String() != w {
			t.Errorf("%s came from %s, want %s", e.Setting.Key, e.Source, w)
		}
	}
}

// TestOutputLimitsOfOtherClasses: classes of client-output-buffer-limit that a source does not name have Redis's limits, not none.
func TestOutputLimitsOfOtherClasses(t *testing.T) {
	c := mustLoad(t, Assignment{"server.client_output_buffer_limit", "normal 1mb 0 0", Source{Origin: FromFile}})
	const want = "normal 1048576 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"
	if got := c.Get("client-output-buffer-limit")[0].Value; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
