package netserver

import (
	"slices"
	"sync"

	"github.com/redistill/redistill/internal/invariants"
)

const (
	idleSize = 512       // query buffer of a connection that has little to say; also the reply buffer that such a one may keep
	readSize = 16 << 10  // query buffer of a connection that filled that one
	jumpSize = 1 << 20   // up to this size a buffer is made for the announced length at once
	keepSize = 128 << 10 // buffers up to this size stay while a connection is busy
)

// readPool holds buffers of readSize bytes.
type readPool struct{ pool sync.Pool }

func (p *readPool) get() *[readSize]byte {
	if b, ok := p.pool.Get().(*[readSize]byte); ok {
		return b
	}
	return new([readSize]byte)
}

// replyPool holds reply buffers above keepSize. A connection has one only from when it executes commands until their replies are written,
// so that few are needed, however many clients ask for large values.
type replyPool struct {
	mu    sync.Mutex // guards the fields below
	spare [][]byte
	least int // the fewest that there were since the last trim
	peak  int // the most bytes that one of them held since then
}

// spareReplies is the most buffers that a replyPool holds.
const spareReplies = 4

// get returns an empty buffer, or nil.
func (p *replyPool) get() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.spare)
	if n == 0 {
		return nil
	}
	b := p.spare[n-1]
	p.spare[n-1] = nil
	p.spare = p.spare[:n-1]
	p.least = min(p.least, n-1)
	return b[:0]
}

// put takes over a buffer, with how many of its bytes were used.
func (p *replyPool) put(b []byte, used int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.peak = max(p.peak, used)
	if len(p.spare) < spareReplies {
		p.spare = append(p.spare, b)
	}
}

// trim drops what was not used since the last call, and what smaller buffers could have done: each
// connection takes the next buffer, so that a single client with small replies would keep a large one.
func (p *replyPool) trim() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.spare = slices.Delete(p.spare, 0, p.least)
	p.spare = slices.DeleteFunc(p.spare, func(b []byte) bool { return cap(b)/4 > p.peak })
	p.least, p.peak = len(p.spare), 0
}

// queryBuffer holds what was read from a client and not yet executed. It must not be copied after
// its first use. Builds with the tag invariants overwrite what it no longer holds.
type queryBuffer struct {
	pool   *readPool
	b      []byte          // one of small, pooled and a larger slice; nil before the first use
	r, w   int             // b[r:w] is what is held
	filled bool            // a read filled b: the next one may bring more
	peak   int             // the most bytes held since the last trim
	pooled *[readSize]byte // from pool, or nil
	small  *[idleSize]byte // nil before the first use
}

// bytes returns what is held. It is valid until the next call of space or trim.
func (q *queryBuffer) bytes() []byte { return q.b[q.r:q.w] }

// size returns the capacity of the buffer.
func (q *queryBuffer) size() int { return len(q.b) }

// add says that n bytes were read into what space returned.
func (q *queryBuffer) add(n int) {
	q.w += n
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

// space returns room to read into, of at least a byte. need is how many more bytes the command at the start of the buffer is known to
// need, or 0.
func (q *queryBuffer) space(need int) []byte {
	held := q.w - q.r
	if q.b == nil {
		q.b = q.least()
	}
	size := q.wanted(held, need)
	switch {
	case size > len(q.b) && size <= readSize:
		q.pooled = q.pool.get()
		q.move(q.pooled[:])
	case size > len(q.b):
		q.move(make([]byte, size))
	case q.r > 0 && (len(q.b)-q.w < max(need, 1) || held < len(q.b)/4):
		q.move(q.b)
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

// put appends p, which was read elsewhere, to what is held. need is as in space, counted from behind p.
func (q *queryBuffer) put(p []byte, need int) {
	for len(p) > 0 {
		n := copy(q.space(len(p)+need), p)
		q.add(n)
		p = p[n:]
	}
}

// wanted returns the size that the buffer should have. A client can announce a length that it never sends: from jumpSize on a buffer
// grows with what has arrived.
func (q *queryBuffer) wanted(held, need int) int {
	size := len(q.b)
	switch {
	case held+need <= size && held < size:
		if q.filled && size < readSize {
			return readSize
		}
		return size
	case held+need <= readSize && size < readSize:
		return readSize
	case need == 0:
		return 2 * size
	case held+need <= jumpSize:
		return held + need
	case size < jumpSize:
		return jumpSize
	case held < size:
		return size
	}
	return min(held+need, 4*size)
}

// move makes to, which may be the same, the buffer.
func (q *queryBuffer) move(to []byte) {
	n := copy(to, q.b[q.r:q.w])
	if invariants.Enabled {
		q.left(to, n)
	}
	q.b, q.r, q.w = to, 0, n
	if q.pooled != nil && &to[0] != &q.pooled[0] {
		q.pool.pool.Put(q.pooled)
		q.pooled = nil
	}
}

// left overwrites what was moved, n bytes, where it was.
func (q *queryBuffer) left(to []byte, n int) {
	from := q.r
	if &to[0] == &q.b[0] {
		from = max(from, n)
	}
	invariants.Mangle(q.b[from:max(from, q.w)])
}

// trim gives memory back. A busy connection keeps what it used since the last call; an idle one keeps the least that holds its bytes.
func (q *queryBuffer) trim(idle bool) {
	held, peak := q.w-q.r, q.peak
	q.peak = held
	switch {
	case q.b == nil:
	case held <= idleSize && len(q.b) > idleSize && (idle || len(q.b) > keepSize && peak < len(q.b)/4):
		q.move(q.least())
		q.filled = false
	case held > idleSize && len(q.b) > keepSize && held < len(q.b)/4:
		q.move(append([]byte(nil), q.b[q.r:q.w]...))
	}
}

// release gives the pooled buffer back. The buffer must not be used any more.
func (q *queryBuffer) release() {
	if invariants.Enabled {
		invariants.Mangle(q.b[q.r:q.w])
	}
	q.b = nil
	if q.pooled != nil {
		q.pool.pool.Put(q.pooled)
		q.pooled = nil
	}
}
