//go:build unix && !linux

package spawn

import "syscall"

// processAttributes keeps Ctrl-C from the server; see spawn_linux.go.
func processAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
