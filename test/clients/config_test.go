package clients_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestConfigFile: CONFIG REWRITE writes what CONFIG SET changed, and SIGHUP
// takes over what somebody wrote.
func TestConfigFile(t *testing.T) {
	if builtServer == "" {
		t.Skip("skipped, because REDISTILL_TEST_ADDR names a server, and this needs one of its own")
	}
	file := filepath.Join(t.TempDir(), "redistill.toml")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("# ours\n[server]\nconnection_timeout = 5 # seconds\n")
	s, err := startServer("", "--config", file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stopServer(s); err != nil {
			t.Error(err)
		}
	})
	requireOutput(t, redisCLI(t, s.endpoint, "CONFIG SET timeout 7 maxmemory-policy noeviction\nCONFIG REWRITE\n"), "OK\nOK\n")
	text, err := os.ReadFile(file)
	const want = "# ours\n[server]\nconnection_timeout = 7 # seconds\n\n[memory]\neviction_policy = \"noeviction\"\n"
	if err != nil || string(text) != want {
		t.Errorf("%v: the file is %q, want %q", err, text, want)
	}

	write("[server]\nconnection_timeout = 9\n")
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	const after = "timeout\n9\nmaxmemory-policy\nallkeys-lru\n"
	got := ""
	for deadline := time.Now().Add(startDeadline); got != after && time.Now().Before(deadline); time.Sleep(pollInterval) {
		got = redisCLI(t, s.endpoint, "", "CONFIG", "GET", "timeout", "maxmemory-policy")
	}
	requireOutput(t, got, after)
}
