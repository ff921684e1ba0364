//go:build invariants

package engine

import (
	"sync/atomic"

	"github.com/redistill/redistill/internal/invariants"
)

// views counts what ends the views of a shard's memory: its lock is given back, or a key changes.
type views struct{ epoch atomic.Uint64 }

// endViews ends all views of the shard's memory.
func (sh *shard) endViews() { sh.views.epoch.Add(1) }

// lease is what a view has to tell whether it may still be used. The zero value is that of a view
// of other memory.
type lease struct {
	of    *views
	began uint64
}

// lease returns that of a view which begins now.
func (sh *shard) lease() lease { return lease{&sh.views, sh.views.epoch.Load()} }

// check panics if the view is used although it has ended. What it shows then may be another key's
// bytes.
func (l lease) check() {
	if l.of != nil && l.of.epoch.Load() != l.began {
		invariants.Violated("a view of a value is used after its lock or after a write")
	}
}

// lent is a copy of the key or field that a callback may look at but not keep. It is overwritten
// when the callback has returned.
type lent struct{ scratch []byte }

// lendKeys returns fn with copies of its keys.
func (t *Tx) lendKeys(fn func(key []byte, typ Type) bool) func(key []byte, typ Type) bool {
	return func(key []byte, typ Type) bool {
		t.lent.scratch = append(t.lent.scratch[:0], key...)
		more := fn(t.lent.scratch, typ)
		invariants.Mangle(t.lent.scratch)
		return more
	}
}

// lendFields returns fn with copies of its fields.
func (t *Tx) lendFields(fn func(field []byte, val Value) bool) func(field []byte, val Value) bool {
	return func(field []byte, val Value) bool {
		t.lent.scratch = append(t.lent.scratch[:0], field...)
		more := fn(t.lent.scratch, val)
		invariants.Mangle(t.lent.scratch)
		return more
	}
}

// lendEach is lendFields for a callback that returns nothing.
func (t *Tx) lendEach(fn func(field []byte, val Value)) func(field []byte, val Value) {
	return func(field []byte, val Value) {
		t.lent.scratch = append(t.lent.scratch[:0], field...)
		fn(t.lent.scratch, val)
		invariants.Mangle(t.lent.scratch)
	}
}

// lendMember is lendMembers for a callback that returns nothing.
func lendMember(fn func(member []byte)) func(member []byte) {
	lend := lendMembers(func(member []byte) bool { fn(member); return true })
	return func(member []byte) { lend(member) }
}

// lendMembers returns fn with copies of its members. They have memory of their own, for fn may pass what it is lent to another read.
func lendMembers(fn func(member []byte) bool) func(member []byte) bool {
	var scratch []byte
	return func(member []byte) bool {
		scratch = append(scratch[:0], member...)
		more := fn(scratch)
		invariants.Mangle(scratch)
		return more
	}
}
