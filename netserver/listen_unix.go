//go:build unix

package netserver

import (
	"errors"
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

// listenUnixAs listens on a Unix socket with these permissions. They are set before it listens, so
// that no client can connect that may not.
func listenUnixAs(path string, mode os.FileMode) (net.Listener, error) {
	f, err := bindUnix(path, mode)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // the listener has a descriptor of its own
	if err := syscall.Listen(int(f.Fd()), syscall.SOMAXCONN); err != nil {
		return nil, errors.Join(os.NewSyscallError("listen", err), os.Remove(path))
	}
	l, err := net.FileListener(f)
	if err != nil {
		return nil, errors.Join(err, os.Remove(path))
	}
	l.(*net.UnixListener).SetUnlinkOnClose(true)
	return l, nil
}

// bindUnix returns a Unix socket that has its path and permissions, and does not listen yet.
func bindUnix(path string, mode os.FileMode) (*os.File, error) {
	syscall.ForkLock.RLock() // so that no process that is started now inherits the descriptor
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	f := os.NewFile(uintptr(fd), path)
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		_ = f.Close()
		return nil, &net.OpError{
			Op: "listen", Net: "unix", Addr: &net.UnixAddr{Name: path, Net: "unix"}, Err: os.NewSyscallError("bind", err),
		}
	}
	if err := os.Chmod(path, mode); err != nil {
		return nil, errors.Join(err, os.Remove(path), f.Close())
	}
	return f, nil
}
