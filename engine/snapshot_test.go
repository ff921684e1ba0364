package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redistill/redistill/engine"
)

// snapshotOf takes a snapshot and returns what it holds.
func snapshotOf(t *testing.T, s *engine.Store, sink engine.Sink) error {
	t.Helper()
	tx := s.NewTx()
	tx.Now = time.Now().UnixMilli()
	tx.LockAll()
	sn, err := tx.BeginSnapshot()
	tx.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	return sn.Write(sink)
}

// Clients move amounts from one account to another: every snapshot that is taken meanwhile has the same sum. Half of the accounts are fields
// of large hashes.
func TestSnapshotOfOneMoment(t *testing.T) {
	const accounts, start = 64, 1000
	s, err := engine.Open(engine.Options{Shards: 16})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	tx := s.NewTx()
	tx.LockAll()
	account := func(i int) engine.Key { return s.Key(fmt.Appendf(nil, "account %d", i)) }
	for i := range accounts {
		if i%2 == 0 {
			_ = tx.Set(account(i), strconv.AppendInt(nil, start, 10), engine.NoDeadline)
			continue
		}
		for f := range 2000 {
			_, _ = tx.HSet(account(i), fmt.Appendf(nil, "field %d", f), bytes.Repeat([]byte{byte(f)}, 50))
		}
		_, _ = tx.HSet(account(i), []byte("amount"), strconv.AppendInt(nil, start, 10))
	}
	tx.Unlock()
	add := func(tx *engine.Tx, i int, n int64) error {
		if i%2 == 0 {
			_, err := tx.IncrBy(account(i), n)
			return err
		}
		_, err := tx.HIncrBy(account(i), []byte("amount"), n)
		return err
	}
	var stop atomic.Bool
	var clients sync.WaitGroup
	for c := range 4 {
		clients.Go(func() {
			tx, r := s.NewTx(), rand.New(rand.NewPCG(uint64(c), 0))
			for !stop.Load() {
				tx.Now = time.Now().UnixMilli()
				from, to, n := r.IntN(accounts), r.IntN(accounts), int64(r.IntN(100))
				tx.LockKeys([]engine.Key{account(from), account(to)})
				err1, err2 := add(tx, from, -n), add(tx, to, n)
				if i := to | 1; i == to {
					_, _ = tx.HSet(account(i), fmt.Appendf(nil, "field %d", r.IntN(4000)), bytes.Repeat([]byte{1}, r.IntN(200)))
				}
				tx.Unlock()
				if err1 != nil || err2 != nil {
					t.Error(err1, err2)
					return
				}
			}
		})
	}
	for range 10 {
		rec := &recorder{}
		if err := snapshotOf(t, s, rec); err != nil || rec.fault != "" {
			t.Error(err, rec.fault)
		}
		sum := 0
		for _, k := range rec.keys[0] {
			val := k.val
			if k.fields != nil {
				val = k.fields["amount"]
			}
			n, err := strconv.Atoi(string(val))
			if err != nil {
				t.Error(err)
			}
			sum += n
		}
		if len(rec.keys[0]) != accounts || sum != accounts*start {
			t.Errorf("%d accounts with %d in all, want %d", len(rec.keys[0]), sum, accounts*start)
		}
	}
	stop.Store(true)
	clients.Wait()
	if err := s.Check(); err != nil {
		t.Error(err)
	}
}

// failingSink fails at the n-th string.
type failingSink struct {
	recorder
	n int
}

func (f *failingSink) String([]byte) error {
	if f.n--; f.n < 0 {
		return errSink
	}
	return nil
}

