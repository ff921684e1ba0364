package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/redistill/redistill/engine"
)

const (
	usedDBs  = 4
	maxValue = 300 << 10
)

// worldKeys are the keys that the operations are about: few, so that they meet; some odd.
var worldKeys = func() []string {
	names := []string{"", "\x00", strings.Repeat("k", 127), strings.Repeat("k", 128), strings.Repeat("k", 300),
		strings.Repeat("K", 20000), strings.Repeat("K", 32<<10)}
	for i := range 33 {
		names = append(names, fmt.Sprint("key", i))
	}
	return names
}()

// valueSizes are lengths around the limits of records and parts.
var valueSizes = []int{0, 1, 2, 5, 10, 20, 44, 45, 64, 65, 100, 127, 128, 200, 500, 1000, 1024, 1500, 2047, 2048, 2049, 3000, 4000, 5000,
	8000, 12000, 16340, 16363, 16364, 16365, 16384, 20000, 32728, 32729, 40000, maxValue}

// key takes the name of a key.
func (w *world) key() string {
	name := worldKeys[w.below(len(worldKeys))]
	w.note("    key %.20q", name)
	return name
}

// field takes the name of a field. Some are longer than what fits into a bucket.
func (w *world) field() string {
	n := w.below(40)
	switch {
	case n < 36 || w.short:
		return fmt.Sprint("f", n)
	case n == 36:
		return strings.Repeat("F", 65)
	}
	return strings.Repeat("F", []int{2048, 2049, 32 << 10}[n-37])
}

// value takes a value: an integer now and then, else bytes that say which value it is.
func (w *world) value() []byte {
	n := w.below(64)
	if n >= 56 {
		return strconv.AppendInt(nil, []int64{0, 7, -1, math.MaxInt64, math.MinInt64, 1 << 40, 99, -12}[n-56], 10)
	}
	if n >= len(valueSizes) {
		n %= 16
	}
	return w.bytes(valueSizes[n] + w.below(3))
}

// bytes makes n bytes that no other value has.
func (w *world) bytes(n int) []byte {
	if w.short {
		n %= 6000
	}
	w.written++
	unit := []byte(fmt.Sprintf("<%d>", w.written))
	return bytes.Repeat(unit, n/len(unit)+1)[:n]
}

// deadline takes a deadline of any kind but NoDeadline and KeepDeadline.
func (w *world) deadline() int64 {
	const year = 365 * 24 * 3600 * 1000
	near := w.tx.Now + int64(w.below(100))
	return []int64{near, near, near, near + 5000, near + 100_000, near + 7200_000, near + year, near + 100*year, 1 << 50, math.MaxInt64,
		near - 200, w.tx.Now, 1000, 1577836800000, -7, math.MinInt64}[w.below(16)]
}

// room makes room as a command does, and reports whether there is.
func (w *world) room(n int) bool {
	if !w.evicting {
		return true
	}
	var err error
	w.unlocked(func() { err = w.s.Reserve(n) })
	if err != nil && !errors.Is(err, engine.ErrOutOfMemory) {
		w.wrong("Reserve: %v", err)
	}
	return err == nil
}

func (w *world) k(name string) engine.Key { return w.s.Key([]byte(name)) }

type worldOp struct {
	name string
	do   func(w *world)
}

// worldOps are the operations; some are there more than once to come more often.
var worldOps = []worldOp{
	{"Set", opSet}, {"Set", opSet}, {"Set", opSet}, {"SetUntil", opSetUntil}, {"SetUntil", opSetUntil}, {"Get", opGet}, {"Get", opGet},
	{"Append", opAppend}, {"Append", opAppend}, {"SetRange", opSetRange}, {"SetRange", opSetRange}, {"IncrBy", opIncrBy},
	{"HSet", opHSet}, {"HSet", opHSet}, {"HSet", opHSet}, {"HSetMany", opHSetMany}, {"HDelMany", opHDelMany}, {"HGet", opHGet},
	{"HDel", opHDel}, {"HIncrBy", opHIncrBy}, {"HRead", opHRead},
	{"SAdd", opSAdd}, {"SAdd", opSAdd}, {"SAddMany", opSAddMany}, {"SAddMany", opSAddMany}, {"SRemMany", opSRemMany}, {"SRem", opSRem},
	{"SHas", opSHas}, {"SRead", opSRead}, {"SStore", opSStore},
	{"Delete", opDelete}, {"Delete", opDelete}, {"SetDeadline", opSetDeadline}, {"SetDeadline", opSetDeadline}, {"Persist", opPersist},
	{"Rename", opRename}, {"Copy", opCopy}, {"Copy", opCopy}, {"Move", opMove}, {"Transfer", opTransfer}, {"Look", opLook}, {"Random", opRandom},
	{"Select", opSelect}, {"Sleep", opSleep}, {"Cycle", opCycle}, {"Watch", opWatch}, {"Watch", opWatch}, {"Scan", opScan},
	{"StepScans", opStepScans}, {"StepScans", opStepScans}, {"Snapshot", opSnapshot}, {"Rare", opRare},
}

