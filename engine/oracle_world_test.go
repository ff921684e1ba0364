package engine_test

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/redistill/redistill/engine"
)

// world is a Store and an oracle to which the same is done.
type world struct {
	testing.TB
	s         *engine.Store
	tx        *engine.Tx
	o         *oracle
	data      []byte   // what remains of the bytes that the operations are made of
	done      int      // operations so far
	log       []string // the last operations
	written   int      // values so far, so that each is another
	short     bool     // only small hashes and values, for tests with little memory or a bad hash function
	every     int      // operations between complete comparisons
	between   func()   // called after every operation, nil for nothing
	evicting  bool     // keys may go whenever the Store makes room
	scans     []*scan
	recording *recording // the snapshot being written, nil if none is
	tokens    map[watchedKey]watchTokens
	told      map[watchedKey]bool // by events, but those of what the Store does by itself
	lost      uint64              // keys that were evicted, as far as the oracle knows
}

type watchedKey struct {
	db  int
	key string
}

type watchTokens struct {
	engine uint64
	oracle int
}

// newWorld opens a Store for a test. Its clock starts an hour ahead, away from the Store's own background expiry.
func newWorld(t testing.TB, o engine.Options) *world {
	s, err := engine.OpenArena(o)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{TB: t, s: s, tx: s.NewTx(), o: newOracle(), every: 200, tokens: make(map[watchedKey]watchTokens),
		told: make(map[watchedKey]bool)}
	s.Listen(w.hear)
	w.setNow(time.Now().Add(time.Hour).UnixMilli())
	w.tx.LockAll()
	return w
}

func (w *world) setNow(now int64) { w.tx.Now, w.o.now = now, now }

func (w *world) selectDB(db int) { w.tx.DB, w.o.db = db, db }

// quietly calls fn, during which reads count as neither hits nor misses.
func (w *world) quietly(fn func()) {
	w.o.noCount = true
	w.tx.Quietly(fn)
	w.o.noCount = false
}

// run does the operations that data describes and closes the Store.
func (w *world) run(data []byte) {
	w.data = data
	for len(w.data) > 0 {
		op := worldOps[w.byte()%len(worldOps)]
		w.note("db %d %s", w.tx.DB, op.name)
		op.do(w)
		w.follow()
		w.compareTold()
		if w.done++; w.done%w.every == 0 {
			w.compareAll()
		}
		if w.between != nil {
			w.between()
		}
	}
	w.compareAll()
	if w.recording != nil {
		w.writeSnapshot(math.MaxInt)
	}
	w.endWatches()
	w.compareAll()
	w.tx.Unlock()
	w.s.Close()
}

// byte takes the next byte, 0 at the end.
func (w *world) byte() int {
	if len(w.data) == 0 {
		return 0
	}
	b := w.data[0]
	w.data = w.data[1:]
	return int(b)
}

// below takes a number from 0 to n-1.
func (w *world) below(n int) int {
	x := w.byte()
	if n > 256 {
		x = x<<8 | w.byte()
	}
	return x % n
}

// note adds to the log.
func (w *world) note(format string, args ...any) {
	w.log = append(w.log, fmt.Sprintf(format, args...))
	if len(w.log) > 60 {
		w.log = w.log[20:]
	}
}

// wrong ends the test, showing the last operations.
func (w *world) wrong(format string, args ...any) {
	w.Helper()
	for _, l := range w.log[max(len(w.log)-30, 0):] {
		w.Log(l)
	}
	w.Fatalf("operation %d: %s", w.done, fmt.Sprintf(format, args...))
}

// same compares results.
func same[T comparable](w *world, what string, got, want T) {
	w.Helper()
	if got != want {
		w.wrong("%s: got %v, want %v", what, got, want)
	}
}

func (w *world) sameBytes(what string, got, want []byte) {
	w.Helper()
	if !bytes.Equal(got, want) {
		i := 0
		for i < min(len(got), len(want)) && got[i] == want[i] {
			i++
		}
		w.wrong("%s: %d bytes, want %d, the first difference is at %d: %.60q, want %.60q",
			what, len(got), len(want), i, got[i:], want[i:])
	}
}

