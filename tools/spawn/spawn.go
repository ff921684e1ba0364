// Package spawn runs servers as processes of their own, for as long as something
// is measured with them. Of other servers than Redistill it knows only that they
// speak Redis's protocol.
package spawn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redistill/redistill/tools/client"
)

// Server is a process that runs until Stop.
type Server struct {
	Address string // host:port; empty until the server has said where it listens
	cmd     *exec.Cmd
	output  *tail
	exited  chan struct{} // closed when the process has ended
}

// PortMark is what StartForeign replaces by a free port in the arguments.
const PortMark = "{port}"

// startTime is how long a server may take until it answers, and stopTime until
// it has ended after it was asked to.
const (
	startTime = time.Minute
	stopTime  = 5 * time.Second
)

// Start starts Redistill with arguments that let it choose a port, and returns
// when it answers. It listens on the loopback interface. env is the environment
// of the process, nil for that of this one.
func Start(ctx context.Context, env []string, args ...string) (*Server, error) {
	return start(ctx, "", env, args)
}

// StartForeign starts any server on a free port of the loopback interface, and
// returns when it answers. One argument has to hold PortMark.
func StartForeign(ctx context.Context, args ...string) (*Server, error) {
	if len(args) == 0 || !strings.Contains(strings.Join(args[1:], " "), PortMark) {
		return nil, fmt.Errorf("the command of a server needs %s where its port belongs", PortMark)
	}
	port, err := FreePort()
	if err != nil {
		return nil, err
	}
	args = append([]string(nil), args...)
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], PortMark, port)
	}
	return start(ctx, port, nil, args)
}

// start starts a server on a port, empty if the server chooses one, and returns
// when it answers.
func start(ctx context.Context, port string, env, args []string) (*Server, error) {
	s := &Server{output: new(tail), exited: make(chan struct{})}
	if port != "" {
		s.Address = loopback(port)
	}
	s.cmd = exec.Command(args[0], args[1:]...)
	s.cmd.Env = env
	s.cmd.Stdout, s.cmd.Stderr = s.output, s.output
	s.cmd.SysProcAttr = processAttributes()
	// A child of the server may hold its output open.
	s.cmd.WaitDelay = stopTime
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting a server: %w", err)
	}
	go func() {
		_ = s.cmd.Wait() // what it said is in output
		close(s.exited)
	}()
	if err := s.waitUntilReady(ctx); err != nil {
		s.Stop()
		return nil, fmt.Errorf("starting %s: %w", args[0], err)
	}
	return s, nil
}

func loopback(port string) string { return net.JoinHostPort("127.0.0.1", port) }

// FreePort returns a TCP port of 127.0.0.1 for a server. The server's end of a
// connection to it was closed first, and while the system remembers that, for a
// minute, it gives the port to nobody who wants any; but a server may bind it.
// This is for programs that cannot choose a port themselves, as Redistill can.
func FreePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = l.Close() }()
	ours, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		return "", err
	}
	theirs, err := l.Accept()
	if err == nil {
		err = theirs.Close()
	}
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port), errors.Join(err, ours.Close())
}

func (s *Server) waitUntilReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		if port := s.output.chosenPort(); s.Address == "" && port != "" {
			s.Address = loopback(port)
		}
		if s.Address != "" && s.answers(ctx) {
			return nil
		}
		select {
		case <-s.exited:
			return fmt.Errorf("it ended at once: %s", s.Ended())
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return fmt.Errorf("it did not answer within %v", startTime)
			}
			return errors.New("interrupted")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// answers reports whether the server replies to a PING as one that is ready.
func (s *Server) answers(ctx context.Context) bool {
	target := client.Target{Network: "tcp", Address: s.Address}
	conn, err := client.Dial(ctx, target, client.Options{Timeout: time.Second})
	if err != nil {
		return errors.Is(err, client.ErrPassword)
	}
	conn.Close()
	return true
}

// endTime is how long a process may take to end after it has closed its
// connections.
const endTime = time.Minute

// Ended returns the last line of what a process wrote that has closed its
// connections and ends by itself, or else how it ended. It is empty if the process
// still runs after a minute.
func (s *Server) Ended() string {
	select {
	case <-s.exited:
	case <-time.After(endTime):
		return ""
	}
	if line := s.output.lastLine(); line != "" {
		return line
	}
	return s.cmd.ProcessState.String()
}

// Stop ends the process and waits for its end.
func (s *Server) Stop() {
	if s.cmd.Process.Signal(os.Interrupt) != nil { // not on Windows
		_ = s.cmd.Process.Kill() // it may have ended
	}
	select {
	case <-s.exited:
	case <-time.After(stopTime):
		_ = s.cmd.Process.Kill()
		<-s.exited
	}
}

// tail keeps the end of what is written to it, and the port that is named there.
type tail struct {
	mu   sync.Mutex // guards the fields below
	buf  []byte
	port string // see ChosenPorts
}

const tailSize = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if t.port == "" {
		t.port, _ = ChosenPorts(t.buf)
	}
	if extra := len(t.buf) - tailSize; extra > 0 {
		t.buf = t.buf[extra:]
	}
	return len(p), nil
}

func (t *tail) chosenPort() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.port
}

func (t *tail) lastLine() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := bytes.TrimSpace(t.buf)
	return string(text[bytes.LastIndexByte(text, '\n')+1:])
}
