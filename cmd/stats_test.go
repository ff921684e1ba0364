package cmd

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redistill/redistill/internal/certs/certstest"
	"github.com/redistill/redistill/test/await"
	"github.com/redistill/redistill/tools/client"
	"github.com/redistill/redistill/tools/stats"
)

// connectTo waits until a server accepts commands.
func connectTo(t *testing.T, url string) *client.Conn {
	t.Helper()
	target, err := client.ParseTarget(url)
	if err != nil {
		t.Fatal(err)
	}
	var c *client.Conn
	await.True(t, "the server at "+url+" accepts commands", func() bool {
		c, err = stats.Connect(t.Context(), target, await.Limit)
		return err == nil
	})
	t.Cleanup(c.Close)
	return c
}

// servers are what the tests of stats run against.
var servers = []struct {
	name, title string
	start       func(t *testing.T, args ...string) (port string)
	password    func(word string) []string
}{
	{"redistill", "Redistill ", startOnPort, func(word string) []string { return []string{"--password", word} }},
	{"redis", "Redis 7", startRedis, func(word string) []string { return []string{"--requirepass", word} }},
}

// runStatsCommand runs 'redistill stats' with arguments and returns its outcome.
func runStatsCommand(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = Main(append([]string{"stats", "--timeout", await.Limit.String()}, args...), strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

func TestStats(t *testing.T) {
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			clearEnvironment(t)
			port := server.start(t)
			url := "redis://127.0.0.1:" + port
			c := connectTo(t, url)
			for _, words := range []string{"SET a b EX 100", "GET a", "GET a", "GET a", "GET missing", "HSET h f v"} {
				if _, err := c.Do(strings.Fields(words)...); err != nil {
					t.Fatal(err)
				}
			}
			checkStatsJSON(t, url, server.title)
			checkStatsTables(t, url, server.title)
			checkStatsCSV(t, url)
			checkStatsChecks(t, url)
			// The database is of no account, even where there is none of that number.
			if code, out, errs := runStatsCommand(url + "/99"); code != 0 || !strings.Contains(out, "at "+url) || strings.Contains(out, "/99") {
				t.Errorf("code %d: %s%s", code, out, errs)
			}
		})
	}
}

func checkStatsJSON(t *testing.T, url, title string) {
	t.Helper()
	code, out, errs := runStatsCommand(url, "--output", "json", "--interval", "10ms", "--check", "misses=1", "--check", "hit_rate>99%")
	var doc stats.Document
	if err := json.Unmarshal([]byte(out), &doc); err != nil || code != exitCheck {
		t.Fatalf("code %d, error %v: %s%s", code, err, out, errs)
	}
	if doc.Schema != stats.Schema || doc.Target != url || !strings.HasPrefix(doc.Server, title) || doc.Policy == "" {
		t.Errorf("%+v", doc)
	}
	if m := doc.Metrics; m["hit_rate"] != .75 || m["hits"] != 3 || m["misses"] != 1 || m["memory_used"] <= 0 || m["memory_limit"] <= m["memory_used"] || m["connections"] < 1 {
		t.Errorf("metrics: %v", m)
	}
	// The only commands in the interval were those of the sample itself: LATENCY
	// and INFO.
	if m := doc.IntervalMetrics; doc.IntervalSeconds < .01 || m["operations"] != 2 || m["hits"] != 0 {
		t.Errorf("over the interval: %v", m)
	}
	if _, ok := doc.IntervalMetrics["hit_rate"]; ok {
		t.Error("a hit rate without reads")
	}
	if len(doc.Checks) != 2 || doc.Checks[0].OK || doc.Checks[1].OK || doc.Checks[1].Actual != "-" {
		t.Errorf("checks: %+v", doc.Checks)
	}
	if len(doc.Keyspace) != 1 || doc.Keyspace[0].Keys != 2 || doc.Keyspace[0].Expires != 1 {
		t.Errorf("keyspace: %+v", doc.Keyspace)
	}
	if names := commandNames(doc.IntervalCommands); names != "info, latency|histogram" {
		t.Errorf("over the interval: %s", names)
	}
	for _, c := range doc.IntervalCommands {
		if c.Calls != 1 || c.Percentiles["p50"] < 1 || c.Percentiles["p50"] != c.Percentiles["p99.9"] {
			t.Errorf("over the interval: %+v", c)
		}
	}
	for _, c := range doc.Commands {
		if c.Name == "get" {
			if c.Calls != 4 || c.Percentiles["p50"] <= 0 || c.Percentiles["p99.9"] < c.Percentiles["p50"] {
				t.Errorf("get: %+v", c)
			}
			return
		}
	}
	t.Errorf("no GET among %+v", doc.Commands)
}

