package command

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/config"
)

func TestAuth(t *testing.T) {
	var log bytes.Buffer
	srv := newLoggingServer(t, &log)
	early := connect(t, srv)
	if err := srv.Config.Set(config.Pair{Name: "requirepass", Value: "secret"}); err != nil {
		t.Fatal(err)
	}
	early.expect("PING", "+PONG")
	const noAuth, wrongPass = "-NOAUTH Authentication required.", "-WRONGPASS invalid username-password pair or user is disabled."
	a := connect(t, srv)
	a.expect("PING", noAuth, "NOPE", "-ERR unknown command 'NOPE', with args beginning with: ", "GET", "-ERR wrong number of arguments for 'get' command",
		"MULTI", noAuth, "EXEC", "-EXECABORT Transaction discarded because of: NOAUTH Authentication required.", "QUIT x", "+OK")
	a.Closing = false
	a.expect("AUTH wrong", wrongPass, "AUTH other secret", wrongPass, "AUTH default secret2", wrongPass, "PING", noAuth,
		"HELLO 3", "-"+string(errHelloNoAuth), "HELLO 3 AUTH default wrong", wrongPass, "PING", noAuth)
	if a.Out.Proto != 2 || a.Authenticated() {
		t.Errorf("after a failed HELLO: protocol %d, authenticated %v", a.Out.Proto, a.Authenticated())
	}
	if n := strings.Count(log.String(), "login failed"); n != 4 || !strings.Contains(log.String(), "client="+a.Addr) || strings.Contains(log.String(), "secret") {
		t.Errorf("%d failed logins are logged, want 4: %s", n, log.String())
	}
	a.expect("AUTH secret", "+OK", "PING", "+PONG", "AUTH wrong", wrongPass, "PING", "+PONG", "RESET", "+RESET", "PING", noAuth)
	a.do("HELLO 3 AUTH default secret SETNAME me")
	a.expect("CLIENT GETNAME", "$2 me", "RESET", "+RESET")
	if err := srv.Config.Set(config.Pair{Name: "requirepass"}); err != nil {
		t.Fatal(err)
	}
	a.expect("PING", "+PONG", "AUTH x", "-"+string(errNoPassword), "AUTH default x", "+OK", "AUTH other x", wrongPass, "AUTH a b c", "-ERR syntax error")
	if !a.Authenticated() {
		t.Error("not authenticated without a password")
	}
}

// TestRecovered lets a handler panic with its locks held, alone and inside EXEC: the other clients go on.
func TestRecovered(t *testing.T) {
	var log bytes.Buffer
	srv := newLoggingServer(t, &log)
	srv.table.lookup([]byte("getset")).Run = func(*Call) error { panic("a broken handler") }
	other := connect(t, srv)
	for _, commands := range [][]string{{"GETSET k v"}, {"WATCH l", "MULTI", "SET l 1", "FLUSHALL", "GETSET k v", "EXEC"}} {
		c := open(t, srv)
		func() {
			defer func() { c.Recovered(recover()) }()
			for _, command := range commands {
				c.do(command)
			}
		}()
		if !c.Closing || len(c.Out.B) != 0 {
			t.Errorf("closing %v, reply %q", c.Closing, c.Out.B)
		}
		other.expect("SET k 1", "+OK", "GET k", "$1 1", "DBSIZE", ":1", "FLUSHALL", "+OK")
		c.Close()
	}
	if n := strings.Count(log.String(), "a broken handler"); n != 2 || !strings.Contains(log.String(), "session_test.go") {
		t.Errorf("%d panics are logged with their stack: %s", n, log.String())
	}
	if srv.Connected() != 1 || srv.Store.Stats().Watched != 0 {
		t.Error("the sessions were not closed")
	}
}

func TestSelect(t *testing.T) {
	a := connect(t, newTestServer(t))
	a.expect("SELECT 15", "+OK", "SET k 1", "+OK", "SELECT 16", "-ERR DB index is out of range", "SELECT -1", "-ERR DB index is out of range",
		"SELECT x", "-ERR value is not an integer or out of range", "SELECT 2147483648", "-"+string(errInt32), "GET k", "$1 1", "SELECT 0", "+OK", "GET k", "$-1")
}

func split(command string) (args [][]byte) {
	for word := range strings.SplitSeq(command, " ") {
		args = append(args, []byte(word))
	}
	return args
}

// TestNoAllocations compares batches of commands with what the engine's operations in them allocate by themselves. The clock stands still,
// so that nothing is allocated in the background.
func TestNoAllocations(t *testing.T) { synctest.Test(t, testNoAllocations) }

func testNoAllocations(t *testing.T) {
	c := connect(t, newTestServer(t))
	key, value := c.srv.Store.Key([]byte("key")), []byte("value")
	get := func() {
		c.tx.LockKey(key)
		_, _, _ = c.tx.Get(key)
		c.tx.Unlock()
	}
	set := func() {
		c.tx.LockKey(key)
		_ = c.tx.Set(key, value, engine.NoDeadline)
		c.tx.Unlock()
	}
	for _, test := range []struct {
		commands []string
		engine   func()
	}{
		{[]string{"PING", "ECHO x"}, func() {}},
		{[]string{"GET key"}, get},
		{[]string{"SET key value"}, set},
		{[]string{"MULTI", "PING", "ECHO x", "EXEC"}, func() {}},
		{[]string{"MULTI", "SET key value", "EXEC"}, set},
	} {
		var batch [][][]byte
		for _, command := range test.commands {
			batch = append(batch, split(command))
		}
		run := func() {
			c.Out.B = c.Out.B[:0]
			c.BeginBatch(1700000000000)
			for _, args := range batch {
				c.Exec(&Request{Args: args})
			}
			c.EndBatch()
			c.CountInput(100)
			c.CountOutput(len(c.Out.B))
		}
		run()
		if got, want := testing.AllocsPerRun(100, run), testing.AllocsPerRun(100, test.engine); got > want {
			t.Errorf("%q: %v allocations, the engine's are %v", test.commands, got, want)
		}
	}
}

func benchmark(b *testing.B, commands ...string) {
	c := connect(b, newTestServer(b))
	var batch [][][]byte
	for _, command := range commands {
		batch = append(batch, split(command))
	}
	c.do("SET key value")
	b.ReportAllocs()
	for b.Loop() {
		c.Out.B = c.Out.B[:0]
		c.BeginBatch(time.Now().UnixMilli())
		for range 16 {
			for _, args := range batch {
				c.Exec(&Request{Args: args})
			}
		}
		c.EndBatch()
		c.CountInput(100)
		c.CountOutput(len(c.Out.B))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/16/float64(len(commands)), "ns/command")
}

func BenchmarkGet(b *testing.B)         { benchmark(b, "GET key") }
func BenchmarkPing(b *testing.B)        { benchmark(b, "PING") }
func BenchmarkSet(b *testing.B)         { benchmark(b, "SET key value") }
func BenchmarkTransaction(b *testing.B) { benchmark(b, "MULTI", "GET key", "EXEC") }
