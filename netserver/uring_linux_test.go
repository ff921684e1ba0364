package netserver

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unsafe"

	"github.com/redistill/redistill/test/await"
)

// forbid makes the kernel refuse a system call to the calling thread, as container runtimes do it: by a filter of seccomp(2). The caller
// has locked itself to the thread for good.
func forbid(call uint32) syscall.Errno {
	const (
		setNoNewPrivs = 38
		setSeccomp    = 22
		modeFilter    = 2
		deny          = 0x00050000 | uint32(syscall.EPERM) // return this error
		allow         = 0x7fff0000
	)
	filter := []syscall.SockFilter{
		{Code: syscall.BPF_LD | syscall.BPF_W | syscall.BPF_ABS, K: 0}, // the number of the call
		{Code: syscall.BPF_JMP | syscall.BPF_JEQ | syscall.BPF_K, K: call, Jf: 1},
		{Code: syscall.BPF_RET | syscall.BPF_K, K: deny},
		{Code: syscall.BPF_RET | syscall.BPF_K, K: allow},
	}
	program := syscall.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, setNoNewPrivs, 1, 0, 0, 0, 0); errno != 0 {
		return errno
	}
	_, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, setSeccomp, modeFilter, uintptr(unsafe.Pointer(&program)))
	return errno
}

// TestIOUringRefused: where io_uring is forbidden, the next best path is chosen, and said why.
func TestIOUringRefused(t *testing.T) {
	type choice struct {
		path, fallback string
		err            error
	}
	var auto, forced choice
	done := make(chan syscall.Errno)
	go func() {
		runtime.LockOSThread() // the thread ends with the goroutine, and takes its filter along
		errno := forbid(sysSetup)
		auto.path, auto.fallback, auto.err = ChoosePath("auto")
		forced.path, forced.fallback, forced.err = ChoosePath(IOUring)
		done <- errno
	}()
	if errno := <-done; errno != 0 {
		t.Skipf("skipped, because this system has no seccomp: %v", errno)
	}
	const reason = "io_uring_setup: operation not permitted"
	if auto.path != Epoll || !strings.Contains(auto.fallback, reason) || auto.err != nil {
		t.Errorf("auto: got %+v", auto)
	}
	if forced.err == nil || !strings.Contains(forced.err.Error(), reason) {
		t.Errorf("forced: got %+v", forced)
	}
}

// TestChoosePath: what is asked for is what is used, or refused.
func TestChoosePath(t *testing.T) {
	best := IOUring
	if probeIOUring() != nil {
		best = Epoll
	}
	for io, want := range map[string]string{"auto": best, Epoll: Epoll, Portable: Portable} {
		path, fallback, err := ChoosePath(io)
		if path != want || err != nil || (fallback != "") != (io == "auto" && best != IOUring) {
			t.Errorf("%s: got %q, %q, %v", io, path, fallback, err)
		}
	}
}

// together returns so many clients of the same loop.
func (s *testServer) together(n int) (clients []*client) {
	for len(clients) < n {
		c := s.dial()
		c.do("PING")
		if loopOf(s.connOf(c)) == 0 {
			clients = append(clients, c)
		}
	}
	return clients
}

// TestBuffersForAll: where buffers are few, a client with much to say does not get them again and
// again before another gets one.
func TestBuffersForAll(t *testing.T) {
	const commands = 10_000
	s := startServer(t, tinyIOUring)
	clients := s.together(6)
	busy, clients := clients[0], clients[1:]
	began, end := s.longCommands()
	busy.send(encode("CONFIG", "SET", "maxclients", "5000"))
	<-began
	pipeline := strings.Repeat(encode("INCR", "counter"), commands)
	var sending sync.WaitGroup
	for _, c := range clients {
		sending.Go(func() { c.send(pipeline) })
		conn := s.connOf(c).(*loopConn)
		await.True(t, "much has arrived", func() bool { return unreceived(conn.fd) > 2*bufferSize })
	}
	close(end)
	for i, c := range clients {
		var first int
		if _, err := fmt.Sscanf(c.reply(), ":%d\r\n", &first); err != nil {
			t.Fatal(err)
		}
		if most := commands * len(clients) / 2; first > most {
			t.Errorf("client %d had its first reply after %d commands of others, most are %d", i, first-1, most)
		}
		for range commands - 1 {
			c.reply()
		}
	}
	sending.Wait()
	busy.expect("+OK\r\n")
}

// TestFloodsAreReadInTurn: a client with a flood of commands does not fill one buffer after the
// other, but is read from once a turn.
func TestFloodsAreReadInTurn(t *testing.T) {
	s := startServer(t, IOUring)
	clients := s.together(2)
	busy, flood := clients[0], clients[1]
	began, end := s.longCommands()
	var flooding sync.WaitGroup
	defer flooding.Wait()
	defer func() { _ = flood.Close() }()
	flooding.Go(func() { _, _ = io.Copy(io.Discard, flood.Conn) })
	flooding.Go(func() {
		for pings := []byte(strings.Repeat("PING\r\n", 20_000)); ; {
			if _, err := flood.Write(pings); err != nil {
				return
			}
		}
	})
	conn, limit := s.connOf(flood).(*loopConn), 5000
	await.True(t, "it is read from in turn", func() bool {
		limit++
		busy.send(encode("CONFIG", "SET", "maxclients", fmt.Sprint(limit)))
		<-began // so that the loop does nothing else
		polling := conn.polling
		end <- struct{}{}
		busy.expect("+OK\r\n")
		return polling
	})
}

// Replies that are not handed over to the kernel when their client is closed are not sent: what they
// lie in was given back as those of further commands came, and may be another client's.
func TestRepliesOfTheClosedAreNotSent(t *testing.T) {
	if err := probeIOUring(); err != nil {
		t.Skip(err)
	}
	s := startServer(t, IOUring)
	s.set("client-output-buffer-limit", "normal 1mb 0 0")
	quarter := strings.Repeat("v", bufferSize/4)
	s.dial().do("MSET", "k", strings.Repeat("k", 10_000), "part", quarter)
	part := encode("GETSET", "part", quarter)
	tooLong := encode(append([]string{"MGET"}, slices.Repeat([]string{"k"}, 200)...)...)
	for range 20 {
		c := s.dial()
		// The first three are in one buffer, all else in the next.
		c.send(strings.Repeat(part, 4) + tooLong)
		c.wait()
		got, _ := io.ReadAll(c) // which ends as it likes
		if want := strings.Repeat(bulk(quarter), 4); !strings.HasPrefix(want, string(got)) {
			t.Fatalf("received %d bytes, %.100q", len(got), got)
		}
	}
}
