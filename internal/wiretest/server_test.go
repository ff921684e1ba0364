package wiretest

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	// The server runs as a process of its own. Importing it makes "go test"
	// run these tests again when it has changed, and not take old results.
	_ "github.com/redistill/redistill/cmd"
)

// server is a running server whose data the tests may delete.
type server struct {
	addr     string
	password string // empty when none is required
}

// buildDir holds the binary under test for the life of the test process.
var buildDir string

func TestMain(m *testing.M) {
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "wiretest")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	buildDir = dir
	return m.Run()
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
	path, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("CI") == "true" {
			tb.Fatal("redis-server is not installed, and CI needs it")
		}
		tb.Skip("skipped, because redis-server is not installed")
	}
	args := []string{"--save", "", "--appendonly", "no", "--enable-debug-command", "yes", "--dir", tb.TempDir()}
	if password != "" {
		args = append(args, "--requirepass", password)
	}
	return startProcess(tb, path, args, password)
}

var buildRedistill = sync.OnceValues(func() (string, error) {
	path := filepath.Join(buildDir, "redistill")
	out, err := exec.Command("go", "build", "-o", path, "github.com/redistill/redistill").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building the server under test: %w\n%s", err, out)
	}
	return path, nil
})

func startRedistill(tb testing.TB, password string) server {
	tb.Helper()
	path, err := buildRedistill()
	if err != nil {
		tb.Fatal(err)
	}
	args := []string{"serve"}
	if password != "" {
		args = append(args, "--password", password)
	}
	return startProcess(tb, path, args, password)
}

// startProcess runs path with args and a free port, waits until it accepts
// connections, and stops it when the test ends.
func startProcess(tb testing.TB, path string, args []string, password string) server {
	tb.Helper()
	addr, err := freeAddr()
	if err != nil {
		tb.Fatal(err)
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		tb.Fatal(err)
	}
	var output bytes.Buffer
	cmd := exec.Command(path, append(args, "--port", port)...)
	cmd.Dir = tb.TempDir()
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	tb.Cleanup(func() { stopProcess(tb, cmd, exited, &output) })
	if err := waitForAccept(addr, exited); err != nil {
		tb.Fatal(err)
	}
	return server{addr: addr, password: password}
}

// freeAddr returns a loopback address that nothing listens on.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// waitForAccept returns once addr takes connections. A process that ends
// before that leaves its result in exited for stopProcess.
func waitForAccept(addr string, exited chan error) error {
	deadline := time.Now().Add(replyTimeout)
	for time.Now().Before(deadline) {
		if conn, err := net.Dial("tcp", addr); err == nil {
			return conn.Close()
		}
		select {
		case err := <-exited:
			exited <- err
			return fmt.Errorf("the server ended before it listened on %s: %v", addr, err)
		case <-time.After(10 * time.Millisecond):
		}
	}
	return fmt.Errorf("the server does not listen on %s after %v", addr, replyTimeout)
}

// stopProcess ends the server, and shows what it printed if the test failed.
func stopProcess(tb testing.TB, cmd *exec.Cmd, exited chan error, output *bytes.Buffer) {
	_ = cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-exited:
		if err != nil {
			tb.Errorf("%s did not stop cleanly: %v", filepath.Base(cmd.Path), err)
		}
	case <-time.After(replyTimeout):
		tb.Errorf("%s did not stop within %v of SIGTERM", filepath.Base(cmd.Path), replyTimeout)
		_ = cmd.Process.Kill()
		<-exited
	}
	if tb.Failed() {
		tb.Logf("output of %s:\n%s", filepath.Base(cmd.Path), tail(output.Bytes(), 4096))
	}
}

func tail(b []byte, n int) []byte {
	return b[max(0, len(b)-n):]
}
