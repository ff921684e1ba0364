package engine

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/redistill/redistill/internal/invariants"
)

// Buffers is the memory in which clients' commands arrive and replies wait. It is not on the Go
// heap, where a buffer that nobody needs any more stays until the collector comes: what is given
// back here is free at once.
//
// Small buffers are pieces of slabs, by size. A larger one is a range of addresses of its own,
// which takes memory only as far as it was written to, so that it can be as long as a client
// announces. A few free ones stay resident for the next who asks.
//
// Its methods may be called from any goroutine, with locks held.
type Buffers struct {
	keep atomic.Int64 // the most bytes of free buffers that stay resident
	kept atomic.Int64 // resident bytes of free buffers

	mu    sync.Mutex // guards the fields below
	slabs [len(slabSizes)]slab
	spare []largeBuffer
	least int // the fewest that were spare since the last trim
	lent  int // buffers of slabs that somebody has
}

// slab is the free buffers of one size.
type slab struct {
	warm  []unsafe.Pointer // their pages may be resident
	cold  []unsafe.Pointer // their pages are not
	least int              // the fewest that were warm since the last trim
	spans [][]byte         // what they are parts of, referenced so that a heap-backed build keeps them
}

// largeBuffer is a free buffer that is in no slab.
type largeBuffer struct {
	bytes   []byte
	touched int // bytes at its start that may be resident
}

// slabSizes are the sizes of small buffers, in bytes.
var slabSizes = [...]int{4 << 10, 8 << 10, 16 << 10, 24 << 10, 32 << 10, 64 << 10}

// largeSizes are how long larger ones are made at least, of addresses, so that they seldom have to
// move. Longer ones are not kept.
var largeSizes = [...]int{1 << 20, 16 << 20}

const (
	slabSpan  = 1 << 20 // bytes taken from the system at once for small buffers
	keepMost  = 4 << 20 // see Buffers.keep
	keepShare = 64      // which is this part of the limit, if that is less
	keepLarge = 1 << 20 // a large buffer that had more in it is not kept
)

// limit takes over the limit of the process, in bytes; 0 is none.
func (p *Buffers) limit(n int64) {
	if n == 0 {
		n = math.MaxInt64
	}
	p.keep.Store(min(n/keepShare, keepMost))
}

// Get returns a buffer of at least n bytes, of which all may be used; what they are is undefined.
// Somebody else may have written to the first touched bytes, which take memory for as long as the
// buffer is not put back. b is nil where the system has no memory. The caller owns it until Put.
func (p *Buffers) Get(n int) (b []byte, touched int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i, ok := slabOf(n); ok {
		return p.small(i), 0
	}
	return p.large(n)
}

// Put gives back a buffer, of which at most the first touched bytes were ever written to. It has to
// begin and end where Get made it.
func (p *Buffers) Put(b []byte, touched int) {
	invariants.Mangle(b[:touched])
	p.mu.Lock()
	defer p.mu.Unlock()
	if i, ok := slabOf(len(b)); ok {
		p.putSmall(i, b)
		return
	}
	n := p.Held(len(b), touched)
	if slices.Contains(largeSizes[:], len(b)) && n <= keepLarge && p.kept.Load()+n <= p.keep.Load() {
		p.spare = append(p.spare, largeBuffer{b, touched})
		p.kept.Add(n)
		return
	}
	unmapPages(b)
}

// Held returns how many bytes of memory a buffer of a size takes of which at most the first touched
// bytes were written to.
func (*Buffers) Held(size, touched int) int64 {
	if _, ok := slabOf(size); ok {
		return int64(size)
	}
	return (int64(touched) + pageSize - 1) &^ (pageSize - 1)
}

// Drop gives back the memory of a buffer that lies behind its first used bytes, if it is a large
// one, and returns how many bytes at its start take memory after that; touched is as in Put.
func (p *Buffers) Drop(b []byte, used, touched int) int {
	from, to := p.Held(len(b), used), p.Held(len(b), touched)
	if from >= to || !mapped {
		return touched
	}
	dropPages(b[from:to])
	return used
}

