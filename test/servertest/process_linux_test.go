package servertest

import (
	"net"
	"os"
	"testing"
)

// TestListens: a port that somebody else listens on is not the server's.
func TestListens(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::]:0"} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Skipf("skipped, because there is no address such as %s: %v", address, err)
		}
		_, port, _ := net.SplitHostPort(l.Addr().String())
		own, other := Server{PID: os.Getpid(), Addr: "127.0.0.1:" + port}, Server{PID: os.Getppid(), Addr: "127.0.0.1:" + port}
		if !own.listens() || other.listens() {
			t.Errorf("%s: listens: this process %v, another one %v", address, own.listens(), other.listens())
		}
		if _ = l.Close(); own.listens() {
			t.Errorf("%s: this process listens no more", address)
		}
	}
}
