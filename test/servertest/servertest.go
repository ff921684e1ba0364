// Package servertest runs servers as processes of their own, Redistill's and others, for tests that look at them from outside.
package servertest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	// The server runs as a process of its own. Importing it makes "go test" run tests again when it has changed.
	_ "github.com/redistill/redistill/cmd"
	"github.com/redistill/redistill/test/await"
	"github.com/redistill/redistill/tools/spawn"
)

// What Start replaces in the arguments: a free port, a path for a Unix socket, and the directory in
// which the server runs. Redistill chooses its port itself.
const (
	Port   = "{port}"
	Socket = "{socket}"
	Dir    = "{dir}"
)

// buildDir holds the built server for as long as the tests run.
var buildDir string

// Main runs the tests of a package and returns the exit code. A TestMain has to call it, for the built server to be removed in the end.
func Main(m *testing.M) (code int) {
	var err error
	if buildDir, err = os.MkdirTemp("", "redistill-test-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(buildDir) }()
	return m.Run()
}

var build = sync.OnceValues(func() (string, error) {
	program := filepath.Join(buildDir, "redistill")
	cmd := exec.Command("go", "build", "-o", program, "github.com/redistill/redistill")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return program, nil
})

// Program returns the path of the server, which it builds the first time, with the tags and checks that GOFLAGS asks for.
func Program(tb testing.TB) string {
	tb.Helper()
	program, err := build()
	if err != nil {
		tb.Fatal(err)
	}
	return program
}

// Tool returns the path of a program. Where it is missing, the test is skipped, or fails if CI needs it.
func Tool(tb testing.TB, name string) string {
	tb.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") == "true" {
			tb.Fatalf("%s is not installed, and CI needs it", name)
		}
		tb.Skipf("skipped, because %s is not installed", name)
	}
	return path
}

// Redis returns the path of redis-server.
func Redis(tb testing.TB) string {
	tb.Helper()
	return Tool(tb, "redis-server")
}

// Server is a server's process.
type Server struct {
	Addr   string // where it serves TCP; empty if the server ended before it listened
	Socket string // path of its Unix socket, if an argument has the mark
	Dir    string // where it runs
	PID    int

	tb     testing.TB
	cmd    *exec.Cmd
	out    *os.File
	exited chan struct{} // closed when the process has ended
	exit   error         // what it ended with; read after exited
	ended  bool          // the test has ended it
}

// Start runs a program with arguments, in which it replaces the marks, until the test ends, and returns when it accepts connections. The
// test fails if the server does not end with success when it is asked to.
func Start(tb testing.TB, args ...string) *Server {
	tb.Helper()
	return StartIn(tb, tb.TempDir(), args...)
}

// StartIn is Start in a directory that is there.
func StartIn(tb testing.TB, dir string, args ...string) *Server {
	tb.Helper()
	s := Launch(tb, dir, args...)
	s.Eventually("it accepts connections", func() bool {
		if !s.listens() {
			return false
		}
		nc, err := net.Dial("tcp", s.Addr)
		return err == nil && nc.Close() == nil
	})
	return s
}

// Launch is StartIn for a server that may not come to accept connections: it waits until Redistill
// has chosen a port or ended, and for nothing else.
func Launch(tb testing.TB, dir string, args ...string) *Server {
	tb.Helper()
	out, err := os.CreateTemp(tb.TempDir(), "log-")
	if err != nil {
		tb.Fatal(err)
	}
	// FreePort is for other programs, which cannot do it themselves.
	port, choosesPort := "auto", slices.Contains(args, "serve") && slices.Contains(args, Port)
	if !choosesPort {
		if port, err = spawn.FreePort(); err != nil {
			tb.Fatal(err)
		}
	}
	s := &Server{
		Addr: loopback(port), Socket: filepath.Join(dir, "s"), Dir: dir, tb: tb, out: out, exited: make(chan struct{}),
	}
	fill := strings.NewReplacer(Port, port, Socket, s.Socket, Dir, dir)
	args = slices.Clone(args)
	for i := range args {
		args[i] = fill.Replace(args[i])
	}
	s.cmd = exec.Command(args[0], args[1:]...)
	s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr, s.cmd.Env = dir, out, out, environ()
	s.cmd.SysProcAttr = EndsWithParent()
	if err := s.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	s.PID = s.cmd.Process.Pid
	go func() {
		s.exit = s.cmd.Wait()
		close(s.exited)
	}()
	tb.Cleanup(s.cleanup)
	if choosesPort {
		s.Addr = s.waitForAddr()
	}
	return s
}

func loopback(port string) string { return net.JoinHostPort("127.0.0.1", port) }

// waitForAddr returns where a server serves TCP that chooses its port, or nothing if the server
// ends before it has one.
func (s *Server) waitForAddr() (addr string) {
	s.tb.Helper()
	await.True(s.tb, "the server has chosen a port", func() bool {
		ended := s.Ended() // before the log is read, which may have the port all the same
		if port, _ := spawn.ChosenPorts([]byte(s.Log())); port != "" {
			addr = loopback(port)
		}
		return addr != "" || ended
	})
	return addr
}

// environ is this process's environment without settings for a server.
func environ() []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "REDIS") {
			env = append(env, v)
		}
	}
	return env
}

// cleanup ends a server that the test left, and closes its log.
func (s *Server) cleanup() {
	s.tb.Helper()
	if !s.ended {
		if err := s.Stop(); err != nil {
			s.tb.Errorf("%v\n%s", err, s.Log())
		}
	}
	if s.tb.Failed() {
		s.tb.Logf("the end of what %s printed:\n%s", filepath.Base(s.cmd.Path), tail(s.Log(), 4<<10))
	}
	_ = s.out.Close()
}

func tail(text string, n int) string { return text[max(0, len(text)-n):] }

// Stop asks the server to end, as a service manager does, and returns what it ended with, nil for success.
func (s *Server) Stop() error {
	s.Signal(syscall.SIGTERM)
	return s.Wait()
}

// Kill ends the process at once.
func (s *Server) Kill() {
	s.Signal(syscall.SIGKILL)
	_ = s.Wait()
}

// Signal sends a signal, if the process has not ended yet.
func (s *Server) Signal(sig syscall.Signal) { _ = s.cmd.Process.Signal(sig) }

// Wait waits for the end of a server that was told to end, and returns what it ended with, nil for success.
func (s *Server) Wait() error {
	s.ended = true
	select {
	case <-s.exited:
		if s.exit != nil {
			return fmt.Errorf("the server ended: %w", s.exit)
		}
		return nil
	case <-time.After(await.Limit):
		_ = s.cmd.Process.Kill()
		<-s.exited
		return errors.New("the server did not end")
	}
}

// Ended reports whether the process has ended.
func (s *Server) Ended() bool {
	select {
	case <-s.exited:
		return true
	default:
		return false
	}
}

// Log returns what the server has printed.
func (s *Server) Log() string {
	text, err := io.ReadAll(io.NewSectionReader(s.out, 0, 1<<30))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Eventually waits until a condition that the server brings about holds.
func (s *Server) Eventually(what string, holds func() bool) {
	s.tb.Helper()
	await.True(s.tb, what, func() bool {
		ended := s.Ended() // before holds, which may look at the last that the server did
		if holds() {
			return true
		}
		if ended {
			s.tb.Fatalf("never: %s. The server ended: %v", what, s.exit)
		}
		return false
	})
}
