package command

import (
	"os"
	"runtime"
	"strings"
)

// operatingSystem names the kernel, its release where that is known, and the machine: "Linux 6.1.0 amd64".
func operatingSystem() string {
	words := []string{strings.ToUpper(runtime.GOOS[:1]) + runtime.GOOS[1:]}
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		words = append(words, strings.TrimSpace(string(release)))
	}
	return strings.Join(append(words, runtime.GOARCH), " ")
}
