package netserver

import (
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"
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
