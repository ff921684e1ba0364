// Package memory_test measures the memory of a server from outside: what INFO says of it, what clients can make it take, and what a cache
// of a given size in memory is good for, beside redis-server.
package memory_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/redistill/redistill/test/await"
	"github.com/redistill/redistill/test/servertest"
)

func TestMain(m *testing.M) { os.Exit(servertest.Main(m)) }

// server is a running server, Redistill's or Redis's.
type server struct {
	testing.TB
	*servertest.Server
	client *redis.Client
}

// serve starts `redistill serve` with some flags for as long as the test runs.
func serve(t testing.TB, flags ...string) *server {
	t.Helper()
	return start(t, append([]string{servertest.Program(t), "serve", "--port", servertest.Port, "--max-memory", "0"}, flags...)...)
}

// start runs a server.
func start(t testing.TB, args ...string) *server {
	t.Helper()
	s := &server{TB: t, Server: servertest.Start(t, args...)}
	s.connect()
	return s
}

// connect makes the client.
func (s *server) connect() {
	s.client = redis.NewClient(&redis.Options{Addr: s.Addr, DialTimeout: await.Limit, ReadTimeout: await.Limit, MaxRetries: -1})
	s.Cleanup(func() { s.client.Close() })
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
	statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.PID))
	if err != nil {
		return 0
	}
	pages, _ := strconv.ParseInt(strings.Fields(string(statm))[1], 10, 64)
	return pages * int64(os.Getpagesize())
}

// dial returns a connection of its own.
func (s *server) dial() net.Conn {
	s.Helper()
	c, err := net.Dial("tcp", s.Addr)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { c.Close() })
	return c
}

// fill sets keys from..to-1, with values of size bytes.
func (s *server) fill(from, to, size int) {
	s.Helper()
	val := strings.Repeat("v", size)
	s.set(to-from, func(w *bufio.Writer, i int) {
		_, _ = fmt.Fprintf(w, "*3\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$%d\r\n%s\r\n", from+i, size, val)
	})
}

// set sends n commands over one connection, without waiting for their replies, which have to be OK.
func (s *server) set(n int, write func(w *bufio.Writer, i int)) {
	s.Helper()
	c := s.dial()
	defer func() { _ = c.Close() }()
	failed := make(chan error, 1)
	go func() {
		w := bufio.NewWriterSize(c, 1<<20)
		for i := range n {
			write(w, i)
		}
		failed <- w.Flush()
	}()
	r := bufio.NewReaderSize(c, 1<<16)
	for range n {
		if line, err := r.ReadString('\n'); err != nil || line != "+OK\r\n" {
			s.Fatalf("SET: %q, %v", line, err)
		}
	}
	if err := <-failed; err != nil {
		s.Fatal(err)
	}
}
