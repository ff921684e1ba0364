package engine

import "strconv"

// setType is the descriptor of sets.
type setType struct{}

func (setType) least(l layout) int {
	switch l {
	case layoutPacked:
		return setHead
	case layoutParts:
		return setRootSize
	}
	return -1
}

func (setType) encoding(v view) string {
	switch v.setEncoding() {
	case encodedInts:
		return "intset"
	case encodedPacked:
		return "listpack"
	}
	return "hashtable"
}

func (setType) elements(v view) int { return v.members() }

func (setType) parts(v view) uint32 { return v.bucketRoot().buckets() }

func (setType) bytes(v view) int { return v.bucketRoot().bytes() }

func (setType) refs(part []byte, fn func(first uint32, n int)) {
	r := bucketRun(part)
	r.each(func(_ int, c code, kept []byte) bool {
		if c == codeLong {
			l := longMemberAt(kept)
			fn(l.first, l.size)
		}
		return true
	})
}

func (setType) export(e *exporter, v view) error {
	if v.layout() == layoutPacked {
		var err error
		packedSet(v.valBytes()).each(func(m member) bool {
			err = e.member(m)
			return err == nil
		})
		return err
	}
	h, seen := v.bucketRoot(), 0
	for no := range h.buckets() {
		b, ok := e.find(no, &e.part)
		if !ok {
			continue
		}
		r := bucketRun(b)
		seen += r.n
		if err := e.members(&r); err != nil {
			return err
		}
	}
	if seen != h.count() {
		return ErrDamaged
	}
	return nil
}

// members passes on the members of a bucket.
func (e *exporter) members(r *run) (err error) {
	r.each(func(_ int, c code, kept []byte) bool {
		if c == codeLong {
			l := longMemberAt(kept)
			err = e.long(l.first, l.size)
		} else {
			err = e.member(keptMember(c, kept))
		}
		return err == nil
	})
	return err
}

// member passes on a member that is not long.
func (e *exporter) member(m member) error {
	if m.code.isInt() {
		e.inner = strconv.AppendInt(e.inner[:0], m.n, 10)
		return e.sink.String(e.inner)
	}
	return e.sink.String(m.kept)
}

func (setType) add(t *Tx, k Key, deadline int64, words [][]byte) error {
	added, err := t.addMember(k, words[0], deadline)
	if added {
		t.tell(t.DB, k, t.event(EventSAdd))
	}
	return err
}

func (setType) mend(r ref) {
	// What is damaged is what it is called for.
	_ = r.bigEachMember(&passMembers{fn: func([]byte) bool { return true }})
	r.dropEmptySet()
}
