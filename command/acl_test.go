package command

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redistill/redistill/internal/config"
)

// TestRulesHoldAtOnce changes rules in the middle of a batch, when the session has no other occasion to see it.
func TestRulesHoldAtOnce(t *testing.T) {
	srv := newTestServer(t)
	admin, c := connect(t, srv), connect(t, srv)
	admin.expect("ACL SETUSER a on nopass ~* +@all", "+OK")
	c.expect("AUTH a x", "+OK", "SET k 1", "+OK")
	exec := func(words ...string) string {
		var args [][]byte
		for _, w := range words {
			args = append(args, []byte(w))
		}
		c.Out.B = c.Out.B[:0]
		c.Exec(&Request{Args: args})
		return string(c.Out.B)
	}
	c.BeginBatch(time.Now().UnixMilli())
	defer c.EndBatch()
	admin.expect("ACL SETUSER a -set", "+OK")
	if got := exec("SET", "k", "2"); !strings.HasPrefix(got, "-NOPERM User a has no permissions to run the 'set'") {
		t.Errorf("got %q", got)
	}
	admin.expect("ACL SETUSER a +@all ~*", "+OK")
	if got := exec("SET", "k", "2") + exec("MULTI") + exec("SET", "k", "3"); got != "+OK\r\n+OK\r\n+QUEUED\r\n" {
		t.Errorf("got %q", got)
	}
	// EXEC itself is refused with the locks of the transaction held.
	admin.expect("ACL SETUSER a -exec", "+OK")
	const aborted = "-EXECABORT Transaction discarded because of: NOPERM User a has no permissions to run the 'exec' command\r\n"
	if got := exec("EXEC"); got != aborted {
		t.Errorf("got %q", got)
	}
	admin.expect("GET k", "$1 2", "ACL SETUSER a +@all", "+OK")
	if got := exec("MULTI") + exec("ACL", "SETUSER", "a", "-get") + exec("GET", "k") + exec("EXEC"); !strings.Contains(got, "*2\r\n+OK\r\n-NOPERM ACLs rules changed") {
		t.Errorf("rules that the transaction itself changes do not hold in it: %q", got)
	}
}

// TestNoCommandByOldRules lets clients write while what they may do changes: when ACL SETUSER has answered, no write follows.
func TestNoCommandByOldRules(t *testing.T) {
	srv := newTestServer(t)
	admin := connect(t, srv)
	admin.expect("ACL SETUSER a on nopass ~* +@all", "+OK")
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		parallel(3, func(i int) {
			c := open(t, srv)
			defer c.Close()
			c.do("AUTH a x")
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
					c.do("INCR k" + strconv.Itoa(n%4))
				}
			}
		})
	}()
	for round := range 300 {
		rule, back := "-incr", "+incr"
		if round%2 == 0 {
			rule, back = "resetkeys", "allkeys"
		}
		admin.do("ACL SETUSER a " + rule)
		before := admin.do("MGET k0 k1 k2 k3")
		if after := admin.do("MGET k0 k1 k2 k3"); after != before {
			t.Fatalf("after %s: %q became %q", rule, before, after)
		}
		admin.do("ACL SETUSER a " + back)
	}
	close(stop)
	<-done
}

// TestLoginWhileTheUserGoes: whoever logs in when the user is deleted is not left with it.
func TestLoginWhileTheUserGoes(t *testing.T) {
	srv := newTestServer(t)
	for range 200 {
		admin := open(t, srv)
		admin.do("ACL SETUSER a on nopass +@all ~*")
		c := open(t, srv)
		parallel(2, func(i int) {
			if i == 0 {
				admin.do("ACL DELUSER a")
			} else {
				c.do("AUTH a x")
			}
		})
		if name := c.user.Load().Name(); name == "a" && !c.Killed() {
			t.Fatal("a client is logged in as a user that was deleted")
		}
		c.Close()
		admin.Close()
	}
}

