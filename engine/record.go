package engine

import (
	"math/bits"
	"unsafe"
)

// A record is one key with its value, or one part of a large value, at a 4-byte boundary of a block:
//
//	byte 0      layout (3 bits) and flags
//	byte 1      access bits (low nibble) and space (high nibble)
//	varint      length of the key
//	varint      length of the value; not there for layoutInt, whose value is 8 bytes
//	0 or 1      bits that say what else is there, if flagExt
//	0, 5 or 8   deadline, if flagTTL
//	key
//	value
//	padding to the next boundary
//
// A filler and a part have headers of their own, see filler and part. The size of every record
// follows from its first bytes, so that a block can be walked from its start.
//
// The header says how the bytes lie, not what they mean: that is for the type of the value, see
// types.go. Values of every type but strings begin with a byte whose low nibble is the type:
//
//	packed     2 bytes: type (4 bits) and number of elements (12 bits); the elements
//	in parts   type (4 bits), and 4 bits that are 0; the owner's id (4 bytes); what else the type
//	           needs to know of its parts
//
// The decoder below is on the path of every command. The fields of view are all that callers need,
// and no more than Go returns in registers.

// layout is how the bytes of a record lie.
type layout = uint8

const (
	layoutFiller layout = iota // no record: bytes left over by one that shrank
	layoutString               // the bytes of a string
	layoutInt                  // a string that is the text of an int64, kept as 8 bytes
	layoutPacked               // a head and elements
	layoutParts                // the root of a value in parts
	layoutPart                 // a part of such a value
	numLayouts
	layoutMask = 7
)

// Flags of a record's first byte.
const (
	flagTTL  = 0x08 // a deadline field is there; it may be zero, for none
	flagExt  = 0x10 // a byte of ext bits is there
	flagDead = 0x20 // deleted, overwritten or moved
	flagRaw  = 0x40 // Redis would have left its most compact encoding; the type knows for which

	flagColour = 0x80 // of a key's record; see Snapshot
)

// extWide is the ext bit of a deadline of 8 bytes. The other bits are free.
const extWide = 0x01

// MaxKey is the length of the longest key, field of a hash and member of a set.
const MaxKey = 32 << 10

const (
	recordAlign  = 4
	deadlineZero = 1577836800000 // 2020-01-01 in Unix milliseconds: 5-byte deadlines count from here
	wideDeadline = 1 << 40       // the first that does not fit into 5 bytes
)

func load8(p unsafe.Pointer, off int) uint8   { return *(*uint8)(unsafe.Add(p, off)) }
func load16(p unsafe.Pointer, off int) uint16 { return *(*uint16)(unsafe.Add(p, off)) }
func load32(p unsafe.Pointer, off int) uint32 { return *(*uint32)(unsafe.Add(p, off)) }
func load64(p unsafe.Pointer, off int) uint64 { return *(*uint64)(unsafe.Add(p, off)) }

func store8(p unsafe.Pointer, off int, v uint8)   { *(*uint8)(unsafe.Add(p, off)) = v }
func store16(p unsafe.Pointer, off int, v uint16) { *(*uint16)(unsafe.Add(p, off)) = v }
func store32(p unsafe.Pointer, off int, v uint32) { *(*uint32)(unsafe.Add(p, off)) = v }
func store64(p unsafe.Pointer, off int, v uint64) { *(*uint64)(unsafe.Add(p, off)) = v }

// bytesAt returns n bytes of a block as a slice, which is valid while the shard is locked and nothing is written.
func bytesAt(p unsafe.Pointer, off, n int) []byte {
	return unsafe.Slice((*byte)(unsafe.Add(p, off)), n)
}

func align(n int) int { return (n + recordAlign - 1) &^ (recordAlign - 1) }

// view is a decoded record.
type view struct {
	p          unsafe.Pointer // its first byte
	flags      uint8          // byte 0
	space      uint8          // its space
	klen, vlen int
	ttl        int // offset of the deadline, 0 if there is none
	key        int // offset of the key
	val        int // offset of the value
	size       int // with padding
}

// decode reads the header of the record at p, which must not be a filler or a part.
func decode(p unsafe.Pointer) view {
	v := view{p: p, flags: load8(p, 0), space: load8(p, 1) >> 4}
	off := 3
	v.klen = int(load8(p, 2))
	if v.klen >= 0x80 {
		v.klen, off = loadVarint(p, 2)
	}
	if v.flags&layoutMask == layoutInt {
		v.vlen = 8
	} else {
		v.vlen = int(load8(p, off))
		off++
		if v.vlen >= 0x80 {
			v.vlen, off = loadVarint(p, off-1)
		}
	}
	if v.flags&(flagTTL|flagExt) != 0 {
		wide := 0
		if v.flags&flagExt != 0 {
			wide = int(load8(p, off)&extWide) * 3
			off++
		}
		if v.flags&flagTTL != 0 {
			v.ttl = off
			off += 5 + wide
		}
	}
	v.key = off
	v.val = off + v.klen
	v.size = align(v.val + v.vlen)
	return v
}

// loadVarint reads a little-endian base-128 number and returns it with the offset after it.
func loadVarint(p unsafe.Pointer, off int) (n, after int) {
	for shift := 0; ; shift += 7 {
		b := load8(p, off)
		off++
		n |= int(b&0x7f) << shift
		if b < 0x80 {
			return n, off
		}
	}
}

// storeVarint is the inverse of loadVarint; it returns the offset after the number.
func storeVarint(p unsafe.Pointer, off, n int) int {
	for n >= 0x80 {
		store8(p, off, uint8(n)|0x80)
		off++
		n >>= 7
	}
	store8(p, off, uint8(n))
	return off + 1
}

// varintLen is the number of bytes of n as a varint.
func varintLen(n int) int { return (bits.Len(uint(n|1)) + 6) / 7 }

