package command

import (
	"os"
	"runtime"
	"strconv"
	"strings"
)

// swapped returns the bytes of the process that are swapped out, 0 where the system does not tell.
func swapped() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, line, _ := strings.Cut(string(status), "\nVmSwap:")
	line, _, _ = strings.Cut(line, " kB")
	kilobytes, _ := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
	return kilobytes << 10
}

// operatingSystem names the kernel, its release where that is known, and the machine: "Linux 6.1.0 amd64".
func operatingSystem() string {
	words := []string{strings.ToUpper(runtime.GOOS[:1]) + runtime.GOOS[1:]}
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		words = append(words, strings.TrimSpace(string(release)))
	}
	return strings.Join(append(words, runtime.GOARCH), " ")
}
