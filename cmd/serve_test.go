package cmd

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redistill/redistill/internal/config"
)

func loadValid(t *testing.T, args ...string) *config.Config {
	t.Helper()
	clearEnvironment(t)
	cfg, err := loadWith(t, args...)
	if err != nil {
		t.Fatal(err)
	}
	return cfg.Config
}

func TestReadyLine(t *testing.T) {
	tests := map[string]string{"2GB": "2GB", "0": "none"}
	for limit, want := range tests {
		cfg := loadValid(t, "--max-memory", limit, "--log-format", "json")
		var out bytes.Buffer
		logReady(newLogger(&out, cfg), cfg.Values(), []string{"127.0.0.1:6379"}, "goroutines", "no loops")
		if strings.Count(out.String(), "\n") != 1 {
			t.Errorf("not one line: %q", out.String())
		}
		var line struct {
			Listen    []string
			MaxMemory string `json:"max_memory"`
			Policy    string `json:"eviction_policy"`
			IO        string
			Fallback  string `json:"io_fallback"`
		}
		if err := json.Unmarshal(out.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if line.MaxMemory != want || line.Policy != "allkeys-lru" || line.IO != "goroutines" || line.Fallback != "no loops" || len(line.Listen) != 1 {
			t.Errorf("%+v", line)
		}
	}
}

func TestLogLevelFollowsConfigSet(t *testing.T) {
	cfg := loadValid(t, "--log-level", "warn")
	var out bytes.Buffer
	log := newLogger(&out, cfg)
	log.Info("hidden")
	if err := cfg.Set(config.Pair{Name: "loglevel", Value: "debug"}); err != nil {
		t.Fatal(err)
	}
	log.Debug("shown")
	if text := out.String(); strings.Contains(text, "hidden") || !strings.Contains(text, "msg=shown") {
		t.Errorf("log: %q", text)
	}
}

func TestMemoryWarning(t *testing.T) {
	for _, test := range []struct {
		limit, memory int64
		warns         bool
	}{{2 << 30, 1 << 30, true}, {1 << 30, 1 << 30, false}, {1 << 30, 0, false}, {0, 1 << 30, false}} {
		var out bytes.Buffer
		log := newLogger(&out, loadValid(t))
		checkMemory(log, &config.Values{MaxMemory: test.limit, Memory: config.Memory{Bytes: test.memory, From: "cgroup v2 limit"}})
		if warns := strings.Contains(out.String(), `level=WARN msg="max_memory is more than there is`); warns != test.warns {
			t.Errorf("limit %d, memory %d: %q", test.limit, test.memory, out.String())
		}
	}
}

// TestFailedStart: a server that does not start closes what it listens on, of which
// the socket shows it.
func TestFailedStart(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, test := range []struct{ name, value, want string }{
		{"acl-file", "none.acl", "none.acl"},
		{"max-memory", "1kb", "--max-memory"},
		{"http", taken.Addr().String(), "address already in use"},
	} {
		clearEnvironment(t)
		socket, log := filepath.Join(t.TempDir(), "s"), new(output)
		args := []string{"serve", "--port", "0", "--unix-socket", socket, "--max-memory", "64mb"}
		args = append(args, "--"+test.name, test.value)
		code := run(t.Context(), args, strings.NewReader(""), log, log)
		if code != exitError || !strings.Contains(log.String(), test.want) {
			t.Errorf("%s: code %d, %s", test.name, code, log)
		}
		if _, err := os.Lstat(socket); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: the socket is there: %v", test.name, err)
		}
	}
}

// TestFilesAreReadOnce: a shell may give a pipe in place of a file, as in --acl-file <(...).
func TestFilesAreReadOnce(t *testing.T) {
	clearEnvironment(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if _, err := w.WriteString("user default on >secret ~* &* +@all\n"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	pipe := fmt.Sprintf("/dev/fd/%d", r.Fd())
	if _, err := os.Stat(pipe); err != nil {
		t.Skip("skipped, because this system has no files for what is open")
	}
	port := startOnPort(t, "--acl-file", pipe)
	c, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := c.Write([]byte("PING\r\n")); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(c).ReadString('\n'); err != nil || !strings.HasPrefix(line, "-NOAUTH ") {
		t.Errorf("got %q, error %v: the users were not read", line, err)
	}
}
