package command

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/redistill/redistill/internal/config"
)

// slowArgsOf returns the arguments of the newest entry of the slow log.
func slowArgsOf(t *testing.T, srv *Server) []string {
	t.Helper()
	srv.slowlog.mu.Lock()
	defer srv.slowlog.mu.Unlock()
	if len(srv.slowlog.entries) == 0 {
		t.Fatal("nothing in the slow log")
	}
	return srv.slowlog.entries[len(srv.slowlog.entries)-1].args
}

// The entries were read from redis-server 7.0.15.
func TestSlowlogArguments(t *testing.T) {
	srv := newTestServer(t, "slowlog-log-slower-than 0")
	var pairs, kept []string
	for i := range 40 {
		pairs = append(pairs, fmt.Sprintf("k%d", i), "v")
	}
	kept = append(append([]string{"mset"}, pairs[:30]...), "... (50 more arguments)")
	for _, test := range []struct {
		command string
		want    []string
	}{
		{"set foo " + strings.Repeat("x", 200), []string{"set", "foo", strings.Repeat("x", 128) + "... (72 more bytes)"}},
		{"set foo " + strings.Repeat("x", 128), []string{"set", "foo", strings.Repeat("x", 128)}},
		{"mset " + strings.Join(pairs, " "), kept},
		{"del" + strings.Repeat(" k", 31), append([]string{"del"}, slices.Repeat([]string{"k"}, 31)...)},
		{"mset " + strings.Join(pairs[:30], " "), append([]string{"mset"}, pairs[:30]...)},
		{"auth secret", []string{"auth", "(redacted)"}},
		{"AUTH default secret", []string{"AUTH", "(redacted)", "(redacted)"}},
		{"hello 3 setname bob AUTH a b", []string{"hello", "3", "setname", "bob", "AUTH", "(redacted)", "(redacted)"}},
		{"config set maxmemory 0 RequirePass secret", []string{"config", "set", "maxmemory", "0", "RequirePass", "(redacted)"}},
		{"config set requirepass secret maxmemory 0", []string{"config", "set", "requirepass", "(redacted)", "maxmemory", "0"}},
		{"config set security.password secret", []string{"config", "set", "security.password", "(redacted)"}},
		{"acl setuser bob on >secret ~*", []string{"acl", "setuser", "(redacted)", "(redacted)", "(redacted)", "(redacted)"}},
		{"config get requirepass", []string{"config", "get", "requirepass"}},
	} {
		connect(t, srv).do(test.command)
		got := slowArgsOf(t, srv)
		if strings.Join(got, "|") != strings.Join(test.want, "|") {
			t.Errorf("%.60s: kept %q, want %q", test.command, got, test.want)
		}
		if err := srv.Config.Set(config.Pair{Name: "requirepass"}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSlowlog(t *testing.T) {
	srv := newTestServer(t, "slowlog-log-slower-than 0", "slowlog-max-len 3")
	c := connect(t, srv)
	c.expect("CLIENT SETNAME bob", "+OK", "GET a", "$-1", "nope", "-ERR unknown command 'nope', with args beginning with: ", "GET", "-ERR wrong number of arguments for 'get' command")
	entries := regexp.MustCompile(`^\*2 \*6 :(\d+) :\d{10} :\d+ \*2 \$3 GET \$1 a \$15 127.0.0.1:50000 \$3 bob ` +
		`\*6 :(\d+) :\d{10} :\d+ \*3 \$6 CLIENT \$7 SETNAME \$3 bob \$15 127.0.0.1:50000 \$3 bob $`)
	reply := strings.ReplaceAll(c.do("SLOWLOG GET"), "\r\n", " ")
	if m := entries.FindStringSubmatch(reply); m == nil || m[1] != "1" || m[2] != "0" {
		t.Errorf("SLOWLOG GET: %q", reply)
	}
	c.expect("SLOWLOG LEN", ":3", "PING", "+PONG", "SLOWLOG LEN", ":3")
	newest := regexp.MustCompile(`^\*2 \*6 :5 :\d+ :\d+ \*2 \$7 SLOWLOG \$3 LEN .* \*6 :4 :\d+ :\d+ \*1 \$4 PING `)
	if reply := strings.ReplaceAll(c.do("SLOWLOG GET 2"), "\r\n", " "); !newest.MatchString(reply) {
		t.Errorf("SLOWLOG GET 2: %q", reply)
	}
	c.expect("CONFIG SET slowlog-max-len 1", "+OK", "SLOWLOG LEN", ":1", "CONFIG SET slowlog-log-slower-than -1", "+OK", "SLOWLOG RESET", "+OK",
		"PING", "+PONG", "SLOWLOG LEN", ":0", "CONFIG SET slowlog-log-slower-than 60000000", "+OK", "PING", "+PONG", "SLOWLOG LEN", ":0")
	c.expect("CONFIG SET slowlog-log-slower-than 0", "+OK", "CLIENT SETNAME "+strings.Repeat("x", 1<<20), "+OK")
	if n := len(c.do("SLOWLOG GET 1")); n > 2*slowMaxName {
		t.Errorf("SLOWLOG GET 1 has %d bytes after a name of a megabyte", n)
	}
}

// Inside a transaction the commands are kept, and EXEC is not.
func TestSlowlogOfTransaction(t *testing.T) {
	srv := newTestServer(t, "slowlog-log-slower-than 0")
	c := connect(t, srv)
	c.expect("MULTI", "+OK", "SET a 1", "+QUEUED", "EXEC", "*1 +OK")
	if got := strings.Join(slowArgsOf(t, srv), " "); got != "SET a 1" || srv.slowlog.len() != 2 {
		t.Errorf("newest of %d entries is %q", srv.slowlog.len(), got)
	}
	if n := srv.Observe().Slow; n != 2 {
		t.Errorf("%d slow commands are observed", n)
	}
}

func TestSlowlogTime(t *testing.T) {
	srv := newTestServer(t)
	srv.slowlog.add(connect(t, srv).Session, srv.table.find("get"), nil, 1_001_000_999)
	if got := srv.slowlog.entries[0].micros; got != 1_001_000 {
		t.Errorf("1.001000999 s are %d microseconds", got)
	}
}
