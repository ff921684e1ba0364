package command

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/config"
)

// Options configure a Server.
type Options struct {
	Store    *engine.Store
	Config   *config.Config
	Log      *slog.Logger
	Version  string           // the product's own version
	IO       string           // the I/O path in use, for INFO
	Shutdown func(save bool)  // starts an orderly stop of the process; called by SHUTDOWN, must not block
}

// Server is what all clients share: the keyspace, the configuration, the command table and the registry of clients.
type Server struct {
	Options
	table   *table
	started time.Time
	runID   string

	clients  registry
	stripes  []*Stats // one per loop, merged by INFO
	total    totals
}

// registry knows the clients that are connected.
type registry struct {
	mu     sync.Mutex
	byID   map[int64]*Session
	nextID atomic.Int64
}

// totals are counters that are not by command.
type totals struct {
	connections, rejected atomic.Int64 // accepted since the start; refused
	netIn, netOut         atomic.Int64 // bytes
}
