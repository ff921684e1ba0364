package command

import (
	"os"
	osexec "os/exec"
	"path/filepath"
	"testing"

	"github.com/tidwall/redcon"

	"github.com/redistill/redistill/internal/resp/resptest"
	"github.com/redistill/redistill/test/await"
	redisclient "github.com/redistill/redistill/tools/client"
)

// oracle is a connection, in RESP2, to a real redis-server of its own.
type oracle struct {
	t      *testing.T
	target redisclient.Target
	conn   *redisclient.Conn
}

func startOracle(t *testing.T) *oracle {
	t.Helper()
	path, err := osexec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("redis-server is not installed, and CI needs it")
		}
		t.Skip("skipped, because redis-server is not installed")
	}
	dir := t.TempDir()
	socket := filepath.Join(dir, "s")
	cmd := osexec.Command(path, "--port", "0", "--unixsocket", socket, "--save", "", "--dir", dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	target := redisclient.Target{Network: "unix", Address: socket}
	var conn *redisclient.Conn
	await.True(t, "redis-server accepts a connection", func() bool {
		conn, err = redisclient.Dial(t.Context(), target, redisclient.Options{Timeout: await.Limit})
		return err == nil
	})
	t.Cleanup(conn.Close)
	return &oracle{t, target, conn}
}

// do sends a command and returns its reply as resptest.Value has it.
func (o *oracle) do(args ...string) any {
	o.t.Helper()
	var v any
	o.conn.Add(args...)
	err := o.conn.Send(func(r redcon.RESP) error {
		v = resptest.Value(r)
		return nil
	})
	if err != nil {
		o.t.Fatalf("%q: %v", args, err)
	}
	return v
}
