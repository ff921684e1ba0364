package clients_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/redistill/redistill/test/await"
	"github.com/redistill/redistill/test/servertest"
	"github.com/redistill/redistill/tools/spawn"
)

// pollInterval is the time between two looks whether a process listens.
const pollInterval = 20 * time.Millisecond

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
	return p.waitFor("listens on "+addr, func() bool {
		conn, err := net.Dial("tcp", addr)
		return err == nil && conn.Close() == nil
	})
}

// waitForChosenPort returns the port that the server says it listens on.
func (p *process) waitForChosenPort() (port string, err error) {
	err = p.waitFor("has chosen a port", func() bool {
		port, _ = spawn.ChosenPorts([]byte(p.output()))
		return port != ""
	})
	return port, err
}

// waitFor returns once something holds, or says why it will not.
func (p *process) waitFor(what string, holds func() bool) error {
	deadline := await.Deadline()
	for !holds() {
		if time.Now().After(deadline) {
			return fmt.Errorf("after %v still not: %s %s\n%s", await.Limit, p.cmd.Path, what, p.output())
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s exited before it %s: %v\n%s", p.cmd.Path, what, p.err, p.output())
		case <-time.After(pollInterval):
		}
	}
	return nil
}

// terminate sends SIGTERM and returns what the process exited with, nil for 0.
func (p *process) terminate() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.done:
		return p.err
	case <-time.After(await.Limit):
		return errors.Join(fmt.Errorf("still running %v after SIGTERM", await.Limit), p.kill())
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

// tool returns a command that is killed when it outlives the limit of waiting, as one
// does that waits for a reply which the server never sends.
func tool(t *testing.T, program string, args ...string) *exec.Cmd {
	return exec.CommandContext(await.Context(t), program, args...)
}
