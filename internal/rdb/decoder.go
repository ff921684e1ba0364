package rdb

import (
	"encoding/binary"
	"errors"
	"strconv"
)

// Frame is a key with its value, or a part of the fields of a hash, as they are in the file. Its slices are those of the batch.
type Frame struct {
	Offset   int64 // where the value begins in the file
	DB       int
	Type     Type
	Deadline int64  // Unix milliseconds, 0 for none
	Idle     int64  // seconds since the last use, -1 if the file does not say
	Freq     int    // frequency of use, 0 to 255, -1 if the file does not say
	Key      []byte // encoded; see Decoder.Key
	Value    []byte // encoded; of a hash that is not packed, fields and values without their number
	Pairs    int    // of a hash that is not packed, how many fields are in Value
	Fields   uint64 // of a hash that is not packed, how many the whole of it has
}

// pairSize is what a field of a hash is taken to need beside its bytes and its value's.
const pairSize = 16

// Size returns how many bytes the decoded value needs, to which a hash adds something for each field. Where the frame is damaged it is less.
func (f *Frame) Size() int {
	c := cursor{b: f.Value}
	n := f.Pairs * pairSize
	for c.off < len(c.b) {
		more, ok := c.skipString()
		if !ok {
			break
		}
		n += more
	}
	return n
}

// Decoder decodes frames. What it returns is valid until the next call of a method, and may alias the frame.
type Decoder struct {
	MaxString int // length of the longest string that is accepted

	key, value, blob []byte // scratch
}

// Key returns the frame's key.
func (d *Decoder) Key(f *Frame) ([]byte, error) {
	c := cursor{b: f.Key, at: f.Offset, max: d.MaxString}
	return c.string(&d.key)
}

// String returns the value of a frame that has a string.
func (d *Decoder) String(f *Frame) ([]byte, error) {
	c := cursor{b: f.Value, at: f.Offset, max: d.MaxString}
	b, err := c.string(&d.value)
	if err == nil && c.off != len(c.b) {
		err = c.fail("%d bytes behind the value", len(c.b)-c.off)
	}
	return b, err
}

// ErrEmpty is the error of a hash without fields. See Reader.Empty.
var ErrEmpty = errors.New("the hash has no fields")

// Fields calls fn for the fields of a frame that has a hash, or a part of one. An error of fn ends it.
func (d *Decoder) Fields(f *Frame, fn func(field, value []byte) error) error {
	c := cursor{b: f.Value, at: f.Offset, max: d.MaxString}
	if f.Type == Hash {
		return d.pairs(&c, f.Pairs, fn)
	}
	blob, err := c.string(&d.blob)
	if err != nil {
		return err
	}
	if c.off != len(c.b) {
		return c.fail("%d bytes behind the value", len(c.b)-c.off)
	}
	var each func(b []byte, fn func(field, value []byte) error) (int, error)
	switch f.Type {
	case HashZipmap:
		each = eachZipmap
	case HashZiplist:
		each = d.eachZiplist
	case HashListpack:
		each = d.eachListpack
	default:
		return c.fail("a %s is no hash", f.Type.Name())
	}
	n, err := each(blob, fn)
	switch {
	case err == nil && n == 0 && f.Type != HashZipmap: // Redis takes an empty zipmap for damaged
		return ErrEmpty
	case err == errPacked || err == nil && n == 0:
		return c.fail("a packed hash is damaged, after %d fields", n)
	}
	return err
}

// pairs is Fields for a hash that is not packed.
func (d *Decoder) pairs(c *cursor, n int, fn func(field, value []byte) error) error {
	for range n {
		field, err := c.string(&d.key)
		if err != nil {
			return err
		}
		value, err := c.string(&d.value)
		if err != nil {
			return err
		}
		if err := fn(field, value); err != nil {
			return err
		}
	}
	if c.off != len(c.b) {
		return c.fail("%d bytes behind the last field", len(c.b)-c.off)
	}
	return nil
}

// Check verifies that a value can be decoded.
func (d *Decoder) Check(f *Frame) error {
	if f.Type == String {
		_, err := d.String(f)
		return err
	}
	return d.Fields(f, func([]byte, []byte) error { return nil })
}

// cursor reads encoded lengths and strings from memory.
type cursor struct {
	b   []byte
	off int   // what is before was read
	at  int64 // offset of b in the file
	max int   // the longest string
}

func (c *cursor) fail(format string, args ...any) error {
	return errorAt(c.at+int64(c.off), format, args...)
}

