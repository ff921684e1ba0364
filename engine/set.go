package engine

import "slices"

// A small set is one record, see packedSet. Past setMax bytes, or with a member past inlineMember,
// it becomes a big one, see bigSet.

// Redis's limits for its encodings of sets.
const (
	intsetEntries      = 512 // integers
	setListpackEntries = 128 // members
	setListpackValue   = 64  // bytes of a member
)

// setEncoding is the way in which Redis would keep a set: it depends on what the set had, and never
// goes back.
type setEncoding uint8

const (
	encodedInts setEncoding = iota
	encodedPacked
	encodedTable
)

// with returns the encoding of a set of n members of which m was the last to come.
func (e setEncoding) with(m *member, n int) setEncoding {
	if e == encodedInts && m.code.isInt() {
		if n > intsetEntries {
			return encodedTable
		}
		return e
	}
	if n > setListpackEntries || m.textLen() > setListpackValue {
		return encodedTable
	}
	return max(e, encodedPacked)
}

// raw returns flagRaw for the encoding that it stands for.
func (e setEncoding) raw() uint8 {
	if e == encodedTable {
		return flagRaw
	}
	return 0
}

// setEncoding returns the encoding of a set. It follows from the form of a small one.
func (v *view) setEncoding() setEncoding {
	if v.flags&flagRaw != 0 {
		return encodedTable
	}
	ints := false
	if v.layout() == layoutParts {
		ints = !v.bucketRoot().mixed()
	} else {
		ints = packedSet(v.valBytes()).hasWords()
	}
	if ints {
		return encodedInts
	}
	return encodedPacked
}

// members returns the number of members of a set.
func (v *view) members() int {
	if v.layout() == layoutParts {
		return v.bucketRoot().count()
	}
	return v.packed()
}

// ofSet is lookup for a key that must be a set, if it is there.
func (t *Tx) ofSet(r *ref, k Key) error {
	if t.lookup(r, k) && r.typ() != Set {
		return ErrWrongType
	}
	return nil
}

// readSet is ofSet for commands that read.
func (t *Tx) readSet(r *ref, k Key) error {
	if t.read(r, k) && r.typ() != Set {
		return ErrWrongType
	}
	return nil
}

// SAdd adds a member, which is copied, and reports whether it is new.
func (t *Tx) SAdd(k Key, text []byte) (added bool, err error) {
	added, err = t.addMember(k, text, NoDeadline)
	if added {
		t.tell(t.DB, k, t.event(EventSAdd))
	}
	return added, err
}

// addMember is SAdd with the deadline that a new key gets. It leaves it to the caller to tell.
func (t *Tx) addMember(k Key, text []byte, deadline int64) (added bool, err error) {
	if len(text) > MaxKey {
		return false, ErrKeyTooLong
	}
	if err := t.fits(k, len(text)); err != nil {
		return false, err
	}
	var r ref
	if err := t.ofSet(&r, k); err != nil {
		return false, err
	}
	var scratch [8]byte
	m := newMember(text, &scratch)
	switch {
	case !r.there:
		added, err = true, r.newSet(&m, deadline)
	case r.layout() == layoutParts:
		r.use()
		added, err = r.bigAdd(&m)
	default:
		r.use()
		added, err = r.smallAdd(&m)
	}
	return added && err == nil, err
}

// SMove moves a member from a set to another, whose type it looks at first. It reports whether src
// had the member. If that is the same set, nothing happens. Where there is no memory src keeps it.
func (t *Tx) SMove(src, dst Key, text []byte) (moved bool, err error) {
	var from, to ref
	if err := t.ofSet(&from, src); !from.there || err != nil {
		return false, err
	}
	if err := t.ofSet(&to, dst); err != nil {
		return false, err
	}
	has := from.hasMember(text)
	if !has || string(src.Bytes) == string(dst.Bytes) {
		return has, nil
	}
	added, err := t.addMember(dst, text, NoDeadline)
	if err != nil {
		return false, err
	}
	if _, err = t.SRem(src, text); added {
		t.tell(t.DB, dst, EventSAdd)
	}
	return true, err
}

// newSet makes a set of one member, with a deadline.
func (r *ref) newSet(m *member, at int64) error {
	if m.code == codeLong {
		b := newSetBuilder(r, at)
		return b.finish(r, m)
	}
	empty := noMembers
	if m.code.isInt() {
		empty = noWords
	}
	a, _ := empty.addition(m)
	raw := encodedInts.with(m, 1).raw()
	if !r.create(shapeOf(layoutPacked|raw, len(r.key.Bytes), a.size, at), at) {
		return ErrOutOfMemory
	}
	s := packedSet(r.valBytes())
	if a.anew {
		empty.rewrite(s, m, a)
	} else {
		s.add(copy(s, empty), m, a)
	}
	return nil
}

// smallAdd is SAdd for a set in one record.
func (r *ref) smallAdd(m *member) (added bool, err error) {
	s := packedSet(r.valBytes())
	a, found := s.addition(m)
	if found {
		return false, nil
	}
	enc, at := r.setEncoding().with(m, s.count()+1), r.deadline()
	if a.size > setMax || m.code == codeLong {
		b := newSetBuilder(r, at)
		b.small, b.enc = s, r.setEncoding()
		err := b.finish(r, m)
		return err == nil, err
	}
	keep := r.vlen
	if a.anew {
		s, keep = slices.Clone(s), 0
	}
	if !r.resize(shapeOf(layoutPacked|enc.raw(), r.klen, a.size, at), at, keep) {
		return false, ErrOutOfMemory
	}
	if a.anew {
		s.rewrite(r.valBytes(), m, a)
	} else {
		packedSet(r.valBytes()).add(keep, m, a)
	}
	return true, nil
}

