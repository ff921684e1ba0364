package netserver

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/redistill/redistill/command"
	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/config"
	"github.com/redistill/redistill/internal/resp"
	"github.com/redistill/redistill/test/await"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testServer is a server on a loopback port, stopped when the test ends.
type testServer struct {
	*Server
	t      testing.TB
	cfg    *config.Config
	addr   string
	tls    *tls.Config // what clients need to trust the server; nil for plain text
	served chan error
	logged *lockedBuffer
}

// lockedBuffer is a log that a test can read while it grows.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// testLoops is the number of event loops of a test server: more than one, on whatever machine.
const testLoops = 2

// tinyIOUring is IOUring with rings that have too little of everything, which must not be noticed.
const tinyIOUring = "io_uring with tiny rings"

// overTLS is Portable with TLS.
const overTLS = "portable with TLS"

// testHandshakeTimeout is what no test waits for.
const testHandshakeTimeout = time.Hour

// paths are the I/O paths of this system.
func paths() []string {
	if haveLoops {
		return []string{Portable, overTLS, Epoll, IOUring, tinyIOUring}
	}
	return []string{Portable, overTLS}
}

// eachPath runs a test once for each I/O path.
func eachPath(t *testing.T, test func(t *testing.T, path string)) {
	for _, path := range paths() {
		t.Run(path, func(t *testing.T) { test(t, path) })
	}
}

// startServer starts a server with settings given as key, value, key, value.
func startServer(t testing.TB, path string, settings ...string) *testServer {
	t.Helper()
	at := Endpoints{Addresses: []string{"127.0.0.1"}}
	if path == overTLS {
		at.Port, at.TLS = NoPort, makeTLS(t).server
	}
	listeners, err := Listen(at)
	if err != nil {
		t.Fatal(err)
	}
	return startOn(t, path, listeners, settings...)
}

func startOn(t testing.TB, path string, listeners []net.Listener, settings ...string) *testServer {
	t.Helper()
	var assignments []config.Assignment
	for i := 0; i < len(settings); i += 2 {
		assignments = append(assignments, config.Assignment{Key: settings[i], Text: settings[i+1], Source: config.Source{Origin: config.FromFlag}})
	}
	cfg, err := config.Load(config.Memory{Bytes: 8 << 30, From: "test"}, assignments)
	if err != nil {
		t.Fatal(err)
	}
	store, err := engine.Open(engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := &testServer{t: t, cfg: cfg, addr: listeners[0].Addr().String(), served: make(chan error, 1), logged: &lockedBuffer{}}
	if _, ok := listeners[0].(*tlsListener); ok {
		s.tls = makeTLS(t).client
	}
	log := slog.New(slog.NewTextHandler(s.logged, nil))
	commands := command.NewServer(command.Options{Store: store, Config: cfg, Log: log, IO: path, Shutdown: func(bool) {
		go func() { _ = s.Shutdown(context.Background()) }()
	}})
	o := Options{Commands: commands, Path: path, Loops: testLoops}
	switch path {
	case tinyIOUring:
		o.Path, o.tinyRings = IOUring, true
	case overTLS:
		o.Path, o.handshakeTimeout = Portable, testHandshakeTimeout
	}
	s.Server = New(o)
	go func() { s.served <- s.Serve(listeners...) }()
	t.Cleanup(func() {
		if err := s.Shutdown(await.Context(t)); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if n := commands.Connected(); n != 0 {
			t.Errorf("%d sessions are left after the shutdown", n)
		}
		commands.Close()
		store.Close()
		if t.Failed() {
			t.Log(s.logged)
		}
	})
	return s
}

// set changes a setting at run time.
func (s *testServer) set(name, value string) {
	s.t.Helper()
	if err := s.cfg.Set(config.Pair{Name: name, Value: value}); err != nil {
		s.t.Fatal(err)
	}
}

// pass moves the clock of idleness, which counts seconds, and has the connections look at it.
func (s *testServer) pass(seconds uint32) {
	s.wakeIdle(s.tick.Add(seconds), s.config().ConnectionTimeout)
}

// connOf returns the server's side of a client's connection, or nil if that has ended.
func (s *testServer) connOf(c *client) served {
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.conns {
		if linkOf(conn).session.Addr == c.LocalAddr().String() {
			return conn
		}
	}
	return nil
}

// client is a connection to a server. Its reads and writes fail the test when they hang.
type client struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

func (s *testServer) dial() *client {
	s.t.Helper()
	nc, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.over(nc)
}

// over returns a client on a connection to the server.
func (s *testServer) over(nc net.Conn) *client {
	if s.tls != nil {
		nc = tls.Client(nc, s.tls)
	}
	return newClient(s.t, nc)
}

// socket returns what is below the client's TLS, if it speaks that.
func (c *client) socket() *net.TCPConn {
	nc := c.Conn
	if secure, ok := nc.(*tls.Conn); ok {
		nc = secure.NetConn()
	}
	return nc.(*net.TCPConn)
}

func newClient(t testing.TB, nc net.Conn) *client {
	c := &client{Conn: nc, t: t, r: bufio.NewReaderSize(nc, 64<<10)}
	c.wait()
	t.Cleanup(func() { _ = nc.Close() })
	return c
}

// wait gives the server time for what is read and written next.
func (c *client) wait() { _ = c.SetDeadline(await.Deadline()) }

// send writes input as it is.
func (c *client) send(input string) {
	c.t.Helper()
	c.wait()
	if _, err := io.WriteString(c.Conn, input); err != nil {
		c.t.Fatal(err)
	}
}

// expect reads exactly what is wanted.
func (c *client) expect(want string) {
	c.t.Helper()
	c.wait()
	got := make([]byte, len(want))
	n, err := io.ReadFull(c.r, got)
	if string(got[:n]) != want {
		c.t.Fatalf("got  %.300q (%v)\nwant %.300q", got[:n], err, want)
	}
}

// expectClosed reads to the end of the connection, which has to come with nothing before it.
func (c *client) expectClosed() {
	c.t.Helper()
	c.wait()
	rest, err := io.ReadAll(c.r)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatal("the connection was not closed")
	}
	if len(rest) > 0 {
		c.t.Fatalf("got %.300q before the close", rest)
	}
}

