//go:build linux || darwin

package netserver

import (
	"os"
	"syscall"
)

// raiseDescriptors raises the limit of open files to n if it is lower, and returns what it is then. If that is below n, the error says
// why.
func raiseDescriptors(n uint64) (uint64, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, os.NewSyscallError("getrlimit", err)
	}
	if limit.Cur >= n {
		return limit.Cur, nil
	}
	raised := syscall.Rlimit{Cur: n, Max: max(limit.Max, n)} // above the hard limit, which takes a privilege
	err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &raised)
	if err == nil {
		return n, nil
	}
	most := syscall.Rlimit{Cur: limit.Max, Max: limit.Max}
	if limit.Cur < limit.Max && syscall.Setrlimit(syscall.RLIMIT_NOFILE, &most) == nil {
		limit.Cur = limit.Max
	}
	return limit.Cur, os.NewSyscallError("setrlimit", err)
}
