package cmd

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/redistill/redistill/internal/config"
)

func loadValid(t *testing.T, args ...string) *config.Config {
	t.Helper()
	clearEnvironment(t)
	cfg, err := loadWith(t, args...)
	if err != nil {
		t.Fatal(err)
	}
	return cfg.Config
}

func TestReadyLine(t *testing.T) {
	tests := map[string]string{"2GB": "2GB", "0": "none"}
	for limit, want := range tests {
		cfg := loadValid(t, "--max-memory", limit, "--log-format", "json")
		var out bytes.Buffer
		logReady(newLogger(&out, cfg), cfg.Snapshot(), []string{"127.0.0.1:6379"}, "goroutines", "no loops")
		if strings.Count(out.String(), "\n") != 1 {
			t.Errorf("not one line: %q", out.String())
		}
		var line struct {
			Listen    []string
			MaxMemory string `json:"max_memory"`
			Policy    string `json:"eviction_policy"`
			IO        string
			Fallback  string `json:"io_fallback"`
		}
		if err := json.Unmarshal(out.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if line.MaxMemory != want || line.Policy != "allkeys-lru" || line.IO != "goroutines" || line.Fallback != "no loops" || len(line.Listen) != 1 {
			t.Errorf("%+v", line)
		}
	}
}

func TestLogLevelFollowsConfigSet(t *testing.T) {
	cfg := loadValid(t, "--log-level", "warn")
	var out bytes.Buffer
	log := newLogger(&out, cfg)
	log.Info("hidden")
	if err := cfg.Set(config.Pair{Name: "loglevel", Value: "debug"}); err != nil {
		t.Fatal(err)
	}
	log.Debug("shown")
	if text := out.String(); strings.Contains(text, "hidden") || !strings.Contains(text, "msg=shown") {
		t.Errorf("log: %q", text)
	}
}

func TestMemoryWarning(t *testing.T) {
	for _, test := range []struct {
		limit, memory int64
		warns         bool
	}{{2 << 30, 1 << 30, true}, {1 << 30, 1 << 30, false}, {1 << 30, 0, false}, {0, 1 << 30, false}} {
		var out bytes.Buffer
		log := newLogger(&out, loadValid(t))
		checkMemory(log, &config.Values{MaxMemory: test.limit, Memory: config.Memory{Bytes: test.memory, From: "cgroup v2 limit"}})
		if warns := strings.Contains(out.String(), `level=WARN msg="max_memory is more than there is`); warns != test.warns {
			t.Errorf("limit %d, memory %d: %q", test.limit, test.memory, out.String())
		}
	}
}