// reply reads one reply with all of its elements, exactly as sent.
func (c *client) reply() string {
	c.t.Helper()
	c.wait()
	var got []byte
	for {
		b, err := c.r.ReadByte()
		if err != nil {
			c.t.Fatalf("%v after %.300q", err, got)
		}
		got = append(got, b)
		if b != '\n' {
			continue
		}
		switch n, err := resp.ReplyLen(got); {
		case err != nil:
			c.t.Fatalf("%v: %.300q", err, got)
		case n > 0:
			return string(got)
		}
	}
}

// do sends a command and returns its reply.
func (c *client) do(args ...string) string {
	c.t.Helper()
	c.send(encode(args...))
	return c.reply()
}

// encode returns the bytes of a command.
func encode(args ...string) string {
	var o resp.Out
	o.Array(len(args))
	for _, a := range args {
		o.BulkString(a)
	}
	return string(o.B)
}

// bulk returns the bytes of a bulk string.
func bulk(s string) string {
	var o resp.Out
	o.BulkString(s)
	return string(o.B)
}

func TestServe(t *testing.T) { eachPath(t, testServe) }

func testServe(t *testing.T, path string) {
	s := startServer(t, path)
	c := s.dial()
	c.send("PING\r\n" + encode("SET", "k", "v") + encode("GET", "k"))
	c.expect("+PONG\r\n+OK\r\n$1\r\nv\r\n")
	c.send(encode("QUIT") + encode("PING"))
	c.expect("+OK\r\n")
	c.expectClosed()
}

func TestListen(t *testing.T) { eachPath(t, testListen) }

func testListen(t *testing.T, path string) {
	taken, err := Listen(Endpoints{Addresses: []string{"127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(taken)
	port := taken[0].Addr().(*net.TCPAddr).Port

	// The first address is free, the second is not: nothing may be left open.
	_, err = Listen(Endpoints{Addresses: []string{"127.0.0.2", "127.0.0.1"}, Port: port})
	if err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Fatalf("got %v for a port in use", err)
	}
	several, err := Listen(Endpoints{Addresses: []string{"127.0.0.2", "127.0.0.3"}, Port: port})
	if err != nil {
		t.Fatal(err)
	}
	closeAll(several)

	several, err = Listen(Endpoints{Addresses: []string{"127.0.0.1", "127.0.0.2"}})
	if err != nil {
		t.Fatal(err)
	}
	s := startOn(t, path, several)
	for _, l := range several {
		if l.Addr().(*net.TCPAddr).Port != several[0].Addr().(*net.TCPAddr).Port {
			t.Errorf("different ports: %v and %v", l.Addr(), several[0].Addr())
		}
		s.addr = l.Addr().String()
		if got := s.dial().do("PING"); got != "+PONG\r\n" {
			t.Errorf("%v: %q", l.Addr(), got)
		}
	}
}

// TestWildcards: "::" leaves the IPv4 port to "0.0.0.0".
func TestWildcards(t *testing.T) {
	listeners, err := Listen(Endpoints{Addresses: []string{"0.0.0.0", "::"}})
	if err != nil && strings.Contains(err.Error(), "address family") {
		t.Skip("skipped, because this machine has no IPv6")
	}
	if err != nil {
		t.Fatal(err)
	}
	closeAll(listeners)
}

// brokenListener fails to accept some times before it accepts.
type brokenListener struct {
	net.Listener
	failures []error
}

func (l *brokenListener) Accept() (net.Conn, error) {
	if len(l.failures) > 0 {
		err := l.failures[0]
		l.failures = l.failures[1:]
		return nil, err
	}
	return l.Listener.Accept()
}
