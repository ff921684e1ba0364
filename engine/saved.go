package engine

import "unsafe"

// The side of a shard are blocks of the pool with copies of records, to be written by a snapshot. An entry is
//
//	0..3   its length in bytes
//	4..7   the seconds for which the key was idle
//	8..    the record, and behind it, if it is a root, the parts of the value that it needs, in any order
const entryHeader = 8

// flatMost is the most parts that a root may lead to, some of which may be missing, for its value to
// be copied at once.
const flatMost = 128

// sideBlock is a block of entries.
type sideBlock struct {
	base unsafe.Pointer
	used int
}

// save gives the record at a location the shard's colour, and copies it aside if the snapshot shows it.
func (sh *shard) save(sp *space, l loc, v *view) {
	v.setFlags(v.flags ^ flagColour)
	w := sh.snap
	if w == nil || w.failed.Load() {
		return
	}
	if at := v.deadline(); at != NoDeadline && w.now > at {
		return // it had expired
	}
	use := sh.savedUse(l, v)
	if v.layout() == layoutParts {
		if !sh.saveFlat(sp, v, use) {
			sh.retain(sp, v, use)
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
func (sh *shard) saveFlat(sp *space, v *view, use savedUse) bool {
	ps, n := sh.partsOf(sp, v)
	if n > flatMost || v.bytes() > blockSize {
		return false
	}
	var locs []loc
	size := entryHeader + v.size
	add := func(no uint32) bool {
		s, p, ok := ps.find(no)
		if ok {
			size += sizeAt(p)
			locs = append(locs, s.loc())
		}
		return size <= blockSize
	}
	fits := true
	for no := range n {
		if !add(no) {
			return false
		}
	}
	for _, l := range locs[:len(locs):len(locs)] {
		eachRef(sh.at(l), func(first uint32, n int) {
			for i := range uint32(partCount(n)) {
				fits = fits && add(first+i)
			}
		})
	}
	if !fits {
		return false
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

// flatParts are those that an entry has behind its root, by number.
type flatParts map[uint32][]byte

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
	if v.layout() == layoutParts {
		if w.flat == nil {
			w.flat = flatParts{}
		}
		clear(w.flat)
		for b = b[v.size:]; len(b) > 0; {
			p := unsafe.Pointer(unsafe.SliceData(b))
			w.flat[partNumber(p)] = partBytes(p)
			b = b[sizeAt(p):]
		}
		w.find = func(no uint32, _ *[]byte) ([]byte, bool) { p, ok := w.flat[no]; return p, ok }
	}
	return w.passOn(v, idle)
}

// passOn passes on a key and its value, with its use.
func (w *snapshotWriter) passOn(v view, idle uint32) error {
	t := types[v.typ()]
	w.key = SnapshotKey{DB: int(w.db[v.space]), Key: v.keyBytes(), Type: v.typ(), Deadline: v.deadline()}
	w.key.Idle, w.key.Frequency = w.uses.of(savedUse{v.access(), idle})
	if v.layout() > layoutInt {
		w.key.Elements = t.elements(v)
	}
	w.passed.Add(1)
	if err := w.sink.Key(&w.key); err != nil {
		return err
	}
	return t.export(&w.exporter, v)
}
