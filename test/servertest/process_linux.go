package servertest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// EndsWithParent has the kernel end a process whose test was killed.
func EndsWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// Usage is what a process takes at a moment.
type Usage struct {
	Resident             int64 // bytes
	Descriptors, Threads int
	CPU                  time.Duration // user and system time so far
	State                string        // R, S, T ...
}

// ClockTick is the unit of times in /proc, which is the same on all architectures.
const ClockTick = 10 * time.Millisecond

// Usage asks the system. It fails the test if the process has ended.
func (s *Server) Usage() Usage {
	s.tb.Helper()
	u, err := usageOf(s.PID)
	if err != nil {
		s.tb.Fatal(err)
	}
	return u
}

func usageOf(pid int) (Usage, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Usage{}, err
	}
	// Behind the name, which is in parentheses, from the third field on.
	f := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(f) < 22 {
		return Usage{}, errors.New("the process has ended")
	}
	number := func(field int) int64 {
		n, _ := strconv.ParseInt(f[field-3], 10, 64)
		return n
	}
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	return Usage{
		Resident: number(24) * int64(os.Getpagesize()), Descriptors: len(entries), Threads: int(number(20)),
		CPU: time.Duration(number(14)+number(15)) * ClockTick, State: f[0],
	}, err
}

// listens reports whether the process listens on its port. Somebody else may have it for a moment: a test that starts its server again
// takes the port that it had before.
func (s *Server) listens() bool {
	_, port, _ := strings.Cut(s.Addr, ":")
	n, _ := strconv.Atoi(port)
	sockets := map[string]bool{}
	for _, table := range []string{"tcp", "tcp6"} {
		text, _ := os.ReadFile("/proc/net/" + table)
		for line := range strings.Lines(string(text)) {
			// The local address is the second field, the state the fourth, the inode the tenth.
			f := strings.Fields(line)
			if len(f) > 9 && f[3] == "0A" && strings.HasSuffix(f[1], fmt.Sprintf(":%04X", n)) {
				sockets["socket:["+f[9]+"]"] = true
			}
		}
	}
	fds, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", s.PID))
	return slices.ContainsFunc(fds, func(fd string) bool {
		target, _ := os.Readlink(fd)
		return sockets[target]
	})
}
