package status

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener whose connections are pipes, so that a server may run on the clock of a test.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case nc := <-p.conns:
		return nc, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{} }

// servePipes serves connections that dial makes, until the end of the test. Each has sent a text,
// or waits for the server to read it.
func (s *Server) servePipes(t *testing.T) (dial func(text string) net.Conn) {
	t.Helper()
	p := &pipes{make(chan net.Conn), make(chan struct{})}
	served := make(chan error, 1)
	go func() { served <- s.Serve(p) }()
	t.Cleanup(func() {
		s.Close()
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return func(text string) net.Conn {
		client, server := net.Pipe()
		t.Cleanup(func() { _ = client.Close() })
		p.conns <- server
		say(client, text)
		return client
	}
}

// say sends a text, until the server has read it or closes the connection, and waits until the
// server has nothing more to do.
func say(client net.Conn, text string) {
	go func() { _, _ = io.WriteString(client, text) }()
	synctest.Wait()
}

func get(path string) string { return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n" }

// code reads an answer and returns its status, or an error's text.
func code(nc net.Conn) string {
	answer, err := http.ReadResponse(bufio.NewReader(nc), nil)
	if err != nil {
		return err.Error()
	}
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err.Error()
	}
	return fmt.Sprint(answer.StatusCode)
}

// TestSlowClient: a client that does not finish a request in time is closed, and so is one that
// dribbles.
func TestSlowClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial := newServer(t, false).servePipes(t)
		began := time.Now()
		nc := dial("GET /healthz HTTP/1.1\r\nHost: localh")
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for err := error(nil); err == nil; _, err = nc.Write([]byte("o")) {
				time.Sleep(requestTimeout / 8)
			}
		}()
		text, err := io.ReadAll(nc)
		if err != nil || bytes.Contains(text, []byte("200")) || time.Since(began) != requestTimeout {
			t.Errorf("%q, %v after %v", text, err, time.Since(began))
		}
		<-ended
	})
}

// TestProbes: probes are answered, without any time passing, beside more clients than there are
// places for: of each kind that leaves a connection open.
func TestProbes(t *testing.T) {
	kinds := []string{
		"",                                                            // says nothing
		"GET /hea", "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ", // stops in a header
		"POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n", // owes the body
		get("/healthz"), get("/metrics"), // do not read the answer
		get("/debug/pprof/heap"), get("/none"),
	}
	for _, kind := range append(kinds, strings.Join(kinds, "|")) {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t, true)
			s.SetState(Ready)
			dial := s.servePipes(t)
			texts := strings.Split(kind, "|")
			for i := range 2 * MaxConnections {
				dial(texts[i%len(texts)])
			}
			began := time.Now()
			for _, path := range []string{"/healthz", "/readyz", "/health"} {
				if got := code(dial(get(path))); got != "200" || time.Since(began) > 0 {
					t.Errorf("beside %q, %s: %s after %v", kind, path, got, time.Since(began))
				}
			}
		})
	}
}

// TestRoom: a connection has its place until it is answered or until MaxConnections more have come.
// Clients that were answered go first, those that ask again and again too.
func TestRoom(t *testing.T) {
	for _, test := range []struct {
		more int // connections that come
		want string
	}{{MaxConnections - 1, "200"}, {MaxConnections, "EOF"}} {
		synctest.Test(t, func(t *testing.T) {
			dial := newServer(t, false).servePipes(t)
			var busy []net.Conn
			for range MaxConnections / 2 {
				nc := dial(get("/healthz"))
				busy = append(busy, nc)
				code(nc)
			}
			probe := dial("GET /healthz HTTP/1.1\r\n")
			for i := range MaxConnections - 1 {
				dial("GET ")
				if i == MaxConnections-2 {
					break // this one closed the last of those that were answered
				}
				last := busy[len(busy)-1]
				say(last, get("/healthz"))
				if got := code(last); got != "200" {
					t.Fatalf("a client that asked last is closed at connection %d: %s", i, got)
				}
			}
			for range test.more - (MaxConnections - 1) {
				dial("GET ")
			}
			say(probe, "Host: localhost\r\n\r\n")
			if got := code(probe); !strings.Contains(got, test.want) {
				t.Errorf("after %d connections: %s, want %s", test.more, got, test.want)
			}
			for i, nc := range busy {
				if got := code(nc); !strings.Contains(got, "EOF") {
					t.Errorf("client %d, which was answered, keeps its place: %s", i, got)
				}
			}
		})
	}
}

// TestUnread: a client that sends its request later, and does not read the answer, goes by when it
// came.
func TestUnread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial := newServer(t, false).servePipes(t)
		var others []net.Conn
		for range MaxConnections - 1 {
			others = append(others, dial("GET /healthz HTTP/1.1\r\n"))
		}
		probe := dial("GET /healthz HTTP/1.1\r\n")
		for _, nc := range others {
			say(nc, "Host: localhost\r\n\r\n")
		}
		dial("")
		say(probe, "Host: localhost\r\n\r\n")
		if got := code(probe); got != "200" {
			t.Errorf("the probe: %s", got)
		}
		if got := code(others[0]); !strings.Contains(got, "EOF") {
			t.Errorf("the client that came first: %s", got)
		}
	})
}

// TestCrowdedLog: the log says that connections are closed for others, once a minute.
func TestCrowdedLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := New(Options{Observe: observation, Log: slog.New(slog.NewTextHandler(&log, nil))})
		dial := s.servePipes(t)
		for range 2 {
			for range 2 * MaxConnections {
				dial("")
			}
			time.Sleep(crowdedInterval)
		}
		if n := strings.Count(log.String(), "the oldest are closed for new ones"); n != 2 {
			t.Errorf("%d lines: %s", n, log.String())
		}
	})
}

// TestProfileTime: a profile may take longer than other answers, and not longer than a minute.
func TestProfileTime(t *testing.T) {
	s := newServer(t, true)
	for _, test := range []struct {
		query string
		code  int
	}{
		{"profile?seconds=61", 400}, {"trace?seconds=1e9", 400}, {"trace?seconds=NaN", 400}, {"heap?seconds=61", 400},
		{"trace?seconds=", 200}, {"trace?seconds=0.01", 200}, {"trace?seconds=x", 400},
	} {
		if w := s.get("/debug/pprof/" + test.query); w.Code != test.code {
			t.Errorf("%s: %d %s", test.query, w.Code, w.Body)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, true)
		s.http.Handler = s.profile(func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-r.Context().Done():
				answer(w, 500, "taken for gone")
			case <-time.After(maxProfileTime):
				_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // as pprof does
				answer(w, 200, "ok")
			}
		})
		dial := s.servePipes(t)
		var all []net.Conn
		for range maxProfiles + 1 {
			all = append(all, dial(get("/")))
		}
		if got := code(all[maxProfiles]); got != "503" {
			t.Errorf("one profile too many: %s", got)
		}
		for _, nc := range all[:maxProfiles] {
			if got := code(nc); got != "200" {
				t.Errorf("a profile of %v: %s", maxProfileTime, got)
			}
		}
		if got := code(dial(get("/"))); got != "200" {
			t.Errorf("after the others: %s", got)
		}
	})
}
