package command

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redistill/redistill/internal/config"
	"github.com/redistill/redistill/test/await"
)

func TestClientList(t *testing.T) { synctest.Test(t, testClientList) }

func testClientList(t *testing.T) {
	srv := newTestServer(t)
	a, b := connect(t, srv), connect(t, srv)
	a.QueryLen, a.QueryCap = 10, 100
	a.CountInput(100)
	a.CountOutput(7)
	a.expect("HELLO 3 SETNAME one", "%7 $6 server $5 redis $7 version $5 "+redisVersion+" $5 proto :3 $2 id :1 $4 mode $10 standalone $4 role $6 master $7 modules *0",
		"CLIENT SETINFO lib-name lib", "+OK", "CLIENT SETINFO LIB-VER 1.2", "+OK", "CLIENT NO-EVICT on", "+OK", "CLIENT NO-TOUCH on", "+OK",
		"SELECT 3", "+OK", "MULTI", "+OK", "SET k 12345", "+QUEUED")
	a.created -= 8000 // as if it had come eight seconds ago, and done nothing for three
	a.published.active.Add(-3000)
	want := `^\$\d+\r\nid=1 addr=127.0.0.1:50000 laddr=127.0.0.1:6379 fd=9 name=one age=8 idle=3 flags=xeT db=3 sub=0 psub=0 ssub=0 ` +
		`multi=1 qbuf=10 qbuf-free=90 argv-mem=0 multi-mem=\d+ rbs=\d+ rbp=\d+ obl=9 oll=0 omem=0 tot-mem=\d+ events=r cmd=set ` +
		`user=default redir=-1 resp=3 lib-name=lib lib-ver=1.2 tot-net-in=100 tot-net-out=7 tot-cmds=7\n` +
		`id=2 addr=127.0.0.1:50000 .* name= age=0 idle=0 flags=N db=0 .* multi=-1 qbuf=0 qbuf-free=0 argv-mem=10 multi-mem=0 ` +
		`rbs=\d+ rbp=\d+ obl=0 .* cmd=client\|list user=default redir=-1 resp=2 lib-name= lib-ver= tot-net-in=0 tot-net-out=0 tot-cmds=0\n\r\n$`
	got := b.do("CLIENT LIST")
	if !regexp.MustCompile(want).MatchString(got) {
		t.Errorf("CLIENT LIST: got %q, want %q", got, want)
	}
	if got := b.do("CLIENT LIST ID 2 7 2"); strings.Count(got, "id=2 ") != 2 || strings.Count(got, "\n") != 4 {
		t.Errorf("CLIENT LIST ID: got %q", got)
	}
	if got := b.do("CLIENT LIST TYPE normal"); strings.Count(got, " fd=") != 2 {
		t.Errorf("CLIENT LIST TYPE normal: got %q", got)
	}
	b.expect("CLIENT LIST TYPE pubsub", "$0 ")
	a.SetBehind(true)
	if got := b.do("CLIENT LIST ID 1"); !strings.Contains(got, " events=rw ") {
		t.Errorf("a client that does not read: got %q", got)
	}
	a.SetBehind(false)
	if got := a.do("RESET") + a.do("CLIENT INFO"); !strings.Contains(got, "name= ") || !strings.Contains(got, "flags=N db=0") || !strings.Contains(got, "resp=2 lib-name=lib") {
		t.Errorf("CLIENT INFO after RESET: got %q", got)
	}
}

// TestClientListInParallel lists and kills clients that are busy with everything that CLIENT LIST shows: for the race detector.
func TestClientListInParallel(t *testing.T) {
	srv := newTestServer(t)
	var stop atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		parallel(6, func(i int) {
			for n := 0; !stop.Load(); n++ {
				c := open(t, srv)
				name := fmt.Sprintf("n%d-%d", i, n)
				for _, command := range []string{"CLIENT SETNAME " + name, "HELLO 3", "SELECT 4", "WATCH k", "MULTI", "SET k 1", "CLIENT ID", "EXEC",
					"CLIENT NO-TOUCH on", "CLIENT SETINFO lib-name x", "GET k", "MONITOR", "PING", "RESET", "AUTH x"} {
					if c.do(command); c.Closing {
						break
					}
				}
				c.Close()
			}
		})
	}()
	c := connect(t, srv)
	killed := 0
	for n := 0; n < 300 || killed == 0; n++ {
		if reply := c.do("CLIENT LIST"); !strings.Contains(reply, "cmd=client|list") {
			t.Fatalf("CLIENT LIST without oneself: %q", reply)
		}
		killed += integers(c.do("CLIENT KILL TYPE normal"))[0]
		c.do("INFO clients")
	}
	stop.Store(true)
	<-done
	if n := srv.Connected(); n != 1 {
		t.Errorf("connected: got %d, want 1", n)
	}
	if srv.alert.Load() != 0 {
		t.Errorf("alert: got %b, want 0", srv.alert.Load())
	}
}

