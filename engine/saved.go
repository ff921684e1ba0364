package engine

import "unsafe"

// The side of a shard are blocks of the pool with copies of records, to be written by a snapshot. An entry is
//
//	0..3   its length in bytes
//	4..7   the seconds for which the key was idle
//	8..    the record, and behind it, if it is a root, the parts of the value that it needs, in any order
const entryHeader = 8

// sideBlock is a block of entries.
type sideBlock struct {
	base unsafe.Pointer
	used int
}

// preserve is called before a key's record, or what belongs to it, changes or goes. It saves what a snapshot still needs.
func (sh *shard) preserve(sp *keyspace, s slot, v *view) {
	if v.flags&flagColour != sh.colour {
		sh.save(sp, s, v)
	}
}

// save gives a record the shard's colour, and copies it aside if the snapshot shows it.
func (sh *shard) save(sp *keyspace, s slot, v *view) {
	v.setFlags(v.flags ^ flagColour)
	w := sh.snap
	if w == nil || w.failed.Load() {
		return
	}
	if at := v.deadline(); at != NoDeadline && w.now > at {
		return // it had expired
	}
	use := sh.savedUse(s.loc(), v)
	if v.kind() == kindBigStr || v.kind() == kindBigHash {
		if !sh.saveFlat(sp, v, use) {
			sh.hold(sp, v, use)
		}
		return
	}
	sh.handle(1, v.size)
	if p := sh.sideRoom(entryHeader + v.size); p != nil {
		putHeader(p, entryHeader+v.size, use)
		copyRecord(bytesAt(p, entryHeader, v.size), v, use)
	}
}

// putHeader begins an entry of n bytes.
func putHeader(p unsafe.Pointer, n int, use savedUse) {
	store32(p, 0, uint32(n))
	store32(p, 4, use.idle)
}

// copyRecord copies a record to dst, with other access bits, and returns its size.
func copyRecord(dst []byte, v *view, use savedUse) int {
	n := copy(dst, bytesAt(v.p, 0, v.size))
	dst[1] = v.space<<4 | use.count
	return n
}

// sideRoom appends n bytes to the side. It returns nil, the snapshot having failed, where there is no more memory for it.
func (sh *shard) sideRoom(n int) unsafe.Pointer {
	w := sh.snap
	last := len(w.side) - 1
	if last < 0 || w.side[last].used+n > blockSize {
		if w.waiting.Add(blockSize) > w.limit {
			w.waiting.Add(-blockSize)
			w.Fail(ErrSnapshotBehind)
			return nil
		}
		base := sh.pool.get()
		if base == nil {
			w.waiting.Add(-blockSize)
			w.Fail(ErrSnapshotMemory)
			return nil
		}
		w.side = append(w.side, sideBlock{base: base})
		last++
	}
	b := &w.side[last]
	b.used += n
	return unsafe.Add(b.base, b.used-n)
}

// takeSide takes the oldest block of the side, whose base is nil if there is none. It counts as waiting until it is given to done.
func (sh *shard) takeSide() (b sideBlock) {
	if w := sh.snap; len(w.side) > 0 {
		b = w.side[0]
		w.side = append(w.side[:0], w.side[1:]...)
		sh.pool.lend()
	}
	return b
}

// done gives back a block that was taken from a side. The shard's lock need not be held.
func (w *snapshotWriter) done(b sideBlock) {
	w.waiting.Add(-blockSize)
	w.store.pool.putLent(b.base)
}

// sideBlocks is the number of blocks of the side.
func (sh *shard) sideBlocks() int {
	if sh.snap == nil {
		return 0
	}
	return len(sh.snap.side)
}

// dropSide gives all of the side back.
func (sh *shard) dropSide() {
	for _, b := range sh.snap.side {
		sh.snap.waiting.Add(-blockSize)
		sh.pool.put(b.base)
	}
	sh.snap.side = nil
}

// saveFlat saves a value in parts as one entry, with other access bits. It returns false if it is too large for that.
func (sh *shard) saveFlat(sp *keyspace, v *view, use savedUse) bool {
	var locs []loc
	size := entryHeader + v.size
	add := func(no uint32, o owner) bool {
		s, p, ok := sh.findPart(sp, o, no)
		if ok {
			size += sizeAt(p)
			locs = append(locs, s.loc())
		}
		return size <= blockSize
	}
	o, n := sh.partsOf(v)
	if n > blockSize/bucketMinimum || v.kind() == kindBigHash && v.bigHash(o.hash).bytes() > blockSize {
		return false
	}
	for no := range n {
		if !add(no, o) {
			return false
		}
	}
	if v.kind() == kindBigHash {
		for _, l := range locs[:len(locs):len(locs)] {
			b, fits := hashBucket(partBytes(sh.at(l))), true
			eachEntry(b, b.entries(), func(e entry) bool {
				e.eachRef(func(first uint32, n int) {
					for i := range uint32(partCount(n)) {
						fits = fits && add(first+i, o)
					}
				})
				return fits
			})
			if !fits {
				return false
			}
		}
	}
	sh.handle(1+len(locs), size)
	p := sh.sideRoom(size)
	if p == nil {
		return true
	}
	putHeader(p, size, use)
	off := entryHeader + copyRecord(bytesAt(p, entryHeader, v.size), v, use)
	for _, l := range locs {
		from := sh.at(l)
		n := sizeAt(from)
		off += copy(bytesAt(p, off, n), bytesAt(from, 0, n))
	}
	return true
}

