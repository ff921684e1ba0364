package info

// Absent are fields of Redis's INFO that are not here.
type Absent struct {
	Why    string // a sentence
	Fields []string
}

// absent is every field of Redis 7.0 that is in no row of fields. A test holds it against redis-server.
var absent = []Absent{
	{"They are about how Redis was built, and its one thread.", []string{
		"redis_git_sha1", "redis_git_dirty", "redis_build_id", "monotonic_clock", "atomicvar_api", "gcc_version", "lru_clock", "io_threads_active",
		"used_cpu_sys_main_thread", "used_cpu_user_main_thread",
	}},
	{"There is no scripting.", []string{
		"used_memory_vm_eval", "used_memory_scripts_eval", "used_memory_vm_functions", "used_memory_vm_total", "used_memory_vm_total_human", "used_memory_functions",
	}},
	{"There is no fork; `current_cow_size` is what the snapshot that is being written has copied aside.", []string{
		"current_cow_peak", "current_cow_size_age", "current_fork_perc", "module_fork_last_cow_size",
	}},
	{"There is no append-only file.", []string{"aof_rewrites", "aof_rewrites_consecutive_failures", "aof_last_cow_size"}},
	{"There is no replication.", []string{
		"total_net_repl_input_bytes", "total_net_repl_output_bytes", "instantaneous_input_repl_kbps", "instantaneous_output_repl_kbps",
		"slave_expires_tracked_keys", "master_replid", "master_replid2", "second_repl_offset", "repl_backlog_size", "repl_backlog_first_byte_offset",
		"repl_backlog_histlen",
	}},
	{"There is no cluster, client-side caching and defragmentation by Redis's means.", []string{
		"migrate_cached_sockets", "tracking_total_keys", "tracking_total_items", "tracking_total_prefixes", "active_defrag_hits", "active_defrag_misses",
		"active_defrag_key_hits", "active_defrag_key_misses", "total_active_defrag_time", "current_active_defrag_time",
	}},
	{"Expiry and eviction do not work in cycles with a budget; `/metrics` has their lag.", []string{
		"expired_stale_perc", "expired_time_cap_reached_count", "expire_cycle_cpu_milliseconds", "total_eviction_exceeded_time", "current_eviction_exceeded_time",
		"lazyfreed_objects",
	}},
	{"Reads and writes are not counted one by one, nor are payloads of RESTORE and buffers that change their size.", []string{
		"total_reads_processed", "total_writes_processed", "io_threaded_reads_processed", "io_threaded_writes_processed", "dump_payload_sanitizations",
		"reply_buffer_shrinks", "reply_buffer_expands",
	}},
}

// AbsentFields returns the fields of Redis 7.0 that INFO leaves out, by reason.
func AbsentFields() []Absent { return absent }
