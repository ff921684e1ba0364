package command

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"github.com/redistill/redistill/engine"
)

// debugAllowed is the setting of servers whose tests use DEBUG.
const debugAllowed = "security.enable_debug_command yes"

func TestDebug(t *testing.T) {
	wrong := func(word string) string {
		return "-ERR unknown subcommand or wrong number of arguments for '" + word + "'. Try DEBUG HELP."
	}
	connect(t, newTestServer(t, debugAllowed)).expect(
		"DEBUG SLEEP 0", "+OK",
		"DEBUG sleep 0.000001", "+OK",
		"DEBUG SLEEP nonsense", "+OK",
		"DEBUG SLEEP -5", "+OK",
		"DEBUG SLEEP", wrong("SLEEP"), "DEBUG OOM", wrong("OOM"), "DEBUG CHECK x", wrong("CHECK"),
		"MULTI", "+OK", "DEBUG SLEEP 0", "+QUEUED", "DEBUG CHECK", "+QUEUED", "EXEC", "*2 +OK +OK",
		"DEBUG CHECK", "+OK",
	)
	help := connect(t, newTestServer(t, debugAllowed)).do("DEBUG HELP")
	for _, want := range []string{"+CHECK\r\n", "+SLEEP <seconds>\r\n", "+HELP\r\n"} {
		if !strings.Contains(help, want) {
			t.Errorf("%q lacks %q", help, want)
		}
	}
}

// TestDebugIsProtected: who may use DEBUG is as in Redis 7.0.15, whose addresses and replies these
// are.
func TestDebugIsProtected(t *testing.T) {
	clients := []string{
		"127.0.0.1:50000", "[::1]:50000", "/tmp/redis.sock:0",
		"127.0.0.2:50000", "192.0.2.1:50000", "[2001:db8::1]:50000",
	}
	for setting, allowed := range map[string]int{"no": 0, "local": 3, "yes": len(clients)} {
		srv := newTestServer(t, "security.enable_debug_command "+setting,
			"security.protected_mode false")
		for i, addr := range clients {
			c := openFrom(t, srv, addr)
			c.expect("CONFIG GET enable-debug-command",
				fmt.Sprintf("*2 $20 enable-debug-command $%d %s", len(setting), setting),
				"DEBUG", "-ERR wrong number of arguments for 'debug' command")
			if i < allowed {
				c.expect("DEBUG SLEEP 0", "+OK", "DEBUG CHECK", "+OK")
			} else {
				denied := "-" + string(errDebugDenied)
				c.expect("DEBUG SLEEP 0", denied, "DEBUG CHECK", denied, "DEBUG HELP", denied,
					"DEBUG FOO", denied, "MULTI", "+OK", "DEBUG SLEEP 0", denied,
					"EXEC", "-"+string(errExecAbort))
			}
			c.Close()
		}
		reply := connect(t, srv).do("CONFIG SET enable-debug-command yes")
		if !strings.Contains(reply, "can't set immutable config") {
			t.Error("the setting can be changed")
		}
	}
}

// TestDebugSleepStops: while one client sleeps, another that uses a key waits.
func TestDebugSleepStops(t *testing.T) {
	srv := newTestServer(t, debugAllowed)
	c, other := connect(t, srv), connect(t, srv)
	c.call.Args = split("DEBUG SLEEP 0")
	if err := debugCommands(&c.call); err != nil { // the gate has not unlocked yet
		t.Fatal(err)
	}
	// With one processor the other client goes as far as it can while this one gives way.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	done := make(chan string, 1)
	go func() { done <- other.do("SET k after") }()
	for range 1000 {
		runtime.Gosched()
	}
	err := c.tx.Set(srv.Store.Key([]byte("k")), []byte("during"), engine.NoDeadline)
	c.tx.Unlock()
	if reply := <-done; err != nil || reply != "+OK\r\n" {
		t.Error(err, reply)
	}
	other.expect("GET k", "$5 after")
}

