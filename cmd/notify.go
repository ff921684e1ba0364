package cmd

import (
	"net"
	"os"
)

// notifyReady tells the service manager that started the process that clients are served, if it wants to know (sd_notify(3), Type=notify in a
// unit of systemd).
func notifyReady() error {
	socket := os.Getenv("NOTIFY_SOCKET") // a path, or a name that begins with @
	if socket == "" {
		return nil
	}
	c, err := net.Dial("unixgram", socket)
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Write([]byte("READY=1"))
	return err
}
