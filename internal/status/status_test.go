package status

import (
	"bufio"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/redistill/redistill/command"
	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/info"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// observation has something in every metric.
func observation() *command.Observation {
	o := &command.Observation{
		State: info.State{
			Version: "1.2.3", RedisVersion: "7.2.4", IO: "epoll", Uptime: 90 * time.Second,
			ConnectedClients: 3, ConnectionsReceived: 5, ConnectionsRejected: 2, MaxClients: 10, Hits: 3, Misses: 1, Expired: 9, Evicted: 7,
			CommandsProcessed: 11, DataBytes: 100, IndexBytes: 50, MaxMemory: 1000, MaxMemoryPolicy: "allkeys-lfu", CertNotAfter: time.Unix(2_000_000_000, 0),
			Commands: []info.Command{{Name: "config|get", Calls: 4, Time: 10 * time.Millisecond, Rejected: 1, Failed: 2}},
			Errors:   []info.Error{{Code: "WRONGTYPE", Count: 6}},
		},
		Latencies: []command.Latency{{1, 1, 3, 3, 3, 4, 4, 4, 4, 5, 5}},
		Slow:      8,
	}
	o.Store.Keys[0], o.Store.Keys[3], o.Store.Expires[3] = 20, 30, 10
	o.Store.EvictedBy[engine.AllKeysLRU] = 7
	o.Store.Reaped, o.Store.ReapLag = 4, 1500
	return o
}

func newServer(t *testing.T, profiles bool) *Server {
	t.Helper()
	s := New(Options{Observe: observation, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Profiles: profiles})
	return s
}

// serve serves on a free port of the loopback, which seems to be on another address if that is given, until stop is called.
func (s *Server) serve(t *testing.T, seeming string) (addr string, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = l.Addr().String()
	if seeming != "" {
		l = seemingly{l, net.ParseIP(seeming)}
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	return addr, func() {
		t.Helper()
		s.Close()
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	}
}

// seemingly is a listener that says it is on another address.
type seemingly struct {
	net.Listener
	ip net.IP
}

func (s seemingly) Addr() net.Addr { return &net.TCPAddr{IP: s.ip} }

// send connects and sends a text.
func send(t *testing.T, addr, text string) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(nc, text); err != nil {
		t.Fatal(err)
	}
	return nc
}

func (s *Server) get(path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.http.Handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

// TestHealth: the fields are these, and no others.
func TestHealth(t *testing.T) {
	s := newServer(t, false)
	s.SetState(Ready)
	w := s.get("/health")
	const want = `{"status":"ok","uptime_seconds":90,"active_connections":3,"total_connections":5,"rejected_connections":2,` +
		`"memory_used":150,"max_memory":1000,"evicted_keys":7,"total_commands":11,"hit_rate":0.75}` + "\n"
	if got := w.Body.String(); w.Code != 200 || got != want || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%d %v\n got %swant %s", w.Code, w.Header(), got, want)
	}
	s.SetState(Draining)
	var h health
	if w = s.get("/health"); w.Code != 503 || json.Unmarshal(w.Body.Bytes(), &h) != nil || h.Status != "draining" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestReady(t *testing.T) {
	s := newServer(t, false)
	for _, test := range []struct {
		state State
		code  int
		text  string
	}{{Loading, 503, "loading\n"}, {Ready, 200, "ok\n"}, {Draining, 503, "draining\n"}} {
		s.SetState(test.state)
		if w := s.get("/readyz"); w.Code != test.code || w.Body.String() != test.text {
			t.Errorf("%v: %d %q", test.state, w.Code, w.Body)
		}
		if w := s.get("/healthz"); w.Code != 200 || w.Body.String() != "ok\n" {
			t.Errorf("%v: %d %q", test.state, w.Code, w.Body)
		}
	}
}

// TestMetrics compares the server's own metrics with a file of what they have to be.
func TestMetrics(t *testing.T) {
	s := newServer(t, false)
	s.SetState(Ready)
	w := s.get("/metrics")
	var got []string
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(strings.TrimPrefix(strings.TrimPrefix(line, "# HELP "), "# TYPE "), "redistill_") {
			got = append(got, line)
		}
	}
	want, err := os.ReadFile("testdata/metrics.txt")
	if err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(got, ""); text != string(want) {
		t.Errorf("got\n%s", text)
	}
	for _, name := range []string{"\ngo_goroutines ", "\nprocess_cpu_seconds_total "} {
		if !strings.Contains(w.Body.String(), name) {
			t.Errorf("there is no %q", name)
		}
	}
}

// TestDocumented: docs/operations.md names every metric.
func TestDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(newServer(t, false).get("/metrics").Body.String()) {
		name, _, _ := strings.Cut(strings.TrimPrefix(line, "# TYPE "), " ")
		if strings.HasPrefix(line, "# TYPE redistill_") && !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("docs/operations.md does not name %s", name)
		}
	}
}

