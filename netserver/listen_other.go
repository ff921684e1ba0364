//go:build !unix

package netserver

import (
	"errors"
	"net"
	"os"
)

// setBacklog does nothing: the system keeps the backlog that the standard library chose.
func setBacklog(net.Listener, int) error { return nil }

// listenUnixAs listens on a Unix socket and sets its permissions.
func listenUnixAs(path string, mode os.FileMode) (net.Listener, error) {
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, mode); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}
