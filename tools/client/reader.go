package client

import (
	"io"

	"github.com/tidwall/redcon"

	"github.com/redistill/redistill/internal/resp"
)

const (
	// readBuffer is what a Reader begins with. It grows to the largest reply.
	readBuffer = 16 << 10
	// maxDepth bounds how deep arrays are nested, and with it the stack of redcon.
	maxDepth = 32
	// leastReply is the length of the shortest reply.
	leastReply = len("+\r\n")
)

// Reader reads replies from a stream. It is not safe for use by several
// goroutines.
type Reader struct {
	src        io.Reader
	limit      int // bytes of a reply
	buf        []byte
	start, end int   // buf[start:end] was read and not taken
	received   int64 // bytes
	frame      frame // of the reply at start
}

// NewReader returns a Reader of a stream whose replies have at most so many bytes.
func NewReader(src io.Reader, limit int) *Reader {
	return &Reader{src: src, limit: limit, buf: make([]byte, readBuffer)}
}

// Read returns the next reply, in RESP2. It is valid until the next call. At the
// end of the stream the error is io.EOF, or io.ErrUnexpectedEOF within a reply.
func (r *Reader) Read() (redcon.RESP, error) {
	raw, err := r.Raw()
	if err != nil {
		return redcon.RESP{}, err
	}
	return parse(raw)
}

// Raw is Read for the bytes of a reply, in RESP2 or RESP3.
func (r *Reader) Raw() ([]byte, error) {
	for {
		raw, err := r.next()
		if raw != nil || err != nil {
			return raw, err
		}
		if err := r.fill(); err != nil {
			return nil, err
		}
	}
}

// next returns the bytes of the next reply if it was read whole, else nil. They are
// valid until the next call of fill.
func (r *Reader) next() ([]byte, error) {
	n, err := r.frame.end(r.buf[r.start:r.end], r.limit)
	if n == 0 {
		return nil, err
	}
	raw := r.buf[r.start : r.start+n : r.start+n]
	r.start += n
	return raw, nil
}

// fill reads more, and makes room for it.
func (r *Reader) fill() error {
	switch {
	case r.start == r.end:
		r.start, r.end = 0, 0
	case r.end == len(r.buf) && r.start > 0:
		r.end = copy(r.buf, r.buf[r.start:r.end])
		r.start = 0
	case r.end == len(r.buf):
		r.buf = append(r.buf, make([]byte, len(r.buf))...)
	}
	n, err := r.src.Read(r.buf[r.end:])
	r.end += n
	r.received += int64(n)
	switch {
	case n > 0:
		return nil
	case err == io.EOF && r.start < r.end:
		return io.ErrUnexpectedEOF
	}
	return err
}

// parse makes a value of the bytes of a reply that a frame has let pass.
func parse(raw []byte) (redcon.RESP, error) {
	n, reply := redcon.ReadNextRESP(raw)
	if n != len(raw) {
		return redcon.RESP{}, ErrNotRedis // RESP3, or a number that is none
	}
	return reply, nil
}

// frame finds the end of a reply while its bytes arrive. It looks at each part of
// the reply once, apart from a line that has not ended.
type frame struct {
	pos   int                 // the end of what was looked at
	depth int                 // arrays that are open
	left  [maxDepth + 1]int64 // parts that each of them still waits for, and the stream
}

// end returns the length of the reply at the start of buf, and is ready for the
// next one then. It is 0 as long as bytes are missing: the next call has to have the
// same ones and more. A reply of more than limit bytes is an error.
func (f *frame) end(buf []byte, limit int) (int, error) {
	if f.pos == 0 {
		f.depth, f.left[0] = 0, 1
	}
	for {
		size, elements, err := resp.ReplyHead(buf[f.pos:])
		switch {
		case err != nil:
			return 0, ErrNotRedis
		case size == 0 && len(buf) > limit:
			return 0, ErrNotRedis
		case size == 0:
			return 0, nil
		case f.pos+size > limit || elements > int64(limit-f.pos-size)/int64(leastReply):
			return 0, ErrNotRedis
		case f.pos+size > len(buf):
			return 0, nil
		}
		f.pos += size
		f.left[f.depth]--
		if elements > 0 {
			if f.depth == maxDepth {
				return 0, ErrNotRedis
			}
			f.depth++
			f.left[f.depth] = elements
		}
		for f.left[f.depth] == 0 {
			if f.depth == 0 {
				n := f.pos
				f.pos = 0
				return n, nil
			}
			f.depth--
		}
	}
}
