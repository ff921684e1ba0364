package config

import (
	"bufio"
	"bytes"
	"io/fs"
	"math"
	"path"
	"strconv"
	"strings"
)

// cgroupMounts are the places where distributions mount the hierarchies: v2
// alone, v2 beside v1 controllers, and v1's memory controller.
var cgroupMounts = []struct {
	v2         bool
	mount      string
	limit      string
	controller string // in /proc/self/cgroup
	from       string
}{
	{true, "sys/fs/cgroup", "memory.max", "", "cgroup v2 limit"},
	{true, "sys/fs/cgroup/unified", "memory.max", "", "cgroup v2 limit"},
	{false, "sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory", "cgroup v1 limit"},
}

// linuxMemory returns the memory that this process may use: the machine's, or
// the lowest limit of its cgroups and of the cgroups around them. root is the
// file system's root, with proc and sys below it.
func linuxMemory(root fs.FS) Memory {
	mem := Memory{Bytes: machineMemory(root), From: "machine"}
	groups := ownCgroups(root)
	for _, m := range cgroupMounts {
		// In a container without a cgroup namespace the path is the host's
		// while the mount starts at the container: the mount's own root then
		// has the limit, and it is always on the way up.
		for dir := groups[m.controller]; ; dir = path.Dir(dir) {
			limit := readLimit(root, path.Join(m.mount, dir, m.limit))
			if limit > 0 && (mem.Bytes == 0 || limit < mem.Bytes) {
				mem = Memory{Bytes: limit, From: m.from}
			}
			if dir == "/" || dir == "." || dir == "" {
				break
			}
		}
	}
	return mem
}

// machineMemory reads MemTotal, or returns 0.
func machineMemory(root fs.FS) int64 {
	data, err := fs.ReadFile(root, "proc/meminfo")
	if err != nil {
		return 0
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		// MemTotal:       16303180 kB
		fields := strings.Fields(lines.Text())
		if len(fields) == 3 && fields[0] == "MemTotal:" {
			kb, err := strconv.ParseInt(fields[1], 10, 64)
			if err != nil || kb > math.MaxInt64/1024 {
				return 0
			}
			return kb * 1024
		}
	}
	return 0
}

// ownCgroups maps v1 controllers, and "" for v2, to this process's group.
func ownCgroups(root fs.FS) map[string]string {
	groups := make(map[string]string)
	data, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return groups
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		// 4:memory:/docker/1f2e or 0::/user.slice
		fields := strings.SplitN(lines.Text(), ":", 3)
		if len(fields) != 3 {
			continue
		}
		for _, controller := range strings.Split(fields[1], ",") {
			groups[controller] = path.Clean("/" + fields[2])
		}
	}
	return groups
}

// readLimit returns the limit in the file, or 0 if there is none. "max" and
// v1's number near 2^63 both mean none.
func readLimit(root fs.FS, name string) int64 {
	data, err := fs.ReadFile(root, name)
	if err != nil {
		return 0
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64)
	if err != nil || n >= math.MaxInt64/2 {
		return 0
	}
	return n
}
