package sample_test

import (
	"net"
	"os"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redistill/redistill/test/await"
	"github.com/redistill/redistill/test/servertest"
	"github.com/redistill/redistill/tools/client"
)

func TestMain(m *testing.M) { os.Exit(servertest.Main(m)) }

// connect connects to a server until the test ends.
func connect(t *testing.T, address string) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: address, DialTimeout: await.Limit, ReadTimeout: await.Limit})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// minute is how long the commands of the package wait for replies here.
var minute = client.Options{Timeout: time.Minute}

// dial is connect for the commands of the package, without a login.
func dial(t *testing.T, address string) *client.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	return client.New(nc, minute)
}
