package config

import (
	"bufio"
	"crypto/tls"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tidwall/redcon"

	"github.com/redistill/redistill/test/await"
	"github.com/redistill/redistill/tools/client"
)

const (
	percentileList  = "latency-tracking-info-percentiles"
	percentileRange = percentileList + " parameters should sit between [0.0,100.0]"
)

// setCases are CONFIG SET calls with the reply of redis-server 7.0.15.
var setCases = []struct {
	args  []string
	reply string // "OK", or the error without ERR
}{
	{[]string{"nope", "1"}, "Unknown option or number of arguments for CONFIG SET - 'nope'"},
	{[]string{"maxmemory", "1", "nOpe", "2"}, "Unknown option or number of arguments for CONFIG SET - 'nOpe'"},
	{[]string{"nope", "2", "databases", "8"}, "Unknown option or number of arguments for CONFIG SET - 'nope'"},
	{[]string{"Databases", "8"}, failed("Databases", "can't set immutable config")},
	{[]string{"databases", "8"}, failed("databases", "can't set immutable config")},
	{[]string{"databases", "8", "nope", "1"}, failed("databases", "can't set immutable config")},
	{[]string{"databases", "8", "maxmemory", "abc"}, failed("databases", "can't set immutable config")},
	{[]string{"enable-debug-command", "yes"}, failed("enable-debug-command", "can't set immutable config")},
	{[]string{"enable-debug-command", "x"}, failed("enable-debug-command", "can't set immutable config")},
	{[]string{"maxmemory", "1", "maxmemory", "2"}, failed("maxmemory", "duplicate parameter")},
	{[]string{"maxmemory", "abc"}, failed("maxmemory", "argument must be a memory value")},
	{[]string{"MaxMemory", "80%"}, failed("maxmemory", "argument must be a memory value")},
	{[]string{"maxmemory", "-1"}, failed("maxmemory", "argument must be a memory value")},
	{[]string{"maxmemory", "1.5gb"}, failed("maxmemory", "argument must be a memory value")},
	{[]string{"maxmemory", "1kib"}, failed("maxmemory", "argument must be a memory value")},
	{[]string{"maxmemory", "100mb"}, "OK"},
	{[]string{"maxmemory", "1K"}, "OK"},
	{[]string{"maxmemory", "0"}, "OK"},
	{[]string{"maxmemory", ""}, "OK"},
	{[]string{"maxmemory-clients", "x"}, failed("maxmemory-clients", "argument must be a memory or percent value")},
	{[]string{"maxmemory-clients", "100mb"}, "OK"},
	{[]string{"maxmemory-clients", "10%"}, "OK"},
	{[]string{"maxmemory-clients", "0%"}, "OK"},
	{[]string{"maxmemory-clients", "101%"}, failed("maxmemory-clients", "percentage argument must be less or equal to 100")},
	{[]string{"maxmemory-clients", "-1%"}, failed("maxmemory-clients", "argument must be a memory or percent value")},
	{[]string{"maxmemory-clients", "1.5%"}, failed("maxmemory-clients", "argument must be a memory or percent value")},
	{[]string{"maxmemory-clients", "05%"}, failed("maxmemory-clients", "argument must be a memory or percent value")},
	{[]string{"maxmemory-clients", ""}, "OK"},
	{[]string{"maxmemory-clients", "%"}, failed("maxmemory-clients", "argument must be a memory or percent value")},
	{[]string{"maxmemory-policy", "ALLKEYS-LRU"}, "OK"},
	{[]string{"maxclients", "abc"}, failed("maxclients", "argument couldn't be parsed into an integer")},
	{[]string{"timeout", "-1"}, failed("timeout", "argument must be between 0 and 2147483647 inclusive")},
	{[]string{"timeout", "5x"}, failed("timeout", "argument couldn't be parsed into an integer")},
	{[]string{"timeout", "5m"}, failed("timeout", "argument couldn't be parsed into an integer")},
	{[]string{"timeout", ""}, failed("timeout", "argument couldn't be parsed into an integer")},
	{[]string{"timeout", "+5"}, failed("timeout", "argument couldn't be parsed into an integer")},
	{[]string{"timeout", "05"}, failed("timeout", "argument couldn't be parsed into an integer")},
	{[]string{"timeout", "-0"}, failed("timeout", "argument couldn't be parsed into an integer")},
	{[]string{"timeout", "99999999999999999999"}, failed("timeout", "argument couldn't be parsed into an integer")},
	{[]string{"timeout", "4", "maxmemory", "abc"}, failed("maxmemory", "argument must be a memory value")},
	{[]string{"tcp-keepalive", "-1"}, failed("tcp-keepalive", "argument must be between 0 and 2147483647 inclusive")},
	{[]string{"tcp-keepalive", "99999999999"}, failed("tcp-keepalive", "argument must be between 0 and 2147483647 inclusive")},
	{[]string{"proto-max-bulk-len", "1"}, failed("proto-max-bulk-len", "argument must be between 1048576 and 9223372036854775807 inclusive")},
	{[]string{"proto-max-bulk-len", "100mb"}, "OK"},
	{[]string{"client-query-buffer-limit", "1k"}, failed("client-query-buffer-limit", "argument must be between 1048576 and 9223372036854775807 inclusive")},
	{[]string{"slowlog-log-slower-than", "abc"}, failed("slowlog-log-slower-than", "argument couldn't be parsed into an integer")},
	{[]string{"slowlog-log-slower-than", "-5"}, failed("slowlog-log-slower-than", "argument must be between -1 and 9223372036854775807 inclusive")},
	{[]string{"slowlog-log-slower-than", "-1"}, "OK"},
	{[]string{"slowlog-max-len", "-1"}, failed("slowlog-max-len", "argument must be between 0 and 9223372036854775807 inclusive")},
	{[]string{"latency-tracking", "1"}, failed("latency-tracking", "argument must be 'yes' or 'no'")},
	{[]string{"latency-tracking", "YES"}, "OK"},
	{[]string{"loglevel", "foo"}, failed("loglevel", "argument(s) must be one of the following: debug, verbose, notice, warning")},
	{[]string{"loglevel", "Notice"}, "OK"},
	{[]string{"client-output-buffer-limit", "foo"}, failed("client-output-buffer-limit", "Wrong number of arguments in buffer limit configuration.")},
	{[]string{"client-output-buffer-limit", "foo 1 2 3"}, failed("client-output-buffer-limit", "Invalid client class specified in buffer limit configuration.")},
	{[]string{"client-output-buffer-limit", "normal 1mb 2 x"}, failed("client-output-buffer-limit", "Error in hard, soft or soft_seconds setting in buffer limit configuration.")},
	{[]string{"client-output-buffer-limit", "normal 1mb 2 3 nope 1 2 3"}, failed("client-output-buffer-limit", "Invalid client class specified in buffer limit configuration.")},
	{[]string{"client-output-buffer-limit", ""}, "OK"},
	{[]string{"client-output-buffer-limit", "normal -1 0 0"}, failed("client-output-buffer-limit", "Error in hard, soft or soft_seconds setting in buffer limit configuration.")},
	{[]string{"client-output-buffer-limit", "replica 1mb 2 3 pubsub 1 1 1"}, "OK"},
	{[]string{"appendonly", "NO"}, "OK"},
	{[]string{"shutdown-on-sigterm", "Save nosave"}, failed("shutdown-on-sigterm", "shutdown options SAVE and NOSAVE can't be used simultaneously")},
	{[]string{"shutdown-on-sigterm", "force default SAVE now"}, "OK"},
	{[]string{"shutdown-on-sigint", "nosave force"}, "OK"},
	{[]string{"shutdown-on-sigint", "default"}, "OK"},
	{[]string{"shutdown-on-sigint", ""}, failed("shutdown-on-sigint", "argument(s) must be one of the following: default, save, nosave, now, force")},
	{[]string{"shutdown-on-sigint", "now  force"}, failed("shutdown-on-sigint", "argument(s) must be one of the following: default, save, nosave, now, force")},
	{[]string{"hash-max-ziplist-value", "64", "notify-keyspace-events", ""}, "OK"},
	{[]string{percentileList, "50 x"}, failed(percentileList, "Invalid "+percentileList+" parameters")},
	{[]string{percentileList, "50  99"}, failed(percentileList, "Invalid "+percentileList+" parameters")},
	{[]string{percentileList, "nan"}, failed(percentileList, "Invalid "+percentileList+" parameters")},
	{[]string{percentileList, "50 100.1 x"}, failed(percentileList, percentileRange)},
	{[]string{percentileList, "-1"}, failed(percentileList, percentileRange)},
	{[]string{percentileList, ""}, "OK"},
	{[]string{percentileList, "0 50.50 99.9999999 100"}, "OK"},
	{[]string{"oom-score-adj", "x"}, failed("oom-score-adj", "argument(s) must be one of the following: no, yes, relative, absolute")},
	{[]string{"oom-score-adj", "NO"}, "OK"},
	{[]string{"oom-score-adj-values", "1 2"}, failed("oom-score-adj-values", "wrong number of arguments")},
	{[]string{"oom-score-adj-values", "1 2 2001"}, failed("oom-score-adj-values", string(errRedisOOMScore))},
	{[]string{"oom-score-adj-values", "1 2 x"}, failed("oom-score-adj-values", string(errRedisOOMScore))},
	{[]string{"oom-score-adj-values", "-1 2000 +7"}, "OK"},
	{[]string{"tls-ciphers", "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256"}, "OK"},
	{[]string{"tls-protocols", "TLSv1.2"}, "OK"},
	{[]string{"tls-protocols", ""}, "OK"},
	{[]string{"requirepass", "a", "REQUIREPASS", "b"}, failed("REQUIREPASS", "duplicate parameter")},
}

