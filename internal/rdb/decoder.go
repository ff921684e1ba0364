package rdb

import (
	"encoding/binary"
	"errors"
	"hash/maphash"
	"slices"
	"strconv"
)

// Frame is a key with its value, or with some of the elements of its value, as they are in the file. Its slices are those of the batch.
type Frame struct {
	Offset   int64 // where the value begins in the file
	DB       int
	Type     Type
	Deadline int64  // Unix milliseconds, 0 for none
	Idle     int64  // seconds since the last use, -1 if the file does not say
	Freq     int    // frequency of use, 0 to 255, -1 if the file does not say
	Key      []byte // encoded; see Decoder.Key
	Value    []byte // encoded; of a value whose elements are counted, these without their number
	Elements int    // how many of the counted elements are in Value
	Total    uint64 // how many the whole value has
}

// elementSize is what an element is taken to need beside its bytes.
const elementSize = 16

// Size returns how many bytes the decoded value needs, to which counted elements add something each. Where the frame is damaged it is less.
func (f *Frame) Size() int {
	c := cursor{b: f.Value}
	n := f.Elements * elementSize
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

	scratch [maxWords][]byte
	words   [maxWords][]byte
	blob    []byte // scratch
}

// maxWords is the most words that an element has.
const maxWords = 2

// Key returns the frame's key.
func (d *Decoder) Key(f *Frame) ([]byte, error) {
	c := cursor{b: f.Key, at: f.Offset, max: d.MaxString}
	return c.string(&d.scratch[0])
}

// ErrEmpty is the error of a value without elements. See Reader.Empty.
var ErrEmpty = errors.New("the value has no elements")

// Elements calls fn for the elements of a frame: with a string, or with the words of one element
// after the other, such as a field and its value. An error of fn ends it.
func (d *Decoder) Elements(f *Frame, fn func(words [][]byte) error) error {
	e := f.Type.encoding()
	c := cursor{b: f.Value, at: f.Offset, max: d.MaxString}
	switch {
	case e.words == 0:
		return c.fail("a %s cannot be decoded", f.Type.Name())
	case e.form == counted:
		return d.counted(&c, f.Elements, e.words, fn)
	}
	blob, err := c.string(&d.blob)
	switch {
	case err != nil:
		return err
	case c.off != len(c.b):
		return c.fail("%d bytes behind the value", len(c.b)-c.off)
	case e.form == single:
		d.words[0] = blob
		return fn(d.words[:1])
	}
	n, err := e.each(d, blob, e.words, fn)
	switch {
	case err == nil && n == 0 && f.Type != HashZipmap: // Redis takes an empty zipmap for damaged
		return ErrEmpty
	case err == errPacked || err == nil && n == 0:
		return c.fail("a packed %s is damaged, after %d elements", e.name, n)
	}
	return err
}

// counted is Elements for a value whose n elements are counted.
func (d *Decoder) counted(c *cursor, n, words int, fn func(words [][]byte) error) error {
	for range n {
		for i := range words {
			var err error
			if d.words[i], err = c.string(&d.scratch[i]); err != nil {
				return err
			}
		}
		if err := fn(d.words[:words]); err != nil {
			return err
		}
	}
	if c.off != len(c.b) {
		return c.fail("%d bytes behind the last element", len(c.b)-c.off)
	}
	return nil
}

// Check verifies that a value can be decoded, and that no member of a set whose members are counted
// is there twice. That takes 8 bytes for each member, less than Frame.Size says.
func (d *Decoder) Check(f *Frame) error {
	err := d.Elements(f, func([][]byte) error { return nil })
	// Members that are not the same may have the same hash, but not with two seeds.
	if err == nil && f.Type == Set && d.repeats(f) && d.repeats(f) {
		err = errorAt(f.Offset, "a set has a member twice")
	}
	return err
}

// repeats reports whether two words of a frame that can be decoded have the same hash.
func (d *Decoder) repeats(f *Frame) bool {
	seed, hashes := maphash.MakeSeed(), make([]uint64, 0, f.Elements)
	_ = d.Elements(f, func(words [][]byte) error { // as it went before
		hashes = append(hashes, maphash.Bytes(seed, words[0]))
		return nil
	})
	slices.Sort(hashes)
	return len(slices.Compact(hashes)) < f.Elements
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