// Ahead reports whether a buffer takes memory only as far as it was written to, so that it may be
// much longer than what is in it.
func (*Buffers) Ahead() bool { return mapped }

// slabOf returns which slab has buffers of n bytes, if there is one.
func slabOf(n int) (int, bool) {
	for i, size := range slabSizes {
		if n <= size {
			return i, true
		}
	}
	return 0, false
}

// small returns a buffer of a slab.
func (p *Buffers) small(i int) []byte {
	s, size := &p.slabs[i], slabSizes[i]
	list := &s.warm
	if len(*list) > 0 {
		p.kept.Add(-int64(size))
		s.least = min(s.least, len(*list)-1)
	} else if list = &s.cold; len(*list) == 0 {
		span := mapBuffer(slabSpan)
		if span == nil {
			return nil
		}
		s.spans = append(s.spans, span)
		for off := slabSpan - size; off >= 0; off -= size {
			*list = append(*list, unsafe.Pointer(&span[off]))
		}
	}
	b := (*list)[len(*list)-1]
	*list = (*list)[:len(*list)-1]
	p.lent++
	return unsafe.Slice((*byte)(b), size)
}

func (p *Buffers) putSmall(i int, b []byte) {
	s := &p.slabs[i]
	p.lent--
	if p.kept.Load()+int64(len(b)) > p.keep.Load() {
		dropPages(b)
		s.cold = append(s.cold, unsafe.Pointer(&b[0]))
		return
	}
	s.warm = append(s.warm, unsafe.Pointer(&b[0]))
	p.kept.Add(int64(len(b)))
}

// large is Get for a buffer that is in no slab.
func (p *Buffers) large(n int) (b []byte, touched int) {
	for i := len(p.spare) - 1; i >= 0; i-- {
		if s := p.spare[i]; len(s.bytes) >= n {
			p.spare = slices.Delete(p.spare, i, i+1)
			p.least = min(p.least, len(p.spare))
			p.kept.Add(-p.Held(len(s.bytes), s.touched))
			return s.bytes, s.touched
		}
	}
	for i, size := range largeSizes {
		if n <= size && (mapped || i == 0) {
			if b = mapBuffer(size); b != nil {
				return b, 0
			}
		}
	}
	if n > math.MaxInt-pageSize {
		return nil, 0
	}
	return mapBuffer((n + pageSize - 1) &^ (pageSize - 1)), 0
}

// trim gives the memory of free buffers that were not needed since the last call back to the
// system.
func (p *Buffers) trim() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.slabs {
		s := &p.slabs[i]
		p.chill(i, s.least)
		s.least = len(s.warm)
	}
	p.unmap(p.least)
	p.least = len(p.spare)
}

// purge gives the memory of all free buffers back to the system.
func (p *Buffers) purge() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.slabs {
		p.chill(i, len(p.slabs[i].warm))
		p.slabs[i].least = 0
	}
	p.unmap(len(p.spare))
	p.least = 0
}

// chill makes the pages of n free buffers of a slab not resident, those that were not used for
// longest.
func (p *Buffers) chill(i, n int) {
	s, size := &p.slabs[i], slabSizes[i]
	for _, b := range s.warm[:n] {
		dropPages(unsafe.Slice((*byte)(b), size))
	}
	s.cold = append(s.cold, s.warm[:n]...)
	s.warm = slices.Delete(s.warm, 0, n)
	p.kept.Add(-int64(n * size))
}

// unmap gives up n spare buffers, those that were not used for longest.
func (p *Buffers) unmap(n int) {
	for _, s := range p.spare[:n] {
		p.kept.Add(-p.Held(len(s.bytes), s.touched))
		unmapPages(s.bytes)
	}
	p.spare = slices.Delete(p.spare, 0, n)
}

// close gives back what is free. Slabs stay if somebody still has a part of one.
func (p *Buffers) close() {
	p.purge()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lent > 0 {
		return
	}
	for i := range p.slabs {
		for _, span := range p.slabs[i].spans {
			unmapPages(span)
		}
		p.slabs[i] = slab{}
	}
}
