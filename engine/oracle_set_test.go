package engine_test

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/redistill/redistill/engine"
)

// encodingWith returns the encoding of a set with the name of Redis 7.2, of which m was the last
// member to come.
func (k *oracleKey) encodingWith(m string) string {
	_, isInt := oracleInt([]byte(m))
	n := len(k.members)
	switch {
	case k.enc == "hashtable":
		return k.enc
	case isInt && k.enc != "listpack" && n <= 512:
		return "intset"
	case isInt && k.enc != "listpack":
		return "hashtable"
	case n <= 128 && len(m) <= 64:
		return "listpack"
	}
	return "hashtable"
}

func (o *oracle) sadd(k, member string) (bool, error) {
	e := o.peek(o.db, k)
	if err := wrongType(e, engine.Set); err != nil {
		return false, err
	}
	if e == nil {
		e = &oracleKey{members: map[string]bool{}}
	}
	if e.members[member] {
		return false, nil
	}
	e.members[member] = true
	e.enc = e.encodingWith(member)
	o.put(o.db, k, e)
	return true, nil
}

func (o *oracle) srem(k, member string) (bool, error) {
	e := o.peek(o.db, k)
	if err := wrongType(e, engine.Set); e == nil || err != nil {
		return false, err
	}
	if !e.members[member] {
		return false, nil
	}
	delete(e.members, member)
	o.touch(o.db, k)
	if len(e.members) == 0 {
		o.remove(o.db, k)
	}
	return true, nil
}

// membersOf returns the members of a set, nil if the key is missing. A read.
func (o *oracle) membersOf(k string) (map[string]bool, error) {
	e := o.read(k)
	if err := wrongType(e, engine.Set); e == nil || err != nil {
		return nil, err
	}
	return e.members, nil
}

// sstore puts a set in the place of what a key holds.
func (o *oracle) sstore(k string, members []string) int {
	if o.peek(o.db, k); len(members) == 0 {
		o.delete(k)
		return 0
	}
	e := &oracleKey{members: map[string]bool{}}
	for _, m := range members {
		if !e.members[m] {
			e.members[m] = true
			e.enc = e.encodingWith(m)
		}
	}
	o.put(o.db, k, e)
	return len(e.members)
}

// member takes a member: an integer of any size, or a text that may be longer than what fits into a
// bucket.
func (w *world) member() string {
	n := w.below(64)
	switch {
	case n < 24:
		from := []int64{1, -1, 1 << 7, 1 << 15, 1 << 31, 1 << 47, 1 << 62, math.MinInt64}
		return fmt.Sprint(from[n%8] + int64(n/8))
	case n < 56 || w.short:
		return fmt.Sprint("m", n)
	}
	return strings.Repeat("M", []int{64, 65, 127, 128, 1024, 1025, 20_000, 32 << 10}[n-56])
}

func (w *world) sadd(name, member string) {
	w.Helper()
	if e := w.o.peek(w.o.db, name); e != nil && len(e.members) > 8000 || !w.room(2*len(member)) {
		return
	}
	added, err := w.tx.SAdd(w.k(name), []byte(member))
	want, wantErr := w.o.sadd(name, member)
	same(w, "SAdd error", err, wantErr)
	same(w, "SAdd", added, want)
}

func (w *world) srem(name, member string) {
	w.Helper()
	ok, err := w.tx.SRem(w.k(name), []byte(member))
	want, wantErr := w.o.srem(name, member)
	same(w, "SRem error", err, wantErr)
	same(w, "SRem", ok, want)
}

func opSAdd(w *world) { w.sadd(w.key(), w.member()) }

func opSRem(w *world) { w.srem(w.key(), w.member()) }

// manyMembers takes a range of names, of integers as often as of texts.
func (w *world) manyMembers() []string {
	from, n, kind := w.below(1000), w.below(1200), w.below(4)
	if w.short {
		n %= 30
	}
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprint([]string{"", "m", "", "-"}[kind], from+i+1)
	}
	if kind == 2 && n < 50 {
		for i := range names {
			names[i] = strings.Repeat("long", 300) + names[i]
		}
	}
	return names
}

// opSAddMany adds a range of members, to make a set grow.
func opSAddMany(w *world) {
	name := w.key()
	for _, m := range w.manyMembers() {
		w.sadd(name, m)
	}
}

func opSRemMany(w *world) {
	name := w.key()
	for _, m := range w.manyMembers() {
		w.srem(name, m)
	}
}

func opSHas(w *world) {
	name, member := w.key(), w.member()
	ok, err := w.tx.SHas(w.k(name), []byte(member))
	want, wantErr := w.o.membersOf(name)
	same(w, "SHas error", err, wantErr)
	same(w, "SHas", ok, want[member])
}

// opSRead looks at a whole set.
func opSRead(w *world) {
	name := w.key()
	k := w.k(name)
	n, err := w.tx.SLen(k)
	members, wantErr := w.o.membersOf(name)
	same(w, "SLen error", err, wantErr)
	same(w, "SLen", n, len(members))
	ok, err := w.tx.SRandom(k, func(member []byte) {
		same(w, "SRandom: member is there", members[string(member)], true)
	})
	_, _ = w.o.membersOf(name)
	same(w, "SRandom error", err, wantErr)
	same(w, "SRandom", ok, members != nil)
}

var errFill = errors.New("no more is filled in")

// opSStore stores what two sets have, one of which may be the target, with members of its own, or
// fails in the middle.
func opSStore(w *world) {
	dst, srcs, own, fails := w.key(), []string{w.key(), w.key()}, w.manyMembers(), w.below(8) == 0
	if w.below(2) == 0 {
		own = nil
	}
	if !w.room(maxValue) {
		return
	}
	var want []string
	n, err := w.tx.SStore(w.k(dst), func(add func([]byte) error) error {
		for _, src := range srcs {
			_, wantErr := w.o.membersOf(src)
			err := w.tx.SEach(w.k(src), func(member []byte) bool {
				want = append(want, string(member))
				same(w, "add", add(member), nil)
				return true
			})
			same(w, "SEach error", err, wantErr)
		}
		for _, m := range own {
			want = append(want, m)
			same(w, "add", add([]byte(m)), nil)
		}
		if fails {
			return errFill
		}
		return nil
	})
	if fails {
		same(w, "SStore error", err, errFill)
		same(w, "SStore", n, 0)
		return
	}
	same(w, "SStore error", err, nil)
	same(w, "SStore", n, w.o.sstore(dst, want))
}

// membersOf returns all members of a set.
func (w *world) membersOf(k engine.Key) map[string]bool {
	w.Helper()
	got := map[string]bool{}
	err := w.tx.SEach(k, func(member []byte) bool {
		if got[string(member)] {
			w.wrong("SEach: member %.40q is there twice", member)
		}
		got[string(member)] = true
		return true
	})
	same(w, "SEach error", err, nil)
	n, err := w.tx.SLen(k)
	same(w, "SLen error", err, nil)
	same(w, "SLen", n, len(got))
	return got
}

// sameMembers compares sets.
func (w *world) sameMembers(what string, got, want map[string]bool) {
	w.Helper()
	if !maps.Equal(got, want) {
		missing := slices.Collect(maps.Keys(want))
		missing = slices.DeleteFunc(missing, func(m string) bool { return got[m] })
		w.wrong("%s: %d members, want %d; %.100q are missing", what, len(got), len(want), missing)
	}
}
