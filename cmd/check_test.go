package cmd

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redistill/redistill/internal/certs/certstest"
	"github.com/redistill/redistill/internal/config"
)

// badSettings has flags, by setting, that nothing can be served with. PAIR stands for those of a
// certificate and its key. Of a password there are none: it may be anything.
var badSettings = map[string][]string{
	"server.bind":                       {"--bind=127.0.0.256", "--bind="},
	"server.port":                       {"--port=65536", "--port=0 --unix-socket="},
	"server.unix_socket":                {"--unix-socket=missing/s", "--unix-socket=taken"},
	"server.unix_socket_mode":           {"--unix-socket-mode=778"},
	"server.tcp_backlog":                {"--tcp-backlog=-1"},
	"server.max_connections":            {"--max-connections=0"},
	"server.connection_timeout":         {"--connection-timeout=-1"},
	"server.connection_rate_limit":      {"--connection-rate-limit=many"},
	"server.tcp_keepalive":              {"--tcp-keepalive=5y"},
	"server.tcp_nodelay":                {"--tcp-nodelay=maybe"},
	"server.io":                         {"--io=fast"},
	"server.threads":                    {"--threads=1025"},
	"server.shutdown_grace_period_secs": {"--shutdown-grace-period-secs=soon"},
	"server.shutdown_on_sigterm":        {"--shutdown-on-sigterm=later"},
	"server.shutdown_on_sigint":         {"--shutdown-on-sigint=later"},
	"server.tls_port": {
		"--tls-port=x", "--tls-port=auto", "--port=7001 --tls-port=7001 PAIR",
	},
	"server.proto_max_bulk_len":         {"--proto-max-bulk-len=1"},
	"server.client_query_buffer_limit":  {"--client-query-buffer-limit=1"},
	"server.client_output_buffer_limit": {"--client-output-buffer-limit=1"},
	"security.password":                 nil,
	"security.acl_file":                 {"--acl-file=missing.acl", "--acl-file=wrong.acl"},
	"security.protected_mode":           {"--protected-mode=maybe"},
	"security.enable_debug_command":     {"--enable-debug-command=maybe"},
	"security.acl_log_max_len":          {"--acl-log-max-len=-1"},
	"security.tls_enabled":              {"--tls=maybe", "--tls"},
	"security.tls_cert_path":            {"PAIR --tls-cert-path=missing", "PAIR --tls-cert-path=taken"},
	"security.tls_key_path":             {"PAIR --tls-key-path=missing", "PAIR --tls-key-path=taken"},
	"security.tls_client_ca":            {"PAIR --tls-client-ca=missing", "PAIR --tls-client-ca=taken"},
	"security.tls_client_auth":          {"--tls-client-auth=maybe"},
	"security.tls_client_user":          {"--tls-client-user=maybe"},
	"security.tls_protocols":            {"--tls-protocols=SSLv3"},
	"security.tls_ciphers":              {"--tls-ciphers=RC4"},
	"memory.max_memory":                 {"--max-memory=lots", "--max-memory=1kb", "--max-memory=16777215"},
	"memory.max_memory_clients":         {"--max-memory-clients=101%"},
	"memory.eviction_policy":            {"--eviction-policy=lru"},
	"memory.eviction_weight":            {"--eviction-weight=heavy"},
	"memory.oom_score_adj":              {"--oom-score-adj=maybe"},
	"memory.oom_score_adj_values":       {"--oom-score-adj-values=1"},
	"persistence.enabled":               {"--persistence=maybe"},
	"persistence.snapshot_path": {
		"--persistence --snapshot-path=missing/dump.rdb", "--persistence --snapshot-path=.",
	},
	"persistence.snapshot_interval":             {"--snapshot-interval=-1"},
	"persistence.save_on_shutdown":              {"--save-on-shutdown=maybe"},
	"persistence.snapshot_corrupt":              {"--snapshot-corrupt=delete"},
	"persistence.unsupported":                   {"--snapshot-unsupported=delete"},
	"logging.level":                             {"--log-level=loud"},
	"logging.format":                            {"--log-format=xml"},
	"logging.slowlog_slower_than":               {"--slowlog-slower-than=-2"},
	"logging.slowlog_max_len":                   {"--slowlog-max-len=-1"},
	"logging.latency_monitor_threshold":         {"--latency-monitor-threshold=-1"},
	"logging.latency_tracking":                  {"--latency-tracking=maybe"},
	"logging.latency_tracking_info_percentiles": {"--latency-tracking-info-percentiles=101"},
	"http.bind":                                 {"--http=8080x", "--http=127.0.0.256:80"},
	"http.pprof":                                {"--http-pprof=maybe"},
}

// TestConfigRefusesWhatServeRefuses goes through the whole table of settings.
func TestConfigRefusesWhatServeRefuses(t *testing.T) {
	for _, s := range config.Settings() {
		if s.Key == "" {
			continue
		}
		bad, ok := badSettings[s.Key]
		if !ok {
			t.Errorf("%s: add a bad value of this setting to badSettings", s.Key)
		}
		for _, flags := range bad {
			t.Run(flags, func(t *testing.T) { refusedByBoth(t, flags) })
		}
	}
}

func refusedByBoth(t *testing.T, flags string) {
	clearEnvironment(t)
	cert, key := certstest.NewAuthority(t).Issue("localhost", time.Hour).Write(t, t.TempDir(), "tls")
	for name, text := range map[string]string{
		"taken": "no certificate", "wrong.acl": "user a on +nope\n",
	} {
		if err := os.WriteFile(filepath.Join(".", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	flags = strings.ReplaceAll(flags, "PAIR",
		"--tls --tls-cert-path="+cert+" --tls-key-path="+key)
	args := append([]string{"--port=0", "--unix-socket=s"}, strings.Fields(flags)...)
	code, printed := runOnce("config", args)
	if code != exitError || strings.Count(printed, "\n") != 1 {
		t.Errorf("config ended with %d and printed %q, want 1 and one line", code, printed)
	}
	if c, p := runOnce("serve", args); c != code || p != printed {
		t.Errorf("serve ended with %d and printed %q, config with %d and %q", c, p, code, printed)
	}
}

// runOnce runs a command whose server, if it starts one, is told to stop at once. It returns all
// that was printed.
func runOnce(command string, args []string) (code int, printed string) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var out bytes.Buffer
	code = run(ctx, append([]string{command}, args...), strings.NewReader(""), &out, &out)
	return code, out.String()
}
