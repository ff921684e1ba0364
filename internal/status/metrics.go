package status

import (
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/redistill/redistill/command"
)

// metric is a row of the table of metrics without labels.
type metric struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(o *command.Observation) float64 // NaN where there is nothing to tell: the metric is left out then
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("redistill_"+name, help, labels, nil)
}

// number is what counters and gauges are kept in.
type number interface{ ~int | ~int64 | ~uint64 }

func gauge[N number](name, help string, value func(*command.Observation) N) metric {
	return metric{describe(name, help), prometheus.GaugeValue, func(o *command.Observation) float64 { return float64(value(o)) }}
}

func counter[N number](name, help string, value func(*command.Observation) N) metric {
	return metric{describe(name, help), prometheus.CounterValue, func(o *command.Observation) float64 { return float64(value(o)) }}
}

// timestamp is a gauge of a time in Unix seconds, left out where there is none.
func timestamp(name, help string, value func(*command.Observation) time.Time) metric {
	return metric{describe(name, help), prometheus.GaugeValue, func(o *command.Observation) float64 {
		t := value(o)
		if t.IsZero() {
			return math.NaN()
		}
		return float64(t.UnixMilli()) / 1000
	}}
}

type observed = *command.Observation

// plain are the metrics without labels. Counters begin again when the process does, and with CONFIG RESETSTAT.
var plain = []metric{
	gauge("connections", "Clients that are connected.", func(o observed) int64 { return o.ConnectedClients }),
	gauge("connections_limit", "Clients that may be connected at once.", func(o observed) int64 { return o.MaxClients }),
	gauge("connections_blocked", "Clients whose command waits.", func(o observed) int64 { return o.BlockedClients }),
	counter("connections_accepted_total", "Clients that have connected.", func(o observed) int64 { return o.ConnectionsReceived }),
	counter("connections_rejected_total", "Clients that were refused, by max_connections or by protected mode.",
		func(o observed) int64 { return o.ConnectionsRejected }),
	counter("network_receive_bytes_total", "Bytes read from clients.", func(o observed) int64 { return o.NetInputBytes }),
	counter("network_transmit_bytes_total", "Bytes written to clients.", func(o observed) int64 { return o.NetOutputBytes }),

	counter("keyspace_hits_total", "Reads of keys that were there.", func(o observed) uint64 { return o.Hits }),
	counter("keyspace_misses_total", "Reads of keys that were not there.", func(o observed) uint64 { return o.Misses }),
	counter("expired_keys_total", "Keys that went because their time was over.", func(o observed) uint64 { return o.Expired }),

	gauge("memory_used_bytes", "Memory in use, all parts together: what the limit is about.", func(o observed) int64 { return o.Used() }),
	gauge("memory_limit_bytes", "Limit of the memory in use, 0 for none.", func(o observed) int64 { return o.MaxMemory }),
	gauge("memory_free_bytes", "Resident memory that is kept for what comes next.", func(o observed) int64 { return o.FreeBytes }),
	gauge("memory_peak_bytes", "The most memory that was in use.", func(o observed) int64 { return o.PeakBytes }),
	gauge("memory_resident_bytes", "Resident memory of the process.", func(o observed) int64 { return o.RSSBytes }),

	counter("slow_commands_total", "Commands that were entered into SLOWLOG.", func(o observed) int64 { return o.Slow }),

	timestamp("snapshot_last_success_timestamp_seconds", "When a snapshot was last written, or else when the server started, in Unix time.",
		func(o observed) time.Time { return o.LastSave }),
	gauge("snapshot_last_failed", "1 if the last snapshot failed.", func(o observed) int { return bit(o.SaveFailed) }),
	gauge("snapshot_in_progress", "1 while a snapshot is written.", func(o observed) int { return bit(o.Saving) }),
	counter("snapshots_total", "Snapshots that were written.", func(o observed) int64 { return o.Saves }),
	gauge("snapshot_bytes", "Size of the last snapshot that was written.", func(o observed) int64 { return o.SnapshotBytes }),

	timestamp("tls_certificate_expiry_timestamp_seconds", "When the TLS certificate in use expires, in Unix time.",
		func(o observed) time.Time { return o.CertNotAfter }),
	counter("tls_certificate_failures_total", "TLS certificates that were found and could not be used.",
		func(o observed) uint64 { return o.CertFailures }),
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// The metrics with labels.
var (
	buildInfo = describe("build_info", "Always 1; the labels say what runs.", "version", "redis_version", "io")
	ready     = describe("ready", "1 if clients are served, 0 while data is loaded and while the server stops.")
	closed    = describe("connections_closed_total", "Clients that the server closed, by the reason.", "reason")
	keys      = describe("keys", "Keys, by database.", "db")
	expiring  = describe("keys_expiring", "Keys that have a time to live, by database.", "db")
	evicted   = describe("evicted_keys_total", "Keys that went because memory was full, by the policy that chose them.", "policy")
	memory    = describe("memory_bytes", "Memory in use, by what it is for.", "part")
	calls     = describe("command_duration_seconds", "Time that commands took, by command.", "command")
	failed    = describe("command_failures_total", "Commands that were answered with an error, by command.", "command")
	rejected  = describe("command_rejections_total", "Commands that were refused before they ran, by command.", "command")
	errorsBy  = describe("errors_total", "Error replies, by their first word.", "code")
	expiryLag = describe("expiry_lag_seconds", "Time from when a key expired until it was removed, of keys that nobody asked for.")
)

// latencyBounds returns the upper ends of the buckets of command_duration_seconds.
func latencyBounds() (seconds []float64) {
	for _, d := range command.LatencyBounds() {
		seconds = append(seconds, d.Seconds())
	}
	return seconds
}