// TestConventions lets promtool check names, units and help.
func TestConventions(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("promtool is not installed, and CI needs it")
		}
		t.Skip("skipped, because promtool is not installed")
	}
	check := exec.Command(promtool, "check", "metrics")
	check.Stdin = newServer(t, false).get("/metrics").Body
	if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v: %s", err, out)
	}
}

// TestProfiles: they are there when they are asked for, without the command line.
func TestProfiles(t *testing.T) {
	for _, test := range []struct {
		on   bool
		path string
		code int
	}{
		{false, "/debug/pprof/", 404}, {false, "/debug/pprof/heap", 404}, {true, "/debug/pprof/", 200}, {true, "/debug/pprof/heap", 200},
		{true, "/debug/pprof/symbol", 200}, {true, "/debug/pprof/cmdline", 404},
	} {
		if w := newServer(t, test.on).get(test.path); w.Code != test.code {
			t.Errorf("%+v: %d", test, w.Code)
		}
	}
}

// TestServe: requests are answered until Close, other methods than GET are not, and too much is refused.
func TestServe(t *testing.T) {
	s := newServer(t, false)
	addr, stop := s.serve(t, "")
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	request := func(method, path string, header http.Header) int {
		t.Helper()
		r, err := http.NewRequest(method, "http://"+addr+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header = header
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		return answer.StatusCode
	}
	long := http.Header{"X": {strings.Repeat("x", 2*maxHeaderBytes)}}
	got := []int{
		request("GET", "/healthz", nil), request("HEAD", "/metrics", nil), request("POST", "/healthz", nil), request("GET", "/none", nil),
		request("GET", "/healthz", long),
	}
	if want := []int{200, 200, 405, 404, 431}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	stop()
}

// TestHost: on loopback, requests for names that only a browser can have been led by are refused. On other addresses names are for the
// operator to give.
func TestHost(t *testing.T) {
	for _, test := range []struct {
		listen, host string
		code         int
	}{
		{"127.0.0.1", "localhost:8080", 200}, {"127.0.0.1", "LOCALHOST", 200}, {"127.0.0.1", "127.0.0.1:8080", 200},
		{"127.0.0.1", "[::1]:8080", 200}, {"127.0.0.1", "[::1]", 200}, {"127.0.0.1", "10.0.0.5", 200},
		{"127.0.0.1", "evil.example:8080", 403}, {"127.0.0.1", "evil.example", 403}, {"127.0.0.1", "127.0.0.1.evil.example", 403},
		{"127.0.0.1", "localhost.", 403}, {"10.0.0.5", "cache.example:8080", 200},
	} {
		s := newServer(t, false)
		s.SetState(Ready)
		addr, stop := s.serve(t, test.listen)
		nc := send(t, addr, "GET /health HTTP/1.1\r\nConnection: close\r\nHost: "+test.host+"\r\n\r\n")
		answer, err := http.ReadResponse(bufio.NewReader(nc), nil)
		if err != nil {
			t.Fatal(err)
		}
		if answer.StatusCode != test.code {
			t.Errorf("Host %s on %s: %d", test.host, test.listen, answer.StatusCode)
		}
		_ = nc.Close()
		stop()
	}
}