func TestClientKill(t *testing.T) {
	srv := newTestServer(t)
	a, b := connect(t, srv), connect(t, srv)
	a.expect("CLIENT KILL 127.0.0.1:1", "-ERR No such client", "CLIENT KILL ID 9", ":0", "CLIENT KILL ID 1", ":0",
		"CLIENT KILL ID 2 LADDR 127.0.0.1:6379 USER default ADDR 127.0.0.1:50000 TYPE normal", ":1", "CLIENT KILL ID 2", ":0")
	if !b.Killed() {
		t.Error("not killed")
	}
	await.Receive(t, "the killed client is woken", b.woken)
	b.expect("SET k 1", "")
	if !b.Closing {
		t.Error("a killed client's command does not close it")
	}
	a.expect("EXISTS k", ":0", "CLIENT KILL ID 1 SKIPME no", ":1")
	if !a.Closing || a.Killed() {
		t.Errorf("killed itself: closing %v, killed %v, want true and false", a.Closing, a.Killed())
	}
}

// TestNothingRunsAfterKill kills clients that increment a counter without pause: once CLIENT KILL has answered, it stands still.
func TestNothingRunsAfterKill(t *testing.T) {
	srv := newTestServer(t)
	for range 20 {
		done := make(chan struct{})
		go func() {
			defer close(done)
			parallel(3, func(int) {
				c := open(t, srv)
				defer c.Close()
				for !c.Closing {
					c.do("INCR counter")
				}
			})
		}()
		c := open(t, srv)
		for killed := 0; killed < 3; {
			killed += integers(c.do("CLIENT KILL SKIPME yes"))[0]
		}
		before := c.do("GET counter")
		<-done
		if after := c.do("GET counter"); after != before {
			t.Errorf("counter: %q after the kill, %q later", before, after)
		}
		c.Close()
	}
}

func TestPauseWrites(t *testing.T) {
	srv := newTestServer(t)
	a, b := connect(t, srv), connect(t, srv)
	b.expect("MULTI", "+OK", "SET k 1", "+QUEUED")
	a.expect("CLIENT PAUSE 100000 WRITE", "+OK", "GET k", "$-1", "MULTI", "+OK", "GET k", "+QUEUED", "EXEC", "*1 $-1")
	if reply, ran := b.try("EXEC"); ran || reply != "" {
		t.Errorf("EXEC of a write: got %q", reply)
	}
	if reply, ran := b.try("EXEC"); ran || reply != "" {
		t.Errorf("EXEC again: got %q", reply)
	}
	if got := a.do("INFO clients"); !strings.Contains(got, "blocked_clients:1") {
		t.Errorf("INFO clients while one waits: got %q", got)
	}
	if srv.blocked.Load() != 1 || !strings.Contains(a.do("CLIENT LIST"), "flags=xb ") {
		t.Errorf("held clients: got %d, want 1", srv.blocked.Load())
	}
	a.expect("CLIENT UNPAUSE", "+OK")
	await.Receive(t, "the client that waits is woken", b.woken)
	b.expect("EXEC", "*1 +OK")
	if srv.blocked.Load() != 0 || strings.Contains(a.do("CLIENT LIST"), "b ") || srv.alert.Load() != 0 {
		t.Errorf("after the pause: %d clients held, alert %b", srv.blocked.Load(), srv.alert.Load())
	}
}

// TestPauseEndsByItself runs on a clock that stands still until everybody waits, and then jumps.
func TestPauseEndsByItself(t *testing.T) { synctest.Test(t, testPauseEndsByItself) }

func testPauseEndsByItself(t *testing.T) {
	srv := newTestServer(t)
	a, b := connect(t, srv), connect(t, srv)
	began := time.Now()
	a.expect("MULTI", "+OK", "CLIENT PAUSE 30 ALL", "+QUEUED", "CLIENT PAUSE 1 WRITE", "+QUEUED", "EXEC", "*2 +OK +OK")
	if _, ran := b.try("PING"); ran {
		t.Error("PING was not held back")
	}
	b.expect("PING", "+PONG")
	if took := time.Since(began); took != 30*time.Millisecond {
		t.Errorf("paused for %v, want 30ms", took)
	}
	if _, ran := a.try("CLIENT PAUSE 0"); !ran || srv.alert.Load() != 0 {
		t.Error("a pause of 0 ms is one")
	}
}

