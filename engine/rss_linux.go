package engine

import (
	"bytes"
	"os"
	"strconv"
	"sync"
	"syscall"
)

// statm opens a file of the kernel's with the sizes of this process. It stays open, for it is read ten times a second.
var statm = sync.OnceValues(func() (fd int, err error) {
	return syscall.Open("/proc/self/statm", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
})

// ResidentSet returns the resident memory of the process in bytes, and how much of it is the program's and its libraries' files; 0 if that
// is not known.
func ResidentSet() (total, files int64) {
	fd, err := statm()
	if err != nil {
		return 0, 0
	}
	var line [128]byte
	n, err := syscall.Pread(fd, line[:], 0) // size resident shared ..., in pages
	if err != nil {
		return 0, 0
	}
	f := bytes.Fields(line[:n])
	if len(f) < 3 {
		return 0, 0
	}
	page := int64(os.Getpagesize())
	total, _ = strconv.ParseInt(string(f[1]), 10, 64)
	files, _ = strconv.ParseInt(string(f[2]), 10, 64)
	return total * page, files * page
}
