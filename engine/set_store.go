package engine

import (
	"slices"
	"unsafe"
)

// setBuilder makes a set apart from the table, of which the key that is to have it knows nothing
// until install. The parts of a big one have an owner that has no root yet.
type setBuilder struct {
	parts parts     // those that a big one gets, but for the id of their owner
	at    int64     // the deadline of the key then
	small packedSet // as long as the set is small
	big   bigSet    // then; its root is root
	root  *[setRootSize]byte
	enc   setEncoding
}

// newSetBuilder returns a builder of a set for a key, which is to have a deadline.
func newSetBuilder(r *ref, at int64) setBuilder {
	ps := parts{sh: r.sh, sp: r.sp, owner: owner{hash: r.key.hash}, class: r.class(at)}
	return setBuilder{parts: ps, at: at, small: slices.Clone(noWords)}
}

// count is the number of members.
func (b *setBuilder) count() int {
	if b.root != nil {
		return b.big.count()
	}
	return b.small.count()
}

// add adds a member, which may be there.
func (b *setBuilder) add(text []byte) error {
	if len(text) > MaxKey {
		return ErrKeyTooLong
	}
	var scratch [8]byte
	m := newMember(text, &scratch)
	return b.put(&m)
}

// put is add for a member. Where there is no memory the set has the members that it had.
func (b *setBuilder) put(m *member) error {
	if b.root == nil {
		a, found := b.small.addition(m)
		if found {
			return nil
		}
		if a.size <= setMax && m.code != codeLong {
			if was := b.small; a.anew {
				b.small = make(packedSet, a.size)
				was.rewrite(b.small, m, a)
			} else {
				b.small = slices.Grow(was, a.size-len(was))[:a.size]
				b.small.add(len(was), m, a)
			}
			b.enc = b.enc.with(m, b.small.count())
			return nil
		}
		if !b.enlarge() {
			return ErrOutOfMemory
		}
	}
	at := b.big.locate(m)
	if at.found {
		return nil
	}
	if err := b.big.insert(m, at); err != nil {
		return err
	}
	b.enc = b.enc.with(m, b.big.count())
	return nil
}

// enlarge makes the small set a big one. It returns false, with nothing changed, where there is no
// memory.
func (b *setBuilder) enlarge() bool {
	n, heap := b.small.count(), b.small.heapSize()
	root := new([setRootSize]byte)
	b.parts.owner = b.parts.sh.newOwner(b.parts.owner.hash)
	h := bigSet{bucketed{bucketRoot{unsafe.Pointer(root)}, b.parts}}
	h.setBuckets(1)
	if n > 0 {
		wide := !b.small.hasWords() && b.small.run().wide
		size := bucketHead + runSize(n, heap, true, wide)
		p := h.parts.add(0, size, Set)
		if p == nil {
			return false
		}
		_, f := newBucket(partBytes(p), n, heap, wide)
		b.small.each(func(m member) bool {
			var scratch [8]byte
			if m.code.isInt() {
				storeInt(scratch[:m.code.kept()], m.n)
				m.kept = scratch[:m.code.kept()]
			}
			f.put(tagOf(hashBytes(m.kept)), m.code, m.kept)
			return true
		})
		h.addCount(n)
		h.addPacked(size)
		h.setMost(n)
	}
	for h.overfull() && h.split() {
	}
	b.root, b.big, b.small = root, h, nil
	return true
}

// finish adds a last member and installs the set. Where there is no memory the key is as it was,
// and the set is gone.
func (b *setBuilder) finish(r *ref, m *member) error {
	if err := b.put(m); err != nil {
		b.drop()
		return err
	}
	return b.install(r)
}

// install makes the set, which has members, what the key that it was begun for holds. Where there
// is no memory the key is as it was, and the set is gone.
func (b *setBuilder) install(r *ref) error {
	raw, klen := b.enc.raw(), len(r.key.Bytes)
	if b.root == nil {
		if !r.put(shapeOf(layoutPacked|raw, klen, len(b.small), b.at), b.at) {
			return ErrOutOfMemory
		}
		copy(r.valBytes(), b.small)
		return nil
	}
	if !r.put(shapeOf(layoutParts|raw, klen, setRootSize, b.at), b.at) {
		b.drop()
		return ErrOutOfMemory
	}
	b.big.encode(b.enc)
	copy(r.valBytes(), b.root[:])
	r.setRoot(Set, b.big.owner.id)
	return nil
}

// drop deletes the set.
func (b *setBuilder) drop() {
	if b.root != nil {
		b.big.doom(0, b.big.buckets())
	}
}

// SStore builds a set of all members that fill adds, some of them perhaps twice, and puts it in the
// place of whatever the key holds, without a deadline. It returns the number of members; if it is 0
// the key is deleted. What fill passes is copied, and may be what SEach passes, of this key as
// well: until fill returns the key holds what it held. fill must not write. Its error is returned,
// and it, ErrKeyTooLong and ErrOutOfMemory leave the key as it was.
func (t *Tx) SStore(k Key, fill func(add func(member []byte) error) error) (n int, err error) {
	if len(k.Bytes) > MaxKey {
		return 0, ErrKeyTooLong
	}
	var r ref
	t.lookup(&r, k)
	b := newSetBuilder(&r, NoDeadline)
	if err := fill(b.add); err != nil {
		b.drop()
		return 0, err
	}
	t.lookup(&r, k) // the reads of fill may have found that it was damaged
	n = b.count()
	switch {
	case n > 0:
		if err := b.install(&r); err != nil {
			return 0, err
		}
		r.changed(t.event(EventSAdd))
	case r.there:
		r.remove(EventDel)
	}
	return n, nil
}
