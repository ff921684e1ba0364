package netserver

import (
	"bytes"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// TestLoopsMangle: in an event loop, input is overwritten in the buffers that all connections share
// when it was executed, replies when they were sent, and the beginning of a command stays, wherever
// it is kept until it is complete.
func TestLoopsMangle(t *testing.T) {
	needMangling(t)
	for _, path := range []string{Epoll, IOUring} {
		t.Run(path, func(t *testing.T) {
			runtime.LockOSThread() // which owns the ring
			defer runtime.UnlockOSThread()
			c, client := newTestLoopConn(t, path)
			buffers := c.loop.buf
			if p, ok := c.loop.io.(*uringPoller); ok {
				buffers = p.ring.buffers
			}
			c.session.Out.B = make([]byte, 0, 100)
			replies := c.session.Out.B[:len(bulk("word"))]
			begun := "*2\r\n$4\r\nECHO\r\n$9\r\nbeg"
			input := encode("ECHO", "word") + begun
			if got := converse(t, c, client, input); got != bulk("word") {
				t.Errorf("received %q", got)
			}
			gone := bytes.Repeat([]byte{0xdb}, len(input))
			if bytes.Contains(buffers, []byte("ECHO")) || !bytes.Contains(buffers, gone) {
				t.Error("what was read is in the shared buffers still")
			}
			if string(c.in.bytes()) != begun {
				t.Errorf("of the next command %q is held", c.in.bytes())
			}
			if !mangled(replies) {
				t.Errorf("%q is left of the replies", replies)
			}
			own := c.in.bytes()
			if got := converse(t, c, client, "inning\r\n"); got != bulk("beginning") {
				t.Errorf("received %q", got)
			}
			if !mangled(own) {
				t.Errorf("%q is left", own)
			}
			// A command that is in the way of another: the input behind it is copied.
			c.hold([][]byte{[]byte("PING")}, waiting)
			c.next = waiting
			got := converse(t, c, client, encode("ECHO", strings.Repeat("x", 100)))
			if kept := bytes.Contains(buffers, []byte("xxx")); got != "" || kept {
				t.Errorf("received %q; the shared buffers have what waits: %v", got, kept)
			}
		})
	}
}

// newTestLoopConn returns a connection of an event loop that the test's thread runs by itself, and
// the client's end, from which reads do not wait.
func newTestLoopConn(t *testing.T, path string) (c *loopConn, client int) {
	t.Helper()
	if _, _, err := ChoosePath(path); err != nil {
		t.Skipf("skipped: %v", err)
	}
	commands := newTestCommands(t)
	l, err := newLoop(New(Options{Commands: commands, Path: path}), 0)
	if err != nil {
		t.Fatal(err)
	}
	kind := syscall.SOCK_STREAM | syscall.SOCK_NONBLOCK | syscall.SOCK_CLOEXEC
	ends, err := syscall.Socketpair(syscall.AF_UNIX, kind, 0)
	if err == nil {
		err = l.io.begin()
	}
	if err != nil {
		t.Fatal(err)
	}
	c = &loopConn{loop: l, fd: ends[0], added: true}
	c.init(l.srv)
	c.session = newTestSession(t, commands, c.wake)
	t.Cleanup(func() {
		l.close()
		_ = syscall.Close(ends[0])
		_ = syscall.Close(ends[1])
	})
	if err := l.add(c); err != nil {
		t.Fatal(err)
	}
	return c, ends[1]
}

// converse sends input to a connection, runs its loop until it has taken that and answered, if it
// has to, and returns what it answered.
func converse(t *testing.T, c *loopConn, client int, input string) string {
	t.Helper()
	if _, err := syscall.Write(client, []byte(input)); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 1000)
	for l := c.loop; ; {
		l.io.wait()
		l.turn, l.ready = l.ready, l.turn[:0]
		l.io.deliver()
		for _, c := range l.turn {
			c.queued = false
			l.attend(c, false, nil)
		}
		n, err := syscall.Read(client, answer)
		switch {
		case err == nil && c.session.Out.Len() == 0:
			return string(answer[:n])
		case c.held != nil && len(c.in.bytes()) >= len(input):
			return ""
		}
	}
}

// TestBulky: much is read at once from a client that sends large values, but not from one whose many
// small commands have to wait: what is read and not executed is memory.
func TestBulky(t *testing.T) {
	c, _ := newTestLoopConn(t, "epoll")
	if !c.put([]byte(strings.Repeat(encode("PING"), 10_000)), 0) {
		t.Fatal("there is no memory")
	}
	c.settle(false)
	if c.bulky {
		t.Error("it is said to send large values")
	}
	v := c.srv.config()
	for c.next = again; c.next == again; {
		if !c.process(v, nil) {
			t.Fatal("it is closed")
		}
		c.session.Sent(0)
	}
	if c.bulky {
		t.Error("it is said to send large values when its commands were executed")
	}
	half := encode("SET", "k", strings.Repeat("x", 100_000))[:50_000]
	if !c.process(v, []byte(half)) || !c.bulky {
		t.Error("it is not said to send a large value")
	}
}
