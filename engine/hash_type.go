package engine

// Redis's limits for a hash as a listpack, which its encoding tells by. A cache does not depend on
// them, but people look.
const (
	listpackEntries = 512 // fields
	listpackValue   = 64  // bytes of a field or value
)

// hashType is the descriptor of hashes.
type hashType struct{}

func (hashType) least(l layout) int {
	switch l {
	case layoutPacked:
		return packedHead
	case layoutParts:
		return bucketRootSize
	}
	return -1
}

func (hashType) encoding(v view) string {
	if v.flags&flagRaw == 0 {
		return "listpack"
	}
	return "hashtable"
}

func (hashType) elements(v view) int { return v.fields() }

func (hashType) parts(v view) uint32 { return v.bucketRoot().buckets() }

func (hashType) bytes(v view) int { return v.bucketRoot().bytes() }

func (hashType) refs(part []byte, fn func(first uint32, n int)) {
	b := hashBucket(part)
	eachEntry(b, b.entries(), func(e entry) bool {
		e.eachRef(fn)
		return true
	})
}

func (hashType) export(e *exporter, v view) error {
	if v.layout() == layoutPacked {
		return e.entries(v.valBytes(), packedHead)
	}
	h, seen := v.bucketRoot(), 0
	for no := range h.buckets() {
		b, ok := e.find(no, &e.part)
		if !ok {
			continue
		}
		seen += hashBucket(b).count()
		if err := e.entries(b, hashBucket(b).entries()); err != nil {
			return err
		}
	}
	if seen != h.count() {
		return ErrDamaged
	}
	return nil
}

// entries passes on fields and values, of which b has the entries from off on.
func (e *exporter) entries(b []byte, off int) (err error) {
	for off < len(b) && err == nil {
		en := entryAt(b, off)
		off = en.end
		if en.long {
			err = e.long(en.fieldPart, en.flen)
		} else {
			err = e.sink.String(en.field)
		}
		if err == nil && en.ref {
			err = e.long(en.part, en.total)
		} else if err == nil {
			err = e.sink.String(en.val)
		}
	}
	return err
}

func (hashType) add(t *Tx, k Key, deadline int64, words [][]byte) error {
	_, err := t.setField(k, words[0], words[1], deadline, EventHSet)
	return err
}

func (hashType) mend(r ref) {
	_ = r.bigEach(func([]byte, Value) bool { return true }) // what is damaged is what it is called for
	r.dropEmpty()
}
