package faults

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/redistill/redistill/netserver"
	"github.com/redistill/redistill/test/await"
	"github.com/redistill/redistill/test/servertest"
)

// goesOn is what a server logs that was told to stop and does not.
const goesOn = "goes on, because the snapshot cannot be written"

// TestStopWithoutDisk: a server whose snapshot cannot be written does not end, whichever signal
// tells it to, unless the settings say otherwise. Its clients notice nothing, and when the disk is
// back it ends with all of the data in the file.
func TestStopWithoutDisk(t *testing.T) {
	for _, test := range []struct {
		setting string // of the signal that ends it
		signal  syscall.Signal
		fails   bool // it ends with an error
		saves   bool // the file has the data, because the disk is back
	}{
		{"", syscall.SIGTERM, false, true},
		{"", syscall.SIGINT, false, true},
		{"shutdown-on-sigterm nosave", syscall.SIGTERM, false, false},
		{"shutdown-on-sigint nosave", syscall.SIGINT, false, false},
		{"shutdown-on-sigterm force", syscall.SIGTERM, true, false},
		{"shutdown-on-sigterm now", syscall.SIGTERM, true, false},
	} {
		t.Run(test.setting+" "+test.signal.String(), func(t *testing.T) {
			dir := t.TempDir()
			s := servertest.StartIn(t, dir, redistill(t, netserver.Portable, "--persistence", "--snapshot-interval", "0")...)
			c := s.Dial()
			c.Do("SET", "k", "v")
			path := filepath.Join(dir, "dump.rdb")
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
			for i, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGINT, syscall.SIGTERM} {
				s.Signal(sig)
				s.Eventually("it goes on", func() bool { return strings.Count(s.Log(), goesOn) == i+1 })
				if got := c.Do("GET", "k"); got != "v" {
					t.Errorf("after %s: %v", sig, got)
				}
			}
			if !strings.Contains(s.Log(), "signal=interrupt error=\""+"dump.rdb is not a regular file\"") {
				t.Errorf("the reason is not in the log:\n%s", s.Log())
			}
			if test.saves {
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
			} else {
				c.Do(append([]string{"CONFIG", "SET"}, strings.Fields(test.setting)...)...)
			}
			s.Signal(test.signal)
			if err := s.Wait(); (err != nil) != test.fails {
				t.Errorf("it ended with %v", err)
			}
			if test.saves {
				if got := read(t, path); got[name{0, "k"}].text != "v" {
					t.Errorf("the file has %v", got)
				}
			}
		})
	}
}

// TestStopWithHungDisk: while a server that is told to stop waits for its disk, clients are served.
// A second SIGINT ends it at once, and leaves the old snapshot.
func TestStopWithHungDisk(t *testing.T) {
	calls := newCalls(t)
	hang, release := newHang()
	defer release()
	path := filepath.Join(calls.dir, "dump.rdb")
	s := servertest.StartIn(t, t.TempDir(), redistill(t, netserver.Epoll, "--threads", "1", "--persistence",
		"--snapshot-interval", "0", "--snapshot-path", path)...)
	c := s.Dial()
	c.Do("SET", "k", "old")
	c.Do("SAVE")
	c.Do("SET", "k", "new")
	calls.set(0, hang, 0, "write")
	s.Signal(syscall.SIGINT)
	s.Eventually("the disk hangs", func() bool { return calls.hung() > 0 })
	if got := c.Do("GET", "k"); got != "new" {
		t.Errorf("got %v", got)
	}
	s.Signal(syscall.SIGINT)
	release() // the process cannot end before its call
	if err := s.Wait(); err == nil {
		t.Error("it ended with success")
	}
	calls.set(0, nil, 0)
	if got := read(t, path); got[name{0, "k"}].text != "old" {
		t.Errorf("the file has %v", got)
	}
}

// TestStopWhileStarting: a server whose start hangs, on its file of users, can be ended by SIGTERM.
func TestStopWhileStarting(t *testing.T) {
	dir := t.TempDir()
	users := filepath.Join(dir, "users")
	if err := syscall.Mkfifo(users, 0o600); err != nil {
		t.Fatal(err)
	}
	args := redistill(t, netserver.Portable, "--acl-file", users, "--unix-socket", "s")
	args[slices.Index(args, servertest.Port)] = "0" // ports are bound later
	s := servertest.Launch(t, dir, args...)
	s.Eventually("it reads the users", func() bool {
		f, err := os.OpenFile(users, os.O_WRONLY|syscall.O_NONBLOCK, 0)
		if err == nil {
			t.Cleanup(func() { _ = f.Close() })
		}
		return err == nil
	})
	await.True(t, "the server has ended", func() bool {
		s.Signal(syscall.SIGTERM)
		return s.Ended()
	})
	_ = s.Wait() // the signal is what it ended with
}