// TestDebugCheckFindsDamage damages what lies before the bytes of a large value in the arena, where
// they can be reached from here.
func TestDebugCheckFindsDamage(t *testing.T) {
	var log bytes.Buffer
	srv := newLoggingServer(t, &log, debugAllowed)
	c := connect(t, srv)
	c.expect("SET large "+strings.Repeat("x", 100_000), "+OK", "DEBUG CHECK", "+OK")
	var pins engine.Pins
	defer pins.Release()
	k := srv.Store.Key([]byte("large"))
	c.tx.LockKey(k)
	v, _, err := c.tx.Get(k)
	if err != nil {
		t.Fatal(err)
	}
	_, pieces := v.Pin(&pins, nil, nil)
	header := (*byte)(unsafe.Add(unsafe.Pointer(&pieces[0][0]), -1))
	*header ^= 1
	c.tx.Unlock()
	want := regexp.MustCompile(`^-ERR 1 fault: shard \d+: keyspace 0: .+\r\n$`)
	if reply := c.do("DEBUG CHECK"); !want.MatchString(reply) {
		t.Errorf("replied %q", reply)
	}
	c.expect("MULTI", "+OK", "DEBUG CHECK", "+QUEUED")
	if reply, found := strings.CutPrefix(c.do("EXEC"), "*1\r\n"); !found || !want.MatchString(reply) {
		t.Errorf("in a transaction: %q", reply)
	}
	if !strings.Contains(log.String(), "DEBUG CHECK found that the memory is damaged") {
		t.Errorf("logged %q", &log)
	}
	c.tx.LockKey(k)
	*header ^= 1
	c.tx.Unlock()
	c.expect("DEBUG CHECK", "+OK")
}

// TestDebugCheckUnderLoad: a healthy server passes while clients change keys of all kinds, and
// snapshots are written.
func TestDebugCheckUnderLoad(t *testing.T) {
	srv := newTestServer(t, debugAllowed,
		"persistence.snapshot_path "+filepath.Join(t.TempDir(), "dump.rdb"))
	long := strings.Repeat("x", 40_000)
	var working sync.WaitGroup
	for n := range 4 {
		working.Go(func() {
			c, r := connect(t, srv), rand.New(rand.NewPCG(uint64(n), 1))
			for range 3000 {
				key := fmt.Sprint("k", r.IntN(300))
				commands := []string{
					"SET " + key + " v", "SET " + key + " " + long, "SETEX " + key + " 1 v",
					"APPEND " + key + " " + long[:r.IntN(1000)], "DEL " + key, "PEXPIRE " + key + " 1",
					"HSET " + key + fmt.Sprint(" f", r.IntN(600)) + " v", "HSET " + key + " f " + long,
					"HDEL " + key + " f",
				}
				c.do(commands[r.IntN(len(commands))])
				if r.IntN(500) == 0 {
					c.do("BGSAVE")
				}
			}
		})
	}
	over := make(chan struct{})
	go func() {
		working.Wait()
		close(over)
	}()
	c := connect(t, srv)
	for checks := 0; ; checks++ {
		c.expect("DEBUG CHECK", "+OK")
		select {
		case <-over:
			t.Logf("%d checks", checks)
			return
		default:
		}
	}
}

// TestDebugCheckOutlivesItsClient: a check whose client goes away ends before the server does.
func TestDebugCheckOutlivesItsClient(t *testing.T) {
	srv := newTestServer(t, debugAllowed)
	c, holder := open(t, srv), connect(t, srv)
	holder.tx.LockAll()
	if _, ran := c.try("DEBUG CHECK"); ran {
		t.Error("the check did not wait for the locks")
	}
	if _, ran := c.try("DEBUG CHECK"); ran {
		t.Error("the check is over although it cannot be")
	}
	check := c.pending
	c.Close()
	holder.tx.Unlock()
	if srv.Close(); !check.done.Load() {
		t.Error("the server is closed, and the check goes on")
	}
}