// parts are those that an entry has behind its root, by number.
type parts map[uint32][]byte

// write passes entries on.
func (w *snapshotWriter) write(b []byte) {
	for len(b) > 0 && !w.failed.Load() {
		p := unsafe.Pointer(unsafe.SliceData(b))
		n := int(load32(p, 0))
		if err := w.entry(b[entryHeader:n], load32(p, 4)); err != nil {
			w.Fail(err)
		}
		b = b[n:]
	}
}

// entry passes a saved record on, of a key that was not used for idle seconds.
func (w *snapshotWriter) entry(b []byte, idle uint32) error {
	v := decode(unsafe.Pointer(unsafe.SliceData(b)))
	if err := w.begin(&v, idle); err != nil {
		return err
	}
	switch v.kind() {
	case kindInt:
		val := Value{num: v.number(), isNum: true}
		w.part = val.AppendTo(w.part[:0])
		return w.sink.String(w.part)
	case kindString:
		return w.sink.String(v.valBytes())
	case kindHash:
		return w.entries(v.valBytes(), hashHeader, nil)
	}
	if w.flat == nil {
		w.flat = parts{}
	}
	clear(w.flat)
	for b = b[v.size:]; len(b) > 0; {
		p := unsafe.Pointer(unsafe.SliceData(b))
		w.flat[partNumber(p)] = partBytes(p)
		b = b[sizeAt(p):]
	}
	return w.value(&v, func(no uint32, _ *[]byte) ([]byte, bool) { p, ok := w.flat[no]; return p, ok })
}

// begin passes on what precedes a value.
func (w *snapshotWriter) begin(v *view, idle uint32) error {
	w.key = SnapshotKey{DB: int(w.db[v.space]), Key: v.keyBytes(), Type: v.typ(), Deadline: v.deadline()}
	w.key.Idle, w.key.Frequency = w.uses.of(savedUse{v.access(), idle})
	switch v.kind() {
	case kindHash:
		w.key.Fields = hashCount(v)
	case kindBigHash:
		w.key.Fields = v.bigHash(0).count()
	}
	w.passed.Add(1)
	return w.sink.Key(&w.key)
}

// find returns the data of a part of the value being written, for which it may use scratch.
type find func(no uint32, scratch *[]byte) ([]byte, bool)

// value passes a value in parts on.
func (w *snapshotWriter) value(v *view, part find) error {
	if v.kind() == kindBigStr {
		b := v.bigStr()
		if err := w.sink.Len(b.total); err != nil {
			return err
		}
		if err := w.sink.Bytes(b.head); err != nil {
			return err
		}
		return w.run(0, b.total-len(b.head), part)
	}
	h, seen := v.bigHash(0), 0
	for no := range h.buckets() {
		b, ok := part(no, &w.part)
		if !ok {
			continue
		}
		seen += hashBucket(b).count()
		if err := w.entries(b, hashBucket(b).entries(), part); err != nil {
			return err
		}
	}
	if seen != h.count() {
		return ErrDamaged
	}
	return nil
}

// run passes on the n bytes of the parts from number first on.
func (w *snapshotWriter) run(first uint32, n int, part find) error {
	for no := first; n > 0; no++ {
		b, ok := part(no, &w.inner)
		if want := min(n, partData); !ok || len(b) < want {
			return ErrDamaged
		} else if err := w.sink.Bytes(b[:want]); err != nil {
			return err
		}
		n -= len(b)
	}
	return nil
}

// entries passes on fields and values, of which b has the entries from off on.
func (w *snapshotWriter) entries(b []byte, off int, part find) error {
	var err error
	eachEntry(b, off, func(e entry) bool {
		if e.long {
			err = w.long(e.fieldPart, e.flen, part)
		} else {
			err = w.sink.String(e.field)
		}
		if err == nil && e.ref {
			err = w.long(e.part, e.total, part)
		} else if err == nil {
			err = w.sink.String(e.val)
		}
		return err == nil
	})
	return err
}

// long passes on a field or a value that is kept in parts.
func (w *snapshotWriter) long(first uint32, n int, part find) error {
	if err := w.sink.Len(n); err != nil {
		return err
	}
	return w.run(first, n, part)
}