// TestNothingIsWrittenAfterPause pauses clients that increment a counter: once CLIENT PAUSE has answered, it stands still. A client that
// is closed while it waits is forgotten.
func TestNothingIsWrittenAfterPause(t *testing.T) {
	srv := newTestServer(t)
	c := connect(t, srv)
	for range 20 {
		var stop atomic.Bool
		done := make(chan struct{})
		go func() {
			defer close(done)
			parallel(3, func(i int) {
				w := open(t, srv)
				defer w.Close()
				for ran := true; ran && !stop.Load(); {
					if i == 0 {
						_, ran = w.try("INCR counter")
					} else {
						w.do("MULTI")
						if _, ran = w.try("INCR counter"); ran {
							_, ran = w.try("EXEC")
						}
					}
				}
			})
		}()
		c.do("CLIENT PAUSE 100000 WRITE")
		before := c.do("GET counter")
		<-done
		if after := c.do("GET counter"); after != before {
			t.Errorf("counter: %q after CLIENT PAUSE, %q later", before, after)
		}
		if n := srv.blocked.Load(); n != 0 {
			t.Errorf("%d closed clients are held", n)
		}
		c.do("CLIENT UNPAUSE")
	}
}

func TestClientReply(t *testing.T) {
	a := connect(t, newTestServer(t))
	a.expect("CLIENT REPLY SKIP", "", "PING", "", "PING", "+PONG", "CLIENT REPLY off", "", "PING", "", "NOPE", "", "MULTI", "", "PING", "",
		"CLIENT REPLY SKIP", "", "EXEC", "", "PING", "", "CLIENT REPLY SKIP", "", "CLIENT REPLY x", "", "CLIENT REPLY ON", "+OK", "PING", "+PONG",
		"CLIENT REPLY SKIP", "", "CLIENT REPLY SKIP", "", "NOPE", "", "PING", "+PONG", "CLIENT REPLY OFF", "", "RESET", "+RESET", "PING", "+PONG")
}

func TestMonitor(t *testing.T) {
	srv := newTestServer(t)
	m, a := connect(t, srv), connect(t, srv)
	m.expect("HELLO 3", "%7 $6 server $5 redis $7 version $5 "+redisVersion+" $5 proto :3 $2 id :1 $4 mode $10 standalone $4 role $6 master $7 modules *0",
		"MONITOR", "+OK", "MONITOR", "", "GET a", "-ERR Replica can't interact with the keyspace", "CLIENT SETNAME x", "+OK")
	for _, command := range []string{"SELECT 5", "MULTI", "SET k \"\\\n\r\t\a\b\x00\xff~", "CLIENT LIST", "EXEC", "AUTH secret", "auth default secret",
		"HELLO 2 AUTH default secret SETNAME me", "GET", "NOPE", "CONFIG GET x", "PING"} {
		a.do(command)
	}
	got := regexp.MustCompile(`\+\d{10}\.\d{6} `).ReplaceAllString(m.inbox(), "+TIME ")
	want := "+TIME [0 127.0.0.1:50000] \"CLIENT\" \"SETNAME\" \"x\"\r\n"
	for _, words := range []string{`"SELECT" "5"`, `"MULTI"`, `"SET" "k" "\"\\\n\r\t\a\b\x00\xff~"`, `"EXEC"`, `"AUTH" "(redacted)"`,
		`"auth" "(redacted)" "(redacted)"`, `"HELLO" "2" "AUTH" "(redacted)" "(redacted)" "SETNAME" "me"`, `"PING"`} {
		want += "+TIME [5 127.0.0.1:50000] " + words + "\r\n"
	}
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	m.expect("RESET", "+RESET")
	a.expect("GET k", "$10 \"\\\n\r\t\a\b\x00\xff~")
	if got := m.inbox(); got != "" || srv.alert.Load() != 0 {
		t.Errorf("after RESET: %q", got)
	}
}

func TestMonitorOfUnixSocket(t *testing.T) {
	srv := newTestServer(t)
	m := connect(t, srv)
	m.do("MONITOR")
	u := connect(t, srv)
	u.Addr, u.LAddr, u.unix = "/run/redis.sock:0", "/run/redis.sock:0", isUnix("/run/redis.sock:0")
	u.do("PING")
	if got := m.inbox(); !strings.HasSuffix(got, "[0 unix:/run/redis.sock] \"PING\"\r\n") {
		t.Errorf("got %q", got)
	}
	if got := u.do("CLIENT INFO"); !strings.Contains(got, "flags=U ") {
		t.Errorf("got %q", got)
	}
}

func TestSlowMonitorIsClosed(t *testing.T) {
	srv := newTestServer(t, "client-output-buffer-limit replica 100000 0 0")
	m, a := connect(t, srv), connect(t, srv)
	m.do("MONITOR")
	for range 100 {
		a.expect("SET k "+strings.Repeat("x", 10000), "+OK")
	}
	if !m.Killed() || len(m.inbox()) != 0 || srv.total.outputLimit.Load() != 1 {
		t.Errorf("killed %v, %d closed", m.Killed(), srv.total.outputLimit.Load())
	}
}

