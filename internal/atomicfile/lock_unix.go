//go:build unix && !aix && !solaris

package atomicfile

import (
	"os"
	"syscall"
)

// lock locks a file until it is closed. If somebody else has locked it, it waits, or returns ErrBusy. Where the filesystem has no locks, it
// does nothing.
func lock(f *os.File, wait bool) error {
	how := syscall.LOCK_EX
	if !wait {
		how |= syscall.LOCK_NB
	}
	for {
		switch err := syscall.Flock(int(f.Fd()), how); err {
		case syscall.EINTR:
		case syscall.EWOULDBLOCK:
			return &os.PathError{Op: "lock", Path: f.Name(), Err: ErrBusy}
		default:
			return nil
		}
	}
}

// replace gives a file its final name and closes it, in this order, for with its closing the lock is gone. If it returns an error the file is
// still open.
func replace(f *os.File, path string) error {
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	_ = f.Close() // it was synchronised
	return nil
}

// discard removes a file and closes it, in this order, for with its closing the lock is gone.
func discard(f *os.File) {
	_ = os.Remove(f.Name())
	_ = f.Close()
}
