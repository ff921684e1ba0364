package netserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/redistill/redistill/test/await"
)

// startUnix starts a server that listens on a Unix socket too, and returns the socket's path.
func startUnix(t *testing.T, path string, mode os.FileMode) (*testServer, string) {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	listeners, err := Listen(Endpoints{Addresses: []string{"127.0.0.1"}, Unix: socket, UnixMode: mode})
	if err != nil {
		t.Fatal(err)
	}
	return startOn(t, path, listeners), socket
}

// TestUnixSocket: a client works over the socket as over TCP, and the file goes with the server.
func TestUnixSocket(t *testing.T) { eachPath(t, testUnixSocket) }

func testUnixSocket(t *testing.T, path string) {
	s, socket := startUnix(t, path, 0o640)
	info, err := os.Stat(socket)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != fs.ModeSocket|0o640 {
		t.Errorf("got mode %v", info.Mode())
	}
	ctx := context.Background()
	client := redis.NewClient(&redis.Options{Network: "unix", Addr: socket, DialTimeout: await.Limit, ReadTimeout: await.Limit, WriteTimeout: await.Limit})
	defer func() { _ = client.Close() }()
	value := bytes.Repeat([]byte("x"), 3<<20)
	if _, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i := range 100 {
			p.Set(ctx, fmt.Sprint("k", i), i, 0)
		}
		p.Set(ctx, "long", value, 0)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if got, err := client.Get(ctx, "long").Bytes(); err != nil || !bytes.Equal(got, value) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	if got, err := client.DBSize(ctx).Result(); err != nil || got != 101 {
		t.Errorf("got %d, %v", got, err)
	}
	list, err := client.ClientList(ctx).Result()
	if want := fmt.Sprintf(" addr=%s:0 laddr=%s:0 ", socket, socket); err != nil || !strings.Contains(list, want) || !strings.Contains(list, " flags=U ") {
		t.Errorf("%v: not %q in %s", err, want, list)
	}
	if got := s.dial().do("PING"); got != "+PONG\r\n" {
		t.Errorf("over TCP: %q", got)
	}
	if err := s.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(socket); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after the shutdown: %v", err)
	}
}

// TestUnixMonitor: a monitor is told which socket a client uses.
func TestUnixMonitor(t *testing.T) { eachPath(t, testUnixMonitor) }

func testUnixMonitor(t *testing.T, path string) {
	s, socket := startUnix(t, path, 0)
	m := s.dial()
	m.do("MONITOR")
	nc, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	newClient(t, nc).do("PING")
	if got := m.reply(); !strings.HasSuffix(got, " [0 unix:"+socket+`] "PING"`+"\r\n") {
		t.Errorf("got %q", got)
	}
}

// TestUnixSocketInTheWay: a socket that nobody listens on is replaced, anything else is left alone.
func TestUnixSocketInTheWay(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	at := Endpoints{Unix: socket}
	stale, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	stale.(*net.UnixListener).SetUnlinkOnClose(false)
	if _, err := Listen(at); err == nil || !strings.Contains(err.Error(), "another server") {
		t.Errorf("got %v for a socket in use", err)
	}
	_ = stale.Close()
	listeners, err := Listen(at)
	if err != nil {
		t.Fatal(err)
	}
	closeAll(listeners)

	if err := os.WriteFile(socket, []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, at.UnixMode = range []os.FileMode{0, 0o600} {
		if _, err := Listen(at); err == nil || !strings.Contains(err.Error(), "address already in use") {
			t.Errorf("mode %o: got %v for a file", at.UnixMode, err)
		}
	}
	if text, err := os.ReadFile(socket); err != nil || string(text) != "data" {
		t.Errorf("the file is %q, %v", text, err)
	}

	// If the socket cannot be had, the port is given back.
	at.Addresses = []string{"127.0.0.1"}
	before := openDescriptors(t)
	if _, err := Listen(at); err == nil {
		t.Error("no error")
	}
	if after := openDescriptors(t); after != before {
		t.Errorf("%d descriptors are open, %d were", after, before)
	}
}

// openDescriptors returns the number of open file descriptors, or 0 if the system does not tell.
func openDescriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return len(entries)
}

// TestBacklog: connections above the backlog are not completed.
func TestBacklog(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	listeners, err := Listen(Endpoints{Unix: socket, Backlog: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(listeners)
	for range 10 {
		nc, err := net.Dial("unix", socket)
		if err != nil {
			return // the queue is full, which a Unix socket says at once
		}
		defer func() { _ = nc.Close() }()
	}
	t.Error("10 connections wait with a backlog of 1")
}
