package config

import (
	"testing"
	"testing/fstest"
)

const meminfo = "MemTotal:       16303180 kB\nMemFree:          409340 kB\n"

func TestLinuxMemory(t *testing.T) {
	const gb = 1 << 30
	machine := Memory{16303180 * 1024, "machine"}
	tests := []struct {
		name  string
		files map[string]string
		want  Memory
	}{
		{"nothing is known", nil, Memory{0, "machine"}},
		{"garbage", map[string]string{"proc/meminfo": "MemTotal: many kB\n", "proc/self/cgroup": "\n:\n0::"}, Memory{0, "machine"}},
		{"no cgroups", map[string]string{"proc/meminfo": meminfo}, machine},
		{"v2 without limit", map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/user.slice\n",
			"sys/fs/cgroup/user.slice/memory.max": "max\n",
		}, machine},
		{"v2 limit of the own group", map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/system.slice/redistill.service\n",
			"sys/fs/cgroup/system.slice/redistill.service/memory.max": "2147483648\n",
			"sys/fs/cgroup/system.slice/memory.max":                   "max\n",
		}, Memory{2 * gb, "cgroup v2 limit"}},
		{"v2 lower limit further up", map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a/b\n",
			"sys/fs/cgroup/a/b/memory.max": "4294967296\n",
			"sys/fs/cgroup/a/memory.max":   "1073741824\n",
		}, Memory{gb, "cgroup v2 limit"}},
		{"v2 in a container: the mount's root is the group", map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/\n",
			"sys/fs/cgroup/memory.max": "1073741824\n",
		}, Memory{gb, "cgroup v2 limit"}},
		{"v2 limit above the machine", map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/\n",
			"sys/fs/cgroup/memory.max": "999999999999999\n",
		}, machine},
		{"v1", map[string]string{
			"proc/meminfo":     meminfo,
			"proc/self/cgroup": "11:cpu,cpuacct:/x\n4:memory:/docker/1f2e\n0::/\n",
			"sys/fs/cgroup/memory/docker/1f2e/memory.limit_in_bytes": "1073741824\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":             "9223372036854771712\n",
		}, Memory{gb, "cgroup v1 limit"}},
		{"v1 in a container that sees the host's path", map[string]string{
			"proc/meminfo":     meminfo,
			"proc/self/cgroup": "4:memory:/docker/1f2e\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "1073741824\n",
		}, Memory{gb, "cgroup v1 limit"}},
		{"v1 without limit", map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "4:memory:/\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
		}, machine},
		{"v2 beside v1", map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "4:memory:/a\n0::/b\n",
			"sys/fs/cgroup/unified/b/memory.max":           "1073741824\n",
			"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "2147483648\n",
		}, Memory{gb, "cgroup v2 limit"}},
	}
	for _, test := range tests {
		root := fstest.MapFS{}
		for name, data := range test.files {
			root[name] = &fstest.MapFile{Data: []byte(data)}
		}
		if got := linuxMemory(root); got != test.want {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
	}
}
