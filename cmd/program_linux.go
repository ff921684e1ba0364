package cmd

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// trimProgram gives back the memory of this program's file that only the start needed, or other commands do. What is needed again the
// system finds in its cache of files. A mapping of which some pages have become the process's own is left alone.
func trimProgram() { adviseProgram(syscall.MADV_DONTNEED) }

// adviseProgram gives the kernel advice about each mapping of this program's file of which no page has become the process's own.
func adviseProgram(advice uintptr) {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	maps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return
	}
	var from, to uint64 // of a mapping of the program that cannot be written, while its lines are read
	for line := range strings.Lines(string(maps)) {
		f := strings.Fields(line)
		switch {
		case len(f) >= 5 && !strings.HasSuffix(f[0], ":"):
			from, to = 0, 0
			if len(f) == 6 && f[5] == program && !strings.Contains(f[1], "w") {
				begin, end, _ := strings.Cut(f[0], "-")
				from, _ = strconv.ParseUint(begin, 16, 64)
				to, _ = strconv.ParseUint(end, 16, 64)
			}
		case f[0] == "Anonymous:" && f[1] == "0" && from < to:
			_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, uintptr(from), uintptr(to-from), advice)
		}
	}
}
