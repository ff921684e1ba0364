package command

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/test/await"
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
	want := regexp.MustCompile(`^-ERR 1 fault: shard \d+: space 0: .+\r\n$`)
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

// TestDebugAttribute: as in Redis, the reply follows the attribute, which there is in RESP3 alone.
func TestDebugAttribute(t *testing.T) {
	c := connect(t, newTestServer(t, debugAllowed))
	c.expect("DEBUG PROTOCOL attrib", "$39 Some real reply following the attribute")
	c.do("HELLO 3")
	c.expect("DEBUG PROTOCOL attrib",
		"|1 $14 key-popularity *2 $7 key:123 :90 $39 Some real reply following the attribute")
}

// TestDebugReload: the keys that there were are there again, in every database and with their
// deadlines, and SAVE counts.
func TestDebugReload(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dump.rdb")
	srv := newTestServer(t, debugAllowed, "persistence.snapshot_path "+path)
	c := connect(t, srv)
	c.expect("SET k v", "+OK", "PEXPIREAT k 99999999999999", ":1",
		"SELECT 3", "+OK", "HSET h f v", ":1",
		"DEBUG RELOAD", "+OK", "HGETALL h", "*2 $1 f $1 v", "SELECT 0", "+OK",
		"GET k", "$1 v", "PEXPIRETIME k", ":99999999999999", "DBSIZE", ":1")
	c.expect("BGSAVE", "+Background saving started", "SET k x", "+OK",
		"DEBUG RELOAD", "+OK", "GET k", "$1 x", "SET k v", "+OK", "DEBUG RELOAD", "+OK")
	c.expect("SET k w", "+OK", "SET new v", "+OK",
		"DEBUG RELOAD nosave merge", "+OK", "GET k", "$1 v", "EXISTS new", ":0",
		"DEBUG RELOAD NOFLUSH", "-"+string(errNoFlush),
		"DEBUG RELOAD x", "-ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.",
		"MULTI", "+OK", "DEBUG RELOAD", "+QUEUED", "EXEC", "*1 -"+string(errNotInMulti))
	if err := os.WriteFile(path, []byte("REDIS0009 no snapshot"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.expect("DEBUG RELOAD NOSAVE", "-"+string(errReload), "PING", "+PONG",
		"SET k v", "+OK", "DEBUG RELOAD", "+OK", "GET k", "$1 v")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	// Nothing is lost for a file that is not there.
	c.expect("DEBUG RELOAD NOSAVE", "-"+string(errReload), "GET k", "$1 v")
}

// TestDebugReloadIsLoading: from when DEBUG RELOAD has begun until it has ended, other clients are
// told that the server is loading, also in a transaction that was queued before.
func TestDebugReloadIsLoading(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dump.rdb")
	srv := newTestServer(t, debugAllowed, "persistence.snapshot_path "+path)
	c, other, third := connect(t, srv), connect(t, srv), connect(t, srv)
	other.expect("MULTI", "+OK", "SET k lost", "+QUEUED")
	c.expect("SET k v", "+OK")
	srv.alert.Or(alertLoading) // as it does
	c.expect("DEBUG RELOAD", "-"+string(errLoading), "DEBUG POPULATE 1", "-"+string(errLoading))
	third.expect("GET k", "-"+string(errLoading), "PING", "-"+string(errLoading),
		"MULTI", "+OK", "EXEC", "*0")
	other.expect("EXEC", "-EXECABORT Transaction discarded because of: "+string(errLoading))
	srv.loaded()
	c.expect("GET k", "$1 v", "DEBUG RELOAD", "+OK", "GET k", "$1 v")
}

// TestDebugReloadOutlivesItsClient: the server ends with all keys, and can save them.
func TestDebugReloadOutlivesItsClient(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dump.rdb")
	srv := newTestServer(t, debugAllowed, "persistence.snapshot_path "+path)
	c := open(t, srv)
	c.expect("DEBUG POPULATE 10000", "+OK")
	c.try("DEBUG RELOAD")
	c.Close()
	srv.AwaitReload()
	if srv.Loading() {
		t.Error("the server is still loading")
	}
	connect(t, srv).expect("DBSIZE", ":10000")
}

// TestDebugReloadBesideSnapshot: a snapshot that would begin again when the keyspace is emptied is
// not disturbed, and none begins while the server is loading.
func TestDebugReloadBesideSnapshot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dump.rdb")
	srv := newTestServer(t, debugAllowed, "persistence.snapshot_path "+path)
	c, s := connect(t, srv), &srv.saver
	c.expect("SET k v", "+OK", "SAVE", "+OK", "SET k w", "+OK")
	var sn *engine.Snapshot
	s.withAllLocked(func(tx *engine.Tx) { sn, _ = tx.BeginSnapshot() })
	s.mu.Lock() // which the end of SAVE may still hold
	s.running = sn
	s.mu.Unlock()
	c.expect("DEBUG RELOAD NOSAVE", "-"+string(errSaving), "GET k", "$1 w")
	sn.Fail(errStopping)
	if err := sn.Write(nil); err != errStopping {
		t.Error(err)
	}
	s.running = nil
	srv.alert.Or(alertLoading)
	saves := s.saves
	if s.due(); s.isRunning() {
		t.Error("a snapshot begins while the server is loading")
	}
	if err := s.prove(time.Minute); err != nil || s.saves != saves || s.proved {
		t.Errorf("a server that is told to stop writes a snapshot while it is loading: %v", err)
	}
	srv.loaded()
	c.expect("DEBUG RELOAD NOSAVE", "+OK", "GET k", "$1 v")
}

// TestDebugReloadWithoutDisk: where the snapshot cannot be written, everything stays.
func TestDebugReloadWithoutDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing", "dump.rdb")
	c := connect(t, newTestServer(t, debugAllowed, "persistence.snapshot_path "+path))
	c.expect("SET k v", "+OK", "DEBUG RELOAD", "-"+string(errSaveFailed), "GET k", "$1 v")
}

