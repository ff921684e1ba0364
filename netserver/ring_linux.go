package netserver

import (
	"fmt"
	"sync/atomic"
	"syscall"
	"unsafe"
)

// ring is an io_uring: a queue of requests to the kernel and one of their completions, both in memory shared with it, and a ring of
// buffers from which the kernel takes one for each piece of input. The structures and numbers are those of the kernel's
// include/uapi/linux/io_uring.h; the manual is io_uring(7). The thread that calls enable owns the ring, and no other may use it.
type ring struct {
	fd     int
	memory [][]byte // mapped by newRing

	entries   []sqe
	sqHead    *atomic.Uint32 // moved by the kernel
	sqTail    *atomic.Uint32
	tail      uint32 // requests are filled up to here; published by enter
	submitted uint32 // and handed to the kernel up to here

	completions []cqe
	cqHead      *atomic.Uint32
	cqTail      *atomic.Uint32 // moved by the kernel
	aside       []cqe          // older ones, see setAside

	wait    waitArg          // of enter; not on the stack, which may move
	timeout syscall.Timespec // likewise

	buffers    []byte // bufferCount times bufferSize bytes
	slots      []bufferSlot
	bufferTail uint16 // buffers are given to the kernel up to here; published by publishBuffers
}

// sqe is a request, struct io_uring_sqe.
type sqe struct {
	opcode   uint8
	flags    uint8
	ioprio   uint16
	fd       int32
	off      uint64
	addr     uint64
	len      uint32
	opFlags  uint32
	userData uint64
	group    uint16
	_        [22]byte
}

// cqe is a completion, struct io_uring_cqe.
type cqe struct {
	userData uint64
	res      int32 // a result, or an error number below zero
	flags    uint32
}

// bufferSlot is an entry of the ring of buffers, struct io_uring_buf. The last field of the first one is the ring's tail.
type bufferSlot struct {
	addr uint64
	len  uint32
	id   uint16
	tail uint16
}

const (
	sysSetup    = 425 // on all systems alike
	sysEnter    = 426
	sysRegister = 427

	setupCQSize       = 1 << 3
	setupDisabled     = 1 << 6
	setupSubmitAll    = 1 << 7
	setupSingleIssuer = 1 << 12
	setupDeferTaskrun = 1 << 13

	enterGetEvents = 1 << 0
	enterExtArg    = 1 << 3

	registerEnable  = 12
	registerBuffers = 22

	sqRingOffset = 0
	sqesOffset   = 0x10000000

	opPollAdd     = 6
	opAsyncCancel = 14
	opNop         = 0
	opSend        = 26
	opRecv        = 27

	sqeBufferSelect = 1 << 5
	recvMultishot   = 1 << 1
	pollMultishot   = 1 << 0
	cancelAll       = 1 << 0
	cancelByFD      = 1 << 1

	cqeBuffer = 1 << 0 // a buffer was taken, its number is in the upper half of the flags
	cqeMore   = 1 << 1 // the request goes on
)

// setupParams is struct io_uring_params.
type setupParams struct {
	sqEntries, cqEntries, flags, threadCPU, threadIdle, features, wqFD uint32
	_                                                                  [3]uint32

	sq struct{ head, tail, mask, entries, flags, dropped, array, _, _, _ uint32 }
	cq struct{ head, tail, mask, entries, overflow, cqes, flags, _, _, _ uint32 }
}

// waitArg is struct io_uring_getevents_arg.
type waitArg struct {
	sigmask     uint64
	sigmaskSize uint32
	_           uint32
	timeout     uint64 // address of a struct timespec
}

// bufferRegistration is struct io_uring_buf_reg.
type bufferRegistration struct {
	addr    uint64
	entries uint32
	group   uint16
	flags   uint16
	_       [3]uint64
}

var (
	_ [64]byte  = [unsafe.Sizeof(sqe{})]byte{}
	_ [16]byte  = [unsafe.Sizeof(cqe{})]byte{}
	_ [16]byte  = [unsafe.Sizeof(bufferSlot{})]byte{}
	_ [120]byte = [unsafe.Sizeof(setupParams{})]byte{}
	_ [24]byte  = [unsafe.Sizeof(waitArg{})]byte{}
	_ [40]byte  = [unsafe.Sizeof(bufferRegistration{})]byte{}
)

// ringSize says how large the parts of a ring are; each is a power of two.
type ringSize struct {
	requests    uint32
	completions uint32 // beyond these the kernel keeps a list of its own
	buffers     uint32
}

