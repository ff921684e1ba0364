package config

import (
	"encoding/binary"
	"syscall"
)

// DetectMemory returns the machine's memory. Bytes is 0 if it is unknown.
func DetectMemory() Memory {
	text, err := syscall.Sysctl("hw.memsize")
	if err != nil {
		return Memory{}
	}
	// The value is a little-endian uint64; Sysctl takes it for a string and
	// drops a final zero byte.
	var raw [8]byte
	copy(raw[:], text)
	return Memory{Bytes: int64(binary.LittleEndian.Uint64(raw[:])), From: "machine"}
}