func TestDebugPopulate(t *testing.T) {
	srv := newTestServer(t, debugAllowed)
	c := connect(t, srv)
	const negative = "-ERR value is out of range, must be positive"
	c.expect("SET key:1 own", "+OK", "DEBUG POPULATE 3", "+OK",
		"DBSIZE", ":3", "GET key:0", "$7 value:0", "GET key:1", "$3 own",
		"DEBUG POPULATE 2 p 12", "+OK", "GET p:1", "$12 value:1\x00\x00\x00\x00\x00",
		"DEBUG POPULATE 2 q 3", "+OK", "GET q:1", "$3 val",
		"SELECT 1", "+OK", "DEBUG POPULATE 1", "+OK", "DBSIZE", ":1",
		"DEBUG POPULATE x", negative, "DEBUG POPULATE -1", negative, "DEBUG POPULATE 1 p -1", negative,
		"DEBUG POPULATE 1 p 1000000000000", "-"+string(errStringTooLong),
		"MULTI", "+OK", "DEBUG POPULATE 1", "+QUEUED", "EXEC", "*1 -"+string(errNotInMulti),
		"CONFIG SET maxmemory 32mb", "+OK",
		"DEBUG POPULATE 100 big 1000000", "-"+string(errOutOfMemory),
		"CONFIG SET maxmemory 0", "+OK") // so that the next one goes on until its client is gone
	gone := open(t, srv)
	if _, ran := gone.try("DEBUG POPULATE 1000000000000 more 1"); ran {
		t.Error("DEBUG POPULATE did not wait")
	}
	work := gone.pending
	gone.Close()
	await.True(t, "DEBUG POPULATE ends with its client", work.done.Load)
}

// TestDebugSetActiveExpire: expired keys stay until somebody looks at them, or the background may
// remove them again.
func TestDebugSetActiveExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := connect(t, newTestServer(t, debugAllowed))
		c.expect("DEBUG SET-ACTIVE-EXPIRE 0", "+OK", "SET a v PX 1", "+OK", "SET b v PX 1", "+OK")
		time.Sleep(4 * time.Second)
		c.expect("DBSIZE", ":2", "GET a", "$-1", "DBSIZE", ":1",
			"CLIENT PAUSE 1000 WRITE", "+OK", "CLIENT UNPAUSE", "+OK")
		time.Sleep(4 * time.Second)
		c.expect("DBSIZE", ":1", "DEBUG set-active-expire 1", "+OK")
		time.Sleep(4 * time.Second)
		c.expect("DBSIZE", ":0")
	})
}