// SRem removes a member and reports whether it was there. The key goes with its last member.
func (t *Tx) SRem(k Key, text []byte) (removed bool, err error) {
	var r ref
	if err := t.ofSet(&r, k); !r.there || err != nil {
		return false, err
	}
	var scratch [8]byte
	m := newMember(text, &scratch)
	left := r.members() - 1
	if r.layout() == layoutParts {
		removed = r.bigRem(&m)
	} else {
		removed = r.smallRem(&m)
	}
	if removed {
		r.changed(t.event(EventSRem))
		if left == 0 {
			r.remove(EventDel)
		}
	}
	return removed, nil
}

// smallRem is SRem for a set in one record. A last member stays: its key goes.
func (r *ref) smallRem(m *member) bool {
	s := packedSet(r.valBytes())
	i, found := s.find(m)
	if found && s.count() > 1 {
		r.preserve()
		size, at := len(s.remove(i)), r.deadline()
		to := shapeOf(layoutPacked|r.flags&flagRaw, r.klen, size, at)
		r.resize(to, at, size) // it shrinks, which cannot fail
	}
	return found
}

// SHas reports whether a set has a member. A read of the key.
func (t *Tx) SHas(k Key, text []byte) (ok bool, err error) {
	var r ref
	if err := t.readSet(&r, k); !r.there || err != nil {
		return false, err
	}
	return r.hasMember(text), nil
}

func (r *ref) hasMember(text []byte) bool {
	var scratch [8]byte
	m := newMember(text, &scratch)
	if r.layout() == layoutParts {
		h := bigSetOf(r)
		return h.locate(&m).found
	}
	_, ok := packedSet(r.valBytes()).find(&m)
	return ok
}

// SLen returns the number of members, 0 if the key is missing. A read.
func (t *Tx) SLen(k Key) (int, error) {
	var r ref
	if err := t.readSet(&r, k); !r.there || err != nil {
		return 0, err
	}
	return r.members(), nil
}

// SEach calls fn for every member until it returns false. The slices are valid during the call
// only; fn must not write to the set. A read. ErrDamaged says that fn was not called for members
// that are lost; a second call finds the set without them.
func (t *Tx) SEach(k Key, fn func(member []byte) bool) error {
	var r ref
	if err := t.readSet(&r, k); !r.there || err != nil {
		return err
	}
	pass := passMembers{lendMembers(fn), t.takeScratch()}
	defer t.giveScratch(pass.scratch)
	if r.layout() == layoutParts {
		err := r.bigEachMember(&pass)
		r.dropEmptySet()
		return err
	}
	packedSet(r.valBytes()).each(pass.member)
	return nil
}

// dropEmptySet deletes a big set of which nothing is left, because members of it were found to be
// damaged.
func (r *ref) dropEmptySet() {
	if r.members() == 0 {
		r.removeAgain()
	}
}

// SScan is Scan for the members of a set. A small set is passed whole.
func (t *Tx) SScan(
	k Key, cursor uint64, count int, fn func(member []byte) bool,
) (next uint64, err error) {
	var r ref
	if err := t.readSet(&r, k); !r.there || err != nil {
		return 0, err
	}
	pass := passMembers{lendMembers(fn), t.takeScratch()}
	defer t.giveScratch(pass.scratch)
	if r.layout() == layoutParts {
		next := r.bigScanMembers(cursor, count, &pass)
		r.dropEmptySet()
		return next, nil
	}
	packedSet(r.valBytes()).each(func(m member) bool { pass.member(m); return true })
	return 0, nil
}

// SRandom calls fn with a member chosen at random, each with the same chance. The slice is valid
// during the call only, in which fn must neither write to the set nor call SRandom. ok is false if
// the key is missing. A read. ErrDamaged says that the member is lost, as for SEach.
func (t *Tx) SRandom(k Key, fn func(member []byte)) (ok bool, err error) {
	var r ref
	if err := t.readSet(&r, k); !r.there || err != nil {
		return false, err
	}
	m, err := r.randomMember()
	if err != nil {
		r.dropEmptySet()
		return false, err
	}
	scratch := t.takeScratch()
	lendMember(fn)(m.text(scratch))
	t.giveScratch(scratch)
	return true, nil
}

// randomMember returns a random member, or ErrDamaged if that is lost.
func (r *ref) randomMember() (member, error) {
	if r.layout() == layoutParts {
		return r.bigRandomMember()
	}
	s := packedSet(r.valBytes())
	return s.at(int(r.sh.below(uint64(s.count())))), nil
}

// passMembers passes members to a callback.
type passMembers struct {
	fn      func(text []byte) bool
	scratch []byte // for the texts of integers and of long members, one at a time
}

// member passes a member.
func (p *passMembers) member(m member) bool { return p.fn(m.text(p.scratch)) }

// takeScratch returns memory for the text of an integer, which giveScratch takes back. What was
// taken meanwhile is other memory.
func (t *Tx) takeScratch() (b []byte) {
	if b, t.scratch = t.scratch, nil; b == nil {
		b = make([]byte, 0, 20)
	}
	return b
}

func (t *Tx) giveScratch(b []byte) { t.scratch = b }
