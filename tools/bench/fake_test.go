package bench

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/redcon"

	"github.com/redistill/redistill/internal/resp"
	"github.com/redistill/redistill/test/await"
	"github.com/redistill/redistill/tools/client"
	"github.com/redistill/redistill/tools/spawn"
)

// fakeServer holds strings, and fails in the ways that a test asks for.
type fakeServer struct {
	t        testing.TB
	listener net.Listener
	password string

	mu           sync.Mutex
	data         map[string]string
	conns        map[net.Conn]bool
	asked        map[string]int // by command
	hits, misses int
	fail         string // the command that is answered with an error
	dieAfter     int    // GETs until all connections are closed; 0 is never
	stallAfter   int    // GETs until the one stall
	stall        time.Duration
	stalled      chan struct{} // from the stall on; closed at its end
}

// newFake makes a server that serves no connections yet.
func newFake(t testing.TB) *fakeServer {
	return &fakeServer{t: t, data: map[string]string{}, conns: map[net.Conn]bool{}, asked: map[string]int{}}
}

// startFake makes a server that listens.
func startFake(t testing.TB) *fakeServer {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := newFake(t)
	s.listener = l
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns[c] = true
			s.mu.Unlock()
			wg.Go(func() { s.serve(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		s.closeAll()
		wg.Wait()
	})
	return s
}

func (s *fakeServer) closeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.Close()
	}
}

func (s *fakeServer) target() client.Target {
	return client.Target{Network: "tcp", Address: s.listener.Addr().String()}
}

func (s *fakeServer) serve(c net.Conn) {
	defer c.Close()
	p := &resp.Parser{Limits: resp.Limits{Authenticated: true}}
	var buf []byte
	var args [][]byte
	chunk := make([]byte, 64<<10)
	for {
		n, err := c.Read(chunk)
		if err != nil {
			return
		}
		buf = append(buf, chunk[:n]...)
		var out []byte
		for len(buf) > 0 {
			n, next, err := p.Next(buf, args)
			if err != nil || n == 0 {
				break
			}
			args = next
			out = s.answer(out, args)
			buf = buf[n:]
		}
		s.standStill()
		if _, err := c.Write(out); err != nil {
			return
		}
	}
}

// standStill waits until the stall is over, if it has begun: nobody is answered
// until then.
func (s *fakeServer) standStill() {
	s.mu.Lock()
	stalled := s.stalled
	s.mu.Unlock()
	if stalled != nil {
		<-stalled
	}
}

func (s *fakeServer) answer(out []byte, args [][]byte) []byte {
	name := string(args[0])
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked[name]++
	if name == s.fail {
		return append(out, "-OOM no memory\r\n"...)
	}
	switch name {
	case "PING":
		return append(out, "+PONG\r\n"...)
	case "AUTH":
		if string(args[len(args)-1]) != s.password {
			return append(out, "-WRONGPASS invalid password\r\n"...)
		}
		return append(out, "+OK\r\n"...)
	case "SELECT":
		return append(out, "+OK\r\n"...)
	case "SET":
		s.data[string(args[1])] = string(args[2])
		return append(out, "+OK\r\n"...)
	case "GET":
		return s.get(out, string(args[1]))
	case "SADD":
		s.data[string(args[1])+" "+string(args[2])] = ""
		return append(out, ":1\r\n"...)
	case "SISMEMBER":
		if _, ok := s.data[string(args[1])+" "+string(args[2])]; !ok {
			return append(out, ":0\r\n"...)
		}
		return append(out, ":1\r\n"...)
	case "INCR", "EXPIRE":
		return append(out, ":1\r\n"...)
	case "DBSIZE":
		return fmt.Appendf(out, ":%d\r\n", len(s.data))
	case "INFO":
		return redcon.AppendBulkString(out, fmt.Sprintf("# Server\r\nredis_version:7.0.0\r\nkeyspace_hits:%d\r\nkeyspace_misses:%d\r\nused_memory_rss:1000000\r\nused_cpu_user:%d.5\r\nused_cpu_sys:1.0\r\n",
			s.hits, s.misses, s.hits+s.misses))
	}
	return append(out, "-ERR unknown command\r\n"...)
}

func (s *fakeServer) get(out []byte, key string) []byte {
	n := s.asked["GET"]
	if n == s.dieAfter {
		s.listener.Close()
		for c := range s.conns {
			c.Close()
		}
	}
	if n == s.stallAfter {
		s.stalled = make(chan struct{})
		time.AfterFunc(s.stall, func() { close(s.stalled) })
	}
	value, ok := s.data[key]
	if !ok {
		s.misses++
		return append(out, "$-1\r\n"...)
	}
	s.hits++
	return redcon.AppendBulkString(out, value)
}

// startRedis starts a real server.
func startRedis(t *testing.T) client.Target {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("redis-server is not installed, and CI needs it")
		}
		t.Skip("skipped, because redis-server is not installed")
	}
	s, err := spawn.StartForeign(context.Background(), path, "--port", spawn.PortMark, "--save", "", "--bind", "127.0.0.1", "--dir", t.TempDir(),
		"--maxmemory", "512mb", "--maxmemory-policy", "noeviction")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return client.Target{Network: "tcp", Address: s.Address}
}

func builtin(t testing.TB, name string) Profile {
	t.Helper()
	p, err := Find(Profiles(), name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// small is a short run of a profile, with small values, which take time to make.
// It ends after that many requests.
func small(t testing.TB, name string, requests int64) Config {
	over := Overrides{Keys: 500, ValueSize: Sizes{32, 2000}}
	if name == "counter" {
		over.ValueSize = Sizes{}
	}
	p, err := builtin(t, name).With(over)
	if err != nil {
		t.Fatal(err)
	}
	return Config{Profile: p, Connections: 4, Pipeline: 8, Requests: requests, Seed: 7, Timeout: await.Limit}
}

func contains(t *testing.T, got any, want string) {
	t.Helper()
	if text := fmt.Sprint(got); !strings.Contains(text, want) {
		t.Errorf("got %q, want %q in it", text, want)
	}
}

// endsWith reports whether b ends a value well.
func endsWith(b []byte, s string) bool { return bytes.HasSuffix(b, []byte(s)) }
