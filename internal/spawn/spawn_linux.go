package spawn

import "syscall"

// endsWithParent has the kernel end a server whose user was killed.
func endsWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} }
