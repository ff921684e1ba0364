package clients_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// startDeadline and stopDeadline bound the waits for another process. They are
// long because they only end a test that has failed already.
const (
	startDeadline = 60 * time.Second
	stopDeadline  = 30 * time.Second
	pollInterval  = 20 * time.Millisecond
)

// process is a running child whose output is kept for failure messages.
type process struct {
	cmd  *exec.Cmd
	buf  lockedBuffer
	done chan struct{} // closed once err is set
	err  error         // what Wait returned; read after done
}

// lockedBuffer is a bytes.Buffer that a child's output may fill while a test
// reads it.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// startProcess starts cmd and collects its stdout and stderr.
func startProcess(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.buf, &p.buf
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// output is all that the process has printed so far.
func (p *process) output() string { return p.buf.String() }

// waitForPort returns once addr accepts a connection, or says why it will not.
func (p *process) waitForPort(addr string) error {
	deadline := time.Now().Add(startDeadline)
	for {
		conn, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			return conn.Close()
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s does not answer after %v: %w\n%s", addr, startDeadline, err, p.output())
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s exited before it listened on %s: %v\n%s", p.cmd.Path, addr, p.err, p.output())
		case <-time.After(pollInterval):
		}
	}
}

// terminate sends SIGTERM and returns what the process exited with, nil for 0.
func (p *process) terminate() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.done:
		return p.err
	case <-time.After(stopDeadline):
		return errors.Join(fmt.Errorf("still running %v after SIGTERM", stopDeadline), p.kill())
	}
}

// kill ends the process at once and waits for it.
func (p *process) kill() error {
	select {
	case <-p.done:
		return nil
	default:
	}
	err := p.cmd.Process.Kill()
	<-p.done
	return err
}

// freePort returns a TCP port of 127.0.0.1 that was free a moment ago.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}