// take returns the next n bytes.
func (c *cursor) take(n int) ([]byte, error) {
	if n > len(c.b)-c.off {
		return nil, c.fail("%d bytes where %d should be", len(c.b)-c.off, n)
	}
	c.off += n
	return c.b[c.off-n : c.off], nil
}

// length reads a length; if isEncoded it is the number of an encoding.
func (c *cursor) length() (n uint64, isEncoded bool, err error) {
	b, err := c.take(1)
	if err != nil {
		return 0, false, err
	}
	first := b[0]
	more, known := lengthBytes(first)
	if !known {
		return 0, false, c.fail("a length that begins with %#x", first)
	}
	if b, err = c.take(more); err != nil {
		return 0, false, err
	}
	return lengthOf(first, b), first&lenMask == encoded, nil
}

// lengthBytes returns how many bytes follow the first one of a length.
func lengthBytes(first byte) (n int, known bool) {
	switch {
	case first&lenMask == len6, first&lenMask == encoded:
		return 0, true
	case first&lenMask == len14:
		return 1, true
	case first == len32:
		return 4, true
	case first == len64:
		return 8, true
	}
	return 0, false
}

// lengthOf returns the length whose first byte, and those that follow, are given.
func lengthOf(first byte, more []byte) uint64 {
	switch len(more) {
	case 1:
		return uint64(first&^lenMask)<<8 | uint64(more[0])
	case 4:
		return uint64(binary.BigEndian.Uint32(more))
	case 8:
		return binary.BigEndian.Uint64(more)
	}
	return uint64(first &^ lenMask)
}

// string reads a string. It returns a part of c.b, or of scratch.
func (c *cursor) string(scratch *[]byte) ([]byte, error) {
	n, isEncoded, err := c.length()
	if err != nil {
		return nil, err
	}
	if isEncoded {
		return c.encodedString(int(n), scratch)
	}
	if n > uint64(c.max) {
		return nil, tooLong(c.at+int64(c.off), n, c.max)
	}
	return c.take(int(n))
}

// skipString passes over a string and returns the length of what it decodes to. ok is false if there is no string that can be.
func (c *cursor) skipString() (size int, ok bool) {
	n, isEncoded, err := c.length()
	whole := n
	switch {
	case err != nil:
		return 0, false
	case !isEncoded:
	case int(n) < len(intBytes):
		n, whole = uint64(intBytes[n]), longestInt
	default:
		var bad, bad2 bool
		var err2 error
		n, bad, err = c.length()
		whole, bad2, err2 = c.length()
		if bad || bad2 || err != nil || err2 != nil || whole > (n+1)*lzfRatio {
			return 0, false
		}
	}
	if n > uint64(len(c.b)-c.off) {
		return 0, false
	}
	c.off += int(n)
	return int(whole), true
}

// intBytes is the number of bytes of the encodings of integers.
var intBytes = [...]int{encInt8: 1, encInt16: 2, encInt32: 4}

// encodedString reads what follows the number of an encoding.
func (c *cursor) encodedString(enc int, scratch *[]byte) ([]byte, error) {
	if enc < len(intBytes) {
		b, err := c.take(intBytes[enc])
		if err != nil {
			return nil, err
		}
		*scratch = strconv.AppendInt((*scratch)[:0], littleInt(b), 10)
		return *scratch, nil
	}
	if enc != encLZF {
		return nil, c.fail("a string in encoding %d", enc)
	}
	size, bad, err := c.length()
	if err != nil {
		return nil, err
	}
	whole, bad2, err := c.length()
	if err != nil {
		return nil, err
	}
	if bad || bad2 || size > uint64(len(c.b)) {
		return nil, c.fail("a compressed string of %d bytes in %d", whole, size)
	}
	if whole > uint64(c.max) {
		return nil, tooLong(c.at+int64(c.off), whole, c.max)
	}
	b, err := c.take(int(size))
	if err != nil {
		return nil, err
	}
	text, ok := appendLZF((*scratch)[:0], b, int(whole))
	if !ok {
		return nil, c.fail("a compressed string of %d bytes does not have them", whole)
	}
	*scratch = text
	return text, nil
}

// littleInt is a little-endian integer of one to eight bytes.
func littleInt(b []byte) int64 {
	n := uint64(0)
	for i, c := range b {
		n |= uint64(c) << (8 * i)
	}
	shift := 64 - 8*len(b)
	return int64(n<<shift) >> shift
}