// bufferSize is not a multiple of the page size, for the first bytes of all buffers, the only ones that small requests need, would have
// the same place in the processor's caches.
const bufferSize = 16<<10 + 192

// newRing returns a ring that has to be enabled before its use. The error says what this system refuses.
func newRing(size ringSize) (*ring, error) {
	p := setupParams{cqEntries: size.completions,
		flags: setupCQSize | setupDisabled | setupSubmitAll | setupSingleIssuer | setupDeferTaskrun}
	fd, _, errno := syscall.Syscall(sysSetup, uintptr(size.requests), uintptr(unsafe.Pointer(&p)), 0)
	if errno != 0 {
		return nil, fmt.Errorf("io_uring_setup: %w", errno)
	}
	r := &ring{fd: int(fd)}
	if err := r.mapQueues(&p); err != nil {
		r.close()
		return nil, err
	}
	if err := r.addBuffers(size.buffers); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func (r *ring) mapQueues(p *setupParams) error {
	// Since Linux 5.4 one mapping holds both queues.
	size := max(p.sq.array+p.sqEntries*4, p.cq.cqes+p.cqEntries*uint32(unsafe.Sizeof(cqe{})))
	queues, err := r.mapped(r.fd, sqRingOffset, int(size), syscall.MAP_SHARED|syscall.MAP_POPULATE)
	if err != nil {
		return err
	}
	requests, err := r.mapped(r.fd, sqesOffset, int(p.sqEntries)*int(unsafe.Sizeof(sqe{})), syscall.MAP_SHARED|syscall.MAP_POPULATE)
	if err != nil {
		return err
	}
	word := func(offset uint32) *atomic.Uint32 { return (*atomic.Uint32)(unsafe.Pointer(&queues[offset])) }
	r.entries = unsafe.Slice((*sqe)(unsafe.Pointer(&requests[0])), p.sqEntries)
	r.sqHead, r.sqTail = word(p.sq.head), word(p.sq.tail)
	r.completions = unsafe.Slice((*cqe)(unsafe.Pointer(&queues[p.cq.cqes])), p.cqEntries)
	r.cqHead, r.cqTail = word(p.cq.head), word(p.cq.tail)
	// The queue of requests is one of indexes into the array of requests: here always the same.
	for i := range p.sqEntries {
		word(p.sq.array + 4*i).Store(i)
	}
	return nil
}

// addBuffers makes n buffers and gives them to the kernel.
func (r *ring) addBuffers(n uint32) error {
	memory, err := r.mapped(-1, 0, int(n)*bufferSize, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		return err
	}
	slots, err := r.mapped(-1, 0, int(n)*int(unsafe.Sizeof(bufferSlot{})), syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		return err
	}
	r.buffers, r.slots = memory, unsafe.Slice((*bufferSlot)(unsafe.Pointer(&slots[0])), n)
	reg := bufferRegistration{addr: uint64(uintptr(unsafe.Pointer(&slots[0]))), entries: n}
	if _, _, errno := syscall.Syscall6(sysRegister, uintptr(r.fd), registerBuffers, uintptr(unsafe.Pointer(&reg)), 1, 0, 0); errno != 0 {
		return fmt.Errorf("io_uring_register of buffers: %w", errno)
	}
	for i := range n {
		r.giveBack(uint16(i))
	}
	r.publishBuffers()
	return nil
}

func (r *ring) mapped(fd int, offset int64, size, flags int) ([]byte, error) {
	b, err := syscall.Mmap(fd, offset, size, syscall.PROT_READ|syscall.PROT_WRITE, flags)
	if err != nil {
		return nil, fmt.Errorf("mmap for io_uring: %w", err)
	}
	r.memory = append(r.memory, b)
	return b, nil
}

// close gives everything back. The kernel cancels what is still under way.
func (r *ring) close() {
	_ = syscall.Close(r.fd)
	for _, b := range r.memory {
		_ = syscall.Munmap(b) // fails only for what was never mapped
	}
}

// enable makes the calling thread the owner of the ring.
func (r *ring) enable() error {
	if _, _, errno := syscall.Syscall6(sysRegister, uintptr(r.fd), registerEnable, 0, 0, 0, 0); errno != 0 {
		return fmt.Errorf("io_uring_register: %w", errno)
	}
	return nil
}

// room is how many more requests fit before the next enter.
func (r *ring) room() int { return len(r.entries) - int(r.tail-r.sqHead.Load()) }

// next returns a cleared request, which the following enter hands to the kernel. A full queue is handed over at once.
func (r *ring) next() *sqe {
	for r.room() == 0 {
		if errno := r.enter(0, 0, 0); errno == syscall.EBUSY {
			r.setAside() // the kernel wants its completions taken first
		}
	}
	e := &r.entries[r.tail&uint32(len(r.entries)-1)]
	*e = sqe{}
	r.tail++
	return e
}

// last returns the number of the request that next returned last.
func (r *ring) last() uint32 { return r.tail - 1 }

// withheld returns the request of a number, if it was not handed over yet, else nil.
func (r *ring) withheld(n uint32) *sqe {
	if int32(n-r.submitted) < 0 {
		return nil
	}
	return &r.entries[n&uint32(len(r.entries)-1)]
}

// setAside takes completions to make room for others, and keeps them for take.
func (r *ring) setAside() {
	for n := r.cqTail.Load() - r.cqHead.Load(); n > 0; n-- {
		r.aside = append(r.aside, r.oldest())
	}
}

// enter hands all new requests to the kernel and waits until there are at least so many completions, for at most so many milliseconds;
// 0 is for ever. It does not tell the scheduler: see loop.wait.
func (r *ring) enter(completions, flags uintptr, ms int) syscall.Errno {
	n := r.handOver(ms)
	done, _, errno := syscall.RawSyscall6(sysEnter, uintptr(r.fd), n, completions, flags|enterExtArg,
		uintptr(unsafe.Pointer(&r.wait)), unsafe.Sizeof(r.wait))
	return r.handed(done, errno)
}

// sleep is enter for a thread that may wait for long: it tells the scheduler.
func (r *ring) sleep(ms int) {
	n := r.handOver(ms)
	done, _, errno := syscall.Syscall6(sysEnter, uintptr(r.fd), n, 1, enterGetEvents|enterExtArg,
		uintptr(unsafe.Pointer(&r.wait)), unsafe.Sizeof(r.wait))
	_ = r.handed(done, errno) // interrupted, or too late: whoever called looks for completions
}

// handOver publishes the new requests, returns their number, and sets how long to wait.
func (r *ring) handOver(ms int) uintptr {
	r.wait.timeout = 0
	if ms > 0 {
		r.timeout = syscall.NsecToTimespec(int64(ms) * 1e6)
		r.wait.timeout = uint64(uintptr(unsafe.Pointer(&r.timeout)))
	}
	r.sqTail.Store(r.tail)
	return uintptr(r.tail - r.submitted)
}

// handed notes how many of them the kernel took.
func (r *ring) handed(done uintptr, errno syscall.Errno) syscall.Errno {
	if errno == 0 {
		r.submitted += uint32(done)
	}
	return errno
}

// pending reports whether there are completions to be taken.
func (r *ring) pending() bool { return len(r.aside) > 0 || r.cqTail.Load() != r.cqHead.Load() }

// take removes the oldest completion; there must be one.
func (r *ring) take() cqe {
	if len(r.aside) > 0 {
		c := r.aside[0]
		r.aside = r.aside[1:]
		return c
	}
	return r.oldest()
}

func (r *ring) oldest() cqe {
	head := r.cqHead.Load()
	c := r.completions[head&uint32(len(r.completions)-1)]
	r.cqHead.Store(head + 1)
	return c
}

// buffer returns the first n bytes of a buffer that the kernel filled.
func (r *ring) buffer(id uint16, n int) []byte {
	start := int(id) * bufferSize
	return r.buffers[start : start+n : start+n]
}

// giveBack lets the kernel use a buffer again, from the next publishBuffers on.
func (r *ring) giveBack(id uint16) {
	s := &r.slots[r.bufferTail&uint16(len(r.slots)-1)]
	s.addr, s.len, s.id = uint64(uintptr(unsafe.Pointer(&r.buffers[int(id)*bufferSize]))), bufferSize, id
	r.bufferTail++
}

// publishBuffers tells the kernel which buffers it has.
func (r *ring) publishBuffers() {
	// The tail is 16 bits wide, for which there is no atomic store. The word that it is in begins with the first slot's id, which belongs
	// to whoever wrote it last: the kernel only reads it.
	first := &r.slots[0]
	word := (*atomic.Uint32)(unsafe.Pointer(&first.id))
	word.Store(uint32(first.id) | uint32(r.bufferTail)<<16)
}
