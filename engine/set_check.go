package engine

import (
	"encoding/binary"
	"fmt"
)

func (setType) check(c *checker, sp *space, v view) error {
	if v.layout() == layoutPacked {
		if err := checkSmallSet(v.valBytes()); err != nil {
			return err
		}
		return checkEncoding(&v)
	}
	if err := c.checkBigSet(bigSet{bucketed{v.bucketRoot(), c.partsOf(sp, &v)}}); err != nil {
		return err
	}
	return checkEncoding(&v)
}

// checkEncoding verifies that a set keeps Redis's limits for its encoding.
func checkEncoding(v *view) error {
	n, e := v.members(), v.setEncoding()
	if e == encodedInts && n > intsetEntries || e == encodedPacked && n > setListpackEntries {
		return fmt.Errorf("set of %d members with encoding %d", n, e)
	}
	return nil
}

// checkSmallSet verifies the value of a small set, of which it trusts nothing but that it has a
// head.
func checkSmallSet(s packedSet) error {
	form, n := s[packedHead], s.count()
	if n == 0 || len(s) > setMax {
		return fmt.Errorf("small set of %d members and %d bytes", n, len(s))
	}
	if form&formWords != 0 {
		return checkSetWords(s)
	}
	if form&^formWide != 0 {
		return fmt.Errorf("small set of form %#x", form)
	}
	r := s.run()
	return checkMembers(&r, func(i int, m member) error {
		if m.code == codeLong {
			return fmt.Errorf("small set has a member with parts")
		}
		if found, ok := r.find(m.code, m.kept); !ok || found != i {
			return fmt.Errorf("member %.40q is there twice", m.kept)
		}
		return nil
	})
}

// checkSetWords verifies a small set of words.
func checkSetWords(s packedSet) error {
	form, n := s[packedHead], s.count()
	base, width := 1<<(form>>formBase&3), int(form>>formWidth)
	if form&formWide != 0 || width < 1 || width > 8 || len(s) != setHead+base+n*width {
		return fmt.Errorf("%d words in %d bytes of form %#x", n, len(s), form)
	}
	w := s.words()
	if base != baseSize(w.base) {
		return fmt.Errorf("base %d in %d bytes", w.base, base)
	}
	for i := range n {
		if got := w.at(i); got < w.base || i > 0 && got <= w.at(i-1) {
			return fmt.Errorf("word %d is %d, on base %d", i, got, w.base)
		}
	}
	return nil
}

// checkMembers verifies a run of members and calls fn for each.
func checkMembers(r *run, fn func(i int, m member) error) (err error) {
	if !r.bounded() {
		return fmt.Errorf("%d bytes are no run of %d members", len(r.b), r.n)
	}
	r.each(func(i int, c code, kept []byte) bool {
		if err = checkMember(c, kept); err == nil {
			err = fn(i, keptMember(c, kept))
		}
		return err == nil
	})
	return err
}

// checkMember verifies that a run keeps a member as it should.
func checkMember(c code, kept []byte) error {
	switch {
	case c == codeLong:
		l := longMemberAt(kept)
		if l.size <= inlineMember || l.size > MaxKey || l.first < refParts {
			return fmt.Errorf("member of %d bytes in part %d", l.size, l.first)
		}
	case c.isInt():
		if n := loadInt(kept); intSize(n) != len(kept) {
			return fmt.Errorf("integer %d in %d bytes", n, len(kept))
		}
	case c > inlineMember:
		return fmt.Errorf("member with code %#x", c)
	default:
		if n, isInt := parseInt(kept); isInt {
			return fmt.Errorf("integer %d is kept as text", n)
		}
	}
	return nil
}

// checkBigSet verifies a set in parts and takes them.
func (c *checker) checkBigSet(h bigSet) error {
	members, packed, long := 0, 0, 0
	if h.buckets() == 0 || h.buckets() >= refParts {
		return fmt.Errorf("set of %d buckets", h.buckets())
	}
	for no := range h.buckets() {
		s, p, ok := h.find(no)
		if !ok {
			continue
		}
		if !take(c.parts, s.loc()) || partType(p) != Set {
			return fmt.Errorf("bucket %d is none, or another value's too", no)
		}
		b := partBytes(p)
		packed += len(b)
		if err := checkBucketHead(b); err != nil {
			return fmt.Errorf("bucket %d: %w", no, err)
		}
		r := bucketRun(b)
		if members += r.n; r.n > h.most() {
			return fmt.Errorf("bucket %d has %d members, more than %d", no, r.n, h.most())
		}
		err := checkMembers(&r, func(i int, m member) error {
			if m.code == codeLong {
				long += longMemberAt(m.kept).size
			}
			return c.checkMember(&h, no, &r, i, m)
		})
		if err != nil {
			return fmt.Errorf("bucket %d: %w", no, err)
		}
	}
	if members != h.count() || packed != h.packed() || long != h.long() || members == 0 {
		return fmt.Errorf("%d members of %d bytes and %d in parts; counted are %d of %d and %d",
			members, packed, long, h.count(), h.packed(), h.long())
	}
	return nil
}

// checkMember verifies that a member is found where a bucket has it, and takes the parts of a long
// one.
func (c *checker) checkMember(h *bigSet, no uint32, r *run, i int, m member) error {
	if m.code == codeLong {
		l := longMemberAt(m.kept)
		if err := c.takeRun(h.parts, l.first, l.size); err != nil {
			return err
		}
		m, _ = h.load(m.code, m.kept, nil)
	}
	at := h.locate(&m)
	if at.no != no || !at.found || at.i != i || r.b[i] != tagOf(m.hash) {
		return fmt.Errorf("member %.40q belongs to bucket %d; found: %v at %d, not %d",
			m.kept, at.no, at.found, at.i, i)
	}
	return nil
}

func (setType) checkPart(part []byte) error {
	if err := checkBucketHead(part); err != nil {
		return err
	}
	r := bucketRun(part)
	return checkMembers(&r, func(int, member) error { return nil })
}

// checkBucketHead verifies the head of a bucket, of which it trusts nothing but the length.
func checkBucketHead(b []byte) error {
	if len(b) < bucketHead || b[2]&^formWide != 0 || binary.LittleEndian.Uint16(b) == 0 {
		return fmt.Errorf("bucket of %d bytes with a wrong head", len(b))
	}
	return nil
}