// TestSecretsStaySecret looks for passwords where others could see them.
func TestSecretsStaySecret(t *testing.T) {
	var log bytes.Buffer
	srv := newLoggingServer(t, &log, "slowlog-log-slower-than 0")
	admin, spy, c := connect(t, srv), connect(t, srv), connect(t, srv)
	spy.expect("MONITOR", "+OK")
	for _, command := range []string{
		"ACL SETUSER a on >hush +@all ~*", "ACL SETUSER a >hush <hush >hush #0000", "ACL SETUSER b (hush", "CONFIG SET requirepass hush",
		"CONFIG SET security.password hush", "AUTH default hush",
	} {
		admin.do(command)
	}
	for _, command := range []string{
		"AUTH hush", "AUTH a hush", "AUTH a hushhush", "AUTH hushhush", "HELLO 3 AUTH a hush", "HELLO 2 AUTH a hush SETNAME x", "HELLO 2 SETNAME x AUTH a hushhush",
	} {
		c.do(command)
	}
	for where, text := range map[string]string{
		"MONITOR": spy.inbox(), "SLOWLOG": admin.do("SLOWLOG GET 100"), "INFO": admin.do("INFO everything"), "the log": log.String(),
		"CLIENT LIST": admin.do("CLIENT LIST"), "ACL LOG": admin.do("ACL LOG"), "ACL LIST": admin.do("ACL LIST"),
	} {
		if strings.Contains(text, "hush") {
			t.Errorf("%s shows a password: %s", where, text)
		}
	}
	if !strings.Contains(log.String(), "user=a client=127.0.0.1:50000") {
		t.Errorf("the log does not tell of the failed login: %s", log.String())
	}
}

func TestDenialsAreCounted(t *testing.T) {
	c := connect(t, newTestServer(t))
	c.expect("ACL SETUSER a on >x ~a +get +info +config|resetstat", "+OK", "AUTH a y", "-"+string(errWrongPass), "AUTH a x", "+OK")
	c.do("GET b")
	c.do("INCR a")
	c.do("SET a 1")
	const want = "acl_access_denied_auth:1\r\nacl_access_denied_cmd:2\r\nacl_access_denied_key:1\r\nacl_access_denied_channel:0\r\n"
	if got := c.do("INFO stats"); !strings.Contains(got, want) {
		t.Errorf("got %s", got)
	}
	c.do("CONFIG RESETSTAT")
	if got := c.do("INFO stats"); !strings.Contains(got, "acl_access_denied_cmd:0\r\n") {
		t.Errorf("after CONFIG RESETSTAT: %s", got)
	}
}

func TestProtectedMode(t *testing.T) {
	for _, test := range []struct {
		settings []string
		addr     string
		refused  bool
	}{
		{nil, "192.0.2.1:5000", true},
		{nil, "[2001:db8::1]:5000", true},
		{nil, "[fe80::1%eth0]:5000", true},
		{nil, "127.0.0.1:5000", false},
		{nil, "127.8.8.8:5000", false},
		{nil, "[::1]:5000", false},
		{nil, "[::ffff:127.0.0.1]:5000", false},
		{nil, "/run/redistill.sock:0", false},
		{[]string{"protected-mode no"}, "192.0.2.1:5000", false},
		{[]string{"security.protected_mode false"}, "192.0.2.1:5000", false},
		{[]string{"requirepass x"}, "192.0.2.1:5000", false},
	} {
		srv := newTestServer(t, test.settings...)
		s, err := srv.NewSession(test.addr, "192.0.2.2:6379", 9, func() {})
		if (err == errProtected) != test.refused || err != nil && !test.refused {
			t.Errorf("%v, %s: got error %v", test.settings, test.addr, err)
		}
		if err == nil {
			s.Close()
		}
		if n := srv.total.rejected.Load(); (n == 1) != test.refused {
			t.Errorf("%v, %s: %d rejected", test.settings, test.addr, n)
		}
	}
}

// newFileServer returns a server whose file of users is path.
func newFileServer(t *testing.T, path string) *Server {
	t.Helper()
	srv := newTestServer(t)
	cfg, err := config.Load(config.Memory{Bytes: 1 << 30}, []config.Assignment{
		{Key: "security.acl_file", Text: path, Source: config.Source{Origin: config.FromFlag}},
	})
	if err != nil {
		t.Fatal(err)
	}
	srv.Config = cfg
	return srv
}

func TestACLFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.acl")
	srv := newFileServer(t, path)
	if err := srv.LoadUsers(); err == nil || !strings.HasPrefix(err.Error(), "Error loading ACLs, opening file '"+path+"': ") {
		t.Errorf("no file: got %v", err)
	}
	c, a := connect(t, srv), open(t, srv)
	c.expect("ACL SETUSER a on >x ~a:* (+get ~*)", "+OK", "ACL SAVE", "+OK")
	a.expect("AUTH a x", "+OK")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("a new file has mode %v, %v", info, err)
	}
	const digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
	want := "user a on sanitize-payload #" + digest + " ~a:* resetchannels -@all (~* resetchannels -@all +get)\n" +
		"user default on nopass sanitize-payload ~* &* +@all\n"
	if got, err := os.ReadFile(path); string(got) != want {
		t.Errorf("saved %s, %v", got, err)
	}

	if err := os.WriteFile(path, []byte("user b on\nuser c +nope\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	refusal := fmt.Sprintf("-ERR %s:2: Error in applying operation '+nope': Unknown command or category name in ACL. "+
		"WARNING: ACL errors detected, no change to the previously active ACL rules was performed", path)
	c.expect("ACL LOAD", refusal, "ACL USERS", "*2 $1 a $7 default")
	if a.Killed() {
		t.Error("a file that was refused disconnected a client")
	}

	if err := os.WriteFile(path, []byte("user a on >y ~b:*\nuser default on nopass +@all -flushall ~*\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	c.expect("ACL LOAD", "+OK", "FLUSHALL", "-NOPERM User default has no permissions to run the 'flushall' command", "ACL SAVE", "+OK")
	if !a.Killed() {
		t.Error("a client of the old user a is still connected")
	}
	a.Close()
	again := newFileServer(t, path)
	if err := again.LoadUsers(); err != nil {
		t.Fatal(err)
	}
	if got, want := connect(t, again).do("ACL LIST"), c.do("ACL LIST"); got != want {
		t.Errorf("after a restart: %s, want %s", got, want)
	}
}

// TestACLSaveThatFails leaves the file as it was, and nothing beside it.
func TestACLSaveThatFails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "users.acl")
	if err := os.MkdirAll(filepath.Join(path, "x"), 0o755); err != nil { // nothing can be renamed to it
		t.Fatal(err)
	}
	connect(t, newFileServer(t, path)).expect("ACL SAVE", "-"+string(errACLSave))
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// TestCategoriesHaveOneSource: ACL CAT tells what COMMAND INFO tells.
func TestCategoriesHaveOneSource(t *testing.T) {
	c := connect(t, newTestServer(t))
	for _, name := range categoryNames {
		got := c.do("ACL CAT " + name)
		for _, row := range c.srv.table.list {
			in := strings.Contains(c.do("COMMAND INFO "+row.fullName), "\r\n+@"+name+"\r\n")
			if row.Sub != nil {
				continue // COMMAND INFO of a container shows its subcommands' too
			}
			if listed := strings.Contains(got, "\r\n"+row.fullName+"\r\n"); listed != in {
				t.Errorf("%s in %s: ACL CAT says %v, COMMAND INFO %v", row.fullName, name, listed, in)
			}
		}
	}
}

// BenchmarkUser is GETs in pipelines of 16, by a user with the 20 rules of docs/performance.md and by the default user.
func BenchmarkUser(b *testing.B) {
	const rules = "on nopass +@read +@write +@connection +@transaction -@dangerous +config|get -flushall ~app:* ~session:* ~cart:* ~user:* " +
		"%R~shared:* %R~catalog:* %W~audit:* ~lock:* ~rate:* ~key:* &news:*"
	srv := newTestServer(b)
	admin := connect(b, srv)
	admin.expect("ACL SETUSER a "+rules, "+OK")
	for i := range 1000 {
		admin.do(fmt.Sprintf("SET key:%012d %0256d", i, i))
	}
	for name, login := range map[string]string{"default": "PING", "20 rules": "AUTH a x"} {
		b.Run(name, func(b *testing.B) {
			c := connect(b, srv)
			c.do(login)
			var requests []Request
			for i := range 16 {
				requests = append(requests, Request{Args: [][]byte{[]byte("GET"), fmt.Appendf(nil, "key:%012d", i*61)}})
			}
			now := time.Now().UnixMilli()
			for n := 0; n < b.N; n += len(requests) {
				c.BeginBatch(now)
				c.Prepare(requests)
				for i := range requests {
					c.Exec(&requests[i])
				}
				c.EndBatch()
				c.Out.B = c.Out.B[:0]
			}
		})
	}
}

// What users take is bounded by a share of the limit of memory.
func TestUsersHaveALimit(t *testing.T) {
	srv := newTestServer(t, "maxmemory 128mb")
	c := connect(t, srv)
	c.expect("ACL SETUSER small ~"+strings.Repeat("x", 1<<20), "+OK",
		"ACL SETUSER large ~"+strings.Repeat("x", 2<<20), "-ERR All users together would have more rules than the limit of memory allows",
		"ACL USERS", "*2 $7 default $5 small", "CONFIG SET maxmemory 1gb", "+OK",
		"ACL SETUSER large ~"+strings.Repeat("x", 2<<20), "+OK", "CONFIG SET maxmemory 0", "+OK",
		"ACL SETUSER larger ~"+strings.Repeat("x", 20<<20), "+OK")
}
