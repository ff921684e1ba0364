package bench

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// This file holds the types of a profile that have a form as text, in files, on
// the command line and in reports alike.

// Access is how the keys of a population are used.
type Access int

const (
	// ReadWrite is GET and SET in the proportion of ReadRatio.
	ReadWrite Access = iota
	// CacheAside is GET, and after a miss SET of the same key.
	CacheAside
	// Counter is INCR and EXPIRE in one batch: a rate limiter.
	Counter
	// Membership is SISMEMBER and SADD in the proportion of ReadRatio: keys are
	// sets, and values their members. There is no hit rate, for a set that is
	// there may have a member or not.
	Membership
)

var accessNames = []string{"read-write", "cache-aside", "counter", "membership"}

// ValueKind is what values look like.
type ValueKind int

const (
	// SessionValue is a session's fields, as in "user_id=12345,role=admin".
	SessionValue ValueKind = iota
	// JSONValue is a JSON object.
	JSONValue
	// HTMLValue is an HTML page.
	HTMLValue
	// NumberValue is a decimal number, as INCR takes it.
	NumberValue
)

var valueNames = []string{"session", "json", "html", "number"}

// Distribution says how often which key is asked for.
type Distribution int

const (
	// Uniform asks for every key equally often.
	Uniform Distribution = iota
	// Zipf asks for the key of rank k in proportion to k^-0.99, as YCSB does.
	Zipf
	// Hotset asks for a tenth of the keys in nine requests out of ten.
	Hotset
)

var distributionNames = []string{"uniform", "zipf", "hotset"}

func (a Access) String() string       { return accessNames[a] }
func (k ValueKind) String() string    { return valueNames[k] }
func (d Distribution) String() string { return distributionNames[d] }

// MarshalText returns the name.
func (a Access) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// MarshalText returns the name.
func (k ValueKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// MarshalText returns the name.
func (d Distribution) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads a name.
func (a *Access) UnmarshalText(text []byte) error {
	return unmarshalName((*int)(a), "access", accessNames, text)
}

// UnmarshalText reads a name.
func (k *ValueKind) UnmarshalText(text []byte) error {
	return unmarshalName((*int)(k), "value", valueNames, text)
}

// UnmarshalText reads a name.
func (d *Distribution) UnmarshalText(text []byte) error {
	return unmarshalName((*int)(d), "distribution", distributionNames, text)
}

func unmarshalName(out *int, what string, names []string, text []byte) error {
	i := slices.Index(names, string(text))
	if i < 0 {
		return fmt.Errorf("unknown %s %q; there are %s", what, text, strings.Join(names, ", "))
	}
	*out = i
	return nil
}

// Sizes are the bounds of sizes in bytes. As text they are "256", "2KB" or
// "32-256", where KB are 1000 bytes and KiB 1024.
type Sizes struct{ Min, Max int }

// MarshalText is the inverse of UnmarshalText.
func (s Sizes) MarshalText() ([]byte, error) {
	if s.Min == s.Max {
		return strconv.AppendInt(nil, int64(s.Min), 10), nil
	}
	return fmt.Appendf(nil, "%d-%d", s.Min, s.Max), nil
}

// UnmarshalText reads one size or two; see Sizes.
func (s *Sizes) UnmarshalText(text []byte) error {
	low, high, isRange := strings.Cut(string(text), "-")
	if !isRange {
		high = low
	}
	var ok1, ok2 bool
	s.Min, ok1 = parseBytes(low)
	s.Max, ok2 = parseBytes(high)
	if !ok1 || !ok2 || s.Min < 1 {
		return fmt.Errorf("%q is not a size such as 256, 2KB or 32-256", text)
	}
	return nil
}

func parseBytes(text string) (int, bool) {
	unit := 1
	for _, u := range []struct {
		suffix string
		bytes  int
	}{{"MiB", 1 << 20}, {"KiB", 1 << 10}, {"MB", 1e6}, {"KB", 1e3}, {"B", 1}} {
		if number, ok := strings.CutSuffix(text, u.suffix); ok {
			text, unit = number, u.bytes
			break
		}
	}
	n, err := strconv.ParseUint(text, 10, 31)
	return int(n) * unit, err == nil
}

// TTL is how long a key lives, as text "24h" or "5m30s".
type TTL time.Duration

// MarshalText is the inverse of UnmarshalText.
func (t TTL) MarshalText() ([]byte, error) { return []byte(time.Duration(t).String()), nil }

// UnmarshalText reads a duration.
func (t *TTL) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("ttl %q is not a time such as 24h or 5m30s", text)
	}
	*t = TTL(d)
	return nil
}
