package netserver

import (
	"github.com/redistill/redistill/command"
	"github.com/redistill/redistill/internal/invariants"
)

const (
	idleSize = 512       // query buffer of a connection that has little to say; also the reply buffer that such a one may keep
	readSize = 16 << 10  // query buffer of a connection that filled that one
	readMost = 256 << 10 // bytes of a value read at once
	keepSize = 128 << 10 // memory up to this size stays while a connection is busy
)

// queryBuffer holds what was read from a client and not yet executed. It must not be copied after
// its first use. Builds with the tag invariants overwrite what it no longer holds.
type queryBuffer struct {
	from    *command.Buffers
	b       []byte          // small or a slice of from; nil before the first use
	r, w    int             // b[r:w] is what is held
	touched int             // the largest w that there was
	filled  bool            // a read filled b: the next one may bring more
	peak    int             // the most bytes held since the last trim
	small   *[idleSize]byte // nil before the first use
}

// bytes returns what is held. It is valid until the next call of space, trim or shrink.
func (q *queryBuffer) bytes() []byte { return q.b[q.r:q.w] }

// size returns the capacity of the buffer.
func (q *queryBuffer) size() int { return len(q.b) }

// capacity returns how many bytes of memory the buffer has.
func (q *queryBuffer) capacity() int {
	if n := q.memory(); n > 0 {
		return int(n)
	}
	return len(q.b)
}

// memory returns how many bytes of engine.Buffers are taken.
func (q *queryBuffer) memory() int64 {
	if len(q.b) <= idleSize {
		return 0
	}
	return q.from.Held(len(q.b), q.touched)
}

// used returns what memory would return after dropUnused.
func (q *queryBuffer) used() int64 {
	if len(q.b) <= idleSize {
		return 0
	}
	return q.from.Held(len(q.b), q.w)
}

// dropUnused gives the memory back that others wrote to, and that is not needed yet.
func (q *queryBuffer) dropUnused() {
	if len(q.b) > idleSize {
		q.touched = q.from.Drop(q.b, q.w, q.touched)
	}
}

// add says that n bytes were read into what space returned.
func (q *queryBuffer) add(n int) {
	q.w += n
	q.touched = max(q.touched, q.w)
	q.filled = q.w == len(q.b)
	q.peak = max(q.peak, q.w-q.r)
}

// consume drops the first n bytes.
func (q *queryBuffer) consume(n int) {
	if invariants.Enabled {
		invariants.Mangle(q.b[q.r : q.r+n])
	}
	q.r += n
	if q.r == q.w {
		q.r, q.w = 0, 0
	}
}

// space returns room to read into, of at least a byte; none where the system has no memory. need is
// how many more bytes the command at the start of the buffer is known to need, or 0. As much as it
// needs is there at once: what is not written to takes no memory.
func (q *queryBuffer) space(need int) []byte {
	held := q.w - q.r
	if q.b == nil {
		q.b = q.least()
	}
	size := q.wanted(held, need)
	switch {
	case size > len(q.b):
		to, touched := q.from.Get(size)
		if to == nil {
			return nil
		}
		q.move(to, touched)
	case q.r > 0 && (len(q.b)-q.w < max(need, 1) || held < len(q.b)/4):
		q.move(q.b, q.touched)
	}
	return q.b[q.w:]
}

// least returns the smallest buffer.
func (q *queryBuffer) least() []byte {
	if q.small == nil {
		q.small = new([idleSize]byte)
	}
	return q.small[:]
}

// put appends p, which was read elsewhere, to what is held, and reports whether there is memory for
// that. need is as in space, counted from behind p.
func (q *queryBuffer) put(p []byte, need int) bool {
	for len(p) > 0 {
		n := copy(q.space(len(p)+need), p)
		if n == 0 {
			return false
		}
		q.add(n)
		p = p[n:]
	}
	return true
}

// wanted returns the size that the buffer should have.
func (q *queryBuffer) wanted(held, need int) int {
	size := len(q.b)
	switch {
	case held+need > size && !q.from.Ahead():
		return max(2*size, readSize) // in steps, lest an announced length takes memory
	case held+need > size:
		return max(held+need, min(2*size, readSize))
	case held < size && (!q.filled || size >= readSize):
		return size
	}
	return max(2*size, readSize)
}

// move makes to, which may be the same and of which the first bytes were touched, the buffer.
func (q *queryBuffer) move(to []byte, touched int) {
	n := copy(to, q.b[q.r:q.w])
	same := &to[0] == &q.b[0]
	if invariants.Enabled && same {
		invariants.Mangle(q.b[max(q.r, n):max(q.r, n, q.w)])
	}
	if !same {
		q.free()
	}
	q.b, q.r, q.w = to, 0, n
	q.touched = max(touched, n)
}

// free gives the buffer back, unless it is the smallest one.
func (q *queryBuffer) free() {
	if len(q.b) > idleSize {
		q.from.Put(q.b, q.touched)
	} else {
		invariants.Mangle(q.b[:q.touched])
	}
}

// trim gives memory back. A busy connection keeps what it used since the last call; an idle one keeps the least that holds its bytes.
func (q *queryBuffer) trim(idle bool) {
	peak := q.peak
	q.peak = q.w - q.r
	if idle || peak < q.touched/4 {
		q.shrink()
	}
}

// shrink makes the buffer the least that holds its bytes.
func (q *queryBuffer) shrink() {
	held := q.w - q.r
	switch {
	case len(q.b) <= idleSize:
	case held <= idleSize:
		q.move(q.least(), 0)
		q.filled = false
	case q.memory() > keepSize && held < q.touched/4:
		if to, touched := q.from.Get(held); to != nil {
			q.move(to, touched)
		}
	}
}

// release gives the memory back. The buffer must not be used any more.
func (q *queryBuffer) release() {
	if q.b != nil {
		q.free()
		q.b, q.r, q.w = nil, 0, 0
	}
}
