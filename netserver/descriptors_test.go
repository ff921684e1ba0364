//go:build linux || darwin

package netserver

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// withLimit sets the soft limit of open files until the test ends, and returns the hard one.
func withLimit(t *testing.T, soft uint64) (hard uint64) {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // a hard limit that was raised stays so
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			t.Error(err)
		}
	})
	low := limit
	low.Cur = soft
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	return limit.Max
}

func currentLimit(t *testing.T) uint64 {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	return limit.Cur
}

// TestFitConnections: the limit of open files follows max_connections, at the start and after.
func TestFitConnections(t *testing.T) {
	s := startServer(t, Portable, "server.max_connections", "300")
	withLimit(t, 256)
	if err := s.FitConnections(); err != nil {
		t.Fatal(err)
	}
	if got := currentLimit(t); got != 300+ownDescriptors {
		t.Errorf("the limit is %d", got)
	}
	s.otherFiles = 5
	if possible, err := s.fit(300); possible != 300 || err != nil || currentLimit(t) != 305+ownDescriptors {
		t.Errorf("for %d clients the limit is %d: %v", possible, currentLimit(t), err)
	}
	s.otherFiles = 0
	c := s.dial()
	if got := c.do("CONFIG", "SET", "maxclients", "400"); got != "+OK\r\n" || currentLimit(t) != 400+ownDescriptors {
		t.Errorf("got %q, and the limit is %d", got, currentLimit(t))
	}
	// More than any kernel allows.
	got := c.do("CONFIG", "SET", "maxclients", "2147483647")
	want := fmt.Sprintf("-ERR CONFIG SET failed (possibly related to argument 'maxclients') - The operating system is not able to handle "+
		"the specified number of clients, try with %d\r\n", currentLimit(t)-ownDescriptors)
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := c.do("CONFIG", "GET", "maxclients"); !strings.Contains(got, "\r\n400\r\n") {
		t.Errorf("got %q", got)
	}
}

// TestLoweredConnections: what the system does not allow is lowered and logged.
func TestLoweredConnections(t *testing.T) {
	s := startServer(t, Portable, "server.max_connections", "2147483647")
	hard := withLimit(t, 256)
	if err := s.FitConnections(); err != nil {
		t.Fatal(err)
	}
	want := strconv.FormatUint(hard-ownDescriptors, 10)
	if got := s.dial().do("CONFIG", "GET", "maxclients"); !strings.Contains(got, "\r\n"+want+"\r\n") {
		t.Errorf("got %q, want %s", got, want)
	}
	if !strings.Contains(s.logged.String(), "max_connections="+want) {
		t.Errorf("the log does not say it: %s", s.logged)
	}
}
