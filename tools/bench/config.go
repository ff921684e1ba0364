package bench

import (
	"errors"
	"fmt"
	"time"
)

// Config is one measurement.
type Config struct {
	Profile     Profile
	Connections int
	Pipeline    int // the most requests of a connection without a reply
	// Duration is how long is measured, unless Requests is given.
	Duration time.Duration
	// Requests ends the measurement after so many; 0 is no such end.
	Requests int64
	// Warmup is how long the load runs before it is measured.
	Warmup time.Duration
	// Rate is the number of requests due in a second (open loop), 0 for the
	// closed loop.
	Rate float64
	// Threads is the number of CPUs that the generator uses, 0 for all. It
	// holds for the whole process while Run runs.
	Threads int
	// Seed and a connection's number make its sequence of requests.
	Seed uint64
	// SkipPreload leaves the server's data as it is.
	SkipPreload bool
	// KeepGoing counts error replies and goes on; else the first one ends the run.
	KeepGoing bool
	// Timeout is how long a connection waits for a reply before the run ends.
	Timeout time.Duration
	// Progress is called about four times a second, if it is given.
	Progress func(Progress)
}

// Progress says how far a measurement is.
type Progress struct {
	Phase     string  // "preload", "warm-up" or "measure"
	Done      float64 // from 0 to 1
	Requests  int64   // so far in this phase
	Run, Runs int     // the number of this run of Measure, from 1, and of all of them
}

// DefaultTimeout is the Timeout of a Config that does not say.
const DefaultTimeout = 10 * time.Second

// Limits of a Config, against slips of the hand.
const (
	maxConnections = 100_000
	maxPipeline    = 10_000
)

// withDefaults fills in what the profile knows.
func (c Config) withDefaults() Config {
	if c.Connections == 0 {
		c.Connections = c.Profile.Connections
	}
	if c.Pipeline == 0 {
		c.Pipeline = c.Profile.Pipeline
	}
	if c.Duration == 0 && c.Requests == 0 {
		c.Duration = 10 * time.Second
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	return c
}

// Validate says what is wrong with c, in terms of the command line's settings.
func (c Config) Validate() error {
	c = c.withDefaults()
	switch {
	case c.Profile.Name == "":
		return errors.New("it needs a profile")
	case c.Connections < 1 || c.Connections > maxConnections:
		return fmt.Errorf("connections must be from 1 to %d", maxConnections)
	case c.Pipeline < 1 || c.Pipeline > maxPipeline:
		return fmt.Errorf("pipeline must be from 1 to %d", maxPipeline)
	case c.Duration < 0 || c.Warmup < 0 || c.Timeout < 0:
		return errors.New("durations must not be negative")
	case c.Requests < 0:
		return errors.New("requests must not be negative")
	case !(c.Rate >= 0 && c.Rate <= 1e9):
		return errors.New("rate must be from 0 (closed loop) to 1e9 requests a second")
	case c.Threads < 0:
		return errors.New("threads must not be negative")
	}
	return c.Profile.validate()
}
