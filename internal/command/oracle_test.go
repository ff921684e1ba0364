package command

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
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
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			t.Cleanup(func() { _ = conn.Close() })
			return &oracle{t, conn, bufio.NewReader(conn)}
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// do sends a command and returns its reply as parsed by parseReply.
func (o *oracle) do(args ...string) any {
	o.t.Helper()
	b := []byte("*" + strconv.Itoa(len(args)) + "\r\n")
	for _, a := range args {
		b = append(b, "$"+strconv.Itoa(len(a))+"\r\n"+a+"\r\n"...)
	}
	if _, err := o.conn.Write(b); err != nil {
		o.t.Fatal(err)
	}
	v, err := parseReply(o.r)
	if err != nil {
		o.t.Fatalf("%q: %v", args, err)
	}
	return v
}

// parseReply reads a RESP2 reply: a string for strings and statuses, an error for errors, an int64, a []any, or nil.
func parseReply(r *bufio.Reader) (any, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	kind, text := line[0], line[1:len(line)-2]
	switch kind {
	case '+':
		return text, nil
	case '-':
		return errors.New(text), nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || kind == ':' {
		return n, err
	}
	if n < 0 {
		return nil, nil
	}
	if kind == '$' {
		b := make([]byte, n+2)
		_, err := io.ReadFull(r, b)
		return string(b[:n]), err
	}
	list := []any{}
	for range n {
		v, err := parseReply(r)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}
