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
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redistill/redistill/internal/servertest"
)

// TestReadiness: a server that loads a snapshot, or stops, lives and says that it is not ready. The service manager hears that it is when
// the snapshot is loaded.
func TestReadiness(t *testing.T) {
	snapshot := makeSnapshot(t)
	manager := listenAsManager(t)
	dir := t.TempDir()
	pipe := filepath.Join(dir, "dump.rdb") // is read for as long as nothing, or not all, is written
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	s := servertest.Launch(t, dir, servertest.Program(t), "serve", "--port", servertest.Port, "--http", "127.0.0.1:0", "--persistence",
		"--save-on-shutdown=false", "--shutdown-grace-period-secs", "60")
	var w *os.File
	s.Eventually("it reads the snapshot", func() (ok bool) {
		var err error
		w, err = os.OpenFile(pipe, os.O_WRONLY|syscall.O_NONBLOCK, 0)
		return err == nil
	})
	http := httpOf(s)
	if _, err := w.Write(snapshot[:len(snapshot)/2]); err != nil {
		t.Fatal(err)
	}
	http.require(t, 503, "loading")
	client := redis.NewClient(&redis.Options{Addr: s.Addr, MaxRetries: -1, ReadTimeout: time.Minute})
	defer client.Close()
	if err := client.Get(t.Context(), "k").Err(); err == nil || !strings.HasPrefix(err.Error(), "LOADING ") {
		t.Errorf("GET while the snapshot is loaded: %v", err)
	}
	if got := manager.heard(time.Now().Add(50 * time.Millisecond)); got != "" {
		t.Errorf("the service manager was told %q before the snapshot was loaded", got)
	}

	if _, err := w.Write(snapshot[len(snapshot)/2:]); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := manager.heard(time.Now().Add(time.Minute)); got != "READY=1" {
		t.Errorf("the service manager was told %q", got)
	}
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
	client := redis.NewClient(&redis.Options{Addr: s.Addr, ReadTimeout: time.Minute})
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

// heard returns what was said until a time, or nothing.
func (m manager) heard(until time.Time) string {
	_ = m.SetReadDeadline(until)
	b := make([]byte, 100)
	n, err := m.Read(b)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return err.Error()
	}
	return string(b[:n])
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
