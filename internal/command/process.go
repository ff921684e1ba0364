package command

import (
	"os"
	"runtime"
	"strconv"
	"strings"
)

// residentBytes returns the resident memory of the process. Where the system does not tell, it is the most that it ever was.
func residentBytes() int64 {
	if statm, err := os.ReadFile("/proc/self/statm"); err == nil {
		if fields := strings.Fields(string(statm)); len(fields) > 1 {
			pages, _ := strconv.ParseInt(fields[1], 10, 64)
			return pages * int64(os.Getpagesize())
		}
	}
	return peakResident()
}

// operatingSystem names the kernel, its release where that is known, and the machine: "Linux 6.1.0 amd64".
func operatingSystem() string {
	words := []string{strings.ToUpper(runtime.GOOS[:1]) + runtime.GOOS[1:]}
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		words = append(words, strings.TrimSpace(string(release)))
	}
	return strings.Join(append(words, runtime.GOARCH), " ")
}
