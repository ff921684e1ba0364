package cmd

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/spf13/cobra"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/config"
)

// samples has three values of each setting, other than the default and in the
// form in which the setting shows them.
var samples = map[string][3]string{
	"server.bind":                       {"127.0.0.2", "127.0.0.3 ::1", "0.0.0.0"},
	"server.port":                       {"7001", "auto", "0"},
	"server.unix_socket":                {"a.sock", "/tmp/b.sock", "c.sock"},
	"server.unix_socket_mode":           {"700", "770", "777"},
	"server.tcp_backlog":                {"1", "2", "3"},
	"server.max_connections":            {"1", "2", "3"},
	"server.connection_timeout":         {"1", "2", "3"},
	"server.connection_rate_limit":      {"1", "2", "3"},
	"server.tcp_keepalive":              {"1", "2", "3"},
	"server.tcp_nodelay":                {"false", "true", "false"},
	"server.io":                         {"epoll", "portable", "epoll"},
	"server.threads":                    {"1", "2", "3"},
	"server.shutdown_grace_period_secs": {"1", "2", "3"},
	"server.tls_port":                   {"auto", "7443", "auto"},
	"security.tls_enabled":              {"true", "false", "true"},
	"security.tls_cert_path":            {"a.crt", "b.crt", "c.crt"},
	"security.tls_key_path":             {"a.key", "b.key", "c.key"},
	"security.tls_client_ca":            {"a.crt", "b.crt", "c.crt"},
	"security.tls_client_auth":          {"optional", "off", "optional"},
	"security.tls_client_user":          {"common_name", "off", "common_name"},
	"security.tls_protocols":            {"TLSv1.2", "TLSv1.3", "TLSv1.2"},
	"security.tls_ciphers":              {"ECDHE-RSA-AES128-SHA", "ECDHE-RSA-AES256-SHA", "ECDHE-RSA-AES128-SHA"},
	"security.password":                 {"one", "two", "three"},
	"server.shutdown_on_sigterm":        {"save now force", "nosave", "force"},
	"server.shutdown_on_sigint":         {"now", "save", "nosave force"},
	"security.acl_file":                 {"a.acl", "b.acl", "c.acl"},
	"security.protected_mode":           {"false", "true", "false"},
	"security.enable_debug_command":     {"yes", "local", "yes"},
	"persistence.enabled":               {"true", "false", "true"},
	"persistence.snapshot_path":         {"/tmp/a.rdb", "b.rdb", "c.rdb"},
	"persistence.snapshot_interval":     {"1", "2", "3"},
	"persistence.save_on_shutdown":      {"false", "true", "false"},
	"persistence.snapshot_corrupt":      {"rename", "refuse", "rename"},
	"persistence.unsupported":           {"skip", "refuse", "skip"},
	"security.acl_log_max_len":          {"1", "2", "3"},
	"server.proto_max_bulk_len":         {"1048576", "2097152", "3145728"},
	"server.client_query_buffer_limit":  {"1048576", "2097152", "3145728"},
	"server.client_output_buffer_limit": {
		"normal 1 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60", "normal 2 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
		"normal 0 0 0 slave 1 2 3 pubsub 4 5 6",
	},
	"logging.slowlog_slower_than":               {"-1", "0", "5"},
	"logging.slowlog_max_len":                   {"0", "1", "2"},
	"logging.latency_monitor_threshold":         {"0", "5", "6"},
	"logging.latency_tracking":                  {"false", "true", "false"},
	"logging.latency_tracking_info_percentiles": {"50", "0 99.9", "100"},
	"memory.oom_score_adj":                      {"absolute", "yes", "no"},
	"memory.oom_score_adj_values":               {"1 2 3", "4 5 6", "-7 8 9"},
	"http.bind":                                 {"127.0.0.1:8080", "0.0.0.0:8081", "[::1]:8082"},
	"http.pprof":                                {"true", "false", "true"},
	"memory.max_memory":                         {"1gb", "50%", "3000000"},
	"memory.max_memory_clients":                 {"1073741824", "50%", "0"},
	"memory.eviction_policy":                    {"noeviction", "allkeys-random", "volatile-ttl"},
	"memory.eviction_weight":                    {"balanced", "bytes", "hits"},
	"logging.level":                             {"debug", "warn", "error"},
	"logging.format":                            {"json", "text", "json"},
}

