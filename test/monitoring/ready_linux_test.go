package monitoring_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/redistill/redistill/test/await"
	"github.com/redistill/redistill/test/servertest"
)

// TestReadiness: a server that loads a snapshot lives and says that it is not ready.
func TestReadiness(t *testing.T) {
	manager, dir := listenAsManager(t), t.TempDir()
	// A list with a hole, whose zeros are empty strings: it takes an hour.
	path := filepath.Join(dir, "dump.rdb")
	list := []byte("REDIS0009\x01\x04list\x81\xff\xff\xff\xff\xff\xff\xff\xff")
	if err := errors.Join(os.WriteFile(path, list, 0o600), os.Truncate(path, 1<<38)); err != nil {
		t.Fatal(err)
	}
	s := servertest.StartIn(t, dir, servertest.Program(t), "serve", "--port", servertest.Port, "--http", "127.0.0.1:0",
		"--persistence", "--snapshot-unsupported", "skip")
	httpOf(s).require(t, 503, "loading")
	client := redis.NewClient(&redis.Options{Addr: s.Addr, MaxRetries: -1, DialTimeout: await.Limit, ReadTimeout: await.Limit})
	defer client.Close()
	if err := client.Get(t.Context(), "k").Err(); err == nil || !strings.HasPrefix(err.Error(), "LOADING ") {
		t.Errorf("GET while the snapshot is loaded: %v", err)
	}
	if got := manager.waiting(t); got != "" {
		t.Errorf("the service manager was told %q before the snapshot was loaded", got)
	}
}

// TestReadinessOfLoaded: the service manager hears that a server is ready when the snapshot is
// loaded. One that stops is not ready any more.
func TestReadinessOfLoaded(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "dump.rdb"), makeSnapshot(t), 0o600); err != nil {
		t.Fatal(err)
	}
	manager := listenAsManager(t)
	s := servertest.StartIn(t, dir, servertest.Program(t), "serve", "--port", servertest.Port, "--http", "127.0.0.1:0", "--persistence",
		"--save-on-shutdown=false", "--shutdown-grace-period-secs", "600")
	client := redis.NewClient(&redis.Options{Addr: s.Addr, MaxRetries: -1, DialTimeout: await.Limit, ReadTimeout: await.Limit})
	defer client.Close()
	if got := manager.heard(); got != "READY=1" {
		t.Errorf("the service manager was told %q", got)
	}
	http := httpOf(s)
	http.require(t, 200, "ok")
	if v, err := client.Get(t.Context(), "k").Result(); v != "v" {
		t.Errorf("GET: %q, %v", v, err)
	}

	// A client that does not read its replies keeps the server from ending.
	if err := client.Set(t.Context(), "large", strings.Repeat("x", 64<<20), 0).Err(); err != nil {
		t.Fatal(err)
	}
	slow, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	if _, err := io.WriteString(slow, "GET large\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := slow.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	s.Signal(syscall.SIGTERM)
	s.Eventually("it says that it stops", func() bool { return http.get("/readyz") == "503 draining" })
	http.require(t, 503, "draining")
	slow.Close()
	if err := s.Wait(); err != nil {
		t.Error(err)
	}
}

// makeSnapshot returns the bytes of a snapshot in which k is v.
func makeSnapshot(t *testing.T) []byte {
	t.Helper()
	s := servertest.Start(t, servertest.Program(t), "serve", "--port", servertest.Port)
	client := redis.NewClient(&redis.Options{Addr: s.Addr, DialTimeout: await.Limit, ReadTimeout: await.Limit})
	defer client.Close()
	client.Set(t.Context(), "k", "v", 0)
	if err := client.Save(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(s.Dir, "dump.rdb"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// manager is the socket of a service manager.
type manager struct{ *net.UnixConn }

func listenAsManager(t *testing.T) manager {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	t.Setenv("NOTIFY_SOCKET", socket)
	return manager{c}
}

// heard waits until something is said, and returns it.
func (m manager) heard() string {
	_ = m.SetReadDeadline(await.Deadline())
	b := make([]byte, 100)
	n, err := m.Read(b)
	if err != nil {
		return err.Error()
	}
	return string(b[:n])
}

// waiting returns what was said and not heard, or nothing. The server speaks before it answers clients, so that what it has said is there.
func (m manager) waiting(t *testing.T) string {
	t.Helper()
	raw, err := m.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	b, n := make([]byte, 100), 0
	look := func(fd uintptr) bool {
		n, _, err = syscall.Recvfrom(int(fd), b, syscall.MSG_DONTWAIT)
		return true
	}
	if failed := raw.Read(look); failed != nil || err != nil && err != syscall.EAGAIN {
		t.Fatal(failed, err)
	}
	return string(b[:max(n, 0)])
}

// get returns the status and the answer of a path.
func (e endpoint) get(path string) string {
	answer, err := http.Get("http://" + string(e) + path)
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err.Error()
	}
	return answer.Status[:4] + strings.TrimSpace(string(text))
}

// require asks for a state in all the places that tell it.
func (e endpoint) require(t *testing.T, code int, state string) {
	t.Helper()
	number, ready := "503 ", "0"
	if code == 200 {
		number, ready = "200 ", "1"
	}
	for path, want := range map[string]string{
		"/healthz": "200 ok", "/readyz": number + state, "/health": number + `{"status":"` + state + `",`, "/metrics": "\nredistill_ready " + ready + "\n",
	} {
		if got := e.get(path); !strings.Contains(got, want) {
			t.Errorf("%s while the server is %s: got %.300s", path, state, got)
		}
	}
}