func TestSlowMonitorIsClosedAtSoftLimit(t *testing.T) {
	srv := newTestServer(t, "client-output-buffer-limit replica 0 1000 500")
	m, a := connect(t, srv), connect(t, srv)
	m.do("MONITOR")
	for range 100 {
		a.do("PING")
	}
	if m.Killed() || m.softSince == 0 {
		t.Fatalf("above the soft limit: killed %v, since %d", m.Killed(), m.softSince)
	}
	m.softSince -= 501_000
	if a.do("PING"); !m.Killed() {
		t.Error("not killed after 500 s")
	}
}

// What waits may be as long as the limits say; the next byte is too much.
func TestInboxLimitsAreInclusive(t *testing.T) {
	srv := newTestServer(t)
	for _, test := range []struct {
		limit             config.OutputBufLimit
		at, above, behind bool // whether it stays with as much as the limit, a byte more, and after the time of the soft limit
	}{
		{config.OutputBufLimit{Soft: 100, SoftSeconds: 500}, true, true, false},
		{config.OutputBufLimit{Hard: 100}, true, false, false},
		{config.OutputBufLimit{Hard: 1000, Soft: 101, SoftSeconds: 500}, true, true, true},
		{config.OutputBufLimit{}, true, true, true},
	} {
		c := connect(t, srv)
		at := c.fill(make([]byte, 100), test.limit)
		c.mu.Lock()
		since := c.softSince
		c.mu.Unlock()
		if since != 0 {
			t.Errorf("%+v: at the limit the time of the soft limit runs", test.limit)
		}
		above := c.fill(make([]byte, 1), test.limit)
		stays := above
		if above {
			if c.softSince != 0 {
				c.softSince -= 501_000
			}
			stays = c.fill(nil, test.limit)
		}
		if at != test.at || above != test.above || stays != test.behind {
			t.Errorf("%+v: stays at the limit %v, above %v, later %v", test.limit, at, above, stays)
		}
	}
}

func TestTakeInboxUnderWay(t *testing.T) {
	srv := newTestServer(t)
	m := connect(t, srv)
	m.do("MONITOR")
	done := make(chan struct{})
	go func() {
		defer close(done)
		parallel(3, func(i int) {
			c := open(t, srv)
			defer c.Close()
			for n := range 500 {
				c.do("ECHO " + strconv.Itoa(i) + "-" + strconv.Itoa(n))
			}
		})
	}()
	var all []byte
	for lines := 0; lines < 1500; lines = strings.Count(string(all), "\r\n") {
		await.Receive(t, "the monitor is woken", m.woken)
		all = append(all, m.inbox()...)
	}
	<-done
	for i := range 3 {
		for n := range 500 {
			if !strings.Contains(string(all), fmt.Sprintf(`"%d-%d"`, i, n)) {
				t.Fatalf("line %d-%d is missing", i, n)
			}
		}
	}
}

// TestPauseKeepsExpired: while writes are paused, expired keys are not seen, but neither removed
// nor counted.
func TestPauseKeepsExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newTestServer(t)
		c := connect(t, srv)
		expired := func() uint64 {
			stats := srv.Store.Stats()
			return stats.Expired
		}
		for _, mode := range []string{"WRITE", "ALL"} {
			before := expired()
			c.expect("SET k v PX 10", "+OK", "SET other v PX 10", "+OK",
				"HSET h f v", ":1", "PEXPIRE h 10", ":1", "CLIENT PAUSE 5000 "+mode, "+OK")
			time.Sleep(4 * time.Second) // many rounds of the background
			if mode == "WRITE" {
				c.expect("GET k", "$-1", "EXISTS k", ":0", "RANDOMKEY", "$-1",
					"HGETALL h", "*0", "OBJECT ENCODING h", "$-1", "DBSIZE", ":3",
					"MULTI", "+OK", "GET k", "+QUEUED", "EXEC", "*1 $-1", "DBSIZE", ":3")
			}
			if n := expired() - before; n != 0 {
				t.Errorf("%d keys expired during CLIENT PAUSE %s", n, mode)
			}
			c.expect("SET k w", "+OK", "GET k", "$1 w") // when the pause has ended
			time.Sleep(4 * time.Second)
			if n := expired() - before; n != 3 {
				t.Errorf("%d keys expired after CLIENT PAUSE %s, want 3", n, mode)
			}
			c.expect("DBSIZE", ":1", "DEL k", ":1")
			if err := srv.Store.Check(); err != nil {
				t.Error(err)
			}
		}
	})
}
