package config

import (
	"strings"
	"testing"
)

var testMemory = Memory{Bytes: 10 << 30, From: "test"}

func mustLoad(t *testing.T, assignments ...Assignment) *Config {
	t.Helper()
	c, err := Load(testMemory, assignments)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestTable checks what every row must have, so that a new row cannot forget
// it.
func TestTable(t *testing.T) {
	seen := make(map[string]bool)
	unique := func(kind, name string) {
		if name = kind + strings.ToLower(name); name != kind && seen[name] {
			t.Errorf("%s is used twice", name)
		}
		seen[name] = true
	}
	values := mustLoad(t).Values()
	for _, s := range Settings() {
		id := s.Key + strings.Join(s.Redis, "/")
		unique("parameter ", s.Key)
		unique("flag ", s.Flag)
		unique("flag ", s.FlagAlias)
		for _, name := range s.Redis {
			unique("parameter ", name)
		}
		for _, name := range s.Env {
			unique("variable ", name)
		}
		if s.Key == "" && len(s.Redis) == 0 {
			t.Error("a row has no name")
		}
		if s.Key != "" && (s.Help == "" || s.Accepts() == "" || s.Type() == "" || s.set == nil || s.get == nil) {
			t.Errorf("%s lacks help or a part of its kind", id)
		}
		if s.Mutable && len(s.Redis) > 0 && s.setRedis == nil {
			t.Errorf("%s is mutable but cannot be set by Redis's name", id)
		}
		if len(s.Redis) > 0 && s.getRedis == nil {
			t.Errorf("%s has no value for Redis's name", id)
		}
		roundTrip(t, id, s, values)
	}
}

// roundTrip checks that what is shown can be set again, in both dialects.
func roundTrip(t *testing.T, id string, s *Setting, values *Values) {
	t.Helper()
	copied := *values
	if s.Key != "" {
		if err := s.set(&copied, s.get(values)); err != nil || s.get(&copied) != s.get(values) {
			t.Errorf("%s does not accept what it shows: %q: %v", id, s.get(values), err)
		}
	}
	if s.setRedis != nil && s.getRedis != nil {
		if err := s.setRedis(&copied, s.getRedis(values)); err != nil || s.getRedis(&copied) != s.getRedis(values) {
			t.Errorf("%s does not accept what it shows to Redis's clients: %q: %v", id, s.getRedis(values), err)
		}
	}
}

func TestNamesFollowFromKeys(t *testing.T) {
	s := Lookup("Memory.Max_Memory")
	if s == nil {
		t.Fatal("memory.max_memory is missing")
	}
	if s.Flag != "max-memory" || strings.Join(s.Env, " ") != "REDISTILL_MEMORY_MAX_MEMORY REDIS_MAX_MEMORY" {
		t.Errorf("flag %q, variables %q", s.Flag, s.Env)
	}
	if s.Section() != "memory" || s.Name() != "max_memory" {
		t.Errorf("section %q, name %q", s.Section(), s.Name())
	}
	if Lookup("") != nil || Lookup("maxmemory") != nil {
		t.Error("Lookup found something that is not a key")
	}
}

func TestDescription(t *testing.T) {
	for key, want := range map[string]string{
		"server.max_connections": "clients served at once",
		"logging.format":         "log lines as text or JSON: one of text, json (restart)",
	} {
		if got := Lookup(key).Description(); got != want {
			t.Errorf("%s: got %q", key, got)
		}
	}
}