// After a snapshot that failed at any moment the next one is right, and nothing is left behind.
func TestSnapshotAfterFailure(t *testing.T) {
	s, err := engine.Open(engine.Options{Shards: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	tx := s.NewTx()
	for n := range 40 {
		tx.LockAll()
		for i := range 100 {
			_ = tx.Set(s.Key(fmt.Appendf(nil, "k%d", i)), bytes.Repeat([]byte{byte(n)}, i*i*10), engine.NoDeadline)
			_, _ = tx.HSet(s.Key([]byte("h")), fmt.Appendf(nil, "f%d", i*n), bytes.Repeat([]byte{byte(n)}, 100*i))
		}
		tx.Unlock()
		if err := snapshotOf(t, s, &failingSink{n: n * n}); err != errSink {
			t.Fatalf("%d: %v", n, err)
		}
		if err := s.Check(); err != nil {
			t.Fatal(err)
		}
	}
	rec := &recorder{}
	if err := snapshotOf(t, s, rec); err != nil || rec.fault != "" || len(rec.keys[0]) != 101 {
		t.Errorf("%v, %s, %d keys", err, rec.fault, len(rec.keys[0]))
	}
}

// beginOfMany begins a snapshot of 8000 strings, k0 and so on, each of them val. All is locked.
func beginOfMany(t *testing.T) (s *engine.Store, tx *engine.Tx, val []byte, sn *engine.Snapshot) {
	t.Helper()
	s, err := engine.Open(engine.Options{Shards: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	tx, val = s.NewTx(), make([]byte, 10_000)
	tx.LockAll()
	for i := range 8000 {
		_ = tx.Set(s.Key(fmt.Appendf(nil, "k%d", i)), val, engine.NoDeadline)
	}
	if sn, err = tx.BeginSnapshot(); err != nil {
		t.Fatal(err)
	}
	return s, tx, val, sn
}

// A snapshot that is not written in time is given up before what it keeps aside takes much memory.
func TestSnapshotBehind(t *testing.T) {
	s, tx, val, sn := beginOfMany(t)
	for i := range 8000 {
		_ = tx.Set(s.Key(fmt.Appendf(nil, "k%d", i)), val, engine.NoDeadline)
	}
	tx.Unlock()
	if n := s.Aside(); n > 32<<20 {
		t.Errorf("%d bytes are kept aside", n)
	}
	if err := sn.Write(&recorder{}); err != engine.ErrSnapshotBehind {
		t.Errorf("got %v", err)
	}
	if n := s.Aside(); n != 0 {
		t.Errorf("%d bytes are still kept aside", n)
	}
	if err := s.Check(); err != nil {
		t.Error(err)
	}
}

// What is kept aside in all shards is written while one is walked, so that a snapshot ends where keys change about as fast as it is written.
func TestSnapshotKeepsUp(t *testing.T) {
	s, tx, val, sn := beginOfMany(t)
	tx.Unlock()
	got := &recorder{}
	steps := sn.Steps(got)
	for i, done := 0, false; !done; i++ {
		var err error
		if done, err = steps.Step(); err != nil {
			t.Fatal(err)
		}
		for j := range 5 { // a block is six values
			tx.LockAll()
			_ = tx.Set(s.Key(fmt.Appendf(nil, "k%d", (i*5+j)%8000)), val[:9000], engine.NoDeadline)
			tx.Unlock()
		}
		if n := s.Aside(); n > 8<<20 {
			t.Fatalf("%d bytes are kept aside", n)
		}
	}
	if err := s.Check(); err != nil {
		t.Error(err)
	}
}

// So is what is copied of large values, and nothing more is kept of them when the snapshot was given up, though nothing of it is written.
func TestSnapshotBehindLargeValues(t *testing.T) {
	const values, size, bound = 100, 1 << 20, 64 << 20 // of 290 MB
	f := open(t, engine.Options{Shards: 4})
	str := func(i int) engine.Key { return f.k(fmt.Sprint("s", i)) }
	hash := func(i int) engine.Key { return f.k(fmt.Sprint("h", i)) }
	setFields := func(i, from, to int, text string) {
		for n := from; n < to; n++ {
			_, err := f.tx.HSet(hash(i), fmt.Appendf(nil, "f%d", n), []byte(strings.Repeat(text, 1000)))
			_, err2 := f.tx.HSet(hash(i), fmt.Appendf(nil, "l%d", n), []byte(strings.Repeat(text, size/200)))
			f.check(errors.Join(err, err2))
		}
	}
	for i := range values {
		f.check(f.tx.Set(str(i), make([]byte, size), engine.NoDeadline))
		setFields(i, 0, 100, "old")
	}
	sn, err := f.tx.BeginSnapshot()
	f.check(err)
	for part := range 10 { // all of them are kept before much of them is changed
		for i := range values {
			_, err := f.tx.SetRange(str(i), part*size/10, make([]byte, size/10))
			f.check(err)
			setFields(i, part*10, part*10+10, "new")
		}
	}
	f.unlocked(func() {
		if n := f.s.Aside(); n > bound {
			t.Errorf("%d bytes are kept aside", n)
		}
	})
	for i := range values {
		f.tx.Delete(str(i))
		f.tx.Delete(hash(i))
	}
	f.unlocked(func() {
		for f.s.Stats().Doomed > 0 {
			f.s.ExpireCycle(f.tx.Now)
		}
		if n := f.s.Stats().DataBytes; n > bound {
			t.Errorf("%d bytes are kept after all was deleted", n)
		}
		f.wantErr("snapshot", sn.Write(&recorder{}), engine.ErrSnapshotBehind)
	})
	keys, aside := sn.Progress()
	equal(t, "keys", keys, 0)
	equal(t, "bytes aside at the end", aside, 0)
}

// What stays of large values that are replaced is written before the others, so that it does not gather.
func TestSnapshotKeepsUpWithLargeValues(t *testing.T) {
	const values, size = 400, 200_000
	f := open(t, engine.Options{Shards: 4})
	for i := range values {
		f.check(f.tx.Set(f.k(key(i)), make([]byte, size), engine.NoDeadline))
	}
	sn, err := f.tx.BeginSnapshot()
	f.check(err)
	got := &recorder{}
	steps, most := sn.Steps(got), int64(0)
	for i, done := 0, false; !done; i++ {
		f.unlocked(func() { done, err = steps.Step() })
		f.check(err)
		if i%2 == 0 {
			f.check(f.tx.Set(f.k(key(i/2%values)), make([]byte, size+1), engine.NoDeadline))
		}
		_, aside := sn.Progress()
		most = max(most, aside)
	}
	if most < size || most > 8<<20 {
		t.Errorf("%d bytes were kept aside", most)
	}
	equal(t, "keys", len(got.keys[0]), values)
}

// A snapshot for which the system has no memory left says so: that keys do not change too fast. What is changed is changed all the same.
func TestSnapshotWithoutMemory(t *testing.T) {
	f := open(t, engine.Options{Shards: 1})
	f.set("k", val)
	sn, err := f.tx.BeginSnapshot()
	f.check(err)
	undo := f.s.DenyMemory(0)
	_, err = f.tx.SetRange(f.k("k"), 0, []byte("new"))
	f.check(err)
	undo()
	equal(t, "value", f.get("k"), "new"+val[3:])
	f.unlocked(func() { err = sn.Write(&recorder{}) })
	f.wantErr("snapshot", err, engine.ErrSnapshotMemory)
	equal(t, "text", err.Error(), "the snapshot was given up: memory is full, and has no room to copy aside what changes")
	f.check(f.unlockedCheck())
}

// Values that are too large to be copied at once are as they were, whatever is done to them while they wait.
func TestSnapshotOfLargeValues(t *testing.T) {
	for name, change := range map[string]func(s *engine.Store, tx *engine.Tx, str, hash engine.Key) error{
		"nothing": func(*engine.Store, *engine.Tx, engine.Key, engine.Key) error { return nil },
		"written": func(_ *engine.Store, tx *engine.Tx, str, _ engine.Key) error {
			for off := 0; off < 300_000; off += 7000 {
				if _, err := tx.SetRange(str, off, []byte("changed")); err != nil {
					return err
				}
			}
			return nil
		},
		"appended": func(_ *engine.Store, tx *engine.Tx, str, _ engine.Key) error {
			for range 20 {
				if _, err := tx.Append(str, bytes.Repeat([]byte("more"), 1000)); err != nil {
					return err
				}
			}
			return nil
		},
		"overwritten": func(_ *engine.Store, tx *engine.Tx, str, _ engine.Key) error {
			return tx.Set(str, bytes.Repeat([]byte("x"), 300_000), engine.NoDeadline)
		},
		"replaced": func(_ *engine.Store, tx *engine.Tx, str, hash engine.Key) error {
			tx.Delete(hash)
			return errors.Join(tx.Set(str, []byte("x"), engine.NoDeadline), tx.Set(hash, []byte("x"), engine.NoDeadline))
		},
		"expired": func(_ *engine.Store, tx *engine.Tx, str, hash engine.Key) error {
			tx.SetDeadline(str, 1)
			tx.SetDeadline(hash, 1)
			return nil
		},
		"fields set": func(_ *engine.Store, tx *engine.Tx, _, hash engine.Key) error {
			for i := 0; i < 9000; i++ {
				if _, err := tx.HSet(hash, fmt.Appendf(nil, "field %d", i), bytes.Repeat([]byte("y"), 1+i%90)); err != nil {
					return err
				}
			}
			_, err := tx.HSet(hash, []byte("long 2"), bytes.Repeat([]byte("z"), 40_000)) // its entry keeps its length
			_, err2 := tx.HSet(hash, []byte("long 3"), []byte("short"))
			return errors.Join(err, err2)
		},
		"fields deleted": func(_ *engine.Store, tx *engine.Tx, _, hash engine.Key) error {
			for i := 0; i < 2990; i++ {
				if _, err := tx.HDel(hash, fmt.Appendf(nil, "field %d", i)); err != nil {
					return err
				}
			}
			_, err := tx.HDel(hash, []byte("long 3"))
			return err
		},
		"renamed": func(s *engine.Store, tx *engine.Tx, str, hash engine.Key) error {
			_, err := tx.Rename(str, s.Key([]byte("other")))
			_, err2 := tx.Rename(hash, str)
			return errors.Join(err, err2)
		},
	} {
		for steps := range 4 {
			t.Run(fmt.Sprint(name, " after ", steps, " steps"), func(t *testing.T) {
				testLargeValues(t, steps, change)
			})
		}
	}
}

func testLargeValues(t *testing.T, steps int, change func(s *engine.Store, tx *engine.Tx, str, hash engine.Key) error) {
	s, err := engine.OpenArena(engine.Options{Shards: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	tx := s.NewTx()
	tx.Now = time.Now().UnixMilli()
	str, hash := s.Key([]byte("string")), s.Key([]byte("hash"))
	text, fields := bytes.Repeat([]byte("<original>"), 30_000), map[string][]byte{}
	tx.LockAll()
	_ = tx.Set(str, text, engine.NoDeadline)
	for i := range 3000 {
		fields[fmt.Sprint("field ", i)] = bytes.Repeat([]byte{byte(i)}, 50)
	}
	for i := range 5 {
		fields[fmt.Sprint("long ", i)] = bytes.Repeat([]byte{byte(i)}, 40_000)
	}
	for f, v := range fields {
		_, _ = tx.HSet(hash, []byte(f), v)
	}
	sn, err := tx.BeginSnapshot()
	if err != nil {
		t.Fatal(err)
	}
	rec := &recorder{}
	writing, done := sn.Steps(rec), false
	tx.Unlock()
	for ; steps > 0 && !done; steps-- {
		done, err = writing.Step()
	}
	tx.LockAll()
	if err := change(s, tx, str, hash); err != nil {
		t.Fatal(err)
	}
	tx.Unlock()
	s.Reclaim(1000)
	s.ExpireCycle(tx.Now)
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
	for !done {
		done, err = writing.Step()
	}
	if err != nil || rec.fault != "" || len(rec.keys[0]) != 2 {
		t.Fatalf("%v, %s, %d keys", err, rec.fault, len(rec.keys[0]))
	}
	if !bytes.Equal(rec.keys[0]["string"].val, text) {
		t.Error("the string is another")
	}
	got := rec.keys[0]["hash"].fields
	for f, v := range fields {
		if !bytes.Equal(got[f], v) {
			t.Fatalf("%s: got %d bytes %.20q, want %d %.20q", f, len(got[f]), got[f], len(v), v)
		}
	}
	s.ExpireCycle(tx.Now)
	if err := s.Check(); err != nil || len(got) != len(fields) {
		t.Errorf("%v, %d fields", err, len(got))
	}
}

// TestSnapshotProgress: keys are counted as they are passed on, and so is what was copied aside and waits.
func TestSnapshotProgress(t *testing.T) {
	f := open(t, engine.Options{Shards: 1})
	f.unlocked(f.s.StopBackground)
	for i := range 1000 {
		f.set(key(i), "v")
	}
	sn, err := f.tx.BeginSnapshot()
	f.check(err)
	f.set(key(7), "new")
	if keys, aside := sn.Progress(); keys != 0 || aside == 0 {
		t.Errorf("at the start: %d keys passed on, %d bytes aside", keys, aside)
	}
	f.unlocked(func() { f.check(sn.Write(&recorder{})) })
	if keys, aside := sn.Progress(); keys != 1000 || aside != 0 {
		t.Errorf("at the end: %d keys passed on, %d bytes aside", keys, aside)
	}
}
