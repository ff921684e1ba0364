package command

import (
	"bytes"
	"io"
	"log/slog"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/config"
	"github.com/redistill/redistill/test/await"
)

// newTestServer returns a server with the given settings, "key value" each.
func newTestServer(t testing.TB, settings ...string) *Server {
	t.Helper()
	return newLoggingServer(t, io.Discard, settings...)
}

func newLoggingServer(t testing.TB, log io.Writer, settings ...string) *Server {
	t.Helper()
	return newServerWith(t, log, nil, settings...)
}

// newServerWith returns a server that has further rows in its table.
func newServerWith(t testing.TB, log io.Writer, rows []Command, settings ...string) *Server {
	t.Helper()
	var fixed []config.Assignment // what is set at the start alone
	var pairs []config.Pair
	for _, s := range settings {
		name, value, _ := strings.Cut(s, " ")
		if row := config.Lookup(name); row != nil && !row.Mutable {
			fixed = append(fixed, config.Assignment{Key: name, Text: value, Source: config.Source{Origin: config.FromFlag}})
		} else {
			pairs = append(pairs, config.Pair{Name: name, Value: value})
		}
	}
	cfg, err := config.Load(config.Memory{Bytes: 1 << 30, From: "the test"}, fixed)
	if err != nil {
		t.Fatal(err)
	}
	store, err := engine.Open(engine.Options{Policy: engine.NoEviction})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	srv := newServer(Options{Store: store, Config: cfg, Log: slog.New(slog.NewTextHandler(log, nil)),
		Version: "test", IO: "test", IOFallback: "no loops"}, append(Commands(), rows...))
	t.Cleanup(srv.Close)
	for _, p := range pairs {
		if err := cfg.Set(p); err != nil {
			t.Fatal(err)
		}
	}
	return srv
}

// client is a session with what a connection does for it. It is used by one goroutine.
type client struct {
	*Session
	t     testing.TB
	woken chan struct{}
	args  [][]byte
	held  [][]byte // the words of a command that has further turns
}

// connect returns a client that is closed at the end of the test.
func connect(t testing.TB, srv *Server) *client {
	t.Helper()
	c := open(t, srv)
	t.Cleanup(c.Close)
	return c
}

// open returns a client that the test closes.
func open(t testing.TB, srv *Server) *client {
	t.Helper()
	return openFrom(t, srv, "127.0.0.1:50000")
}

// openFrom is open for a client with another address.
func openFrom(t testing.TB, srv *Server, addr string) *client {
	t.Helper()
	woken := make(chan struct{}, 1)
	s, err := srv.NewSession(addr, "127.0.0.1:6379", 9, func() {
		select {
		case woken <- struct{}{}:
		default: // it is told already
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return &client{Session: s, t: t, woken: woken}
}

// try runs one command, whose words are separated by single spaces, with all of its turns, and
// returns its reply, and false if it must wait.
func (c *client) try(command string) (reply string, ran bool) {
	next := Yield
	for next == Yield {
		var part string
		part, next = c.turn(command)
		reply += part
	}
	return reply, next == Continue
}

// turn runs one turn of a command. It overwrites the words afterwards, as a read buffer is
// overwritten; but where there are further turns, it keeps those of the second turn to the last
// one, as a connection does.
func (c *client) turn(command string) (reply string, next Next) {
	c.args = append(c.args[:0], c.held...)
	if c.held == nil {
		c.args = words(c.args, command)
	}
	buffers := append([][]byte(nil), c.args...)
	c.Sent(1 << 30)
	c.BeginBatch(time.Now().UnixMilli())
	next = c.Exec(&Request{Args: c.args})
	c.EndBatch()
	further := next == Yield
	if further && c.held != nil {
		return string(c.Out.B), Yield
	}
	for _, b := range buffers {
		for i := range b {
			b[i] = '#'
		}
	}
	c.held = nil
	if further {
		c.held = words(nil, command)
	}
	return string(bytes.Join(c.Out.Rest(make([][]byte, 0, 1000), 0, math.MaxInt), nil)), next
}

// words appends the words of a command to dst.
func words(dst [][]byte, command string) [][]byte {
	for word := range strings.SplitSeq(command, " ") {
		dst = append(dst, []byte(word))
	}
	return dst
}

// do runs one command, waiting as long as it must.
func (c *client) do(command string) string {
	for {
		reply, ran := c.try(command)
		if ran {
			return reply
		}
		await.Receive(c.t, command+" need not wait any more", c.woken)
	}
}

// expect runs commands, each followed by the reply that it must have. Line ends in replies are written as spaces.
func (c *client) expect(commandsAndReplies ...string) {
	c.t.Helper()
	for i := 0; i < len(commandsAndReplies); i += 2 {
		got := strings.TrimSuffix(strings.ReplaceAll(c.do(commandsAndReplies[i]), "\r\n", " "), " ")
		if want := commandsAndReplies[i+1]; got != want {
			c.t.Errorf("%s: got %q, want %q", commandsAndReplies[i], got, want)
		}
	}
}

// inbox returns what others sent the client.
func (c *client) inbox() string {
	c.Sent(0)
	c.TakeInbox()
	return string(c.Out.B)
}

// parallel runs fn in n goroutines at once and waits for all.
func parallel(n int, fn func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { fn(i) })
	}
	wg.Wait()
}

func TestMaxConnections(t *testing.T) {
	srv := newTestServer(t, "maxclients 2")
	connect(t, srv)
	b := open(t, srv)
	if _, err := srv.NewSession("127.0.0.1:1", "127.0.0.1:2", 3, func() {}); err != errMaxClients {
		t.Errorf("third of two clients: got error %v", err)
	}
	if n := srv.total.rejected.Load(); n != 1 {
		t.Errorf("rejected: got %d, want 1", n)
	}
	b.Close()
	connect(t, srv).expect("PING", "+PONG")
	if n := srv.Connected(); n != 2 {
		t.Errorf("connected: got %d, want 2", n)
	}
}
