package engine_test

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/redistill/redistill/engine"
)

// recording is a snapshot that is being written, beside what the oracle held at its moment.
type recording struct {
	steps   *engine.SnapshotSteps
	sink    *recorder
	want    [engine.Databases]map[string]*oracleKey
	flushed bool // since the moment
}

// recorder is a Sink that keeps everything.
type recorder struct {
	keys  [engine.Databases]map[string]*oracleKey
	fault string // the first thing that was wrong with what it was passed

	now   *oracleKey // the key being passed
	left  int        // strings of it to come
	field []byte     // the last field, while its value is to come
	text  []byte     // the string being passed
	bytes int        // bytes of it to come
}

var errSink = errors.New("the sink is full")

func (r *recorder) Key(k *engine.SnapshotKey) error {
	if r.left != 0 || r.bytes != 0 {
		r.fault = fmt.Sprintf("key %.40q comes while %d strings and %d bytes are missing", k.Key, r.left, r.bytes)
	}
	if r.keys[k.DB] == nil {
		r.keys[k.DB] = map[string]*oracleKey{}
	}
	if r.keys[k.DB][string(k.Key)] != nil {
		r.fault = fmt.Sprintf("key %.40q comes twice", k.Key)
	}
	r.now, r.left = &oracleKey{deadline: k.Deadline}, 1
	if k.Type == engine.Hash {
		r.now.fields, r.left = map[string][]byte{}, 2*k.Elements
	}
	if k.Type == engine.Set {
		r.now.members, r.left = map[string]bool{}, k.Elements
	}
	r.keys[k.DB][string(k.Key)] = r.now
	return nil
}

func (r *recorder) String(b []byte) error {
	r.text = bytes.Clone(b)
	r.string()
	return nil
}

func (r *recorder) Len(n int) error {
	r.text, r.bytes = make([]byte, 0, n), n
	return nil
}

func (r *recorder) Bytes(b []byte) error {
	r.text = append(r.text, b...)
	if r.bytes -= len(b); r.bytes == 0 && len(b) > 0 {
		r.string()
	}
	return nil
}

// string takes the string that is complete.
func (r *recorder) string() {
	r.left--
	switch {
	case r.now.members != nil:
		if r.now.members[string(r.text)] {
			r.fault = fmt.Sprintf("member %.40q comes twice", r.text)
		}
		r.now.members[string(r.text)] = true
	case r.now.fields == nil:
		r.now.val = r.text
	case r.left%2 == 1:
		r.field = r.text
	default:
		if _, twice := r.now.fields[string(r.field)]; twice {
			r.fault = fmt.Sprintf("field %.40q comes twice", r.field)
		}
		r.now.fields[string(r.field)] = r.text
	}
}

// opSnapshot begins a snapshot, or writes some of the one that was begun.
func opSnapshot(w *world) {
	if w.recording != nil {
		w.writeSnapshot(1 + w.below(64))
		return
	}
	sn, err := w.tx.BeginSnapshot()
	if err != nil {
		w.wrong("BeginSnapshot: %v", err)
	}
	if _, err := w.tx.BeginSnapshot(); err != engine.ErrSnapshotRunning {
		w.wrong("a second BeginSnapshot: %v", err)
	}
	rec := &recording{sink: &recorder{}}
	rec.steps = sn.Steps(rec.sink)
	for db := range rec.want {
		rec.want[db] = map[string]*oracleKey{}
		for k := range w.o.dbs[db] {
			if e := w.o.dbs[db][k]; e.deadline == engine.NoDeadline || w.o.now <= e.deadline {
				rec.want[db][k] = e.clone()
			}
		}
	}
	w.recording = rec
}

// writeSnapshot does so many steps of the snapshot, fewer if it ends before, and compares it then.
func (w *world) writeSnapshot(steps int) {
	w.Helper()
	done, err := false, error(nil)
	w.unlocked(func() {
		for ; steps > 0 && !done; steps-- {
			done, err = w.recording.steps.Step()
		}
	})
	if !done {
		return
	}
	rec := w.recording
	w.recording = nil
	if w.evicting && (err == engine.ErrSnapshotBehind || err == engine.ErrSnapshotMemory) {
		return
	}
	if rec.flushed {
		same(w, "error of the snapshot after a flush", err, engine.ErrFlushed)
		return
	}
	same(w, "error of the snapshot", err, nil)
	same(w, "fault", rec.sink.fault, "")
	for db := range rec.want {
		same(w, fmt.Sprintf("keys of db %d in the snapshot", db), len(rec.sink.keys[db]), len(rec.want[db]))
		for k, want := range rec.want[db] {
			got := rec.sink.keys[db][k]
			if got == nil {
				w.wrong("key %.40q of db %d is not in the snapshot", k, db)
			}
			w.sameSaved(fmt.Sprintf("key %.40q of db %d in the snapshot", k, db), got, want)
		}
	}
}

func (w *world) sameSaved(what string, got, want *oracleKey) {
	w.Helper()
	same(w, what+", type", got.typ(), want.typ())
	same(w, what+", deadline", got.deadline, want.deadline)
	w.sameBytes(what, got.val, want.val)
	w.sameMembers(what, got.members, want.members)
	same(w, what+", fields", len(got.fields), len(want.fields))
	for f, v := range want.fields {
		w.sameBytes(what+fmt.Sprintf(", field %.40q", f), got.fields[f], v)
	}
}
