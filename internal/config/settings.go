package config

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Setting is a row of the table. Its exported fields are for help, generated
// documents and tests; they never change.
type Setting struct {
	// Key is the name in the file, "section.name". A row without a key is a
	// parameter that only CONFIG GET and CONFIG SET know.
	Key string
	// Redis lists Redis's names for the setting, in the order in which CONFIG
	// GET answers them.
	Redis []string
	// Flag is the flag without dashes. Where the table leaves it out, it is
	// the key's own name with dashes.
	Flag string
	// FlagAlias is a second flag that help does not show.
	FlagAlias string
	// Env lists the environment variables, the one that wins first. The table
	// gives the short names; REDISTILL_SECTION_NAME is put before them.
	Env []string
	// Default is in our dialect if the row has a key, else in Redis's.
	Default string
	Help    string // one line
	// Mutable settings can be changed by CONFIG SET.
	Mutable bool
	// Secret values are masked wherever the effective settings are shown.
	Secret bool

	kind
}

// Type names the kind of value: "int", "size", "duration", "bool", "word",
// "list" or "string". It is empty for a row without a key.
func (s *Setting) Type() string { return s.name }

// Accepts says in words which values the setting takes in our dialect.
func (s *Setting) Accepts() string { return s.accepts }

// Words lists what the setting takes in our dialect if it is one of a few words.
func (s *Setting) Words() []string { return slices.Clone(s.words) }

// Description is Help with the words that the setting takes, if it takes words,
// and with whether it takes a restart to change it.
func (s *Setting) Description() string {
	text := s.Help
	if s.Type() == "word" {
		text += ": " + s.Accepts()
	}
	if !s.Mutable {
		text += " (restart)"
	}
	return text
}

// Section is the part of the key before the dot, such as "server".
func (s *Setting) Section() string {
	section, _, _ := strings.Cut(s.Key, ".")
	return section
}

// Name is the part of the key after the dot, such as "max_connections".
func (s *Setting) Name() string {
	_, name, _ := strings.Cut(s.Key, ".")
	return name
}

// evictionPolicies lists what memory.eviction_policy takes, in the order of
// Redis's error message and then our own. This package knows no engine; a test in
// package cmd holds what is said here of the engine against it.
var evictionPolicies = []string{
	"volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl",
	"allkeys-lru", "allkeys-lfu", "allkeys-random", "noeviction", "allkeys-s3fifo", "allkeys-density",
}

// evictionWeights lists what memory.eviction_weight takes.
var evictionWeights = []string{"hits", "balanced", "bytes"}

