package bench

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
)

// Spawned is a server that runs as a process of its own until Stop.
type Spawned struct {
	Target Target
	cmd    *exec.Cmd
	output *tail
	exited chan struct{} // closed when the process has ended
}

// PortMark is what Spawn replaces by a free port in the arguments.
const PortMark = "{port}"

// startTime is how long a server may take until it answers, and stopTime until
// it has ended after it was asked to.
const (
	startTime = 20 * time.Second
	stopTime  = 5 * time.Second
)

// Spawn starts a server on a free port of the loopback interface, and returns
// when it answers. One argument has to hold PortMark.
func Spawn(ctx context.Context, args ...string) (*Spawned, error) {
	if len(args) == 0 || !strings.Contains(strings.Join(args[1:], " "), PortMark) {
		return nil, fmt.Errorf("the command of a server needs %s where its port belongs", PortMark)
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	args = append([]string(nil), args...)
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], PortMark, port)
	}
	s := &Spawned{
		Target: Target{Network: "tcp", Address: net.JoinHostPort("127.0.0.1", port)},
		output: new(tail), exited: make(chan struct{}),
	}
	s.cmd = exec.Command(args[0], args[1:]...)
	s.cmd.Stdout, s.cmd.Stderr = s.output, s.output
	s.cmd.SysProcAttr = endsWithParent()
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

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	port := l.Addr().(*net.TCPAddr).Port
	return strconv.Itoa(port), l.Close()
}

func (s *Spawned) waitUntilReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		c, err := dial(ctx, s.Target, time.Second)
		if err == nil {
			return c.conn.Close()
		}
		select {
		case <-s.exited:
			return fmt.Errorf("it ended at once: %s", s.output.lastLine())
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return fmt.Errorf("it did not answer within %v", startTime)
			}
			return ErrInterrupted
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Stop ends the process and waits for its end.
func (s *Spawned) Stop() {
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

// tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

const tailSize = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if extra := len(t.buf) - tailSize; extra > 0 {
		t.buf = t.buf[extra:]
	}
	return len(p), nil
}

func (t *tail) lastLine() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := bytes.TrimSpace(t.buf)
	return string(text[bytes.LastIndexByte(text, '\n')+1:])
}
