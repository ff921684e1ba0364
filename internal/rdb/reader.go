package rdb

import (
	"bytes"
	"io"
	"strconv"
)

// Reader splits a file into frames. Its fields are set before the first Next.
type Reader struct {
	// MaxString is the length of the longest string that is accepted, and MaxKey that of the longest key.
	MaxString, MaxKey int
	// Unsupported is asked about a key whose value cannot be decoded, with the name of its type, and about a library of functions, with its
	// name and Library. The value is skipped, or the file refused with the error that it returns.
	Unsupported func(key []byte, typ string) error
	// Empty counts the keys that were left out, because their values are lists, hashes and the like
	// without elements. No command leaves such a key, but some releases of Redis wrote them.
	Empty int64

	stream
	db    int
	next  Frame // what opcodes said about the key that follows
	value Frame // of which elements are still to be read; Key is a copy
	left  uint64
	begun bool
	done  bool
}

const (
	readSize   = 256 << 10 // bytes read at once
	batchSize  = 128 << 10 // bytes of frames from which a batch is full
	defaultMax = 512 << 20
)

// NewReader returns a Reader of a file.
func NewReader(src io.Reader) *Reader {
	r := &Reader{MaxString: defaultMax, MaxKey: defaultMax}
	r.src, r.buf = src, make([]byte, readSize)
	r.Unsupported = func(_ []byte, typ string) error { return errorAt(r.offset(), "the value is a %s", typ) }
	return r
}

// Batch is some frames, with the bytes that they refer to. It may be used for one Next after the other.
type Batch struct {
	Frames []Frame
	data   []byte
	ends   []ends
}

// ends are where in data the key and the value of a frame end; the key begins where the frame before ends.
type ends struct{ key, value int }

// Next fills b with the next frames. It returns io.EOF, and no frames, after the last one, when the checksum was found to be right. After
// another error the reader is of no use.
func (r *Reader) Next(b *Batch) error {
	b.Frames, b.data, b.ends = b.Frames[:0], b.data[:0], b.ends[:0]
	if cap(b.data) > 4*batchSize {
		b.data = nil // it had a long string
	}
	if !r.begun {
		if err := r.header(); err != nil {
			return err
		}
	}
	for !r.done && len(b.data) < batchSize {
		if err := r.item(b); err != nil {
			return err
		}
	}
	if len(b.Frames) == 0 && r.done {
		return io.EOF
	}
	at := 0
	for i, e := range b.ends {
		b.Frames[i].Key, b.Frames[i].Value = b.data[at:e.key], b.data[e.key:e.value]
		at = e.value
	}
	return nil
}

// Offset returns how many bytes of the file were read. Any goroutine that has not called Next since may call it.
func (r *Reader) Offset() int64 { return r.offset() }

// header reads the beginning of the file.
func (r *Reader) header() error {
	r.begun, r.next = true, Frame{Idle: -1, Freq: -1}
	b, err := r.take(len(magic) + 4)
	if err != nil {
		return err
	}
	version, bad := strconv.Atoi(string(b[len(magic):]))
	if !bytes.HasPrefix(b, []byte(magic)) || bad != nil {
		return errorAt(0, "this is no RDB file: it begins with %q", b)
	}
	if version < 1 {
		return errorAt(0, "the file has version %d of the format", version)
	}
	if version > newest {
		return foreign(0, "the file has version %d of the format, this program reads up to %d", version, newest)
	}
	r.hasSum = version >= 5
	return nil
}

// item reads an opcode, or a key, or more elements of the value that was begun.
func (r *Reader) item(b *Batch) error {
	if r.left > 0 {
		return r.elements(b)
	}
	at := r.offset()
	op, err := r.byte()
	if err != nil {
		return err
	}
	switch op {
	case opIdle:
		n, err := r.length()
		r.next.Idle = int64(min(n, 1<<40))
		return err
	case opFreq:
		n, err := r.byte()
		r.next.Freq = int(n)
		return err
	case opExpire, opExpireMs:
		return r.deadline(op)
	case opSelect:
		n, err := r.length()
		if err == nil && n > 1<<20 {
			return errorAt(at, "database %d", n)
		}
		r.db = int(n)
		return err
	case opResize:
		return r.skipLengths(2)
	case opAux:
		return r.skipStrings(2)
	case opFunctions:
		return r.library()
	case opModuleAux:
		return r.skipModule(true)
	case opFunctionsRC:
		return foreign(at, "functions in the form of a release candidate")
	case opEnd:
		r.done = true
		return r.end()
	}
	return r.key(b, Type(op))
}