func opSet(w *world) {
	name, val := w.key(), w.value()
	at := engine.NoDeadline
	if w.below(4) == 0 {
		at = engine.KeepDeadline
	}
	if w.room(len(val)) {
		same(w, "Set", w.tx.Set(w.k(name), val, at), nil)
		w.o.set(name, val, at)
	}
}

func opSetUntil(w *world) {
	name, val, at := w.key(), w.value(), w.deadline()
	if w.room(len(val)) {
		same(w, "Set", w.tx.Set(w.k(name), val, at), nil)
		w.o.set(name, val, at)
	}
}

func opGet(w *world) {
	name := w.key()
	v, ok, err := w.tx.Get(w.k(name))
	want, wantOK, wantErr := w.o.get(name)
	same(w, "Get error", err, wantErr)
	w.sameValue("Get", v, ok, want, wantOK)
}

// tooLong reports whether a string would become longer than the tests want.
func (w *world) tooLong(name string, n int) bool {
	e := w.o.peek(w.o.db, name)
	return n > maxValue || e != nil && len(e.val)+n > maxValue
}

func opAppend(w *world) {
	name, val := w.key(), w.value()
	if w.tooLong(name, len(val)) || !w.room(2*len(val)) {
		return
	}
	n, err := w.tx.Append(w.k(name), val)
	want, wantErr := w.o.append(name, val)
	same(w, "Append error", err, wantErr)
	same(w, "Append", n, want)
}

func opSetRange(w *world) {
	name, val := w.key(), w.value()
	off := valueSizes[w.below(len(valueSizes)-1)] + w.below(200)
	if e := w.o.peek(w.o.db, name); e != nil && w.below(2) == 0 {
		off = w.below(len(e.val) + 10)
	}
	if w.tooLong(name, off+len(val)) || !w.room(off+len(val)) {
		return
	}
	n, err := w.tx.SetRange(w.k(name), off, val)
	want, wantErr := w.o.setRange(name, off, val)
	same(w, "SetRange error", err, wantErr)
	same(w, "SetRange", n, want)
}

func (w *world) delta() int64 {
	return []int64{1, -1, 0, 1 << 33, math.MaxInt64, math.MinInt64, -100, 9}[w.below(8)]
}

func opIncrBy(w *world) {
	name, delta := w.key(), w.delta()
	if !w.room(100) {
		return
	}
	n, err := w.tx.IncrBy(w.k(name), delta)
	want, wantErr := w.o.incrBy(name, delta)
	same(w, "IncrBy error", err, wantErr)
	same(w, "IncrBy", n, want)
}

func (w *world) hset(name, field string, val []byte) {
	w.Helper()
	if e := w.o.peek(w.o.db, name); e != nil && len(e.fields) > 4000 || !w.room(2*len(val)) {
		return
	}
	added, err := w.tx.HSet(w.k(name), []byte(field), val)
	want, wantErr := w.o.hset(name, field, val)
	same(w, "HSet error", err, wantErr)
	same(w, "HSet", added, want)
}

func opHSet(w *world) { w.hset(w.key(), w.field(), w.value()) }

// opHSetMany sets a range of fields, to make a hash grow.
func opHSetMany(w *world) {
	name, from, n, size := w.key(), w.below(1000), w.below(600), w.below(100)
	if w.short {
		n %= 30
	}
	if w.below(8) == 0 {
		size = 2500
		n %= 20
	}
	for i := range n {
		w.hset(name, fmt.Sprint("f", from+i), w.bytes(size))
	}
}

