package spawn

import "syscall"

// processAttributes has the kernel end a server whose user was killed. In a process
// group of its own the server does not get the Ctrl-C that is meant for its user,
// which may want its figures before it ends it.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
}