// sameValue compares the result of a look-up, in whole and in part.
func (w *world) sameValue(what string, v engine.Value, ok bool, want []byte, wantOK bool) {
	w.Helper()
	same(w, what+" found", ok, wantOK)
	if !ok {
		return
	}
	same(w, what+" Len", v.Len(), len(want))
	w.sameBytes(what, v.AppendTo(nil), want)
	n, isInt := v.Int()
	wantN, wantInt := oracleInt(want)
	same(w, what+" is an integer", isInt, wantInt)
	if isInt {
		same(w, what+" integer", n, wantN)
	}
	start := w.below(len(want) + 1)
	end := start + w.below(len(want)-start+1)
	w.sameBytes(what+" range", v.AppendRange(nil, start, end), want[start:end])
}

// compareAll compares everything, and checks the Store.
func (w *world) compareAll() {
	w.Helper()
	st := w.tx.Stats()
	same(w, "hits", int64(st.Hits), w.o.hits)
	same(w, "misses", int64(st.Misses), w.o.misses)
	was := w.tx.DB
	w.quietly(func() {
		for db := range usedDBs {
			w.selectDB(db)
			w.compareDB()
		}
	})
	w.selectDB(was)
	w.compareWatches()
	w.check()
}

// check runs Check, which locks by itself.
func (w *world) check() {
	w.Helper()
	var err error
	w.unlocked(func() { err = w.s.Check() })
	if err != nil {
		w.wrong("%v", err)
	}
}

func (w *world) compareDB() {
	w.Helper()
	have := make(map[string]engine.Type)
	for cursor := uint64(0); ; {
		cursor = w.tx.Scan(cursor, 1000, func(key []byte, typ engine.Type) bool { have[string(key)] = typ; return true })
		if cursor == 0 {
			break
		}
	}
	all := len(w.o.dbs[w.o.db])
	want := w.o.present(w.o.db)
	if n := w.tx.Len(); n < len(want) {
		w.wrong("Len is %d, %d keys are there, and %d expired ones may be", n, len(want), all-len(want))
	}
	for name := range have {
		if !want[name] {
			w.wrong("db %d has key %.40q", w.o.db, name)
		}
	}
	for name := range want {
		same(w, fmt.Sprintf("type of %.40q in a scan", name), have[name], w.o.peek(w.o.db, name).typ())
		w.compareKey(name)
	}
}

// compareKey compares one key in every respect.
func (w *world) compareKey(name string) {
	w.Helper()
	k, e := w.s.Key([]byte(name)), w.o.peek(w.o.db, name)
	same(w, "type", w.tx.Type(k), e.typ())
	at, ok := w.tx.Deadline(k)
	same(w, "there", ok, e != nil)
	if !ok {
		return
	}
	same(w, "deadline", at, e.deadline)
	enc, _ := w.tx.Encoding(k)
	same(w, fmt.Sprintf("encoding of %.40q", name), enc, e.encoding())
	if n, ok := w.tx.MemoryUsage(k); !ok || n < len(name)+len(e.val)*9/10-16 && len(e.val) > 20 {
		w.wrong("MemoryUsage of %.40q: %d, %v", name, n, ok)
	}
	switch e.typ() {
	case engine.String:
		v, ok, _ := w.tx.Get(k)
		w.sameValue("value", v, ok, e.val, true)
	case engine.Hash:
		w.sameHash(k, e.fields)
	case engine.Set:
		w.sameMembers("set", w.membersOf(k), e.members)
	}
}

// sameHash compares all fields of a hash.
func (w *world) sameHash(k engine.Key, want map[string][]byte) {
	w.Helper()
	seen := make(map[string]bool)
	err := w.tx.HEach(k, func(field []byte, val engine.Value) bool {
		v, ok := want[string(field)]
		if !ok || seen[string(field)] {
			w.wrong("HEach: field %.40q is not there, or there twice", field)
		}
		w.sameBytes("HEach value", val.AppendTo(nil), v)
		seen[string(field)] = true
		return true
	})
	same(w, "HEach error", err, nil)
	same(w, "HEach fields", len(seen), len(want))
	n, err := w.tx.HLen(k)
	same(w, "HLen error", err, nil)
	same(w, "HLen", n, len(want))
}

// compareWatches compares what the watchers of all keys are told.
func (w *world) compareWatches() {
	w.Helper()
	was := w.tx.DB
	for id, token := range w.tokens {
		w.selectDB(id.db)
		w.o.peek(id.db, id.key)
		same(w, fmt.Sprintf("Changed of %.40q in db %d", id.key, id.db), w.tx.Changed(w.s.Key([]byte(id.key)), token.engine),
			w.o.version[id.db][id.key] != token.oracle)
	}
	w.selectDB(was)
}

