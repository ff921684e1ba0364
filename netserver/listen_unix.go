//go:build unix

package netserver

import (
	"net"
	"os"
	"syscall"
)

// setBacklog limits the connections that wait to be accepted. The standard library takes the most that the system allows.
func setBacklog(l net.Listener, n int) error {
	if secure, ok := l.(*tlsListener); ok {
		l = secure.Listener
	}
	sc, ok := l.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return err
	}
	var failure error
	if err := raw.Control(func(fd uintptr) { failure = syscall.Listen(int(fd), n) }); err != nil {
		return err
	}
	return os.NewSyscallError("listen", failure)
}
