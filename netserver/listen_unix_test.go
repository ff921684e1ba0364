//go:build unix

package netserver

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestUnixSocketMode: nobody can connect before the socket has its permissions, whatever the umask.
func TestUnixSocketMode(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	f, err := bindUnix(socket, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if info, err := os.Stat(socket); err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("got mode %v, %v", info.Mode(), err)
	}
	if _, err := net.Dial("unix", socket); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("connecting: got %v", err)
	}
}
