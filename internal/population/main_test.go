package population_test

import (
	"net"
	"os"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/redistill/redistill/internal/servertest"
	"github.com/redistill/redistill/test/await"
)

func TestMain(m *testing.M) { os.Exit(servertest.Main(m)) }

// client connects to a server until the test ends.
func client(t *testing.T, address string) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: address, DialTimeout: await.Limit, ReadTimeout: await.Limit})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	return nc
}
