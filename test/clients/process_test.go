package clients_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/redistill/redistill/internal/servertest"
)

// startDeadline and stopDeadline bound the waits for another process. They are
// long because they only end a test that has failed already.
const (
	startDeadline = 60 * time.Second
	stopDeadline  = 30 * time.Second
	toolDeadline  = 2 * time.Minute
	pollInterval  = 20 * time.Millisecond
)

// process is a running child whose output is kept for failure messages. The
// child writes straight into a file, so that what it printed before it answered
// a request is there when the answer arrives.
type process struct {
	cmd  *exec.Cmd
	out  *os.File
	done chan struct{} // closed once err is set
	err  error         // what Wait returned; read after done
}

// startProcess starts cmd and collects its stdout and stderr.
func startProcess(cmd *exec.Cmd) (*process, error) {
	out, err := os.CreateTemp("", "output-")
	if err != nil {
		return nil, err
	}
	os.Remove(out.Name()) // it lives on until both processes have closed it
	p := &process{cmd: cmd, out: out, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = out, out, servertest.EndsWithParent()
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
func (p *process) output() string {
	text, err := io.ReadAll(io.NewSectionReader(p.out, 0, 1<<30))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

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

// tool returns a command that is killed when it outlives its deadline, as one
// does that waits for a reply which the server never sends.
func tool(t *testing.T, program string, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(t.Context(), toolDeadline)
	t.Cleanup(cancel)
	return exec.CommandContext(ctx, program, args...)
}
