package rdb

// skipValue passes over a value of a type that is not wanted. It calls found when it knows that the
// value is not empty, once or more often. An error of found ends it.
func (r *Reader) skipValue(t Type, found func() error) error {
	switch t {
	case listZiplist, zsetZiplist, zsetListpack:
		return r.skipPacked(t, found)
	case list, zset, zset2, quicklist, quicklist2:
		return r.skipElements(t, found)
	}
	if err := found(); err != nil {
		return err
	}
	switch t {
	case stream1, stream2, stream3:
		return r.skipStream(t)
	case module2:
		return r.skipModule(false)
	case module:
		return foreign(r.offset(), "a value of a module in a form that cannot be skipped")
	}
	return errorAt(r.offset(), "values of type %d are not known", t)
}

// skipElements passes over a value that is a number of elements, or of packed lists of elements.
func (r *Reader) skipElements(t Type, found func() error) error {
	n, err := r.length()
	for ; err == nil && n > 0; n-- {
		switch t {
		case quicklist:
			err = r.skipPacked(listZiplist, found)
			continue
		case quicklist2:
			err = r.skipNode(found)
			continue
		}
		if err = found(); err != nil {
			return err
		}
		if err = r.skipString(); err != nil {
			return err
		}
		switch t {
		case zset:
			err = r.skipTextScore()
		case zset2:
			err = r.discard(8)
		}
	}
	return err
}

// skipNode passes over a part of a list: what it is, and one element or a listpack.
func (r *Reader) skipNode(found func() error) error {
	const packed = 2
	kind, err := r.length()
	if err != nil {
		return err
	}
	if kind == packed {
		return r.skipPacked(zsetListpack, found)
	}
	if err = found(); err != nil {
		return err
	}
	return r.skipString()
}

// emptyPacked returns a packed list without elements: its length in bytes, of a ziplist the offset
// of the last entry, the number of elements, and 255.
func emptyPacked(t Type) string {
	if t == listZiplist || t == zsetZiplist {
		return "\x0b\x00\x00\x00\x0a\x00\x00\x00\x00\x00\xff"
	}
	return "\x07\x00\x00\x00\x00\x00\xff"
}

// skipPacked passes over a string that is a packed list. It is not compressed if it is empty.
func (r *Reader) skipPacked(t Type, found func() error) error {
	var scratch [9]byte
	_, n, isEncoded, err := r.rawLength(scratch[:0])
	if err != nil {
		return err
	}
	empty := emptyPacked(t)
	if !isEncoded && n == uint64(len(empty)) {
		b, err := r.take(len(empty))
		if err != nil || string(b) == empty {
			return err
		}
		return found()
	}
	if err = found(); err != nil {
		return err
	}
	return r.skipRest(n, isEncoded)
}

// skipTextScore passes over a score that is a length in a byte and so many digits; three lengths stand for infinities and no number.
func (r *Reader) skipTextScore() error {
	n, err := r.byte()
	if err != nil || n >= 253 {
		return err
	}
	return r.discard(uint64(n))
}

// Sizes of what streams consist of.
const (
	streamID   = 16 // milliseconds and sequence number
	streamTime = 8
)

// skipStream passes over a stream: listpacks by their first ID, counters, and consumer groups.
func (r *Reader) skipStream(t Type) error {
	n, err := r.length()
	if err != nil {
		return err
	}
	if err = r.skipStrings(2 * n); err != nil {
		return err
	}
	counters := uint64(3) // length, last ID
	if t >= stream2 {
		counters += 5 // first ID, greatest deleted ID, entries ever added
	}
	if err = r.skipLengths(counters); err != nil {
		return err
	}
	groups, err := r.length()
	for ; err == nil && groups > 0; groups-- {
		err = r.skipGroup(t)
	}
	return err
}

// skipGroup passes over a consumer group: its name and last ID, the entries that are pending, and its consumers.
func (r *Reader) skipGroup(t Type) error {
	if err := r.skipString(); err != nil {
		return err
	}
	counters := uint64(2)
	if t >= stream2 {
		counters++ // entries read
	}
	if err := r.skipLengths(counters); err != nil {
		return err
	}
	pending, err := r.length()
	for ; err == nil && pending > 0; pending-- {
		if err = r.discard(streamID + streamTime); err == nil {
			err = r.skipLengths(1) // deliveries
		}
	}
	if err != nil {
		return err
	}
	consumers, err := r.length()
	for ; err == nil && consumers > 0; consumers-- {
		err = r.skipConsumer(t)
	}
	return err
}

func (r *Reader) skipConsumer(t Type) error {
	if err := r.skipString(); err != nil {
		return err
	}
	times := uint64(streamTime) // seen
	if t >= stream3 {
		times += streamTime // active
	}
	if err := r.discard(times); err != nil {
		return err
	}
	n, err := r.length()
	for ; err == nil && n > 0; n-- {
		err = r.discard(streamID)
	}
	return err
}

// What a module's value consists of: each piece is introduced by one of these.
const (
	moduleEnd    = 0
	moduleInt    = 1
	moduleUint   = 2
	moduleFloat  = 3
	moduleDouble = 4
	moduleString = 5
)

// skipModule passes over a module's value, or over what it keeps beside the keys.
func (r *Reader) skipModule(aux bool) error {
	heads := uint64(1) // the module's ID
	if aux {
		heads += 2 // when it is to be loaded
	}
	if err := r.skipLengths(heads); err != nil {
		return err
	}
	for {
		piece, err := r.length()
		if err != nil {
			return err
		}
		switch piece {
		case moduleEnd:
			return nil
		case moduleInt, moduleUint:
			err = r.skipLengths(1)
		case moduleFloat:
			err = r.discard(4)
		case moduleDouble:
			err = r.discard(8)
		case moduleString:
			err = r.skipString()
		default:
			err = errorAt(r.offset(), "a piece of kind %d in a module's value", piece)
		}
		if err != nil {
			return err
		}
	}
}
