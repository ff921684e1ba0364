package netserver

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/redistill/redistill/test/await"
)

// TestSocketOptions: a new connection's socket is set as the settings are then.
func TestSocketOptions(t *testing.T) { eachPath(t, testSocketOptions) }

func testSocketOptions(t *testing.T, path string) {
	s := startServer(t, path, "server.tcp_keepalive", "60")
	// expect compares options of the server's side of a new connection.
	expect := func(noDelay, keepalive, idle, interval int) {
		t.Helper()
		c := s.dial()
		fd := field(t, c.do("CLIENT", "INFO"), "fd")
		for _, option := range []struct {
			name          string
			level, option int
			want          int
		}{
			{"TCP_NODELAY", syscall.IPPROTO_TCP, syscall.TCP_NODELAY, noDelay},
			{"SO_KEEPALIVE", syscall.SOL_SOCKET, syscall.SO_KEEPALIVE, keepalive},
			{"TCP_KEEPIDLE", syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE, idle},
			{"TCP_KEEPINTVL", syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL, interval},
		} {
			got, err := syscall.GetsockoptInt(fd, option.level, option.option)
			if err != nil || got != option.want && option.want >= 0 {
				t.Errorf("%s is %d (%v), want %d", option.name, got, err, option.want)
			}
		}
	}
	const unchecked = -1
	expect(1, 1, 60, 20)
	s.set("server.tcp_nodelay", "false")
	s.set("tcp-keepalive", "0")
	expect(0, 0, unchecked, unchecked)
}

// tcpRepair is the socket option with which a socket is closed without a word to the other side.
const tcpRepair = 19

// vanish closes the client as if its machine had lost power.
func (c *client) vanish() {
	c.t.Helper()
	raw, err := c.socket().SyscallConn()
	if err != nil {
		c.t.Fatal(err)
	}
	var failure error
	if err := raw.Control(func(fd uintptr) { failure = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpRepair, 1) }); err != nil {
		c.t.Fatal(err)
	}
	if errors.Is(failure, syscall.EPERM) {
		c.t.Skip("skipped, because the privilege to close a connection silently is missing")
	}
	if failure != nil {
		c.t.Fatal(failure)
	}
	_ = c.socket().Close()
}

// TestHalfOpen: connections whose clients vanished are closed, by the timeout if they are idle, and when there is something to send.
func TestHalfOpen(t *testing.T) { eachPath(t, testHalfOpen) }

func testHalfOpen(t *testing.T, path string) {
	s := startServer(t, path)
	admin, paused := s.dial(), s.dial()
	id := strings.Trim(paused.do("CLIENT", "ID"), ":\r\n")
	admin.do("CLIENT", "PAUSE", "100000", "WRITE")
	paused.send(encode("SET", "k", "v"))
	await.True(t, "the write waits", func() bool { return strings.Contains(admin.do("CLIENT", "LIST", "ID", id), " flags=b ") })
	paused.vanish()
	admin.do("CLIENT", "UNPAUSE")
	await.True(t, "the reply finds nobody", func() bool { return s.connections() == 1 })
	if got := admin.do("GET", "k"); got != bulk("v") {
		t.Errorf("got %q", got)
	}

	idle := s.dial()
	idle.do("ECHO", "x")
	half := s.dial()
	half.send("*2\r\n$4\r\nECHO\r\n$5\r\nx")
	await.True(t, "a part of a command is there", func() bool { return strings.Contains(admin.do("CLIENT", "LIST"), " qbuf=19 ") })
	idle.vanish()
	half.vanish()
	if got := admin.do("CONFIG", "SET", "timeout", "3600"); got != "+OK\r\n" {
		t.Errorf("got %q", got)
	}
	await.True(t, "the idle ones are closed", func() bool { // the administrator too
		s.pass(3602)
		return s.connections() == 0
	})
}
