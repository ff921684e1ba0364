package clients_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/redistill/redistill/test/await"
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
	write("# ours\n[server]\nconnection_timeout = 500 # seconds\n")
	s, err := startServer("", "--config", file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stopServer(s); err != nil {
			t.Error(err)
		}
	})
	requireOutput(t, redisCLI(t, s.endpoint, "CONFIG SET timeout 700 maxmemory-policy noeviction\nCONFIG REWRITE\n"), "OK\nOK\n")
	text, err := os.ReadFile(file)
	const want = "# ours\n[server]\nconnection_timeout = 700 # seconds\n\n[memory]\neviction_policy = \"noeviction\"\n"
	if err != nil || string(text) != want {
		t.Errorf("%v: the file is %q, want %q", err, text, want)
	}

	write("[server]\nconnection_timeout = 900\n")
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	const after = "timeout\n900\nmaxmemory-policy\nallkeys-lru\n"
	await.True(t, "the file was read again", func() bool {
		return redisCLI(t, s.endpoint, "", "CONFIG", "GET", "timeout", "maxmemory-policy") == after
	})
}
