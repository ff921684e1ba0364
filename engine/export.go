package engine

// Values leave the engine in one way, whatever asks for them: element after element, as strings,
// to a Sink. The parts of a value may be in the table, in a copy, or partly in each. They come back
// by Import, element after element as well.

// Sink takes values. The slices are valid during the call. An error ends the export.
type Sink interface {
	// Key begins a key. Its value follows: a string, or elements. An element of a hash is a field
	// and then its value, an element of a set a member.
	Key(k *SnapshotKey) error
	// String is a string, or a part of an element.
	String(b []byte) error
	// Len begins a string of n bytes, which come by one or more calls of Bytes.
	Len(n int) error
	Bytes(b []byte) error
}

// SnapshotKey is a key that is passed to a Sink, as it was when the export began.
type SnapshotKey struct {
	DB        int
	Key       []byte
	Type      Type
	Elements  int   // how many the value has; a string has none
	Deadline  int64 // Unix milliseconds, or NoDeadline
	Idle      int64 // seconds since the last use; -1 if the policy does not go by it
	Frequency int   // of use, 0 to 255; -1 if the policy does not count it
}

// Export passes a key that has not expired to a sink. It is no read. ok is false if there is no key.
// ErrDamaged says that a part of the value is lost, which is as far as it can be mended then.
func (t *Tx) Export(k Key, to Sink) (ok bool, err error) {
	var r ref
	if !t.lookup(&r, k) {
		return false, nil
	}
	e := exporter{sink: to}
	if r.layout() == layoutParts {
		ps := r.parts()
		e.find = func(no uint32, _ *[]byte) ([]byte, bool) {
			_, p, ok := ps.find(no)
			if !ok {
				return nil, false
			}
			return partBytes(p), true
		}
	}
	typ := types[r.typ()]
	err = to.Key(&SnapshotKey{DB: t.DB, Key: k.Bytes, Type: r.typ(), Elements: typ.elements(r.view),
		Deadline: r.deadline(), Idle: -1, Frequency: -1})
	if err == nil {
		err = typ.export(&e, r.view)
	}
	if err == ErrDamaged {
		typ.mend(r)
	}
	return true, err
}

// Import adds an element to a key's value, or makes the key if it is missing, with a deadline. words
// are the strings that a Sink is passed for an element. A string has one word, which becomes the
// value. They are copied.
func (t *Tx) Import(k Key, typ Type, deadline int64, words [][]byte) error {
	return types[typ].add(t, k, deadline, words)
}

// exporter passes values to a sink.
type exporter struct {
	sink Sink
	// find returns the data of a part of the value being passed on, for which it may use scratch.
	find  func(no uint32, scratch *[]byte) ([]byte, bool)
	part  []byte // scratch
	inner []byte // scratch, while part is in use
}

// run passes on the n bytes of the parts from number first on.
func (e *exporter) run(first uint32, n int) error {
	for no := first; n > 0; no++ {
		b, ok := e.find(no, &e.inner)
		if want := min(n, partData); !ok || len(b) < want {
			return ErrDamaged
		} else if err := e.sink.Bytes(b[:want]); err != nil {
			return err
		}
		n -= len(b)
	}
	return nil
}

// long passes on a string that is kept in parts.
func (e *exporter) long(first uint32, n int) error {
	if err := e.sink.Len(n); err != nil {
		return err
	}
	return e.run(first, n)
}