func (w *world) hdel(name, field string) {
	w.Helper()
	ok, err := w.tx.HDel(w.k(name), []byte(field))
	want, wantErr := w.o.hdel(name, field)
	same(w, "HDel error", err, wantErr)
	same(w, "HDel", ok, want)
}

func opHDel(w *world) { w.hdel(w.key(), w.field()) }

func opHDelMany(w *world) {
	name, from, n := w.key(), w.below(1000), w.below(1000)
	for i := range n {
		w.hdel(name, fmt.Sprint("f", from+i))
	}
}

func opHGet(w *world) {
	name, field := w.key(), w.field()
	v, ok, err := w.tx.HGet(w.k(name), []byte(field))
	want, wantOK, wantErr := w.o.hget(name, field)
	same(w, "HGet error", err, wantErr)
	w.sameValue("HGet", v, ok, want, wantOK)
}

func opHIncrBy(w *world) {
	name, field, delta := w.key(), w.field(), w.delta()
	if !w.room(100) {
		return
	}
	n, err := w.tx.HIncrBy(w.k(name), []byte(field), delta)
	want, wantErr := w.o.hincrBy(name, field, delta)
	same(w, "HIncrBy error", err, wantErr)
	if err == nil {
		same(w, "HIncrBy", n, want)
	}
}

// opHRead looks at a whole hash.
func opHRead(w *world) {
	name := w.key()
	k := w.k(name)
	n, err := w.tx.HLen(k)
	fields, wantErr := w.o.fieldsOf(name)
	same(w, "HLen error", err, wantErr)
	same(w, "HLen", n, len(fields))
	ok, err := w.tx.HRandom(k, func(field []byte, val engine.Value) {
		want, there := fields[string(field)]
		same(w, "HRandom: field is there", there, true)
		w.sameBytes("HRandom", val.AppendTo(nil), want)
	})
	_, _ = w.o.fieldsOf(name)
	same(w, "HRandom error", err, wantErr)
	same(w, "HRandom", ok, fields != nil)
}

func opDelete(w *world) {
	name := w.key()
	same(w, "Delete", w.tx.Delete(w.k(name)), w.o.delete(name))
}

func opSetDeadline(w *world) {
	name, at := w.key(), w.deadline()
	same(w, "SetDeadline", w.tx.SetDeadline(w.k(name), at), w.o.setDeadline(name, at))
}

func opPersist(w *world) {
	name := w.key()
	same(w, "Persist", w.tx.SetDeadline(w.k(name), engine.NoDeadline), w.o.setDeadline(name, engine.NoDeadline))
}

func opRename(w *world) {
	src, dst := w.key(), w.key()
	if !w.room(maxValue) {
		return
	}
	ok, err := w.tx.Rename(w.k(src), w.k(dst))
	same(w, "Rename error", err, nil)
	same(w, "Rename", ok, w.o.rename(src, dst))
}

func opCopy(w *world) {
	src, dst, db, replace := w.key(), w.key(), w.below(usedDBs), w.below(2) == 0
	if w.below(2) == 0 {
		db = w.tx.DB
	}
	if !w.room(maxValue) {
		return
	}
	ok, err := w.tx.Copy(w.k(src), w.k(dst), db, replace)
	same(w, "Copy error", err, nil)
	same(w, "Copy", ok, w.o.copy(src, dst, db, replace))
}

func opMove(w *world) {
	name, db := w.key(), w.below(usedDBs)
	if !w.room(maxValue) {
		return
	}
	ok, err := w.tx.Move(w.k(name), db)
	same(w, "Move error", err, nil)
	same(w, "Move", ok, w.o.move(name, db))
}

