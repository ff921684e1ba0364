// Package stats asks a Redis-compatible server how it is: it reads INFO once,
// or twice an interval apart, and derives from it the figures that an operator
// looks at, which can be shown, written and checked against bounds.
package stats

import (
	"errors"
	"time"
)

// Unit says how a metric's value is to be read and shown.
type Unit string

// The units. A Share is from 0 to 1 and shown as a percentage.
const (
	Share   Unit = "share"
	Count   Unit = "count"
	Bytes   Unit = "bytes"
	Rate    Unit = "per second"
	Seconds Unit = "seconds"
	Ratio   Unit = "ratio"
)

// Metric is one figure.
type Metric struct {
	Name  string // in JSON, CSV and checks
	Group string // the table in which it is shown
	Label string
	Unit  Unit
	total formula // since the server's start, or now
	delta formula // over the interval, of differences; nil if there is no such thing
}

// A formula computes a value, false if what it needs is not known.
type formula func(get getter) (float64, bool)

// A getter returns a field of INFO, or its growth over the interval.
type getter func(name string) (float64, bool)

// A getter's own fields: seconds that its values are about.
const (
	elapsed = "elapsed" // those of the process
	counted = "counted" // those of the counters, which may be set to zero
)

// Metrics is the table of all metrics, in the order in which they are shown.
// It must not be changed.
func Metrics() []Metric { return metrics }

var metrics = []Metric{
	{"hit_rate", "Traffic", "hit rate", Share, hitRate, hitRate},
	{"hits", "Traffic", "hits", Count, field("keyspace_hits"), field("keyspace_hits")},
	{"misses", "Traffic", "misses", Count, field("keyspace_misses"), field("keyspace_misses")},
	{"operations", "Traffic", "operations", Count, field("total_commands_processed"), field("total_commands_processed")},
	{"operations_per_second", "Traffic", "operations/s", Rate, perSecond("total_commands_processed"), perSecond("total_commands_processed")},
	{"errors", "Traffic", "error replies", Count, field("total_error_replies"), field("total_error_replies")},
	{"input_per_second", "Traffic", "bytes in/s", Bytes, perSecond("total_net_input_bytes"), perSecond("total_net_input_bytes")},
	{"output_per_second", "Traffic", "bytes out/s", Bytes, perSecond("total_net_output_bytes"), perSecond("total_net_output_bytes")},

	{"memory", "Memory", "used of limit", Share, memoryShare, nil},
	{"memory_used", "Memory", "used", Bytes, field("used_memory"), nil},
	{"memory_limit", "Memory", "limit", Bytes, positive("maxmemory"), nil},
	{"memory_left", "Memory", "left to the limit", Bytes, memoryLeft, nil},
	{"memory_peak", "Memory", "peak", Bytes, field("used_memory_peak"), nil},
	{"memory_resident", "Memory", "resident", Bytes, field("used_memory_rss"), nil},
	{"memory_dataset", "Memory", "data", Bytes, field("used_memory_dataset"), nil},
	{"memory_overhead", "Memory", "overhead", Bytes, field("used_memory_overhead"), nil},
	{"memory_index", "Memory", "index", Bytes, field("redistill_index_bytes"), nil},
	{"memory_dead", "Memory", "dead, to be compacted", Bytes, field("redistill_dead_bytes"), nil},
	{"memory_free", "Memory", "free blocks", Bytes, field("redistill_free_bytes"), nil},
	{"memory_go", "Memory", "Go runtime", Bytes, field("redistill_go_bytes"), nil},
	{"memory_clients", "Memory", "client buffers", Bytes, field("mem_clients_normal"), nil},
	{"memory_program", "Memory", "program file", Bytes, field("redistill_program_bytes"), nil},
	{"fragmentation", "Memory", "resident / used", Ratio, field("mem_fragmentation_ratio"), nil},

	{"evicted", "Evictions and expirations", "evicted keys", Count, field("evicted_keys"), field("evicted_keys")},
	{"evicted_per_second", "Evictions and expirations", "evicted keys/s", Rate, perSecond("evicted_keys"), perSecond("evicted_keys")},
	{"expired", "Evictions and expirations", "expired keys", Count, field("expired_keys"), field("expired_keys")},
	{"expired_per_second", "Evictions and expirations", "expired keys/s", Rate, perSecond("expired_keys"), perSecond("expired_keys")},

	{"connections", "Connections", "connected", Count, field("connected_clients"), nil},
	{"connections_limit", "Connections", "limit", Count, field("maxclients"), nil},
	{"connections_received", "Connections", "received", Count, field("total_connections_received"), field("total_connections_received")},
	{"connections_rejected", "Connections", "rejected", Count, field("rejected_connections"), field("rejected_connections")},

	{"uptime", "Server", "uptime", Seconds, field("uptime_in_seconds"), nil},
	{"cpu", "Server", "cores busy", Ratio, cpu, cpu},
}