func commandNames(commands []stats.Command) string {
	var names []string
	for _, c := range commands {
		names = append(names, c.Name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func checkStatsTables(t *testing.T, url, title string) {
	t.Helper()
	code, out, errs := runStatsCommand(url, "--interval", "10ms")
	if code != 0 || errs != "" {
		t.Fatalf("code %d: %s", code, errs)
	}
	for _, want := range []string{title, "at " + url, "Traffic", "so far", "last ", "hit rate", "75.00%", "Memory", "left to the limit",
		"Evictions and expirations", "Connections", "Keyspace", "db0", "Most used commands, last ", "Slowest commands, last ", "p99.9", "latency|histogram"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if _, out, _ := runStatsCommand(url); !strings.Contains(out, "Most used commands, so far") || !strings.Contains(out, "hset") {
		t.Errorf("got\n%s", out)
	}
}

func checkStatsCSV(t *testing.T, url string) {
	t.Helper()
	code, out, errs := runStatsCommand(url, "--output", "csv")
	lines, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if code != 0 || err != nil || len(lines) != len(stats.Metrics())+1 {
		t.Fatalf("code %d, %v: %s%s", code, err, out, errs)
	}
	if got := fmt.Sprint(lines[1]); got != "[hit_rate share 0.75 ]" {
		t.Errorf("got %s", got)
	}
}

func checkStatsChecks(t *testing.T, url string) {
	t.Helper()
	code, out, errs := runStatsCommand(url, "--check", "hit_rate>70%", "--check", "memory<90%")
	if code != 0 || errs != "" || strings.Count(out, "ok ") != 2 {
		t.Errorf("code %d: %s%s", code, out, errs)
	}
	code, out, errs = runStatsCommand(url, "--check", "hit_rate>80%", "--check", "memory<90%", "--check", "evicted>5")
	if code != 2 || strings.Count(out, "FAILED") != 2 || errs != "redistill: failed: hit_rate>80% (is 75.00%), evicted>5 (is 0)\n" {
		t.Errorf("code %d: %s%s", code, out, errs)
	}
}

func TestStatsPassword(t *testing.T) {
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			clearEnvironment(t)
			t.Setenv("REDISCLI_AUTH", "")
			t.Setenv("REDIS_URL", "")
			port := server.start(t, server.password("open-sesame")...)
			host := "127.0.0.1:" + port
			connectTo(t, "redis://:open-sesame@"+host)
			code, out, errs := runStatsCommand("redis://:open-sesame@" + host)
			if code != 0 || !strings.Contains(out, "Traffic") || strings.Contains(out+errs, "sesame") {
				t.Errorf("in the URL: code %d: %s%s", code, out, errs)
			}
			for _, url := range []string{host, "redis://:wrong@" + host} {
				code, out, errs = runStatsCommand(url)
				if code != 1 || out != "" || strings.Count(errs, "\n") != 1 || strings.Contains(errs, "wrong@") {
					t.Errorf("%s: code %d: %s%s", url, code, out, errs)
				}
			}
			t.Setenv("REDISCLI_AUTH", "open-sesame")
			if code, _, errs := runStatsCommand(host, "--check", "connections>0"); code != 0 {
				t.Errorf("REDISCLI_AUTH: code %d: %s", code, errs)
			}
			t.Setenv("REDIS_URL", "redis://"+host)
			if code, _, errs := runStatsCommand("--check", "connections>0"); code != 0 {
				t.Errorf("REDIS_URL: code %d: %s", code, errs)
			}
		})
	}
}

func TestStatsUnreachable(t *testing.T) {
	// Port 1 is never given to anybody who asks for a free one.
	code, out, errs := runStatsCommand("127.0.0.1:1")
	if code != 1 || out != "" || errs != "redistill: connecting to redis://127.0.0.1:1: connect: connection refused\n" {
		t.Errorf("code %d: %q %q", code, out, errs)
	}
}

// TestStatsOfLocalServer: without a target, stats finds the server that serve
// runs in the same environment, as in a container.
func TestStatsOfLocalServer(t *testing.T) {
	clearEnvironment(t)
	t.Setenv("REDIS_URL", "")
	t.Setenv("REDISCLI_AUTH", "")
	t.Setenv("REDIS_BIND", "0.0.0.0")
	t.Setenv("REDIS_PASSWORD", "open-sesame")
	port := startOnPort(t)
	t.Setenv("REDIS_PORT", port)
	connectTo(t, "redis://:open-sesame@127.0.0.1:"+port)
	if code, out, errs := runStatsCommand("--check", "uptime>=0"); code != 0 {
		t.Errorf("code %d: %s%s", code, out, errs)
	}
	// The password is for that server alone.
	if code, out, errs := runStatsCommand("127.0.0.1:" + port); code != 1 || !strings.Contains(errs, "wants a password") {
		t.Errorf("with a target: code %d: %s%s", code, out, errs)
	}
	t.Setenv("REDIS_PORT", "x")
	if code, _, errs := runStatsCommand(); code != 1 || !strings.Contains(errs, "REDIS_PORT") {
		t.Errorf("a bad port: code %d: %s", code, errs)
	}
}

func TestStatsOverTLS(t *testing.T) {
	clearEnvironment(t)
	authority := certstest.NewAuthority(t)
	dir := t.TempDir()
	cert, key := authority.Issue("server", time.Hour).Write(t, dir, "server")
	clientCert, clientKey := authority.Issue("client", time.Hour).Write(t, dir, "client")
	ca := filepath.Join(dir, "ca.crt")
	certstest.WriteFile(t, ca, authority.PEM)
	plain, port := startOurs(t, "--tls-port", "auto", "--tls-cert-path", cert, "--tls-key-path", key, "--tls-client-ca", ca).ports(t)
	connectTo(t, "127.0.0.1:"+plain)
	url := "rediss://127.0.0.1:" + port
	check := []string{url, "--check", "uptime>=0"}
	if code, out, errs := runStatsCommand(append(check, "--cacert", ca, "--cert", clientCert, "--key", clientKey)...); code != 0 {
		t.Errorf("code %d: %s%s", code, out, errs)
	}
	for _, flags := range [][]string{
		{},
		{"--cacert", ca},
		{"--cacert", clientKey},
		{"--insecure", "--cert", clientCert},
	} {
		if code, out, errs := runStatsCommand(append(check, flags...)...); code != 1 || out != "" || strings.Count(errs, "\n") != 1 {
			t.Errorf("%q: code %d: %s%s", flags, code, out, errs)
		}
	}
	if code, _, errs := runStatsCommand("127.0.0.1:"+plain, "--insecure"); code != 1 || !strings.Contains(errs, "rediss://") {
		t.Errorf("without TLS: code %d: %s", code, errs)
	}
}

// TestLocalServer: what the environment says of ports decides.
func TestLocalServer(t *testing.T) {
	for _, test := range []struct{ port, tlsPort, enabled, socket, want string }{
		{"7000", "0", "false", "/run/s", "redis://127.0.0.1:7000"},
		{"7000", "7001", "true", "", "redis://127.0.0.1:7000"},
		{"7000", "0", "true", "", "rediss://127.0.0.1:7000"},
		{"0", "7001", "true", "", "rediss://127.0.0.1:7001"},
		{"0", "0", "false", "/run/a b", "unix:///run/a b"},
		{"auto", "0", "true", "/run/s", "unix:///run/s"},
		{"auto", "0", "false", "", "the server chooses its port"},
		{"0", "0", "false", "", "nothing to listen on"},
	} {
		clearEnvironment(t)
		t.Setenv("REDIS_PORT", test.port)
		t.Setenv("REDISTILL_SERVER_TLS_PORT", test.tlsPort)
		t.Setenv("REDISTILL_SECURITY_TLS_ENABLED", test.enabled)
		t.Setenv("REDISTILL_SERVER_UNIX_SOCKET", test.socket)
		got, err := localServer()
		if err != nil && !strings.HasPrefix(err.Error(), test.want) || err == nil && got.String() != test.want {
			t.Errorf("%+v: got %s, error %v", test, got, err)
		}
	}
}

func TestReachable(t *testing.T) {
	for _, test := range []struct{ addresses, want string }{
		{"127.0.0.1", "127.0.0.1"}, {"10.0.0.5 0.0.0.0", "127.0.0.1"}, {"::", "::1"}, {"10.0.0.5 127.0.0.1", "10.0.0.5"}, {"cache.local", "cache.local"},
	} {
		if got := reachable(strings.Fields(test.addresses)); got != test.want {
			t.Errorf("%s: got %s", test.addresses, got)
		}
	}
}