// settings is the table, in the order in which settings are shown. It is
// completed once by withNames and never written afterwards.
var settings = withNames([]Setting{
	{
		Key: "server.bind", Redis: []string{"bind"}, Env: []string{"REDIS_BIND"}, Default: "127.0.0.1",
		Help: "addresses to listen on",
		kind: addresses(),
	},
	{
		Key: "server.port", Redis: []string{"port"}, Env: []string{"REDIS_PORT"}, Default: "6379",
		Help: "TCP port; 0 = none, auto = a free one, which the log, INFO and CONFIG GET port name",
		kind: port(func(v *Values) *int { return &v.Port }, func(v *Values) *int { return &v.chosenPort }),
	},
	{
		Key: "server.unix_socket", Redis: []string{"unixsocket"}, Default: "",
		Help: "path of a Unix socket to serve as well; empty = none",
		kind: text(func(v *Values) *string { return &v.UnixSocket }),
	},
	{
		Key: "server.unix_socket_mode", Redis: []string{"unixsocketperm"}, Default: "0",
		Help: "permissions of the Unix socket, such as 770; 0 = as the umask says",
		kind: permissions(func(v *Values) *os.FileMode { return &v.UnixSocketMode }),
	},
	{
		Key: "server.tcp_backlog", Redis: []string{"tcp-backlog"}, Default: "4096",
		Help: "connections that may wait to be accepted; the system may allow fewer",
		kind: integer(func(v *Values) *int { return &v.TCPBacklog }, 0, math.MaxInt32),
	},
	{
		Key: "server.max_connections", Redis: []string{"maxclients"}, Env: []string{"REDIS_MAX_CONNECTIONS"}, Default: "10000",
		Help: "clients served at once", Mutable: true,
		kind: integer(func(v *Values) *int { return &v.MaxConnections }, 1, math.MaxInt32),
	},
	{
		Key: "server.connection_timeout", Redis: []string{"timeout"}, Default: "0",
		Help: "close a client that is idle for so long; 0 = never", Mutable: true,
		kind: seconds(func(v *Values) *time.Duration { return &v.ConnectionTimeout }),
	},
	{
		Key: "server.connection_rate_limit", Default: "0",
		Help: "new connections accepted a second; 0 = no limit", Mutable: true,
		kind: integer(func(v *Values) *int { return &v.ConnectionRateLimit }, 0, math.MaxInt32),
	},
	{
		Key: "server.tcp_keepalive", Redis: []string{"tcp-keepalive"}, Default: "300",
		Help: "time between TCP keepalive probes of new connections; 0 = off", Mutable: true,
		kind: seconds(func(v *Values) *time.Duration { return &v.TCPKeepalive }),
	},
	{
		Key: "server.tcp_nodelay", Default: "true",
		Help: "send replies at once instead of gathering small packets", Mutable: true,
		kind: yesNo(func(v *Values) *bool { return &v.TCPNoDelay }),
	},
	{
		Key: "server.io", Default: "auto",
		Help: "how connections are served: io_uring or epoll (Linux), portable, or auto for the best of the system",
		kind: enum(func(v *Values) *string { return &v.IO }, []string{"auto", "io_uring", "epoll", "portable"}),
	},
	{
		Key: "server.threads", Default: "0",
		Help: "event loops that serve connections; 0 = one for each core",
		kind: integer(func(v *Values) *int { return &v.Threads }, 0, 1024),
	},
	{
		Key: "server.shutdown_grace_period_secs", Default: "10",
		Help: "time that commands in flight have to answer at shutdown", Mutable: true,
		kind: seconds(func(v *Values) *time.Duration { return &v.ShutdownGracePeriod }),
	},
	{
		Key: "server.shutdown_on_sigterm", Redis: []string{"shutdown-on-sigterm"}, Default: "default", Mutable: true,
		Help: "what SIGTERM does: default, save, nosave, now or force; several with spaces between",
		kind: shutdownFlags(func(v *Values) *ShutdownFlags { return &v.ShutdownOnSIGTERM }),
	},
	{
		Key: "server.shutdown_on_sigint", Redis: []string{"shutdown-on-sigint"}, Default: "default", Mutable: true,
		Help: "likewise what SIGINT does",
		kind: shutdownFlags(func(v *Values) *ShutdownFlags { return &v.ShutdownOnSIGINT }),
	},
	{
		Key: "server.tls_port", Redis: []string{"tls-port"}, Default: "0",
		Help: "TCP port for TLS beside server.port; 0 = none, auto = a free one",
		kind: port(func(v *Values) *int { return &v.TLSPort }, func(v *Values) *int { return &v.chosenTLSPort }),
	},
	{
		Key: "server.proto_max_bulk_len", Redis: []string{"proto-max-bulk-len"}, Default: "536870912", Mutable: true,
		Help: "largest argument and string in bytes",
		kind: size(func(v *Values) *int64 { return &v.ProtoMaxBulkLen }, 1<<20, math.MaxInt64),
	},
	{
		Key: "server.client_query_buffer_limit", Redis: []string{"client-query-buffer-limit"}, Default: "1073741824", Mutable: true,
		Help: "bytes of input that a client may have waiting",
		kind: size(func(v *Values) *int64 { return &v.ClientQueryBufferLimit }, 1<<20, math.MaxInt64),
	},
	{
		Key: "server.client_output_buffer_limit", Redis: []string{"client-output-buffer-limit"}, Mutable: true,
		Default: "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
		Help:    "bytes of replies that a client may have waiting, by class: a hard limit, a soft one and its seconds",
		kind:    outputBufLimits(),
	},
	{
		Key: "security.password", Redis: []string{"requirepass"}, Env: []string{"REDIS_PASSWORD"}, Default: "",
		Help: "password that clients must give; empty = none", Mutable: true, Secret: true,
		kind: text(func(v *Values) *string { return &v.Password }),
	},
	{
		Key: "security.acl_file", Redis: []string{"aclfile"}, Default: "",
		Help: "file with the users and their rules, read at the start and by ACL LOAD, written by ACL SAVE; empty = none",
		kind: text(func(v *Values) *string { return &v.ACLFile }),
	},
	{
		Key: "security.protected_mode", Redis: []string{"protected-mode"}, Default: "true",
		Help: "serve only this machine as long as the default user needs no password", Mutable: true,
		kind: yesNo(func(v *Values) *bool { return &v.ProtectedMode }),
	},
	{
		Key: "security.enable_debug_command", Redis: []string{"enable-debug-command"}, Default: "no",
		Help: "whether DEBUG may be used: not at all, by every client, or by those on this machine",
		kind: enum(func(v *Values) *string { return &v.DebugCommand }, []string{"no", "yes", "local"}),
	},
	{
		Key: "security.acl_log_max_len", Redis: []string{"acllog-max-len"}, Default: "128", Mutable: true,
		Help: "entries that ACL LOG keeps",
		kind: integer(func(v *Values) *int { return &v.ACLLogMaxLen }, 0, math.MaxInt32),
	},
	{
		Key: "security.tls_enabled", Flag: "tls", Default: "false",
		Help: "speak TLS: on server.tls_port if that is set, else on server.port in place of plain text",
		kind: yesNo(func(v *Values) *bool { return &v.TLSEnabled }),
	},
	{
		Key: "security.tls_cert_path", Redis: []string{"tls-cert-file"}, Default: "",
		Help: "PEM file of the server's certificate and those between it and its authority", Mutable: true,
		kind: text(func(v *Values) *string { return &v.TLSCertPath }),
	},
	{
		Key: "security.tls_key_path", Redis: []string{"tls-key-file"}, Default: "",
		Help: "PEM file of the certificate's private key", Mutable: true,
		kind: text(func(v *Values) *string { return &v.TLSKeyPath }),
	},
	{
		Key: "security.tls_client_ca", Redis: []string{"tls-ca-cert-file"}, Default: "",
		Help: "PEM file of the authorities that client certificates have to be from; empty = clients are asked for none", Mutable: true,
		kind: text(func(v *Values) *string { return &v.TLSClientCA }),
	},
	{
		Key: "security.tls_client_auth", Redis: []string{"tls-auth-clients"}, Default: "required",
		Help: "whether clients need a certificate when tls_client_ca is set", Mutable: true,
		kind: renamed(func(v *Values) *string { return &v.TLSClientAuth }, []string{"required", "optional", "off"}, []string{"yes", "optional", "no"}),
	},
	{
		Key: "security.tls_client_user", Redis: []string{"tls-auth-clients-user"}, Default: "off",
		Help: "whether a client's certificate stands for the user of that common name, who then needs no password", Mutable: true,
		kind: renamed(func(v *Values) *string { return &v.TLSClientUser }, []string{"off", "common_name"}, []string{"off", "CN"}),
	},
	{
		Key: "security.tls_protocols", Redis: []string{"tls-protocols"}, Default: "TLSv1.2 TLSv1.3",
		Help: "versions of TLS that are spoken", Mutable: true,
		kind: protocols(),
	},
	{
		Key: "security.tls_ciphers", Redis: []string{"tls-ciphers"}, Default: "",
		Help: "cipher suites of TLS 1.2 that may be spoken, under OpenSSL's names; empty = Go's own choice, which also orders them", Mutable: true,
		kind: ciphers(),
	},
	{
		Key: "memory.max_memory", Redis: []string{"maxmemory"}, Env: []string{"REDIS_MAX_MEMORY"}, Default: "80%",
		Help: "memory limit: a size, a share of the machine's or cgroup's memory, or 0 = no limit", Mutable: true,
		kind: maxMemory(),
	},
	{
		Key: "memory.max_memory_clients", Redis: []string{"maxmemory-clients"}, Default: "5%",
		Help: "memory set aside for what clients send, queue and do not read, above which those with most are closed: a size, " +
			"a share of max_memory, or 0 = no limit", Mutable: true,
		kind: clientsMemory(),
	},
	{
		Key: "memory.eviction_policy", Redis: []string{"maxmemory-policy"}, Env: []string{"REDIS_EVICTION_POLICY"}, Default: "allkeys-lru",
		Help: "which keys go when memory is full", Mutable: true,
		kind: enum(func(v *Values) *string { return &v.EvictionPolicy }, evictionPolicies),
	},
	{
		Key: "memory.eviction_weight", Default: "hits",
		Help: "what allkeys-density keeps: many small values (hits), or as many bytes as can be (bytes)", Mutable: true,
		kind: enum(func(v *Values) *string { return &v.EvictionWeight }, evictionWeights),
	},
	{
		Key: "memory.oom_score_adj", Redis: []string{"oom-score-adj"}, Default: "no",
		Help: "whether to set how Linux's OOM killer rates the process: no, relative to its score at the start (yes), or absolute", Mutable: true,
		kind: oomScoreMode(),
	},
	{
		Key: "memory.oom_score_adj_values", Redis: []string{"oom-score-adj-values"}, Default: "0 200 800",
		Help: "Redis's scores for a master, a replica and a child process, of which the first counts here", Mutable: true,
		kind: oomScoreValues(),
	},
	{
		Key: "persistence.enabled", Flag: "persistence", Default: "false",
		Help: "load the snapshot at the start, and take one at intervals and at the end",
		kind: yesNo(func(v *Values) *bool { return &v.Persistence }),
	},
	{
		Key: "persistence.snapshot_path", Default: "dump.rdb",
		Help: "file of the snapshot, in Redis's format",
		kind: text(func(v *Values) *string { return &v.SnapshotPath }),
	},
	{
		Key: "persistence.snapshot_interval", Redis: []string{"save"}, Default: "300",
		Help: "time between snapshots, if there were writes; 0 = none", Mutable: true,
		kind: saveInterval(),
	},
	{
		Key: "persistence.save_on_shutdown", Default: "true",
		Help: "take a snapshot when the server ends", Mutable: true,
		kind: yesNo(func(v *Values) *bool { return &v.SaveOnShutdown }),
	},
	{
		Key: "persistence.snapshot_corrupt", Default: "refuse",
		Help: "a snapshot that cannot be loaded: refuse to start, or rename the file and start without data",
		kind: enum(func(v *Values) *string { return &v.SnapshotCorrupt }, []string{"refuse", "rename"}),
	},
	{
		Key: "persistence.unsupported", Flag: "snapshot-unsupported", Default: "refuse",
		Help: "what a snapshot has and this server has not, keys of other types and functions: refuse the file, or skip that",
		kind: enum(func(v *Values) *string { return &v.SnapshotUnsupported }, []string{"refuse", "skip"}),
	},
	{
		Key: "logging.level", Redis: []string{"loglevel"}, Flag: "log-level", FlagAlias: "level", Default: "info",
		Help: "least important messages that are logged", Mutable: true,
		kind: logLevel(),
	},
	{
		Key: "logging.format", Flag: "log-format", FlagAlias: "format", Default: "text",
		Help: "log lines as text or JSON",
		kind: enum(func(v *Values) *string { return &v.LogFormat }, []string{"text", "json"}),
	},
	{
		Key: "logging.slowlog_slower_than", Redis: []string{"slowlog-log-slower-than"}, Default: "10000", Mutable: true,
		Help: "microseconds from which a command is in SLOWLOG; -1 = off",
		kind: microseconds(func(v *Values) *time.Duration { return &v.SlowlogSlowerThan }),
	},
	{
		Key: "logging.slowlog_max_len", Redis: []string{"slowlog-max-len"}, Default: "128", Mutable: true,
		Help: "entries that SLOWLOG keeps",
		kind: integer(func(v *Values) *int64 { return &v.SlowlogMaxLen }, 0, math.MaxInt64),
	},
	{
		Key: "logging.latency_monitor_threshold", Redis: []string{"latency-monitor-threshold"}, Default: "0", Mutable: true,
		Help: "milliseconds from which LATENCY LATEST and HISTORY keep what took so long; 0 = off",
		kind: integer(func(v *Values) *int64 { return &v.LatencyMonitorThreshold }, 0, math.MaxInt64),
	},
	{
		Key: "logging.latency_tracking", Redis: []string{"latency-tracking"}, Default: "true", Mutable: true,
		Help: "keep the histograms that LATENCY HISTOGRAM shows",
		kind: yesNo(func(v *Values) *bool { return &v.LatencyTracking }),
	},
	{
		Key: "logging.latency_tracking_info_percentiles", Redis: []string{"latency-tracking-info-percentiles"}, Default: "50 99 99.9", Mutable: true,
		Help: "percentiles of each command's latency in INFO latencystats; empty = none",
		kind: percentiles(func(v *Values) *[]float64 { return &v.LatencyPercentiles }),
	},
	{
		Key: "http.bind", Flag: "http", Default: "",
		Help: "address and port of the HTTP listener for health and metrics, which has no password; empty = none",
		kind: httpAddress(),
	},
	{
		Key: "http.pprof", Flag: "http-pprof", Default: "false",
		Help: "serve profiles of the Go runtime under /debug/pprof/ there",
		kind: yesNo(func(v *Values) *bool { return &v.HTTPProfiles }),
	},

	// Facts about this server under names that clients ask for. Those of the
	// engine are constants there. Clients may set what Redis lets them set, to
	// what it is.
	only("512", "hash-max-listpack-entries", "hash-max-ziplist-entries"),
	only("64", "hash-max-listpack-value", "hash-max-ziplist-value"),
	only("512", "set-max-intset-entries"),
	only("128", "set-max-listpack-entries"),
	only("64", "set-max-listpack-value"),
	only("1", "lfu-decay-time"),
	only("10", "lfu-log-factor"),
	only("5", "maxmemory-samples"),
	onlyAs("", "Go's TLS does not let its cipher suites of TLS 1.3 be chosen", "tls-ciphersuites"),
	onlyAs("", "an encrypted key cannot be read, decrypt it with 'openssl pkey'", "tls-key-file-pass"),
	onlyAs("yes", "Go's TLS does not let clients choose the order of cipher suites", "tls-prefer-server-ciphers"),
	{Redis: []string{"databases"}, kind: fixed("16")},
	{Redis: []string{"dbfilename"}, kind: kind{getRedis: func(v *Values) string { return filepath.Base(v.SnapshotPath) }}},
	{Redis: []string{"dir"}, kind: kind{getRedis: func(v *Values) string { return v.snapshotDir }}},
	only("no", "rdbcompression"),
	{Redis: []string{"rdbchecksum"}, kind: fixed("yes")},
	only("no", "stop-writes-on-bgsave-error"),
	only("no", "appendonly"),
	only("resetchannels", "acl-pubsub-default"),
	only("no", "activedefrag"),
	{Redis: []string{"cluster-enabled"}, kind: fixed("no")},
	{Redis: []string{"daemonize"}, kind: fixed("no")},
	only("no", "lazyfree-lazy-eviction"),
	only("no", "lazyfree-lazy-expire"),
	only("no", "lazyfree-lazy-server-del"),
	only("no", "lazyfree-lazy-user-del"),
	only("no", "lazyfree-lazy-user-flush"),
	{Redis: []string{"logfile"}, kind: fixed("")},
	only("0", "min-replicas-to-write", "min-slaves-to-write"),
	only("", "notify-keyspace-events"),
	only("yes", "replica-read-only", "slave-read-only"),
	{Redis: []string{"replicaof", "slaveof"}, kind: fixed("")},
})

// withNames fills in the flag and the environment variable that follow from
// each key.
func withNames(rows []Setting) []Setting {
	for i := range rows {
		s := &rows[i]
		if s.Key == "" {
			continue
		}
		if s.Flag == "" {
			s.Flag = strings.ReplaceAll(s.Name(), "_", "-")
		}
		long := "REDISTILL_" + strings.ToUpper(strings.ReplaceAll(s.Key, ".", "_"))
		s.Env = append([]string{long}, s.Env...)
	}
	return rows
}

// Settings returns the rows of the table. They are shared: do not change what
// they point to.
func Settings() []*Setting {
	list := make([]*Setting, len(settings))
	for i := range settings {
		list[i] = &settings[i]
	}
	return list
}

// Lookup returns the setting with the given key, such as "server.port", or nil.
// Case does not matter.
func Lookup(key string) *Setting {
	for i := range settings {
		if key != "" && strings.EqualFold(settings[i].Key, key) {
			return &settings[i]
		}
	}
	return nil
}
