package population_test

import (
	"net"
	"os"
	"testing"

	"github.com/redistill/redistill/internal/servertest"
)

func TestMain(m *testing.M) { os.Exit(servertest.Main(m)) }

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	return nc
}