// getCases are names whose values must be Redis's after setCases.
var getCases = []string{
	"maxmemory", "maxmemory-policy", "timeout", "tcp-keepalive", "maxmemory-samples", "lfu-log-factor", "lfu-decay-time",
	"proto-max-bulk-len", "client-query-buffer-limit", "slowlog-log-slower-than", "slowlog-max-len",
	"set-max-intset-entries", "hash-max-listpack-value", "hash-max-listpack-entries", "hash-max-ziplist-entries", "latency-tracking", "loglevel", "client-output-buffer-limit",
	"databases", "save", "shutdown-on-sigterm", "shutdown-on-sigint", "appendonly", "aclfile", "activedefrag", "cluster-enabled", "daemonize",
	"latency-monitor-threshold", "lazyfree-lazy-user-flush", "logfile", "maxmemory-clients", "min-slaves-to-write",
	"notify-keyspace-events", "unixsocketperm", "replica-read-only", "slaveof", "tls-port",
	percentileList, "oom-score-adj", "oom-score-adj-values", "tls-ciphers", "tls-protocols", "tls-ciphersuites",
}

// newerThanOracle are names that redis-server 7.0 does not know.
var newerThanOracle = map[string]bool{"set-max-listpack-entries": true, "set-max-listpack-value": true}

