package command

import (
	"bufio"
	"net"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/redistill/redistill/internal/resp/resptest"
	"github.com/redistill/redistill/test/await"
)

// oracle is a connection, in RESP2, to a real redis-server of its own.
type oracle struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
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
	var conn net.Conn
	await.True(t, "redis-server accepts a connection", func() bool {
		conn, err = net.Dial("unix", socket)
		return err == nil
	})
	t.Cleanup(func() { _ = conn.Close() })
	return &oracle{t, conn, bufio.NewReader(conn)}
}

// do sends a command and returns its reply as resptest.Reply reads it.
func (o *oracle) do(args ...string) any {
	o.t.Helper()
	b := []byte("*" + strconv.Itoa(len(args)) + "\r\n")
	for _, a := range args {
		b = append(b, "$"+strconv.Itoa(len(a))+"\r\n"+a+"\r\n"...)
	}
	_ = o.conn.SetDeadline(await.Deadline())
	if _, err := o.conn.Write(b); err != nil {
		o.t.Fatal(err)
	}
	v, err := resptest.Reply(o.r)
	if err != nil {
		o.t.Fatalf("%q: %v", args, err)
	}
	return v
}
