package rdb

import (
	"encoding/binary"
	"io"
	"strconv"
)

// Writer writes a file. What it is given gathers in buffers, which a goroutine of its own checksums and passes on meanwhile. Errors of the
// underlying writer are kept: every method returns the first one that is known, and does nothing after it. Close must be called in any case.
type Writer struct {
	buf     []byte
	written int64
	err     error
	full    chan []byte // buffers to be passed on
	empty   chan passed // those that were
	ended   chan error  // the error of the last of it
}

// passed is a buffer that was passed on, with the first error so far.
type passed struct {
	buf []byte
	err error
}

// writeSize is how many bytes are passed on at once, and writeBuffers how many times so many may be on their way.
const (
	writeSize    = 256 << 10
	writeBuffers = 4
)

// NewWriter begins a file. begin, if it is not nil, is called at the start of the goroutine that uses dst.
func NewWriter(dst io.Writer, begin func()) *Writer {
	w := &Writer{buf: make([]byte, 0, writeSize), full: make(chan []byte, writeBuffers), empty: make(chan passed, writeBuffers),
		ended: make(chan error, 1)}
	for range writeBuffers {
		w.empty <- passed{}
	}
	w.buf = append(w.buf, magic+"0009"...)
	go w.passOn(dst, begin)
	return w
}

// passOn is the goroutine that passes buffers on, and the checksum behind the last one.
func (w *Writer) passOn(dst io.Writer, begin func()) {
	if begin != nil {
		begin()
	}
	var crc uint64
	var err error
	for b := range w.full {
		if err == nil {
			crc = Checksum(crc, b)
			_, err = dst.Write(b)
		}
		w.empty <- passed{b[:0], err}
	}
	if err == nil {
		_, err = dst.Write(binary.LittleEndian.AppendUint64(nil, crc))
	}
	w.ended <- err
}

// Aux writes an attribute of the file.
func (w *Writer) Aux(name, value string) error {
	w.buf = append(w.buf, opAux)
	w.buf = AppendString(w.buf, []byte(name))
	w.buf = AppendString(w.buf, []byte(value))
	return w.spill()
}

// Select says that the keys that follow are in a database, and Resize how many of them there are and how many of those have a deadline.
func (w *Writer) Select(db int) error {
	w.buf = append(w.buf, opSelect)
	w.buf = AppendLen(w.buf, uint64(db))
	return w.spill()
}

// Resize is a hint of the number of keys in the database that was selected, and of those with a deadline.
func (w *Writer) Resize(keys, expires int64) error {
	w.buf = append(w.buf, opResize)
	w.buf = AppendLen(w.buf, uint64(keys))
	w.buf = AppendLen(w.buf, uint64(expires))
	return w.spill()
}

// Key begins a key with its deadline in Unix milliseconds (0 for none), the seconds since it was used and its frequency of use (negative for
// none). The value follows: a string, or the number of fields by Len and then fields and values by turns.
func (w *Writer) Key(t Type, key []byte, deadline, idle int64, freq int) error {
	if deadline != 0 {
		w.buf = append(w.buf, opExpireMs)
		w.buf = binary.LittleEndian.AppendUint64(w.buf, uint64(deadline))
	}
	if idle >= 0 {
		w.buf = AppendLen(append(w.buf, opIdle), uint64(idle))
	}
	if freq >= 0 {
		w.buf = append(w.buf, opFreq, uint8(freq))
	}
	w.buf = append(w.buf, uint8(t))
	return w.String(key)
}

// String writes a string.
func (w *Writer) String(b []byte) error {
	if len(b) > writeSize {
		if err := w.Len(len(b)); err != nil {
			return err
		}
		return w.Bytes(b)
	}
	w.buf = AppendString(w.buf, b)
	return w.spill()
}

// Len writes a length: the number of fields of a hash, or that of the bytes of a string, which follow by Bytes.
func (w *Writer) Len(n int) error {
	w.buf = AppendLen(w.buf, uint64(n))
	return w.spill()
}

// Bytes writes the next bytes of a string.
func (w *Writer) Bytes(b []byte) error {
	for len(b) > 0 && w.err == nil {
		n := min(len(b), writeSize)
		w.buf = append(w.buf, b[:n]...)
		b = b[n:]
		w.err = w.spill()
	}
	return w.err
}

// Close ends the file, and waits until all of it was passed on. It does not close the underlying writer.
func (w *Writer) Close() error {
	w.buf = append(w.buf, opEnd)
	w.flush()
	close(w.full)
	if err := <-w.ended; w.err == nil {
		w.err = err
	}
	w.written += 8
	return w.err
}

// Written returns the bytes passed on.
func (w *Writer) Written() int64 { return w.written }

// spill passes on what has gathered, if it is enough.
func (w *Writer) spill() error {
	if len(w.buf) >= writeSize {
		w.flush()
	}
	return w.err
}

// flush has the buffer passed on, and goes on with one that was, for which it waits.
func (w *Writer) flush() {
	if w.err != nil {
		w.buf = w.buf[:0]
		return
	}
	w.written += int64(len(w.buf))
	w.full <- w.buf
	next := <-w.empty
	if w.buf, w.err = next.buf, next.err; w.buf == nil {
		w.buf = make([]byte, 0, writeSize)
	}
}

// AppendLen appends a length in its shortest form.
func AppendLen(dst []byte, n uint64) []byte {
	switch {
	case n < 1<<6:
		return append(dst, len6|uint8(n))
	case n < 1<<14:
		return append(dst, len14|uint8(n>>8), uint8(n))
	case n < 1<<32:
		return binary.BigEndian.AppendUint32(append(dst, len32), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, len64), n)
}

// longestInt is the length of -2147483648, the longest text that is written as an integer.
const longestInt = 11

// AppendString appends a string: the canonical text of an integer of up to 32 bits as such, others with their length.
func AppendString(dst, b []byte) []byte {
	if len(b) <= longestInt {
		if n, ok := canonicalInt(b); ok {
			return appendInt(dst, n)
		}
	}
	return append(AppendLen(dst, uint64(len(b))), b...)
}

// canonicalInt returns the integer of 32 bits that b is the canonical text of.
func canonicalInt(b []byte) (int32, bool) {
	if len(b) == 0 || b[len(b)-1]-'0' > 9 {
		return 0, false
	}
	n, err := strconv.ParseInt(string(b), 10, 32)
	if err != nil {
		return 0, false
	}
	var text [longestInt]byte
	return int32(n), string(strconv.AppendInt(text[:0], n, 10)) == string(b)
}

func appendInt(dst []byte, n int32) []byte {
	switch {
	case n == int32(int8(n)):
		return append(dst, encoded|encInt8, uint8(n))
	case n == int32(int16(n)):
		return binary.LittleEndian.AppendUint16(append(dst, encoded|encInt16), uint16(n))
	}
	return binary.LittleEndian.AppendUint32(append(dst, encoded|encInt32), uint32(n))
}
