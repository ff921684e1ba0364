package soak

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for what has to happen before it fails.
const patience = time.Minute

// What startServer replaces in the arguments.
const (
	portMark   = "{port}"
	socketMark = "{socket}"
)

// server is a server's process.
type server struct {
	tb       testing.TB
	cmd      *exec.Cmd
	addr     string // TCP
	socket   string // path of its Unix socket
	out      *os.File
	exited   chan struct{} // closed when the process has ended
	exit     error         // what it ended with; read after exited
	stopping bool
}

// startServer starts a server on a free port and a Unix socket, and returns when it answers. The test fails if the server
// does not end with success when the test ends.
func startServer(tb testing.TB, args ...string) *server {
	tb.Helper()
	dir := tb.TempDir()
	out, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		tb.Fatal(err)
	}
	port := freePort(tb)
	s := &server{tb: tb, addr: "127.0.0.1:" + port, socket: filepath.Join(dir, "s"), out: out, exited: make(chan struct{})}
	fill := strings.NewReplacer(portMark, port, socketMark, s.socket)
	var filled []string
	if *cpus != "" {
		filled = append(filled, "taskset", "-c", *cpus)
	}
	for _, a := range args {
		filled = append(filled, fill.Replace(a))
	}
	s.cmd = exec.Command(filled[0], filled[1:]...)
	s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = dir, out, out
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	go func() {
		s.exit = s.cmd.Wait()
		close(s.exited)
	}()
	tb.Cleanup(s.stop)
	s.eventually("it answers", func() bool {
		nc, err := net.Dial("unix", s.socket)
		return err == nil && pinged(nc, make([]byte, len(pong))) == nil && nc.Close() == nil
	})
	return s
}

func freePort(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// stop ends the server, which may not have logged an error. It may be called again.
func (s *server) stop() {
	s.tb.Helper()
	if s.stopping {
		return
	}
	s.stopping = true
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.exited:
		if s.exit != nil {
			s.tb.Errorf("the server ended with %v:\n%s", s.exit, s.log())
		}
	case <-time.After(patience):
		_ = s.cmd.Process.Kill()
		<-s.exited
		s.tb.Errorf("the server did not end when asked to:\n%s", s.log())
	}
	if log := s.log(); strings.Contains(log, "level=ERROR") || strings.Contains(log, "panic") {
		s.tb.Errorf("the server logged errors:\n%s", log)
	}
}

// log returns what the server printed.
func (s *server) log() string {
	text, err := io.ReadAll(io.NewSectionReader(s.out, 0, 1<<20))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// eventually waits until a condition that the server brings about holds.
func (s *server) eventually(what string, holds func() bool) {
	s.tb.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(10 * time.Millisecond) {
		select {
		case <-s.exited:
			s.tb.Fatalf("never: %s. The server ended with %v:\n%s", what, s.exit, s.log())
		default:
		}
		if time.Now().After(deadline) {
			s.tb.Fatalf("never: %s\n%s", what, s.log())
		}
	}
}

// usage is what the process takes at a moment.
type usage struct {
	rss                  int64 // bytes
	descriptors, threads int
	cpu                  time.Duration // user and system time so far
	state                string        // R, S, T ...
}

// clockTick is the unit of times in /proc, which is the same on all architectures.
const clockTick = 10 * time.Millisecond

// usage asks the system. It fails the test if the process has ended.
func (s *server) usage() usage {
	s.tb.Helper()
	u, err := usageOf(s.cmd.Process.Pid)
	if err != nil {
		s.tb.Fatalf("%v\n%s", err, s.log())
	}
	return u
}

func usageOf(pid int) (usage, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return usage{}, err
	}
	// Behind the name, which is in parentheses, from the third field on.
	f := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(f) < 22 {
		return usage{}, errors.New("the process has ended")
	}
	number := func(field int) int64 {
		n, _ := strconv.ParseInt(f[field-3], 10, 64)
		return n
	}
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	return usage{
		rss: number(24) * int64(os.Getpagesize()), descriptors: len(entries), threads: int(number(20)),
		cpu: time.Duration(number(14)+number(15)) * clockTick, state: f[0],
	}, err
}