// TestOnlyValue: what is fixed here, and Redis can change, may be set to what it is. The rest is as
// immutable as in Redis.
func TestOnlyValue(t *testing.T) {
	c, redis := mustLoad(t), startRedis(t)
	for i := range settings {
		s := &settings[i]
		if s.Key != "" {
			continue
		}
		for _, name := range s.Redis {
			value := s.getRedis(c.Values())
			got, theirs := setReply(c, []string{name, value}), redis.do("CONFIG", "SET", name, value)
			want := strings.TrimPrefix(theirs[0], "ERR ")
			if newerThanOracle[name] {
				want = "OK"
			}
			if name != "dir" && name != "dbfilename" && got != want {
				t.Errorf("CONFIG SET %s %q: got %s, Redis says %s", name, value, got, want)
			}
			got = setReply(c, []string{name, "x" + value})
			if !strings.HasPrefix(got, failed(name, "")) {
				t.Errorf("CONFIG SET %s to something else: got %s", name, got)
			}
		}
	}
}

func failed(name, reason string) string {
	return "CONFIG SET failed (possibly related to argument '" + name + "') - " + reason
}

func TestSetReplies(t *testing.T) {
	c := mustLoad(t)
	for _, test := range setCases {
		if got := setReply(c, test.args); got != test.reply {
			t.Errorf("CONFIG SET %q:\n got %s\nwant %s", test.args, got, test.reply)
		}
	}
}

func setReply(c *Config, args []string) string {
	var pairs []Pair
	for i := 0; i < len(args); i += 2 {
		pairs = append(pairs, Pair{args[i], args[i+1]})
	}
	if err := c.Set(pairs...); err != nil {
		return err.Error()
	}
	return "OK"
}

