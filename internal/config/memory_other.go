//go:build !linux && !darwin

package config

// DetectMemory returns the memory that this process may use. It is unknown on
// this system, so a share such as 80% is refused and max_memory must be a size.
func DetectMemory() Memory { return Memory{} }
