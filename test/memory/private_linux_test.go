package memory_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// private returns the bytes of memory that the server and its children hold, those that they share counted once, and 0 where it is not known.
func (s *server) private() (bytes int64) {
	pids := []string{strconv.Itoa(s.PID)}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", s.PID, s.PID))
	if err == nil {
		pids = append(pids, strings.Fields(string(children))...)
	}
	for _, pid := range pids {
		rollup, err := os.ReadFile("/proc/" + pid + "/smaps_rollup")
		if err != nil {
			continue // it has ended
		}
		for line := range strings.Lines(string(rollup)) {
			if f := strings.Fields(line); f[0] == "Pss:" {
				kilobytes, _ := strconv.ParseInt(f[1], 10, 64)
				bytes += kilobytes << 10
			}
		}
	}
	return bytes
}
