package bench

import "time"

// Schema names the layout of a Report in JSON. It changes whenever the meaning
// of a field does.
const Schema = "redistill.bench/2"

// Result is one measurement. Times in JSON are in nanoseconds.
type Result struct {
	Seconds    float64 `json:"seconds"`
	Requests   int64   `json:"requests"`
	Throughput float64 `json:"throughput"` // requests a second
	Hits       int64   `json:"hits"`
	Misses     int64   `json:"misses"`
	// HitRate is the share of GETs that found a value, nil without a GET.
	HitRate    *float64 `json:"hit_rate,omitempty"`
	Errors     int64    `json:"errors"` // error replies
	FirstError string   `json:"first_error,omitempty"`
	// Unsent is the number of requests that were due and never sent, because
	// the server fell behind the rate.
	Unsent int64 `json:"unsent"`
	// Late is by how much the generator itself was late with requests whose
	// connection was free when they were due, nil in the closed loop. It is a
	// part of their latency.
	Late          *Latency   `json:"late,omitempty"`
	BytesSent     int64      `json:"bytes_sent"`
	BytesReceived int64      `json:"bytes_received"`
	Latency       Latency    `json:"latency"` // of all commands
	Commands      []Command  `json:"commands"`
	Intervals     []Interval `json:"intervals"`
	Server        Server     `json:"server"`
	// Problem says why the run ended early, and is empty when it did not.
	Problem string `json:"problem,omitempty"`
}

// Command is what is known of one command.
type Command struct {
	Name    string  `json:"name"`
	Count   int64   `json:"count"`
	Latency Latency `json:"latency"`
}

// Latency is a distribution.
type Latency struct {
	Mean  time.Duration `json:"mean"`
	P50   time.Duration `json:"p50"`
	P90   time.Duration `json:"p90"`
	P95   time.Duration `json:"p95"`
	P99   time.Duration `json:"p99"`
	P999  time.Duration `json:"p99.9"`
	P9999 time.Duration `json:"p99.99"`
	Max   time.Duration `json:"max"`
}

// Interval is what was answered in a part of a run. The parts of a run follow on
// each other and are of the same length, but for the last.
type Interval struct {
	Start    float64       `json:"start"`   // in seconds since the start of the run
	Seconds  float64       `json:"seconds"` // its length
	Requests int64         `json:"requests"`
	P50      time.Duration `json:"p50"`
	P99      time.Duration `json:"p99"`
	Max      time.Duration `json:"max"`
}

// Server is what the server says of itself. What it does not say is nil.
type Server struct {
	Name string `json:"name,omitempty"` // with its version
	Keys *int64 `json:"keys,omitempty"` // at the end
	// CPUPerRequest is in seconds, user and system.
	CPUPerRequest *float64 `json:"cpu_per_request,omitempty"`
	RSS           *int64   `json:"rss_bytes,omitempty"` // at the end
	// HitRate is the server's own count while it was measured.
	HitRate *float64 `json:"hit_rate,omitempty"`
}
