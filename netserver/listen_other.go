//go:build !unix

package netserver

import "net"

// setBacklog does nothing: the system keeps the backlog that the standard library chose.
func setBacklog(net.Listener, int) error { return nil }