// TestRedisAgrees sends the same cases to a real server: the replies above are
// Redis's, and so are the values afterwards.
func TestRedisAgrees(t *testing.T) {
	redis := startRedis(t)
	c := mustLoad(t)
	for _, test := range setCases {
		setReply(c, test.args)
		got := redis.do(append([]string{"CONFIG", "SET"}, test.args...)...)
		if len(got) != 1 || strings.TrimPrefix(got[0], "ERR ") != test.reply {
			t.Errorf("Redis: CONFIG SET %q:\n got %s\nwant %s", test.args, got, test.reply)
		}
	}
	for _, name := range getCases {
		want := redis.do("CONFIG", "GET", name)
		got := c.Get(name)
		if len(got) != 1 || len(want) != 2 || got[0].Value != want[1] {
			t.Errorf("CONFIG GET %s = %q, Redis says %q", name, got, want)
		}
	}
}

// redisConn is a connection to a redis-server for one test.
type redisConn struct {
	t    *testing.T
	conn *client.Conn
}

func startRedis(t *testing.T) *redisConn {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("redis-server is not installed, and CI needs it")
		}
		t.Skip("skipped, because redis-server is not installed")
	}
	dir := t.TempDir()
	socket := filepath.Join(dir, "s")
	// It prints on stdout when it listens, and closes the pipe when it ends.
	server := exec.Command(path, "--port", "0", "--unixsocket", socket, "--save", "", "--dir", dir)
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Process.Kill(); _ = server.Wait() })
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.Contains(lines.Text(), "ready to accept connections") && !strings.Contains(lines.Text(), "now ready") {
	}
	conn, err := client.Dial(t.Context(), client.Target{Network: "unix", Address: socket}, client.Options{Timeout: await.Limit})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	go func() { // keeps the server from blocking on a full pipe
		for lines.Scan() {
		}
	}()
	return &redisConn{t, conn}
}

// do returns the reply's strings: one for a status or an error, or the array's.
func (r *redisConn) do(args ...string) []string {
	r.t.Helper()
	var list []string
	r.conn.Add(args...)
	err := r.conn.Send(func(reply redcon.RESP) error {
		if reply.Type != redcon.Array {
			list = []string{reply.String()}
			return nil
		}
		reply.ForEach(func(element redcon.RESP) bool {
			list = append(list, element.String())
			return true
		})
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return list
}

// TestPolicyErrorNamesOurs: Redis does not know two of the policies, so its message is not ours.
func TestPolicyErrorNamesOurs(t *testing.T) {
	cfg, err := Load(testMemory, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := failed("maxmemory-policy", "argument(s) must be one of the following: volatile-lru, volatile-lfu, volatile-random, "+
		"volatile-ttl, allkeys-lru, allkeys-lfu, allkeys-random, noeviction, allkeys-s3fifo, allkeys-density")
	if err := cfg.Set(Pair{"maxmemory-policy", "foo"}); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestOnlyWhatGoCanHonour: what Go's TLS cannot do is refused with an error that says so, in both
// dialects.
func TestOnlyWhatGoCanHonour(t *testing.T) {
	c := mustLoad(t)
	for _, test := range []struct{ name, value, part string }{
		{"tls-ciphers", "HIGH:!aNULL", "Go's TLS has neither others nor words such as HIGH"},
		{"security.tls_ciphers", "TLS_AES_128_GCM_SHA256", "Go's TLS"},
		{"tls-ciphersuites", "TLS_AES_128_GCM_SHA256", "the only value here is '': Go's TLS"},
		{"tls-key-file-pass", "secret", "decrypt it with 'openssl pkey'"},
		{"tls-prefer-server-ciphers", "no", "the only value here is 'yes': Go's TLS"},
	} {
		if got := setReply(c, []string{test.name, test.value}); !strings.Contains(got, test.part) {
			t.Errorf("CONFIG SET %s %s: %s", test.name, test.value, got)
		}
	}
	if c.Values().CipherSuites() != nil {
		t.Error("cipher suites are chosen that nobody asked for")
	}
	if got := setReply(c, []string{"tls-ciphers", "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-SHA"}); got != "OK" {
		t.Fatal(got)
	}
	want := []uint16{tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA}
	if got := c.Values().CipherSuites(); !slices.Equal(got, want) {
		t.Errorf("cipher suites are %x, want %x", got, want)
	}
}
