package netserver

import (
	"math"
	"syscall"
	"unsafe"

	"github.com/redistill/redistill/internal/resp"
)

// The calls below do not tell the scheduler. None of them waits.

// eventfd returns a new eventfd, which never blocks.
func eventfd() (int, error) {
	fd, _, errno := syscall.RawSyscall(syscall.SYS_EVENTFD2, 0, syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}

// receive reads what has arrived on a socket, up to the size of p. 0 bytes are the end.
func receive(fd int, p []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)),
		syscall.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// send writes as much of p, which is not empty, as the socket has room for.
func send(fd int, p []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)),
		syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// unacknowledged returns how much of what was written to a socket the other end does not have yet. The end of the stream counts as a byte.
func unacknowledged(fd int) int { return count(fd, syscall.TIOCOUTQ) }

// discard has the system drop what it has of a socket's output when that is closed.
func discard(fd int) {
	_ = syscall.SetsockoptLinger(fd, syscall.SOL_SOCKET, syscall.SO_LINGER, &syscall.Linger{Onoff: 1})
}

const tcpNotSentLowat = 25 // the socket option, on all systems alike

// limitUnsent sets how many bytes the system takes of what it cannot send yet, for a socket or for
// those that a listener will accept. 0 leaves it to the system, and so does a socket or a system that
// knows no such limit.
func limitUnsent(fd, n int) { _ = syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, tcpNotSentLowat, n) }

// unreceived returns how much has arrived on a socket and was not read.
func unreceived(fd int) int { return count(fd, syscall.TIOCINQ) }

// count asks for a number of bytes, and returns 0 if the system does not tell it.
func count(fd int, what uintptr) int {
	var n int32
	_, _, errno := syscall.RawSyscall(syscall.SYS_IOCTL, uintptr(fd), what, uintptr(unsafe.Pointer(&n)))
	if errno != 0 {
		return 0
	}
	return int(n)
}

// vector is scratch for sending replies that do not lie in one place.
type vector struct {
	slices  [64][]byte
	entries [64]syscall.Iovec
	header  messageHeader
}

// messageHeader is struct user_msghdr.
type messageHeader struct {
	name       unsafe.Pointer
	nameLen    uint32
	entries    *syscall.Iovec
	count      uintptr
	control    unsafe.Pointer
	controlLen uintptr
	flags      uint32
}

// send is send for the replies from an offset on, or as many as the vector has entries for.
func (v *vector) send(fd int, out *resp.Out, from int) (int, syscall.Errno) {
	slices := out.Rest(v.slices[:0], from, math.MaxInt)
	for i, b := range slices {
		v.entries[i].Base = &b[0]
		v.entries[i].SetLen(len(b))
	}
	v.header.entries, v.header.count = &v.entries[0], uintptr(len(slices))
	n, _, errno := syscall.RawSyscall(syscall.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&v.header)),
		syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL)
	clear(slices)
	clear(v.entries[:len(slices)])
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}
