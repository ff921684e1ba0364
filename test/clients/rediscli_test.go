package clients_test

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/redistill/redistill/test/servertest"
)

// redisCLI runs redis-cli on the database of this file and returns its stdout.
// redis-cli reports a failing command on stdout, so stderr has to stay empty.
func redisCLI(t *testing.T, e endpoint, stdin string, args ...string) string {
	t.Helper()
	base := []string{"-h", e.host, "-p", e.port, "-n", strconv.Itoa(dbRedisCLI)}
	if e.ca != "" {
		base = append(base, "--tls", "--cacert", e.ca)
	}
	if e.cert != "" {
		base = append(base, "--cert", e.cert, "--key", e.key)
	}
	cmd := tool(t, servertest.Tool(t, "redis-cli"), append(base, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = environ()
	if e.password != "" {
		cmd.Env = append(cmd.Env, "REDISCLI_AUTH="+e.password)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Errorf("%v: %v\n%s%s", cmd.Args, err, out, &stderr)
	}
	return string(out)
}

func requireOutput(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("redis-cli printed\n%s\nwant\n%s", got, want)
	}
}

// cliSession is what a person types, and cliReplies what redis-cli shows for
// it with RESP2; %MAP% is the reply whose look depends on the protocol.
const cliSession = `SET greeting "hello world"
GET greeting
GET nothing
HSET h a 1 b "\x00\xff"
HGETALL h
GET h
INCRBY n 42
MULTI
INCR n
INCR h
HGET h a
EXEC
TTL greeting
EXPIRE greeting 100
MGET greeting nothing n
NOSUCH a
INCR
SELECT 15
EXISTS greeting
`

const cliReplies = `OK
"hello world"
(nil)
(integer) 2
%MAP%
(error) WRONGTYPE Operation against a key holding the wrong kind of value
(integer) 42
OK
QUEUED
QUEUED
QUEUED
1) (integer) 43
2) (error) WRONGTYPE Operation against a key holding the wrong kind of value
3) "1"
(integer) -1
(integer) 1
1) "hello world"
2) (nil)
3) "43"
(error) ERR unknown command 'NOSUCH', with args beginning with: 'a' 
(error) ERR wrong number of arguments for 'incr' command
OK
(integer) 0
`

func TestRedisCLISession(t *testing.T) {
	for protocol, hgetall := range map[string]string{
		"-2": "1) \"a\"\n2) \"1\"\n3) \"b\"\n4) \"\\x00\\xff\"",
		"-3": "1# \"a\" => \"1\"\n2# \"b\" => \"\\x00\\xff\"",
	} {
		t.Run(protocol, func(t *testing.T) {
			emptyDB(t, target, dbRedisCLI)
			emptyDB(t, target, otherDB)
			got := redisCLI(t, target, cliSession, protocol, "--no-raw")
			requireOutput(t, got, strings.Replace(cliReplies, "%MAP%", hgetall, 1))
		})
	}
}

func TestRedisCLIOutputFormats(t *testing.T) {
	emptyDB(t, target, dbRedisCLI)
	requireOutput(t, redisCLI(t, target, "", "HSET", "h", "a", "1", "b", "2"), "2\n")
	requireOutput(t, redisCLI(t, target, "", "--csv", "HGETALL", "h"), "\"a\",\"1\",\"b\",\"2\"\n")
	requireOutput(t, redisCLI(t, target, "", "-3", "--json", "HGETALL", "h"), "{\"a\":\"1\",\"b\":\"2\"}\n")
	requireOutput(t, redisCLI(t, target, "from\nstdin\x00", "-x", "SET", "k"), "OK\n")
	requireOutput(t, redisCLI(t, target, "", "GET", "k"), "from\nstdin\x00\n")
	requireOutput(t, redisCLI(t, target, "", "-r", "3", "INCR", "n"), "1\n2\n3\n")
	if got := redisCLI(t, target, "", "INFO", "server"); !strings.Contains(got, "redis_version:7.") {
		t.Errorf("INFO server is %q", got)
	}
	if got := redisCLI(t, target, "", "INFO"); !strings.Contains(got, "db5:keys=3,") {
		t.Errorf("INFO has no keyspace line for database 5 with 3 keys:\n%s", got)
	}
}

// TestRedisCLIKeyspace loads keys with --pipe and looks at them with the modes
// that walk the whole keyspace.
func TestRedisCLIKeyspace(t *testing.T) {
	emptyDB(t, target, dbRedisCLI)
	var protocol strings.Builder
	var want []string
	for i := range 3000 {
		key := "key:" + strconv.Itoa(10000+i)
		want = append(want, key)
		protocol.WriteString("*3\r\n$3\r\nSET\r\n$9\r\n" + key + "\r\n$1\r\nx\r\n")
	}
	loaded := redisCLI(t, target, protocol.String(), "--pipe")
	if !strings.Contains(loaded, "errors: 0, replies: 3000") {
		t.Errorf("--pipe printed\n%s", loaded)
	}
	redisCLI(t, target, "", "SET", "big:string", strings.Repeat("x", 5000))
	redisCLI(t, target, "", "HSET", "big:hash", "a", "1", "b", "2", "c", "3")

	got := strings.Fields(redisCLI(t, target, "", "--scan", "--pattern", "key:*"))
	slices.Sort(got)
	if got = slices.Compact(got); !slices.Equal(got, want) {
		t.Errorf("--scan found %d keys, want %d", len(got), len(want))
	}
	for mode, lines := range map[string][]string{
		"--bigkeys": {
			"Sampled 3002 keys in the keyspace!",
			`Biggest string found '"big:string"' has 5000 bytes`,
			`Biggest   hash found '"big:hash"' has 3 fields`,
		},
		"--memkeys": {
			"Sampled 3002 keys in the keyspace!",
			`Biggest string found '"big:string"' has `,
			`Biggest   hash found '"big:hash"' has `,
		},
	} {
		report := redisCLI(t, target, "", mode)
		for _, line := range lines {
			if !strings.Contains(report, line) {
				t.Errorf("%s printed no %q:\n%s", mode, line, report)
			}
		}
	}
}

func TestRedisCLIWithPassword(t *testing.T) {
	e := passwordServer(t)
	emptyDB(t, e, dbRedisCLI)
	requireOutput(t, redisCLI(t, e, "SET k v\nGET k\n"), "OK\nv\n")
	requireOutput(t, redisCLI(t, e, "GET k\n", "-3"), "v\n")
}