func field(name string) formula {
	return func(get getter) (float64, bool) { return get(name) }
}

// positive is a field whose zero means that there is no such thing.
func positive(name string) formula {
	return func(get getter) (float64, bool) {
		v, ok := get(name)
		return v, ok && v > 0
	}
}

func perSecond(name string) formula {
	return func(get getter) (float64, bool) {
		v, ok := get(name)
		return divide(v, ok, get, counted)
	}
}

// divide gives a sum by the second of a time.
func divide(v float64, ok bool, get getter, time string) (float64, bool) {
	t, known := get(time)
	if !ok || !known || t <= 0 {
		return 0, false
	}
	return v / t, true
}

func hitRate(get getter) (float64, bool) {
	hits, ok1 := get("keyspace_hits")
	misses, ok2 := get("keyspace_misses")
	if !ok1 || !ok2 || hits+misses <= 0 {
		return 0, false
	}
	return hits / (hits + misses), true
}

func memoryShare(get getter) (float64, bool) {
	used, ok1 := get("used_memory")
	limit, ok2 := get("maxmemory")
	if !ok1 || !ok2 || limit <= 0 {
		return 0, false
	}
	return used / limit, true
}

func memoryLeft(get getter) (float64, bool) {
	used, ok1 := get("used_memory")
	limit, ok2 := get("maxmemory")
	return limit - used, ok1 && ok2 && limit > 0
}

func cpu(get getter) (float64, bool) {
	user, ok1 := get("used_cpu_user")
	sys, ok2 := get("used_cpu_sys")
	return divide(user+sys, ok1 && ok2, get, elapsed)
}

// Value is a metric's value; Known is false if the server does not tell.
type Value struct {
	Value float64
	Known bool
}

// Report is what is known of a server.
type Report struct {
	Target   string
	Last     *Sample
	Interval time.Duration    // between the samples, 0 if there was only one
	Total    map[string]Value // by metric: since the server's start, or now
	Delta    map[string]Value // over the interval; empty without one
	Recent   []Command        // what was called in the interval, by time spent, the most first
}

// ErrReset is returned by NewReport where the counters of the two samples
// cannot be compared.
var ErrReset = errors.New("the server restarted, or its counters were reset, during the interval")

// NewReport derives all metrics from a sample, and from an earlier one of the
// same server, which may be nil.
func NewReport(target string, before, now *Sample) (*Report, error) {
	r := &Report{Target: target, Last: now, Total: map[string]Value{}, Delta: map[string]Value{}}
	for _, m := range metrics {
		r.Total[m.Name] = evaluate(m.total, now.since)
	}
	if before == nil {
		return r, nil
	}
	if before.restarted(now) {
		return nil, ErrReset
	}
	r.Interval = now.Time.Sub(before.Time)
	r.Recent = recent(before, now)
	for _, m := range metrics {
		if m.delta != nil {
			r.Delta[m.Name] = evaluate(m.delta, growth(before, now))
		}
	}
	return r, nil
}

func evaluate(f formula, get getter) Value {
	v, ok := f(get)
	if !ok {
		return Value{}
	}
	return Value{v, true}
}

// since is the getter of totals.
func (s *Sample) since(name string) (float64, bool) {
	switch name {
	case elapsed:
		return s.number("uptime_in_seconds")
	case counted:
		return s.counted()
	}
	return s.number(name)
}

// resetStat is the command that sets counters to zero. It counts itself then, so that it stands in
// INFO as long as the counters are younger than the server.
const resetStat = "config|resetstat"

// counted returns for how many seconds the server has counted, which is not known after a reset
// unless it says so itself.
func (s *Sample) counted() (float64, bool) {
	if seconds, ok := s.number("redistill_counting_seconds"); ok {
		return seconds, true
	}
	for i := range s.Commands {
		if s.Commands[i].Name == resetStat && s.Commands[i].Calls > 0 {
			return 0, false
		}
	}
	return s.number("uptime_in_seconds")
}

// growth returns the getter of differences.
func growth(before, now *Sample) getter {
	return func(name string) (float64, bool) {
		if name == elapsed || name == counted {
			return now.Time.Sub(before.Time).Seconds(), true
		}
		a, ok1 := before.number(name)
		b, ok2 := now.number(name)
		return b - a, ok1 && ok2
	}
}

// restarted reports whether a later sample is of another process, or its
// counters began anew.
func (s *Sample) restarted(later *Sample) bool {
	if s.fields["run_id"] != later.fields["run_id"] {
		return true
	}
	for _, name := range []string{"total_commands_processed", "keyspace_hits", "keyspace_misses", "evicted_keys", "expired_keys"} {
		a, _ := s.number(name)
		if b, ok := later.number(name); ok && b < a {
			return true
		}
	}
	return false
}