// deadline reads the deadline of the key that follows.
func (r *Reader) deadline(op byte) error {
	n := 8
	if op == opExpire {
		n = 4
	}
	b, err := r.take(n)
	if err != nil {
		return err
	}
	r.next.Deadline = littleInt(b)
	if op == opExpire {
		r.next.Deadline *= 1000
	}
	switch {
	case r.next.Deadline == 0:
		r.next.Deadline = 1 // 0 is none here, and both have passed
	case r.next.Deadline == -1:
		r.next.Deadline = 0 // which is how Redis writes none
	}
	return nil
}

// key reads a key with its value.
func (r *Reader) key(b *Batch, t Type) error {
	f := r.next
	f.DB, f.Type = r.db, t
	r.next = Frame{Idle: -1, Freq: -1}
	var err error
	if b.data, err = r.appendString(b.data, r.MaxKey); err != nil {
		return err
	}
	f.Offset = r.offset()
	start := 0
	if n := len(b.ends); n > 0 {
		start = b.ends[n-1].value
	}
	key := b.data[start:]
	switch {
	case !t.Decodable():
		return r.skip(b, &f, start)
	case t.encoding().form != counted:
		keyEnd := len(b.data)
		if b.data, err = r.appendString(b.data, r.MaxString); err != nil {
			return err
		}
		b.add(f, keyEnd)
		return nil
	}
	n, err := r.length()
	if err != nil {
		return err
	}
	if n == 0 {
		r.Empty++
		b.data = b.data[:start]
		return nil
	}
	r.value, r.left = f, n
	r.value.Total = n
	r.value.Key = append(r.value.Key[:0:0], key...)
	b.data = b.data[:start]
	return r.elements(b)
}

// add completes a frame, the key of which ends at keyEnd and the value of which is the rest of the data.
func (b *Batch) add(f Frame, keyEnd int) {
	b.Frames = append(b.Frames, f)
	b.ends = append(b.ends, ends{keyEnd, len(b.data)})
}

// elements makes a frame of the next elements of a value, all of them or as many as fit into the batch.
func (r *Reader) elements(b *Batch) error {
	b.data = append(b.data, r.value.Key...)
	keyEnd, f, words := len(b.data), r.value, r.value.Type.encoding().words
	f.Offset, f.Elements = r.offset(), 0
	for r.left > 0 && (f.Elements == 0 || len(b.data) < batchSize) {
		for range words {
			var err error
			if b.data, err = r.appendString(b.data, r.MaxString); err != nil {
				return err
			}
		}
		f.Elements++
		r.left--
	}
	b.add(f, keyEnd)
	return nil
}

// skip passes over a value that is of no use here. The key is what b has from start on.
func (r *Reader) skip(b *Batch, f *Frame, start int) error {
	c := cursor{b: b.data[start:], at: f.Offset, max: r.MaxKey}
	var scratch []byte
	key, err := c.string(&scratch)
	if err != nil {
		return err
	}
	found := false
	err = r.skipValue(f.Type, func() error {
		first := !found
		found = true
		if first && r.Unsupported != nil {
			return r.Unsupported(key, f.Type.Name())
		}
		return nil
	})
	if err == nil && !found {
		r.Empty++
	}
	b.data = b.data[:start]
	return err
}

// library passes over a library of functions.
func (r *Reader) library() error {
	text, err := r.appendString(nil, r.MaxString)
	if err != nil {
		return err
	}
	c := cursor{b: text, at: r.offset(), max: r.MaxString}
	var scratch []byte
	code, err := c.string(&scratch)
	if err != nil || r.Unsupported == nil {
		return err
	}
	return r.Unsupported(libraryName(code), Library)
}

// libraryName finds the name of a library in the first line of its code, which is like "#!lua name=mylib".
func libraryName(code []byte) []byte {
	line, _, _ := bytes.Cut(code, []byte("\n"))
	_, name, _ := bytes.Cut(line, []byte("name="))
	name, _, _ = bytes.Cut(name, []byte(" "))
	return name
}

// end verifies the checksum.
func (r *Reader) end() error {
	if !r.hasSum {
		return nil
	}
	sum := r.checksum()
	at := r.offset()
	r.hasSum = false // of these bytes there is none
	b, err := r.take(8)
	if err != nil {
		return err
	}
	if stored := uint64(littleInt(b)); stored != 0 && stored != sum {
		return errorAt(at, "the checksum is %016x, of the bytes before it %016x", stored, sum)
	}
	return nil
}
