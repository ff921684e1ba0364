package rdb

import (
	"io"
)

// stream reads a file through a window and keeps the checksum of what was read.
type stream struct {
	src      io.Reader
	buf      []byte // the window is buf[:end]
	pos, end int    // what is before pos was read
	base     int64  // offset of the window in the file
	summed   int    // what is before is in crc
	crc      uint64
	hasSum   bool
}

func (s *stream) offset() int64 { return s.base + int64(s.pos) }

// checksum returns that of everything read.
func (s *stream) checksum() uint64 {
	s.crc = Checksum(s.crc, s.buf[s.summed:s.pos])
	s.summed = s.pos
	return s.crc
}

// fill reads more, so that there are at least n bytes in the window behind pos. n is at most len(buf).
func (s *stream) fill(n int) error {
	if s.hasSum || s.base == 0 { // the first bytes say whether there is one
		s.checksum()
	}
	copy(s.buf, s.buf[s.pos:s.end])
	s.base += int64(s.pos)
	s.pos, s.end, s.summed = 0, s.end-s.pos, 0
	for s.end < n {
		k, err := s.src.Read(s.buf[s.end:])
		s.end += k
		if err == io.EOF && s.end < n {
			return errorAt(s.base+int64(s.end), "the file ends here, in the middle")
		}
		if err != nil && err != io.EOF {
			return err
		}
	}
	return nil
}

// take returns the next n bytes, which are valid until the next call. n is small.
func (s *stream) take(n int) ([]byte, error) {
	if s.end-s.pos < n {
		if err := s.fill(n); err != nil {
			return nil, err
		}
	}
	s.pos += n
	return s.buf[s.pos-n : s.pos], nil
}

func (s *stream) byte() (byte, error) {
	b, err := s.take(1)
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

// rawLength reads a length, or the number of an encoding, and appends its bytes to dst.
func (s *stream) rawLength(dst []byte) (out []byte, n uint64, isEncoded bool, err error) {
	first, err := s.byte()
	if err != nil {
		return dst, 0, false, err
	}
	more, known := lengthBytes(first)
	if !known {
		return dst, 0, false, errorAt(s.offset()-1, "a length that begins with %#x", first)
	}
	b, err := s.take(more)
	if err != nil {
		return dst, 0, false, err
	}
	return append(append(dst, first), b...), lengthOf(first, b), first&lenMask == encoded, nil
}

// length reads a length that is not an encoding.
func (s *stream) length() (uint64, error) {
	var scratch [9]byte
	_, n, isEncoded, err := s.rawLength(scratch[:0])
	if err == nil && isEncoded {
		err = errorAt(s.offset()-1, "an encoding where a length should be")
	}
	return n, err
}

// appendString reads a string of at most limit bytes as it is encoded and appends it to dst.
func (s *stream) appendString(dst []byte, limit int) ([]byte, error) {
	dst, n, isEncoded, err := s.rawLength(dst)
	if err != nil {
		return dst, err
	}
	if isEncoded {
		if int(n) < len(intBytes) {
			return s.appendBytes(dst, uint64(intBytes[n]))
		}
		if n != encLZF {
			return dst, errorAt(s.offset()-1, "a string in encoding %d", n)
		}
		var whole uint64
		var bad, bad2 bool
		if dst, n, bad, err = s.rawLength(dst); err != nil {
			return dst, err
		}
		if dst, whole, bad2, err = s.rawLength(dst); err != nil {
			return dst, err
		}
		if bad || bad2 {
			return dst, errorAt(s.offset(), "a compressed string without its length")
		}
		if whole > uint64(limit) {
			return dst, tooLong(s.offset(), whole, limit)
		}
	}
	if n > uint64(limit) {
		return dst, tooLong(s.offset(), n, limit)
	}
	return s.appendBytes(dst, n)
}

// appendBytes reads n bytes and appends them to dst, which grows as they come.
func (s *stream) appendBytes(dst []byte, n uint64) ([]byte, error) {
	for {
		k := min(n, uint64(s.end-s.pos))
		dst = append(dst, s.buf[s.pos:s.pos+int(k)]...)
		s.pos += int(k)
		if n -= k; n == 0 {
			return dst, nil
		}
		if err := s.fill(int(min(n, uint64(len(s.buf))))); err != nil {
			return dst, err
		}
	}
}

// discard passes over n bytes.
func (s *stream) discard(n uint64) error {
	for {
		k := min(n, uint64(s.end-s.pos))
		s.pos += int(k)
		if n -= k; n == 0 {
			return nil
		}
		if err := s.fill(1); err != nil {
			return err
		}
	}
}

// skipString passes over a string of any length.
func (s *stream) skipString() error {
	var scratch [9]byte
	_, n, isEncoded, err := s.rawLength(scratch[:0])
	if err != nil {
		return err
	}
	return s.skipRest(n, isEncoded)
}

// skipRest passes over a string whose length, or the number of its encoding, was read.
func (s *stream) skipRest(n uint64, isEncoded bool) (err error) {
	switch {
	case !isEncoded:
		return s.discard(n)
	case int(n) < len(intBytes):
		return s.discard(uint64(intBytes[n]))
	case n != encLZF:
		return errorAt(s.offset()-1, "a string in encoding %d", n)
	}
	if n, err = s.length(); err != nil {
		return err
	}
	if err = s.skipLengths(1); err != nil {
		return err
	}
	return s.discard(n)
}

func (s *stream) skipLengths(n uint64) error {
	for ; n > 0; n-- {
		if _, err := s.length(); err != nil {
			return err
		}
	}
	return nil
}

func (s *stream) skipStrings(n uint64) error {
	for ; n > 0; n-- {
		if err := s.skipString(); err != nil {
			return err
		}
	}
	return nil
}