// hear is told of all events, of those of the Store's own in any goroutine.
func (w *world) hear(e engine.Event, db int, key []byte) {
	if e != engine.EventExpired && e != engine.EventEvicted {
		w.told[watchedKey{db, string(key)}] = true
	}
}

// compareTold compares the keys that events told of with those that operations changed.
func (w *world) compareTold() {
	w.Helper()
	w.unlocked(func() {})
	for id := range w.o.changed {
		if !w.told[id] {
			w.wrong("nobody was told that %.40q in db %d changed", id.key, id.db)
		}
	}
	for id := range w.told {
		if !w.o.changed[id] {
			w.wrong("an event told of %.40q in db %d, which did not change", id.key, id.db)
		}
	}
	clear(w.o.changed)
	clear(w.told)
}

func (w *world) endWatches() {
	w.Helper()
	for id := range w.tokens {
		w.tx.DB = id.db
		w.tx.Unwatch(w.s.Key([]byte(id.key)))
	}
	clear(w.tokens)
	same(w, "Watched", w.tx.Stats().Watched, 0)
}

// unlocked does what locks by itself.
func (w *world) unlocked(do func()) {
	w.tx.Unlock()
	do()
	w.tx.LockAll()
	w.evicted()
}

// evicted takes the keys that the Store has given up from the oracle. That they are gone is right; that they are others, or come
// back, is not.
func (w *world) evicted() {
	n := w.tx.Stats().Evicted
	if n == w.lost {
		return
	}
	w.lost = n
	was := w.tx.DB
	w.quietly(func() {
		for db := range usedDBs {
			w.selectDB(db)
			for name := range w.o.present(db) {
				if !w.tx.Exists(w.s.Key([]byte(name))) {
					w.o.vanish(db, name)
				}
			}
		}
	})
	w.selectDB(was)
}

// scan is an iteration of keys, or of what a hash or a set has, that goes on while other things happen. All that was there from its
// beginning must have been passed at its end.
type scan struct {
	db     int
	key    string // of the hash or set, if fields
	fields bool
	count  int
	cursor uint64
	must   map[string]bool // there all the time, not passed yet
}

// present returns what the scan may pass now.
func (sc *scan) present(o *oracle) map[string]bool {
	if !sc.fields {
		return o.present(sc.db)
	}
	names := make(map[string]bool)
	if e := o.peek(sc.db, sc.key); e != nil {
		for f := range e.fields {
			names[f] = true
		}
		maps.Copy(names, e.members)
	}
	return names
}

// follow notes after an operation what is no longer there.
func (w *world) follow() {
	for _, sc := range w.scans {
		now := sc.present(w.o)
		maps.DeleteFunc(sc.must, func(name string, _ bool) bool { return !now[name] })
	}
}

// step does one call of a scan and reports whether it is at its end.
func (w *world) step(sc *scan) bool {
	w.Helper()
	was := w.tx.DB
	w.selectDB(sc.db)
	defer w.selectDB(was)
	now := sc.present(w.o)
	pass := func(name []byte) {
		if !now[string(name)] {
			w.wrong("a scan passes %.40q, which is not there", name)
		}
		delete(sc.must, string(name))
	}
	var err error
	w.quietly(func() {
		if !sc.fields {
			sc.cursor = w.tx.Scan(sc.cursor, sc.count, func(key []byte, _ engine.Type) bool { pass(key); return true })
			return
		}
		k := w.s.Key([]byte(sc.key))
		if w.o.peek(sc.db, sc.key).typ() == engine.Set {
			sc.cursor, err = w.tx.SScan(k, sc.cursor, sc.count, func(member []byte) bool { pass(member); return true })
			return
		}
		sc.cursor, err = w.tx.HScan(k, sc.cursor, sc.count, func(field []byte, _ engine.Value) bool { pass(field); return true })
	})
	if err != nil || sc.cursor != 0 {
		return err != nil
	}
	if len(sc.must) > 0 {
		w.wrong("a scan (fields: %v, count %d) did not pass %.60q", sc.fields, sc.count, slices.Collect(maps.Keys(sc.must)))
	}
	return true
}
