// Package info owns the reply of INFO: one table of its fields, each with its section and how it is rendered from a Snapshot.
//
// Fields are named as in Redis where they mean the same; what is ours alone is named redistill_*. A field of a feature that does not
// exist is constant where clients look for it (connected_slaves:0), or absent.
package info

import (
	"strconv"
	"time"
)

// field is a line of INFO.
type field struct {
	section Section
	name    string
	value   func(dst []byte, s *Snapshot) []byte // appends the text after the colon
}

// fields is every line whose name does not depend on what the server holds, in the order in which they are shown.
var fields = []field{
	{Server, "redis_version", text(func(s *Snapshot) string { return s.RedisVersion })},
	{Server, "redistill_version", text(func(s *Snapshot) string { return s.Version })},
	{Server, "redistill_io", text(func(s *Snapshot) string { return s.IO })},
	{Server, "redistill_io_fallback", text(func(s *Snapshot) string { return s.IOFallback })},
	{Server, "redistill_go_version", text(func(s *Snapshot) string { return s.GoVersion })},
	{Server, "redis_mode", constant("standalone")},
	{Server, "os", text(func(s *Snapshot) string { return s.OS })},
	{Server, "arch_bits", constant(strconv.Itoa(strconv.IntSize))},
	{Server, "multiplexing_api", text(func(s *Snapshot) string { return s.IO })},
	{Server, "process_id", number(func(s *Snapshot) int64 { return int64(s.PID) })},
	{Server, "process_supervised", constant("no")},
	{Server, "run_id", text(func(s *Snapshot) string { return s.RunID })},
	{Server, "tcp_port", number(func(s *Snapshot) int64 { return int64(s.Port) })},
	{Server, "redistill_tls_port", number(func(s *Snapshot) int64 { return int64(s.TLSPort) })},
	{Server, "redistill_tls_cert_not_after", unixTime(func(s *Snapshot) time.Time { return s.CertNotAfter })},
	{Server, "redistill_tls_cert_failures", count(func(s *Snapshot) uint64 { return s.CertFailures })},
	{Server, "server_time_usec", number(func(s *Snapshot) int64 { return s.Now.UnixMicro() })},
	{Server, "uptime_in_seconds", number(func(s *Snapshot) int64 { return int64(s.Uptime / time.Second) })},
	{Server, "uptime_in_days", number(func(s *Snapshot) int64 { return int64(s.Uptime / (24 * time.Hour)) })},
	{Server, "hz", number(func(s *Snapshot) int64 { return int64(s.Hz) })},
	{Server, "configured_hz", number(func(s *Snapshot) int64 { return int64(s.Hz) })},
	{Server, "executable", text(func(s *Snapshot) string { return s.Executable })},
	{Server, "config_file", text(func(s *Snapshot) string { return s.ConfigFile })},

	{Clients, "connected_clients", number(func(s *Snapshot) int64 { return s.ConnectedClients })},
	{Clients, "cluster_connections", constant("0")},
	{Clients, "maxclients", number(func(s *Snapshot) int64 { return s.MaxClients })},
	{Clients, "blocked_clients", number(func(s *Snapshot) int64 { return s.BlockedClients })},
	{Clients, "tracking_clients", constant("0")},

	{Memory, "used_memory", number((*Snapshot).Used)},
	{Memory, "used_memory_human", human((*Snapshot).Used)},
	{Memory, "used_memory_rss", number(func(s *Snapshot) int64 { return s.RSSBytes })},
	{Memory, "used_memory_rss_human", human(func(s *Snapshot) int64 { return s.RSSBytes })},
	{Memory, "used_memory_peak", number(func(s *Snapshot) int64 { return s.PeakBytes })},
	{Memory, "used_memory_peak_human", human(func(s *Snapshot) int64 { return s.PeakBytes })},
	{Memory, "used_memory_peak_perc", percent((*Snapshot).Used, func(s *Snapshot) int64 { return s.PeakBytes })},
	{Memory, "used_memory_overhead", number(func(s *Snapshot) int64 { return s.Used() - s.DataBytes })},
	{Memory, "used_memory_startup", number(func(s *Snapshot) int64 { return s.StartupBytes })},
	{Memory, "used_memory_dataset", number(func(s *Snapshot) int64 { return s.DataBytes })},
	{Memory, "used_memory_dataset_perc", percent(func(s *Snapshot) int64 { return s.DataBytes },
		func(s *Snapshot) int64 { return s.Used() - s.StartupBytes })},
	{Memory, "total_system_memory", number(func(s *Snapshot) int64 { return s.SystemBytes })},
	{Memory, "total_system_memory_human", human(func(s *Snapshot) int64 { return s.SystemBytes })},
	{Memory, "maxmemory", number(func(s *Snapshot) int64 { return s.MaxMemory })},
	{Memory, "maxmemory_human", human(func(s *Snapshot) int64 { return s.MaxMemory })},
	{Memory, "maxmemory_policy", text(func(s *Snapshot) string { return s.MaxMemoryPolicy })},
	{Memory, "mem_fragmentation_ratio", fragmentation},
	{Memory, "mem_fragmentation_bytes", number(func(s *Snapshot) int64 { return s.RSSBytes - s.Used() })},
	{Memory, "mem_clients_normal", number(func(s *Snapshot) int64 { return s.ClientBytes })},
	{Memory, "mem_allocator", constant("go")},
	{Memory, "active_defrag_running", constant("0")},
	{Memory, "lazyfree_pending_objects", constant("0")},
	{Memory, "redistill_index_bytes", number(func(s *Snapshot) int64 { return s.IndexBytes })},
	{Memory, "redistill_dead_bytes", number(func(s *Snapshot) int64 { return s.DeadBytes })},
	{Memory, "redistill_free_bytes", number(func(s *Snapshot) int64 { return s.FreeBytes })},
	{Memory, "redistill_go_heap_bytes", number(func(s *Snapshot) int64 { return s.GoHeapBytes })},
	{Memory, "redistill_go_bytes", number(func(s *Snapshot) int64 { return s.GoBytes })},
	{Memory, "redistill_program_bytes", number(func(s *Snapshot) int64 { return s.ProgramBytes })},

	{Persistence, "loading", flag(func(s *Snapshot) bool { return s.Loading })},
	{Persistence, "async_loading", constant("0")},
	{Persistence, "rdb_changes_since_last_save", number(func(s *Snapshot) int64 { return s.Changes })},
	{Persistence, "rdb_bgsave_in_progress", flag(func(s *Snapshot) bool { return s.Saving })},
	{Persistence, "rdb_last_save_time", number(func(s *Snapshot) int64 { return s.LastSave.Unix() })},
	{Persistence, "rdb_last_bgsave_status", saveStatus},
	{Persistence, "rdb_last_bgsave_time_sec", number(func(s *Snapshot) int64 { return wholeSeconds(s.SaveTime) })},
	{Persistence, "rdb_current_bgsave_time_sec", number(savingSeconds)},
	{Persistence, "rdb_saves", number(func(s *Snapshot) int64 { return s.Saves })},
	{Persistence, "rdb_last_cow_size", constant("0")},
	{Persistence, "rdb_last_load_keys_expired", number(func(s *Snapshot) int64 { return s.LoadedExpired })},
	{Persistence, "rdb_last_load_keys_loaded", number(func(s *Snapshot) int64 { return s.LoadedKeys })},
	{Persistence, "redistill_snapshot_bytes", number(func(s *Snapshot) int64 { return s.SnapshotBytes })},
	{Persistence, "aof_enabled", constant("0")},
	{Persistence, "aof_rewrite_in_progress", constant("0")},
	{Persistence, "aof_rewrite_scheduled", constant("0")},

	{Stats, "total_connections_received", number(func(s *Snapshot) int64 { return s.ConnectionsReceived })},
	{Stats, "total_commands_processed", count(func(s *Snapshot) uint64 { return s.CommandsProcessed })},
	{Stats, "instantaneous_ops_per_sec", number(func(s *Snapshot) int64 { return s.OpsPerSec })},
	{Stats, "total_net_input_bytes", number(func(s *Snapshot) int64 { return s.NetInputBytes })},
	{Stats, "total_net_output_bytes", number(func(s *Snapshot) int64 { return s.NetOutputBytes })},
	{Stats, "instantaneous_input_kbps", kilobytes(func(s *Snapshot) int64 { return s.InputBytesPerSec })},
	{Stats, "instantaneous_output_kbps", kilobytes(func(s *Snapshot) int64 { return s.OutputBytesPerSec })},
	{Stats, "rejected_connections", number(func(s *Snapshot) int64 { return s.ConnectionsRejected })},
	{Stats, "client_query_buffer_limit_disconnections", number(func(s *Snapshot) int64 { return s.QueryLimitClosed })},
	{Stats, "client_output_buffer_limit_disconnections", number(func(s *Snapshot) int64 { return s.OutputLimitClosed })},
	{Stats, "redistill_tls_handshake_failures", number(func(s *Snapshot) int64 { return s.TLSFailures })},
	{Stats, "sync_full", constant("0")},
	{Stats, "sync_partial_ok", constant("0")},
	{Stats, "sync_partial_err", constant("0")},
	{Stats, "expired_keys", count(func(s *Snapshot) uint64 { return s.Expired })},
	{Stats, "evicted_keys", count(func(s *Snapshot) uint64 { return s.Evicted })},
	{Stats, "evicted_clients", number(func(s *Snapshot) int64 { return s.EvictedClients })},
	{Stats, "keyspace_hits", count(func(s *Snapshot) uint64 { return s.Hits })},
	{Stats, "keyspace_misses", count(func(s *Snapshot) uint64 { return s.Misses })},
	{Stats, "pubsub_channels", constant("0")},
	{Stats, "pubsub_patterns", constant("0")},
	{Stats, "latest_fork_usec", constant("0")},
	{Stats, "total_forks", constant("0")},
	{Stats, "total_error_replies", count(func(s *Snapshot) uint64 { return s.ErrorReplies })},
	{Stats, "acl_access_denied_auth", number(func(s *Snapshot) int64 { return s.DeniedLogins })},
	{Stats, "acl_access_denied_cmd", number(func(s *Snapshot) int64 { return s.DeniedCommands })},
	{Stats, "acl_access_denied_key", number(func(s *Snapshot) int64 { return s.DeniedKeys })},
	{Stats, "acl_access_denied_channel", constant("0")},
	{Stats, "acl_access_denied_tls_cert", number(func(s *Snapshot) int64 { return s.DeniedCerts })},

	{Replication, "role", constant("master")},
	{Replication, "connected_slaves", constant("0")},
	{Replication, "master_repl_offset", constant("0")},
	{Replication, "repl_backlog_active", constant("0")},

	{CPU, "used_cpu_sys", seconds(func(s *Snapshot) time.Duration { return s.SystemCPU })},
	{CPU, "used_cpu_user", seconds(func(s *Snapshot) time.Duration { return s.UserCPU })},
	{CPU, "used_cpu_sys_children", constant("0.000000")},
	{CPU, "used_cpu_user_children", constant("0.000000")},

	{Cluster, "cluster_enabled", constant("0")},
}
