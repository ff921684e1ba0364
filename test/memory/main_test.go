// Package memory_test measures the memory of a server from outside: what INFO says of it, what clients can make it take, and what a cache
// of a given size in memory is good for, beside redis-server.
package memory_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// deadline bounds waits for the server, and is long because it only ends tests that have failed.
const deadline = time.Minute

// build builds the server once for all tests and returns the program.
var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "redistill-memory-")
	if err != nil {
		return "", err
	}
	program := filepath.Join(dir, "redistill")
	cmd := exec.Command("go", "build", "-o", program, ".")
	cmd.Dir = "../.."
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return program, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if program, err := build(); err == nil {
		_ = os.RemoveAll(filepath.Dir(program))
	}
	os.Exit(code)
}

// server is a running server, Redistill's or Redis's.
type server struct {
	testing.TB
	addr   string
	pid    int
	log    string // file
	client *redis.Client
}

// serve starts `redistill serve` with some flags for as long as the test runs.
func serve(t testing.TB, flags ...string) *server {
	t.Helper()
	program, err := build()
	if err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	return start(t, port, exec.Command(program, append([]string{"serve", "--port", port}, flags...)...))
}

// start runs a server that will listen on a port of the loopback interface.
func start(t testing.TB, port string, cmd *exec.Cmd) *server {
	t.Helper()
	s := &server{TB: t, addr: "127.0.0.1:" + port, log: filepath.Join(t.TempDir(), "log")}
	log, err := os.Create(s.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd.Dir, cmd.Stdout, cmd.Stderr = t.TempDir(), log, log
	cmd.Env = append(os.Environ(), "REDIS_MAX_MEMORY=0")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.pid = cmd.Process.Pid
	s.client = redis.NewClient(&redis.Options{Addr: s.addr, ReadTimeout: deadline, MaxRetries: -1})
	t.Cleanup(func() {
		s.client.Close()
		_ = cmd.Process.Signal(syscall.SIGTERM)
		kill := time.AfterFunc(deadline, func() { _ = cmd.Process.Kill() })
		defer kill.Stop()
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v\n%s", cmd, err, s.output())
		}
	})
	s.until("it accepts connections", func() bool { return s.client.Ping(t.Context()).Err() == nil })
	return s
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// output returns what the server logged.
func (s *server) output() string {
	text, err := os.ReadFile(s.log)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// until waits for a condition.
func (s *server) until(what string, met func() bool) {
	s.Helper()
	for end := time.Now().Add(deadline); !met(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			s.Fatalf("waited in vain until %s\n%s", what, s.output())
		}
	}
}

// info returns the numbers in the reply of INFO.
func (s *server) info() map[string]int64 {
	s.Helper()
	text, err := s.client.Info(s.Context(), "everything").Result()
	if err != nil {
		s.Fatal(err)
	}
	fields := map[string]int64{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if n, err := strconv.ParseInt(value, 10, 64); err == nil {
			fields[name] = n
		}
	}
	return fields
}

// resident returns the resident set of the server in bytes, 0 if that is not known. Any goroutine may call it.
func (s *server) resident() int64 {
	statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.pid))
	if err != nil {
		return 0
	}
	pages, _ := strconv.ParseInt(strings.Fields(string(statm))[1], 10, 64)
	return pages * int64(os.Getpagesize())
}

// dial returns a connection of its own.
func (s *server) dial() net.Conn {
	s.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { c.Close() })
	return c
}

// fill sets keys from..to-1, with values of size bytes.
func (s *server) fill(from, to, size int) {
	s.Helper()
	c, val := s.dial(), strings.Repeat("v", size)
	failed := make(chan error, 1)
	go func() {
		w := bufio.NewWriterSize(c, 1<<20)
		for i := from; i < to; i++ {
			fmt.Fprintf(w, "*3\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$%d\r\n%s\r\n", i, size, val)
		}
		failed <- w.Flush()
	}()
	r := bufio.NewReader(c)
	for range to - from {
		if line, err := r.ReadString('\n'); err != nil || line != "+OK\r\n" {
			s.Fatalf("SET: %q, %v", line, err)
		}
	}
	if err := <-failed; err != nil {
		s.Fatal(err)
	}
	c.Close()
}
