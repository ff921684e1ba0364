package config

import (
	"fmt"
	"strconv"
	"strings"
)

// Origin is the sort of place that a value came from.
type Origin uint8

// The origins, from weakest to strongest. Runtime is CONFIG SET.
const (
	FromDefault Origin = iota
	FromFile
	FromEnv
	FromFlag
	FromRuntime
)

// Source says where a value came from.
type Source struct {
	Origin Origin
	Name   string // the file's path, the variable, or the flag without dashes
	Line   int    // in the file, from 1
}

// String names the source for people: "redistill.toml:7", "REDIS_PORT",
// "--port", "default" or "CONFIG SET".
func (s Source) String() string {
	switch s.Origin {
	case FromFile:
		return s.Name + ":" + strconv.Itoa(s.Line)
	case FromEnv:
		return s.Name
	case FromFlag:
		return "--" + s.Name
	case FromRuntime:
		return "CONFIG SET"
	}
	return "default"
}

// Changed returns the settings with a key that CONFIG SET changed, secrets in clear.
func (c *Config) Changed() []Assignment {
	c.mu.Lock()
	defer c.mu.Unlock()
	values := c.Values()
	var list []Assignment
	for i := range settings {
		if s := &settings[i]; s.Key != "" && c.sources[i].Origin == FromRuntime {
			list = append(list, Assignment{s.Key, s.get(values), c.sources[i]})
		}
	}
	return list
}

// Assignment is a value that a source gives to the setting with Key.
type Assignment struct {
	Key    string
	Text   string // in our dialect
	Source Source
}

// Error is an impossible value. It names the source, the key and what is
// accepted; the value itself only if the setting is not secret.
type Error struct {
	Source Source
	Key    string
	Value  string // quoted, or empty for a secret
	Reason string // such as "must be true or false"
}

// Error returns one line, such as `redistill.toml:7: server.port = "x": must be a port from 1 to
// 65535, 0 for none, or auto for a free one`.
func (e *Error) Error() string {
	value := ""
	if e.Value != "" {
		value = " = " + e.Value
	}
	switch e.Source.Origin {
	case FromFile:
		return fmt.Sprintf("%s: %s%s: %s", e.Source, e.Key, value, e.Reason)
	case FromEnv:
		return fmt.Sprintf("environment variable %s%s: %s", e.Source, value, e.Reason)
	case FromFlag:
		return fmt.Sprintf("flag %s%s: %s", e.Source, value, e.Reason)
	}
	return fmt.Sprintf("%s of %s%s: %s", e.Source, e.Key, value, e.Reason)
}

// Load builds a Config from the defaults and the assignments, which come in
// increasing precedence: file, environment, flags. Percentages refer to mem.
// Every assignment must be valid, also one that a later one replaces. The error
// is an *Error for an impossible value.
func Load(mem Memory, assignments []Assignment) (*Config, error) {
	values := &Values{Memory: mem, ClientOutputBufferLimit: redisOutputLimits()}
	sources := make([]Source, len(settings))
	for _, a := range assignments {
		i := indexOf(a.Key)
		if i < 0 {
			return nil, &Error{Source: a.Source, Key: a.Key, Reason: "no such setting"}
		}
		if err := apply(values, &settings[i], a); err != nil {
			return nil, err
		}
		sources[i] = a.Source
	}
	for i := range settings {
		s := &settings[i]
		if sources[i].Origin != FromDefault {
			continue
		}
		if err := applyDefault(values, s); err != nil {
			return nil, err
		}
	}
	values.snapshotDir = directoryOf(values.SnapshotPath) // which CONFIG SET does not change
	c := &Config{sources: sources}
	c.values.Store(values)
	return c, nil
}

func indexOf(key string) int {
	for i := range settings {
		if key != "" && strings.EqualFold(settings[i].Key, key) {
			return i
		}
	}
	return -1
}

func apply(v *Values, s *Setting, a Assignment) error {
	err := s.set(v, a.Text)
	if err == nil {
		return nil
	}
	e := &Error{Source: a.Source, Key: s.Key, Reason: err.Error()}
	if !s.Secret {
		e.Value = strconv.Quote(a.Text)
	}
	return e
}

func applyDefault(v *Values, s *Setting) error {
	switch {
	case s.Key != "":
		return apply(v, s, Assignment{Key: s.Key, Text: s.Default})
	case s.setRedis != nil:
		return s.setRedis(v, s.Default)
	}
	return nil
}
