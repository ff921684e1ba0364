package engine

import (
	"bytes"
	"unsafe"
)

// held is a value in parts that a snapshot needs and that was too large to be copied at once. Its parts stay in the table, also if the key
// goes. Buckets of a hash and parts of a string that are about to change are copied; others need not be, for they do not change in place.
type held struct {
	sp     *keyspace
	root   []byte // the record, as it was
	idle   uint32 // the seconds for which the key was idle
	owner  owner
	parts  uint32            // their number then, without those of long fields and values
	next   uint32            // those before were written
	saved  map[uint32][]byte // parts as they were, nil for one that was missing
	bytes  int64             // of root and saved
	doomed []doomed          // parts to be deleted after
	stays  int64             // bytes of these
}

// hold keeps a value for the snapshot, with other access bits.
func (sh *shard) hold(sp *keyspace, v *view, use savedUse) {
	o, n := sh.partsOf(v)
	h := &held{sp: sp, root: make([]byte, v.size), idle: use.idle, owner: o, parts: n, saved: map[uint32][]byte{}}
	copyRecord(h.root, v, use)
	w := sh.snap
	if w.held == nil {
		w.held = map[uint32]*held{}
	}
	w.held[o.id] = h
	w.queue = append(w.queue, h)
	sh.handle(1, v.size)
	sh.charge(h, v.size)
}

// charge counts n more bytes that are kept for a value.
func (sh *shard) charge(h *held, n int) {
	h.bytes += int64(n)
	if sh.snap.waiting.Add(int64(n)) > sh.snap.limit {
		sh.snap.Fail(ErrSnapshotBehind)
	}
}

// heldBy returns the value of an owner, if it is held, else nil. Once the snapshot has failed nothing more is kept, however long it takes until
// Write lets go of what is.
func (sh *shard) heldBy(o owner) *held {
	if sh.snap == nil || sh.snap.failed.Load() {
		return nil
	}
	return sh.snap.held[o.id]
}

// keepParts puts off the deletion of parts of a value until it is written.
func (sh *shard) keepParts(h *held, d doomed) {
	h.doomed = append(h.doomed, d)
	size := int(d.end-d.next) * partSize
	if v := decode(unsafe.Pointer(unsafe.SliceData(h.root))); d.next == 0 && v.kind() == kindBigHash {
		size = v.bigHash(0).bytes() // buckets, and what their entries refer to
	}
	h.stays += int64(size)
	sh.snap.staying.Add(int64(size))
}

// preservePart is called before a bucket of a hash, or a part of a string, changes or goes, whose root was preserved.
func (sh *shard) preservePart(sp *keyspace, o owner, no uint32) {
	h := sh.heldBy(o)
	if h == nil || no < h.next || no >= h.parts {
		return
	}
	if _, done := h.saved[no]; done {
		return
	}
	_, p, ok := sh.findPart(sp, o, no)
	if !ok {
		h.saved[no] = nil
		return
	}
	h.saved[no] = bytes.Clone(partBytes(p))
	sh.handle(1, len(h.saved[no]))
	sh.charge(h, len(h.saved[no]))
}

// nextHeld returns the next value to be written, nil if there is none.
func (sh *shard) nextHeld() *held {
	w := sh.snap
	if len(w.queue) == 0 {
		return nil
	}
	h := w.queue[0]
	w.queue = w.queue[1:]
	return h
}

// letGo ends a hold: the parts that nobody needs any more can go.
func (sh *shard) letGo(h *held) {
	if sh.snap.held[h.owner.id] != h {
		return // the reclaimer did it
	}
	delete(sh.snap.held, h.owner.id)
	sh.snap.waiting.Add(-h.bytes)
	sh.snap.staying.Add(-h.stays)
	sh.doomed = append(sh.doomed, h.doomed...)
}

// writeHeld passes a value on and lets it go. Each part is copied under a hold of the lock of its own.
func (w *snapshotWriter) writeHeld(sh *shard, h *held) {
	v := decode(unsafe.Pointer(unsafe.SliceData(h.root)))
	if !w.failed.Load() {
		err := w.begin(&v, h.idle)
		if err == nil {
			err = w.value(&v, func(no uint32, scratch *[]byte) ([]byte, bool) {
				sh.mu.Lock()
				defer sh.mu.Unlock()
				return sh.heldPart(h, no, scratch)
			})
		}
		if err != nil {
			w.Fail(err)
		}
	}
	sh.mu.Lock()
	sh.letGo(h)
	sh.mu.Unlock()
}

// heldPart copies a part as it was to scratch. It is not asked for again, unless it is of a long field or value.
func (sh *shard) heldPart(h *held, no uint32, scratch *[]byte) ([]byte, bool) {
	b, saved := h.saved[no]
	if !saved {
		if _, p, ok := sh.findPart(h.sp, h.owner, no); ok {
			b = partBytes(p)
		}
	}
	if no < h.parts {
		h.next = no + 1
		delete(h.saved, no)
	}
	sh.handle(1, len(b))
	*scratch = append((*scratch)[:0], b...)
	return *scratch, b != nil
}
