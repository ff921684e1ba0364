package rdb

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// PayloadFooter is how many bytes complete a payload, which is what DUMP replies and RESTORE takes: the type of a value, the value, the
// version in two bytes and the checksum in eight, both little-endian.
const PayloadFooter = 2 + 8

// EndPayload completes the payload that begins at dst[start:] with a type and a value.
func EndPayload(dst []byte, start int) []byte {
	dst = binary.LittleEndian.AppendUint16(dst, Version)
	return binary.LittleEndian.AppendUint64(dst, Checksum(0, dst[start:]))
}

// CheckPayload reports whether version and checksum of a payload are right.
func CheckPayload(b []byte) bool {
	if len(b) < PayloadFooter {
		return false
	}
	body, sum := b[:len(b)-8], b[len(b)-8:]
	return binary.LittleEndian.Uint16(body[len(body)-2:]) <= newest && binary.LittleEndian.Uint64(sum) == Checksum(0, body)
}

// Empty reports whether the value of a payload, which cannot be decoded, has no elements.
func (f *Frame) Empty() bool {
	const window = 64
	r := Reader{stream: stream{src: bytes.NewReader(f.Value), buf: make([]byte, window)}}
	return r.skipValue(f.Type, func() error { return errFound }) == nil
}

var errFound = errors.New("the value is not empty")

// SplitPayload returns the value of a payload as a frame without a key, which aliases b. Neither the checksum nor what is in the value is
// verified.
func SplitPayload(b []byte) (Frame, error) {
	if len(b) <= PayloadFooter {
		return Frame{}, errorAt(0, "the payload has no value")
	}
	body := b[:len(b)-PayloadFooter]
	f := Frame{Type: Type(body[0]), Value: body[1:], Freq: -1, Idle: -1}
	if !f.Type.Decodable() {
		return f, foreign(0, "the value is a %s", f.Type.Name())
	}
	if e := f.Type.encoding(); e.form == counted {
		c := cursor{b: f.Value, at: 1}
		n, _, err := c.length()
		if err != nil {
			return f, err
		}
		if n == 0 || n > uint64(len(f.Value)) {
			return f, errorAt(1, "a %s of %d elements", e.name, n)
		}
		f.Elements, f.Total, f.Value, f.Offset = int(n), n, f.Value[c.off:], int64(c.off)
	}
	return f, nil
}