// loadWith loads the settings as 'redistill config args' does.
func loadWith(t *testing.T, args ...string) (*loaded, error) {
	t.Helper()
	c := &cobra.Command{Use: "test"}
	flags := addSettingFlags(c)
	if err := c.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	return flags.load()
}

func writeFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "redistill.toml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// clearEnvironment takes away the settings that the developer's shell has.
func clearEnvironment(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	t.Setenv("REDISTILL_CONFIG", "")
	for _, s := range config.Settings() {
		for _, name := range s.Env {
			t.Setenv(name, "")
		}
	}
}

// TestPrecedence gives every setting of the table a value by file, by each
// variable and by flag, adding one source after the other.
func TestPrecedence(t *testing.T) {
	for _, s := range config.Settings() {
		if s.Key == "" {
			continue
		}
		t.Run(s.Key, func(t *testing.T) {
			sample, ok := samples[s.Key]
			if !ok {
				t.Fatal("add three values of this setting to samples")
			}
			clearEnvironment(t)
			checkValue(t, s, s.Default, "default")

			file := writeFile(t, fmt.Sprintf("[%s]\n\n%s = %q\n", s.Section(), s.Name(), sample[0]))
			checkValue(t, s, sample[0], file+":3", "--config", file)

			for _, name := range slices.Backward(s.Env) {
				t.Setenv(name, sample[1])
				checkValue(t, s, sample[1], name, "--config", file)
			}

			flag := "--" + s.Flag
			checkValue(t, s, sample[2], flag, "--config", file, flag+"="+sample[2])
			if s.FlagAlias != "" {
				checkValue(t, s, sample[2], flag, "--config", file, "--"+s.FlagAlias+"="+sample[2])
			}
		})
	}
}

// checkValue loads with args and compares one setting's value and source.
func checkValue(t *testing.T, s *config.Setting, value, source string, args ...string) {
	t.Helper()
	cfg, err := loadWith(t, args...)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range cfg.Effective() {
		if e.Setting != s {
			continue
		}
		got := cfg.Get(s.Key)[0].Value // Effective masks passwords
		if got != value || e.Source.String() != source {
			t.Errorf("got %q from %s, want %q from %s", got, e.Source, value, source)
		}
	}
}

func TestConfigFileSearch(t *testing.T) {
	clearEnvironment(t)
	if err := os.WriteFile("redistill.toml", []byte("server.port = 1"), 0o600); err != nil {
		t.Fatal(err)
	}
	named := writeFile(t, "server.port = 2")
	steps := []struct {
		env  string
		args []string
		want int
	}{
		{"", nil, 1},
		{named, nil, 2},
		{"/does/not/exist", []string{"--config", named}, 2},
	}
	for _, step := range steps {
		t.Setenv("REDISTILL_CONFIG", step.env)
		cfg, err := loadWith(t, step.args...)
		if err != nil || cfg.Values().Port != step.want {
			t.Errorf("REDISTILL_CONFIG=%s %v: %v", step.env, step.args, err)
		}
	}
	if cfg, err := loadWith(t, "--config", named); err != nil || cfg.rewriter() == nil {
		t.Errorf("%v: there is nothing to rewrite", err)
	}
	clearEnvironment(t)
	if cfg, err := loadWith(t); err != nil || cfg.rewriter() != nil {
		t.Errorf("%v: without a file there is something to rewrite", err)
	}
	t.Setenv("REDISTILL_CONFIG", "/does/not/exist")
	if _, err := loadWith(t); err == nil {
		t.Error("a file that is named but missing was accepted")
	}
}

// TestSettingsKnowTheEngine: the table of settings may not import the engine, so
// what it says of it is a copy.
func TestSettingsKnowTheEngine(t *testing.T) {
	for key, known := range map[string][]string{
		"memory.eviction_policy": engine.Policies(), "memory.eviction_weight": engine.Weights(),
	} {
		accepted, known := config.Lookup(key).Words(), slices.Clone(known)
		slices.Sort(accepted)
		slices.Sort(known)
		if !slices.Equal(accepted, known) {
			t.Errorf("%s accepts %v, the engine has %v", key, accepted, known)
		}
	}
	cfg := loadValid(t)
	if got := cfg.Get("databases")[0].Value; got != strconv.Itoa(engine.Databases) {
		t.Errorf("databases is %s, the engine has %d", got, engine.Databases)
	}
}
