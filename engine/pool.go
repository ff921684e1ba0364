package engine

import (
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/redistill/redistill/internal/invariants"
)

// blockSize is the unit in which memory is taken from the system, handed to shards, and reclaimed. 64 KB is small enough that a shard
// of 16 MB has 256 of them, so that eviction is fine-grained and half-filled blocks waste little, and that reclaiming one moves no more
// than 64 KB under a lock; and large enough that the bookkeeping (some 64 bytes a block) vanishes.
const (
	blockShift = 16
	blockSize  = 1 << blockShift
	spanBlocks = 64      // blocks taken from the system at once: 4 MB
	pageSize   = 4 << 10 // the smallest page that memory comes in
)

// pool hands out blocks to all shards and keeps the count that the memory limit is about.
type pool struct {
	mu   sync.Mutex
	free []unsafe.Pointer // blocks that nobody uses; their pages may be resident. Guarded by mu
	cold []unsafe.Pointer // blocks whose pages are not resident. Guarded by mu
	keep [][]byte         // spans, referenced so that a heap-backed build keeps them. Guarded by mu
	busy bool             // a block is on its way from cold to free. Guarded by mu
	lent int              // blocks in use that no shard has: they are a snapshot's until it has written them. Guarded by mu

	pages func(n int) []byte // takes pages from the system, nil where there are none; mapPages, but in tests

	used   atomic.Int64  // blocks in use by shards
	warm   atomic.Int64  // len(free): not used but resident
	opened atomic.Uint64 // blocks ever opened by shards: the sequence number of the last one
	short  atomic.Int32  // how many callers of makeRoom are waiting for it
	limit  atomic.Int64  // how many blocks may be resident, less those of arriving; may be exceeded for a moment, Store.Reserve keeps room

	pinned   atomic.Int64 // blocks in use that are pinned
	zombies  atomic.Int64 // those of them that shards keep for nothing but that
	arriving atomic.Int64 // bytes of values that are on their way in; see Store.AddArriving
	loan     atomic.Int64 // how many blocks' memory these may have of what is set aside for clients
}

// get takes a block. Its content is undefined. It returns nil where the system has no memory left.
func (p *pool) get() unsafe.Pointer {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := &p.free
	if len(*list) == 0 {
		list = &p.cold
		if len(*list) == 0 && !p.grow() {
			return nil
		}
	} else {
		p.warm.Add(-1)
	}
	b := (*list)[len(*list)-1]
	*list = (*list)[:len(*list)-1]
	p.used.Add(1)
	return b
}

// readyBlocks is how many resident blocks are kept ready while the arena grows: half a huge page of them.
const readyBlocks = 16

// ready reports whether there are enough of them, or no more may be.
func (p *pool) ready() bool { return p.warm.Load() >= readyBlocks || p.resident() >= p.most() }

// prepare makes blocks resident, as far as the limit allows it, until there are some ready. The system finds and clears the memory for a
// page when it is first touched, which takes the time of thousands of commands if the page is a huge one: that shall not happen to
// somebody who has a shard locked.
func (p *pool) prepare() {
	for !p.ready() {
		p.mu.Lock()
		if p.busy || len(p.cold) == 0 && !p.grow() {
			p.mu.Unlock()
			return
		}
		p.busy = true
		b := p.cold[len(p.cold)-1]
		p.cold = p.cold[:len(p.cold)-1]
		p.mu.Unlock()
		for off := 0; off < blockSize; off += pageSize {
			store8(b, off, 0)
		}
		p.mu.Lock()
		p.free = append(p.free, b)
		p.warm.Add(1)
		p.busy = false
		p.mu.Unlock()
	}
}

// grow takes a span from the system. p.mu is held.
func (p *pool) grow() bool {
	span := p.pages(spanBlocks * blockSize)
	if span == nil {
		return false
	}
	p.keep = append(p.keep, span)
	for i := spanBlocks - 1; i >= 0; i-- {
		p.cold = append(p.cold, unsafe.Pointer(&span[i*blockSize]))
	}
	return true
}

// put gives a block back.
func (p *pool) put(b unsafe.Pointer) {
	invariants.Mangle(unsafe.Slice((*byte)(b), blockSize))
	p.mu.Lock()
	p.release(b)
	p.mu.Unlock()
}

// release is put with p.mu held.
func (p *pool) release(b unsafe.Pointer) {
	p.free = append(p.free, b)
	p.warm.Add(1)
	p.used.Add(-1)
}

// lend notes that a shard, whose lock is held, has given up a block that putLent will give back.
func (p *pool) lend() {
	p.mu.Lock()
	p.lent++
	p.mu.Unlock()
}

// putLent gives a lent block back.
func (p *pool) putLent(b unsafe.Pointer) {
	invariants.Mangle(unsafe.Slice((*byte)(b), blockSize))
	p.mu.Lock()
	p.release(b)
	p.lent--
	p.mu.Unlock()
}

// most is how many blocks may be resident now.
func (p *pool) most() int64 {
	arriving := (p.arriving.Load() + blockSize - 1) >> blockShift
	return p.limit.Load() - max(arriving-p.loan.Load(), 0)
}

// available is the number of blocks that may still be taken within the limit.
func (p *pool) available() int64 { return p.most() - p.used.Load() }

// resident is the number of blocks that may have resident pages.
func (p *pool) resident() int64 { return p.used.Load() + p.warm.Load() }

// trim gives the pages of free blocks back to the system until no more than the limit are resident, or none are free. Nobody has to wait
// for more than one of them.
func (p *pool) trim() { p.shrink(p.most()) }

// shrink is trim for as many blocks as are said.
func (p *pool) shrink(most int64) {
	for p.drop(most) {
		runtime.Gosched() // who waits for the lock has to run to take it
	}
}

// drop is shrink for one block, and reports whether there was one.
func (p *pool) drop(most int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.free) == 0 || p.resident() <= most {
		return false
	}
	b := p.free[len(p.free)-1]
	p.free = p.free[:len(p.free)-1]
	p.warm.Add(-1)
	dropPages(unsafe.Slice((*byte)(b), blockSize))
	p.cold = append(p.cold, b)
	return true
}

// close gives everything back. No block may be used after.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, span := range p.keep {
		unmapPages(span)
	}
	p.keep, p.free, p.cold = nil, nil, nil
}
