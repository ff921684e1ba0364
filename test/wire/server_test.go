package wire

import (
	"os"
	"testing"

	"github.com/redistill/redistill/test/servertest"
)

// server is a running server whose data the tests may delete.
type server struct {
	addr     string
	password string // empty when none is required
}

func TestMain(m *testing.M) { os.Exit(servertest.Main(m)) }

// parallel lets a test run beside others, because each starts servers of its
// own, unless WIRETEST_SERVER names a server that they share.
func parallel(t *testing.T) {
	t.Helper()
	if s := os.Getenv("WIRETEST_SERVER"); s == "" || s == "redis" {
		t.Parallel()
	}
}

// startSubject starts the server under test, as WIRETEST_SERVER says (see the
// package comment).
func startSubject(tb testing.TB, password string) server {
	tb.Helper()
	switch s := os.Getenv("WIRETEST_SERVER"); s {
	case "":
		return startRedistill(tb, password)
	case "redis":
		return startRedis(tb, password)
	default:
		if password != "" {
			tb.Skip("skipped, because WIRETEST_SERVER names a running server and this file needs one with a password")
		}
		return server{addr: s}
	}
}

func startRedis(tb testing.TB, password string) server {
	tb.Helper()
	args := []string{servertest.Redis(tb), "--port", servertest.Port, "--save", "", "--appendonly", "no", "--enable-debug-command", "yes"}
	if password != "" {
		args = append(args, "--requirepass", password)
	}
	return server{addr: servertest.Start(tb, args...).Addr, password: password}
}

func startRedistill(tb testing.TB, password string) server {
	tb.Helper()
	args := []string{servertest.Program(tb), "serve", "--port", servertest.Port, "--enable-debug-command", "yes"}
	if password != "" {
		args = append(args, "--password", password)
	}
	return server{addr: servertest.Start(tb, args...).Addr, password: password}
}
