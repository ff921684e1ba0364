package config

import (
	"log/slog"
	"os"
	"time"
)

// Values holds the value of every setting at one moment. A *Values that
// Config.Values returns is shared and never written again: do not change its
// fields or slices.
type Values struct {
	// Memory is what the machine or its cgroup allows; percentages refer to
	// it. It is measured, not set.
	Memory Memory

	Bind                []string      // addresses without port, as net.Listen takes them
	Port                int           // 0 = none, AutoPort = a free one; see Ports
	UnixSocket          string        // path; empty = none
	UnixSocketMode      os.FileMode   // 0 = as the umask says
	TCPBacklog          int           // connections that may wait to be accepted
	MaxConnections      int           // connections served at once
	ConnectionTimeout   time.Duration // idle time before a client is closed; 0 = never
	ConnectionRateLimit int           // new connections a second; 0 = no limit
	TCPKeepalive        time.Duration // 0 = off
	TCPNoDelay          bool
	IO                  string        // "auto" or an I/O path of netserver
	Threads             int           // event loops; 0 = one for each core
	ShutdownGracePeriod time.Duration // time that commands in flight have at shutdown
	ShutdownOnSIGTERM   ShutdownFlags
	ShutdownOnSIGINT    ShutdownFlags
	TLSPort             int // with TLS; likewise

	Password      string // of the default user; "" = no password needed
	ACLFile       string // path; empty = none
	ProtectedMode bool   // serve this machine alone while the default user needs no password
	DebugCommand  string // "no", "yes" or "local": whose clients may use DEBUG

	TLSEnabled              bool   // TLS on TLSPort, or on Port if that is 0
	TLSCertPath, TLSKeyPath string // PEM files; empty = not set
	TLSClientCA             string // likewise; empty = clients are asked for no certificate
	TLSClientAuth           string // "required", "optional" or "off"
	TLSClientUser           string // "off", or "common_name" of the certificate: the user that a client is from the start
	TLSProtocols            string // "TLSv1.2", "TLSv1.3" or both, in this order, with a space between; empty = both
	TLSCiphers              string // OpenSSL's names with colons between them; see CipherSuites

	MaxMemory      int64  // bytes; 0 = no limit
	EvictionPolicy string // a word of memory.eviction_policy
	EvictionWeight string // hits, balanced or bytes
	OOMScore       OOMScore

	Persistence         bool          // a snapshot is loaded at the start and taken at intervals
	SnapshotPath        string        // of its file
	SnapshotInterval    time.Duration // between snapshots; 0 = none
	SaveOnShutdown      bool
	SnapshotCorrupt     string // refuse or rename: what to do with a file that cannot be loaded
	SnapshotUnsupported string // refuse or skip: what to do with keys of types that are not there

	LogLevel  slog.Level
	LogFormat string // "text" or "json"

	HTTPBind     string // address and port as net.Listen takes them; empty = no HTTP
	HTTPProfiles bool

	chosenPort    int    // what AutoPort stands for in Port; 0 before the server listens
	chosenTLSPort int    // and in TLSPort
	snapshotDir   string // of SnapshotPath
	maxMemoryText string // max_memory as written, such as "80%"
	clientsShare  int64  // max_memory_clients as a share of MaxMemory in percent; 0 if it is a size
	clientsBytes  int64  // and as a size

	SlowlogSlowerThan       time.Duration // -1µs = SLOWLOG off, 0 = every command
	SlowlogMaxLen           int64
	LatencyMonitorThreshold int64 // milliseconds, 0 = off
	ACLLogMaxLen            int
	LatencyTracking         bool
	LatencyPercentiles      []float64       // in INFO latencystats
	ProtoMaxBulkLen         int64           // bytes of one argument
	ClientQueryBufferLimit  int64           // bytes of unread input of one client
	ClientOutputBufferLimit OutputBufLimits // bytes of unsent output of one client
}

// TLS reports whether TLS is spoken on some port.
func (v *Values) TLS() bool { return v.TLSEnabled || v.TLSPort != 0 }

// MaxMemoryClients returns the bytes that may hold what clients send, queue and do
// not read; 0 = no limit.
func (v *Values) MaxMemoryClients() int64 {
	if v.clientsShare > 0 {
		return v.MaxMemory / 100 * v.clientsShare
	}
	return v.clientsBytes
}

// OutputBufLimits are the limits of client-output-buffer-limit by class.
type OutputBufLimits struct {
	Normal, Replica, PubSub OutputBufLimit
}

// OutputBufLimit bounds the replies that wait for one client: it is closed at
// Hard bytes, or after SoftSeconds above Soft bytes. 0 bytes = no limit.
type OutputBufLimit struct {
	Hard, Soft, SoftSeconds int64
}

// Memory is an amount of memory and what set it.
type Memory struct {
	Bytes int64  // 0 = unknown
	From  string // such as "cgroup v2 limit" or "machine"
}
