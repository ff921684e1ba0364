package rdb_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// redis is a connection, in RESP2, to a real redis-server of its own.
type redis struct {
	t    testing.TB
	dir  string // where its dump.rdb is
	conn net.Conn
	r    *bufio.Reader
}

// startRedis runs redis-server with more flags until the end of the test. Its directory may hold a dump.rdb to load.
func startRedis(t testing.TB, dir string, flags ...string) *redis {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("redis-server is not installed, and CI needs it")
		}
		t.Skip("skipped, because redis-server is not installed")
	}
	socket := filepath.Join(t.TempDir(), "s")
	cmd := exec.Command(path, append([]string{"--port", "0", "--unixsocket", socket, "--save", "", "--dir", dir}, flags...)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if conn, err := net.Dial("unix", socket); err == nil {
			t.Cleanup(func() { _ = conn.Close() })
			s := &redis{t, dir, conn, bufio.NewReader(conn)}
			if err, failed := s.try("PING").(error); !failed {
				return s
			} else if time.Now().After(deadline) {
				t.Fatal(err)
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("redis-server does not start")
		}
	}
}

// try sends a command and returns its reply: a string, an int64, nil, a []any, or an error.
func (s *redis) try(args ...string) any {
	s.t.Helper()
	b := fmt.Appendf(nil, "*%d\r\n", len(args))
	for _, a := range args {
		b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(a), a)
	}
	if _, err := s.conn.Write(b); err != nil {
		s.t.Fatal(err)
	}
	return s.reply()
}

// do is try for a command that must succeed.
func (s *redis) do(args ...string) any {
	s.t.Helper()
	v := s.try(args...)
	if err, failed := v.(error); failed {
		s.t.Fatalf("%.60q: %v", args, err)
	}
	return v
}

func (s *redis) reply() any {
	s.t.Helper()
	line, err := s.r.ReadString('\n')
	if err != nil {
		s.t.Fatal(err)
	}
	kind, text := line[0], line[1:len(line)-2]
	switch kind {
	case '+':
		return text
	case '-':
		return errors.New(text)
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		s.t.Fatal(err)
	}
	switch {
	case kind == ':':
		return n
	case n < 0:
		return nil
	case kind == '$':
		b := make([]byte, n+2)
		if _, err := io.ReadFull(s.r, b); err != nil {
			s.t.Fatal(err)
		}
		return string(b[:n])
	}
	list := []any{}
	for range n {
		list = append(list, s.reply())
	}
	return list
}

// hash returns the fields of a hash.
func (s *redis) hash(key string) map[string]string {
	s.t.Helper()
	list := s.do("HGETALL", key).([]any)
	m := map[string]string{}
	for i := 0; i < len(list); i += 2 {
		m[list[i].(string)] = list[i+1].(string)
	}
	return m
}
