package config

import "os"

// DetectMemory returns the memory that this process may use: the machine's, or
// less if a cgroup (v1 or v2) limits it. Bytes is 0 if that is unknown.
func DetectMemory() Memory { return linuxMemory(os.DirFS("/")) }
