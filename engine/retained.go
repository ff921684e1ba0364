package engine

import (
	"bytes"
	"unsafe"
)

// retained is a value in parts that a snapshot needs and that was too large to be copied at once. Its parts stay in the table, also if the key
// goes. Those that the root leads to are copied when they are about to change; others need not be, for they do not change in place.
type retained struct {
	sp      *space
	root    []byte // the record, as it was
	idle    uint32 // the seconds for which the key was idle
	owner   owner
	parts   uint32            // the number of those that the root led to then
	written []uint64          // bit set of those of them that were written, in whatever order
	saved   map[uint32][]byte // parts as they were, nil for one that was missing
	bytes   int64             // of root and saved
	doomed  []doomed          // parts to be deleted after
	stays   int64             // bytes of these
}

// retain keeps a value for the snapshot, with other access bits.
func (sh *shard) retain(sp *space, v *view, use savedUse) {
	ps, n := sh.partsOf(sp, v)
	o := ps.owner
	h := &retained{
		sp: sp, root: make([]byte, v.size), idle: use.idle, owner: o, parts: n,
		written: make([]uint64, (n+63)/64), saved: map[uint32][]byte{},
	}
	copyRecord(h.root, v, use)
	w := sh.snap
	if w.retained == nil {
		w.retained = map[uint32]*retained{}
	}
	w.retained[o.id] = h
	w.queue = append(w.queue, h)
	sh.handle(1, v.size)
	sh.charge(h, v.size)
}

// charge counts n more bytes that are kept for a value.
func (sh *shard) charge(h *retained, n int) {
	h.bytes += int64(n)
	if sh.snap.waiting.Add(int64(n)) > sh.snap.limit {
		sh.snap.Fail(ErrSnapshotBehind)
	}
}

// retainedBy returns the value of an owner, if it is retained, else nil. Once the snapshot has failed nothing more is kept, however long it takes until
// Write lets go of what is.
func (sh *shard) retainedBy(o owner) *retained {
	if sh.snap == nil || sh.snap.failed.Load() {
		return nil
	}
	return sh.snap.retained[o.id]
}

// keepParts puts off the deletion of parts of a value until it is written.
func (sh *shard) keepParts(h *retained, d doomed) {
	h.doomed = append(h.doomed, d)
	size := int(d.end-d.next) * partSize
	if v := decode(unsafe.Pointer(unsafe.SliceData(h.root))); d.next == 0 {
		size = v.bytes() // with what the parts refer to
	}
	h.stays += int64(size)
	sh.snap.staying.Add(int64(size))
}

// preserve is called before a part to which the root leads changes or goes, and after the root was preserved.
func (ps parts) preserve(no uint32) {
	h := ps.sh.retainedBy(ps.owner)
	if h == nil || no >= h.parts || h.written[no/64]>>(no%64)&1 != 0 {
		return
	}
	if _, done := h.saved[no]; done {
		return
	}
	_, p, ok := ps.find(no)
	if !ok {
		h.saved[no] = nil
		return
	}
	h.saved[no] = bytes.Clone(partBytes(p))
	ps.sh.handle(1, len(h.saved[no]))
	ps.sh.charge(h, len(h.saved[no]))
}

// nextRetained returns the next value to be written, nil if there is none.
func (sh *shard) nextRetained() *retained {
	w := sh.snap
	if len(w.queue) == 0 {
		return nil
	}
	h := w.queue[0]
	w.queue = w.queue[1:]
	return h
}

// letGo ends a hold: the parts that nobody needs any more can go.
func (sh *shard) letGo(h *retained) {
	if sh.snap.retained[h.owner.id] != h {
		return // the reclaimer did it
	}
	delete(sh.snap.retained, h.owner.id)
	sh.snap.waiting.Add(-h.bytes)
	sh.snap.staying.Add(-h.stays)
	sh.doomed = append(sh.doomed, h.doomed...)
}

// writeRetained passes a value on and lets it go. Each part is copied under a hold of the lock of its own.
func (w *snapshotWriter) writeRetained(sh *shard, h *retained) {
	if !w.failed.Load() {
		w.find = func(no uint32, scratch *[]byte) ([]byte, bool) {
			sh.mu.Lock()
			defer sh.mu.Unlock()
			return sh.retainedPart(h, no, scratch)
		}
		if err := w.passOn(decode(unsafe.Pointer(unsafe.SliceData(h.root))), h.idle); err != nil {
			w.Fail(err)
		}
	}
	sh.mu.Lock()
	sh.letGo(h)
	sh.mu.Unlock()
}

// retainedPart copies a part as it was to scratch. One that the root leads to is not asked for again.
func (sh *shard) retainedPart(h *retained, no uint32, scratch *[]byte) ([]byte, bool) {
	b, saved := h.saved[no]
	if !saved {
		if _, p, ok := sh.findPart(h.sp, h.owner, no); ok {
			b = partBytes(p)
		}
	}
	if no < h.parts {
		h.written[no/64] |= 1 << (no % 64)
		delete(h.saved, no)
	}
	sh.handle(1, len(b))
	*scratch = append((*scratch)[:0], b...)
	return *scratch, b != nil
}