// opTransfer exports a key and imports what comes under another name.
func opTransfer(w *world) {
	src, dst := w.key(), w.key()
	if src == dst || !w.room(maxValue) {
		return
	}
	rec := &recorder{}
	ok, err := w.tx.Export(w.k(src), rec)
	want := w.o.peek(w.o.db, src)
	same(w, "Export error", err, nil)
	same(w, "Export", ok, want != nil)
	same(w, "fault", rec.fault, "")
	if !ok {
		return
	}
	got := rec.keys[w.tx.DB][src]
	w.sameSaved("exported", got, want)
	w.tx.Delete(w.k(dst))
	w.o.delete(dst)
	switch got.typ() {
	case engine.String:
		same(w, "Import", w.tx.Import(w.k(dst), engine.String, got.deadline, [][]byte{got.val}), nil)
		w.o.set(dst, got.val, got.deadline)
		return
	case engine.Set:
		for m := range got.members {
			same(w, "Import", w.tx.Import(w.k(dst), engine.Set, got.deadline, [][]byte{[]byte(m)}), nil)
			_, err := w.o.sadd(dst, m)
			same(w, "sadd", err, nil)
		}
		w.o.setDeadline(dst, got.deadline)
		return
	}
	for f, v := range got.fields {
		same(w, "Import", w.tx.Import(w.k(dst), engine.Hash, got.deadline, [][]byte{[]byte(f), v}), nil)
		_, err := w.o.hset(dst, f, v)
		same(w, "hset", err, nil)
	}
	w.o.setDeadline(dst, got.deadline)
}

// opLook asks for everything about a key that is not its value.
func opLook(w *world) {
	name := w.key()
	k := w.k(name)
	there := w.o.read(name) != nil
	same(w, "Exists", w.tx.Exists(k), there)
	w.o.read(name)
	same(w, "Touch", w.tx.Touch(k), there)
	if _, ok := w.tx.Idle(k); ok != there {
		w.wrong("Idle: %v", ok)
	}
	if _, ok := w.tx.Frequency(k); ok != there {
		w.wrong("Frequency: %v", ok)
	}
	if _, ok := w.tx.MemoryUsage(k); ok != there {
		w.wrong("MemoryUsage: %v", ok)
	}
	w.quietly(func() { w.compareKey(name) })
}

func opRandom(w *world) {
	key, ok := w.tx.Random(nil)
	names := w.o.present(w.o.db)
	if ok != (len(names) > 0) || ok && !names[string(key)] {
		w.wrong("Random: %.40q, %v of %d keys", key, ok, len(names))
	}
}

func opSelect(w *world) { w.selectDB(w.below(usedDBs)) }

func opSleep(w *world) {
	w.setNow(w.tx.Now + []int64{1, 10, 50, 500, 5000, 60_000}[w.below(6)])
}

func opCycle(w *world) { w.unlocked(func() { w.s.ExpireCycle(w.tx.Now) }) }

func opWatch(w *world) {
	name := w.key()
	id := watchedKey{w.tx.DB, name}
	if token, ok := w.tokens[id]; ok {
		w.o.peek(id.db, name)
		same(w, "Changed", w.tx.Changed(w.k(name), token.engine), w.o.version[id.db][name] != token.oracle)
		w.tx.Unwatch(w.k(name))
		delete(w.tokens, id)
		return
	}
	w.o.peek(id.db, name)
	w.tokens[id] = watchTokens{w.tx.Watch(w.k(name)), w.o.version[id.db][name]}
}

// opScan begins a scan of keys, or of a hash or set.
func opScan(w *world) {
	sc := &scan{db: w.tx.DB, key: w.key(), fields: w.below(2) == 0, count: []int{0, 1, 3, 10, 100, 10000}[w.below(6)]}
	sc.must = sc.present(w.o)
	if !w.step(sc) && len(w.scans) < 8 {
		w.scans = append(w.scans, sc)
	}
}

func opStepScans(w *world) { w.scans = slices.DeleteFunc(w.scans, w.step) }

// noteFlush tells the snapshot being written that it must fail.
func (w *world) noteFlush() {
	if w.recording != nil {
		w.recording.flushed = true
	}
}

// opRare does what would leave little to test if it came often.
func opRare(w *world) {
	switch n := w.below(24); n {
	case 0:
		w.note("    Flush")
		w.noteFlush()
		w.tx.Flush()
		w.o.flush(w.o.db)
	case 1:
		w.note("    FlushAll")
		w.noteFlush()
		w.tx.FlushAll()
		for db := range w.o.dbs {
			w.o.flush(db)
		}
	case 2, 3, 4, 5:
		a, b := w.below(usedDBs), w.below(usedDBs)
		w.note("    SwapDB %d %d", a, b)
		w.tx.SwapDB(a, b)
		w.o.swap(a, b)
	case 6:
		w.compareAll()
	default:
		w.unlocked(func() { w.s.Reclaim(n) })
	}
}