func (v *view) layout() layout    { return v.flags & layoutMask }
func (v *view) keyBytes() []byte  { return bytesAt(v.p, v.key, v.klen) }
func (v *view) valBytes() []byte  { return bytesAt(v.p, v.val, v.vlen) }
func (v *view) number() int64     { return int64(load64(v.p, v.val)) }
func (v *view) setNumber(n int64) { store64(v.p, v.val, uint64(n)) }
func (v *view) access() uint8     { return load8(v.p, 1) & 15 }
func (v *view) setAccess(a uint8) { store8(v.p, 1, v.space<<4|a) }
func (v *view) setFlags(f uint8)  { v.flags = f; store8(v.p, 0, f) }

// deadline returns when the record expires in Unix milliseconds, NoDeadline for never.
func (v *view) deadline() int64 {
	if v.ttl == 0 {
		return NoDeadline
	}
	if v.wide() {
		return int64(load64(v.p, v.ttl))
	}
	d := int64(load32(v.p, v.ttl)) | int64(load8(v.p, v.ttl+4))<<32
	if d == 0 {
		return NoDeadline
	}
	return d + deadlineZero
}

// wide reports whether the deadline, which is there, has 8 bytes.
func (v *view) wide() bool { return v.flags&flagExt != 0 && load8(v.p, v.ttl-1)&extWide != 0 }

// setDeadline writes the deadline, if the record has a field that can hold it.
func (v *view) setDeadline(at int64) bool {
	switch {
	case v.ttl == 0:
		return at == NoDeadline
	case v.wide():
		store64(v.p, v.ttl, uint64(at))
		return true
	case at != NoDeadline && isWide(at):
		return false
	}
	storeDeadline(v.p, v.ttl, at)
	return true
}

// storeDeadline writes a deadline field of 5 bytes. NoDeadline is for a record that lost its deadline but keeps the field.
func storeDeadline(p unsafe.Pointer, off int, at int64) {
	if at == NoDeadline {
		at = deadlineZero
	}
	store32(p, off, uint32(at-deadlineZero))
	store8(p, off+4, uint8((at-deadlineZero)>>32))
}

// isWide reports whether a deadline needs 8 bytes.
func isWide(at int64) bool { return at <= deadlineZero || at-deadlineZero >= wideDeadline }

// shape is what decides the size of a record's header.
type shape struct {
	flags      uint8 // layout, flagTTL, flagExt and flagRaw
	ext        uint8 // ext bits, if flagExt
	klen, vlen int
}

// shapeOf returns the shape of a record with a deadline, or none. Of flags, layout and flagRaw count.
func shapeOf(flags uint8, klen, vlen int, at int64) shape {
	s := shape{flags: flags & (layoutMask | flagRaw), klen: klen, vlen: vlen}
	if at != NoDeadline {
		s.flags |= flagTTL
		if isWide(at) {
			s.flags |= flagExt
			s.ext = extWide
		}
	}
	return s
}

// header returns the size of the header, size that of the whole record.
func (s shape) header() int {
	n := 2 + varintLen(s.klen)
	if s.flags&layoutMask != layoutInt {
		n += varintLen(s.vlen)
	}
	if s.flags&flagExt != 0 {
		n++
	}
	if s.flags&flagTTL != 0 {
		n += 5 + 3*int(s.ext&extWide)
	}
	return n
}

func (s shape) size() int { return align(s.header() + s.klen + s.vlen) }

// encode writes header, deadline and key of a record at p, and returns its view. The caller fills in the value.
func (s shape) encode(p unsafe.Pointer, space, access uint8, key []byte, at int64) view {
	v := view{p: p, flags: s.flags, space: space, klen: s.klen, vlen: s.vlen}
	store8(p, 0, s.flags)
	store8(p, 1, space<<4|access)
	off := storeVarint(p, 2, s.klen)
	if s.flags&layoutMask != layoutInt {
		off = storeVarint(p, off, s.vlen)
	}
	if s.flags&flagExt != 0 {
		store8(p, off, s.ext)
		off++
	}
	if s.flags&flagTTL != 0 {
		v.ttl = off
		if s.ext&extWide != 0 {
			store64(p, off, uint64(at))
			off += 8
		} else {
			storeDeadline(p, off, at)
			off += 5
		}
	}
	v.key, v.val = off, off+s.klen
	v.size = align(v.val + s.vlen)
	copy(bytesAt(p, off, s.klen), key)
	return v
}

// A filler takes the place of bytes that a record gave up by shrinking in place:
//
//	byte 0   layoutFiller
//	byte 1   unused
//	2..3     its size in units of recordAlign
func storeFiller(p unsafe.Pointer, off, size int) {
	store8(p, off, layoutFiller)
	store8(p, off+1, 0)
	store16(p, off+2, uint16(size/recordAlign))
}

// A part is a record that holds a piece of a large value; it has no key of its own but is found by its owner and its number:
//
//	byte 0    layoutPart and flags
//	byte 1    type whose elements refer to further parts, 0 for plain bytes (low nibble), and space (high nibble)
//	2..3      length of its data
//	4..7      its number
//	8..15     hash of the owner's key
//	16..19    the owner's id
//	20..      data
const (
	partHeader = 20
	partSize   = 16 << 10              // of a full part: four fill a block
	partData   = partSize - partHeader // bytes that a full part carries
)

// sizeAt returns the size of the record at p, of whatever kind.
func sizeAt(p unsafe.Pointer) int {
	switch load8(p, 0) & layoutMask {
	case layoutFiller:
		return int(load16(p, 2)) * recordAlign
	case layoutPart:
		return align(partHeader + int(load16(p, 2)))
	default:
		v := decode(p)
		return v.size
	}
}
