package bench

import "syscall"

// endsWithParent has the kernel end a server whose generator was killed.
func endsWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} }
