// Package clients_test drives a Redistill server with the clients and the
// tools that people already use: redis-py, ioredis, node-redis, go-redis,
// redis-cli, redis-benchmark, and the applications in examples/.
//
// `go test ./test/clients/...` does all of its own set-up. It builds the server
// from the repository root and starts it on a free port, and it installs the
// pinned client packages under build/clients, where later runs find them.
//
// With REDISTILL_TEST_ADDR=host:port the tests use that server instead, which
// may be a redis-server: what passes here is then known to be Redis's own
// behaviour. The tests empty databases of that server, and use DEBUG SLEEP,
// which its enable-debug-command has to allow.
package clients_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redistill/redistill/test/await"
)

// repoRoot is the module's directory seen from this package's, which is where
// `go test` runs a test binary.
const repoRoot = "../.."

// Each client family has a database of its own, so that a failure in one
// leaves nothing behind for the next. otherDB is where SELECT and MOVE go.
const (
	dbRedisPy = iota + 1
	dbIORedis
	dbNodeRedis
	dbGoRedis
	dbRedisCLI
	otherDB = 15
)

// target is the server under test and builtServer the program it runs, which
// is empty when REDISTILL_TEST_ADDR named a server. TestMain sets both.
var (
	target      endpoint
	builtServer string
)

// endpoint is how a client reaches a server. An empty user is the default one,
// an empty password means none, and an empty path of an authority's certificate
// plain text.
type endpoint struct {
	host, port, user, password string
	ca, cert, key              string // files: the authority of the server over TLS, and what the client shows
}

func (e endpoint) addr() string { return net.JoinHostPort(e.host, e.port) }

// env returns the variables that the examples and the drivers read.
func (e endpoint) env() []string {
	return []string{
		"REDIS_HOST=" + e.host, "REDIS_PORT=" + e.port, "REDIS_USER=" + e.user, "REDIS_PASSWORD=" + e.password,
		"REDIS_CA=" + e.ca, "REDIS_CERT=" + e.cert, "REDIS_KEY=" + e.key,
	}
}

func TestMain(m *testing.M) {
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "test/clients:", err)
		code = 1
	}
	os.Exit(code)
}

// runTests runs all tests against the named or the freshly built server and
// returns the exit code. A server that does not stop cleanly is an error.
func runTests(m *testing.M) (code int, err error) {
	if addr := os.Getenv("REDISTILL_TEST_ADDR"); addr != "" {
		host, port, err := net.SplitHostPort(addr)
		if err != nil {
			return 1, fmt.Errorf("REDISTILL_TEST_ADDR: %w", err)
		}
		target = endpoint{host: host, port: port}
		return m.Run(), nil
	}
	dir, err := os.MkdirTemp("", "redistill-clients-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	builtServer = filepath.Join(dir, "redistill")
	build := exec.Command("go", "build", "-o", builtServer, ".")
	build.Dir = repoRoot
	if out, err := build.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("go build: %w\n%s", err, out)
	}
	server, err := startServer("")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, stopServer(server)) }()
	target = server.endpoint
	return m.Run(), nil
}

// server is a running `redistill serve`.
type server struct {
	*process
	endpoint
}

// startServer starts the built program on a free port, with further arguments,
// and waits until it accepts connections.
func startServer(password string, args ...string) (*server, error) {
	cmd := exec.Command(builtServer, append([]string{"serve", "--port", "auto", "--enable-debug-command", "local"}, args...)...)
	if password != "" {
		cmd.Args = append(cmd.Args, "--password", password)
	}
	cmd.Dir = filepath.Dir(builtServer) // no configuration file of the checkout
	cmd.Env = environ()
	p, err := startProcess(cmd)
	if err != nil {
		return nil, err
	}
	port, err := p.waitForChosenPort()
	if err != nil {
		return nil, errors.Join(err, p.kill())
	}
	s := &server{p, endpoint{host: "127.0.0.1", port: port, password: password}}
	if err := p.waitForPort(s.addr()); err != nil {
		return nil, errors.Join(err, p.kill())
	}
	return s, nil
}

// stopServer asks the server to stop, as a service manager does, and reports an
// exit code other than 0.
func stopServer(s *server) error {
	if err := s.terminate(); err != nil {
		return fmt.Errorf("redistill serve did not stop cleanly: %w\n%s", err, s.output())
	}
	return nil
}

// passwordServer returns a server that asks for a password: one that is
// started for the test, or the named one with requirepass set for the while.
func passwordServer(t *testing.T) endpoint {
	t.Helper()
	const password = "s3cret with spaces"
	if builtServer != "" {
		s, err := startServer(password)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := stopServer(s); err != nil {
				t.Error(err)
			}
		})
		return s.endpoint
	}
	e := target
	e.password = password
	client := dial(t, target, 0)
	if err := client.ConfigSet(t.Context(), "requirepass", password).Err(); err != nil {
		t.Fatal(err)
	}
	admin := dial(t, e, 0)
	t.Cleanup(func() {
		if err := admin.ConfigSet(context.Background(), "requirepass", "").Err(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// dial returns a go-redis client that lives as long as the test. The tests use
// it to look at the server from outside the client that they drive.
func dial(t *testing.T, e endpoint, db int) *redis.Client {
	t.Helper()
	client := redis.NewClient(&redis.Options{
		Addr: e.addr(), Username: e.user, Password: e.password, DB: db, DialTimeout: await.Limit, ReadTimeout: await.Limit,
		TLSConfig: e.tlsConfig(t),
	})
	t.Cleanup(func() { client.Close() })
	return client
}

// emptyDB removes every key of a database before a test uses it.
func emptyDB(t *testing.T, e endpoint, db int) *redis.Client {
	t.Helper()
	client := dial(t, e, db)
	if err := client.FlushDB(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	return client
}

// requireTTL checks that a key expires within want, of which no more can have
// passed since it was set than a test waits for anything.
func requireTTL(t *testing.T, client *redis.Client, key string, want time.Duration) {
	t.Helper()
	ttl, err := client.TTL(t.Context(), key).Result()
	if err != nil {
		t.Fatal(err)
	}
	if ttl > want || ttl < want-await.Limit {
		t.Errorf("TTL of %q on the server is %v, want about %v", key, ttl, want)
	}
}

// environ is the environment for a program under test: this process's, less
// every setting for a server or an application, plus extra.
func environ(extra ...string) []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "REDIS") && !strings.HasPrefix(v, "PORT=") {
			env = append(env, v)
		}
	}
	return append(env, extra...)
}
