package netserver

import (
	"net"
	"slices"
	"strings"
	"testing"
)

// outsideAddress returns an address of this machine that is no loopback address, so that who connects to it comes from it, or skips the
// test.
func outsideAddress(t *testing.T) string {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if a, ok := a.(*net.IPNet); ok && a.IP.IsGlobalUnicast() {
			return a.IP.String()
		}
	}
	t.Skip("skipped, because the machine has no address but the loopback's")
	return ""
}

// TestProtectedMode connects from an address that is not the loopback's, as clients on other machines do.
func TestProtectedMode(t *testing.T) {
	for _, path := range slices.DeleteFunc(paths(), func(path string) bool { return path == overTLS }) {
		t.Run(path, func(t *testing.T) {
			listeners, err := Listen(Endpoints{Addresses: []string{outsideAddress(t), "127.0.0.1"}})
			if err != nil {
				t.Fatal(err)
			}
			inside := listeners[1].Addr().String()
			s := startOn(t, path, listeners)
			s.dial().expectClosedAfterReply("-DENIED Redis is running in protected mode because")
			nc, err := net.Dial("tcp", inside)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.over(nc).do("PING"); got != "+PONG\r\n" {
				t.Errorf("from the loopback address: got %q", got)
			}

			s.set("requirepass", "x")
			if got := s.dial().do("AUTH", "x"); got != "+OK\r\n" {
				t.Errorf("from outside with a password: got %q", got)
			}
			s.set("requirepass", "")
			s.dial().expectClosedAfterReply("-DENIED ")
			s.set("protected-mode", "no")
			if got := s.dial().do("PING"); got != "+PONG\r\n" {
				t.Errorf("from outside without protected mode: got %q", got)
			}
		})
	}
}

// expectClosedAfterReply reads one reply, which begins as told, and the end.
func (c *client) expectClosedAfterReply(start string) {
	c.t.Helper()
	if got := c.reply(); !strings.HasPrefix(got, start) {
		c.t.Errorf("got %q, want %s...", got, start)
	}
	c.expectClosed()
}
