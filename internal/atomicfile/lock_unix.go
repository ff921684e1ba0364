//go:build unix && !aix && !solaris

package atomicfile

import (
	"os"
	"syscall"
)

// lock locks a file until it is closed. It waits for another process that has locked it. Where the
// filesystem has no locks, it does nothing.
func lock(f *os.File) { _ = flock(f, syscall.LOCK_EX) }

func flock(f *os.File, how int) error {
	for {
		if err := syscall.Flock(int(f.Fd()), how); err != syscall.EINTR {
			return err
		}
	}
}

// removeLeft removes what processes that were killed have left behind. It leaves alone what it cannot
// lock: that is being written.
func removeLeft(path string) {
	names, _ := leftBy(path) // where the directory cannot be read, nothing can be removed either
	for _, name := range names {
		// In the place of the file there may be a pipe by now, or a link.
		f, err := os.OpenFile(name, os.O_WRONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
		if err != nil {
			continue
		}
		if flock(f, syscall.LOCK_EX|syscall.LOCK_NB) == nil && named(f) {
			_ = os.Remove(name)
		}
		_ = f.Close()
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
