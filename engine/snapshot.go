package engine

import (
	"errors"
	"math/bits"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Snapshot is what the keyspace held at one moment, written while commands go on changing it. Nothing is forked: what is about to change is
// copied aside first.
//
// Each record of a key has a bit of colour, and each shard has a colour. BeginSnapshot exchanges the colours of all shards, with all of
// them locked: this is the moment. From then on a record of the other colour is one that is as it was, and not yet saved; new
// records have the shard's. A walk over the tables saves record after record and gives it the shard's colour. Whoever is about to change
// or to remove a record of the other colour saves it first (preserve). As all records have the shard's colour when the walk is over, the
// next snapshot can begin; and while there is none, the comparison of colours is all that a write pays.
//
// Saving is copying to a block of the shard's side (see saved.go), from where Write takes it, some records at a time, and passes it on
// without a lock. A value that is too large to be copied at once is held instead: what is changed of it is copied part by part, and parts that
// are deleted stay until they are written (see retained.go).
//
// What is copied and not yet written counts as memory in use, and is bounded: past the bound the snapshot fails, because whoever takes it
// cannot keep up. It could have been writers that wait, but a cache is there for those who ask it. A failed snapshot goes on as a
// walk that only colours. Flushing a database makes it fail as well; it is for the caller to begin another, of what is there then.
type Snapshot struct {
	Keys, Expires [Databases]int64 // at the moment: keys, and keys with a deadline, those included that have expired and were not removed
	Gentle        atomic.Bool      // Write rests ten times as long as it works, to leave processors to those who wait for replies

	store   *Store
	now     int64            // the moment in Unix milliseconds
	db      [Databases]uint8 // the databases of spaces at the moment
	uses    useScale         // what the access bits of saved records stand for
	limit   int64            // bytes that may wait to be written
	waiting atomic.Int64     // bytes that do
	staying atomic.Int64     // bytes of deleted parts that do
	passed  atomic.Int64     // keys that Write has passed to the sink
	failed  atomic.Bool      // err is set
	mu      sync.Mutex       // guards err
	err     error
}

// Errors of snapshots.
var (
	ErrSnapshotRunning = errors.New("a snapshot is being taken already")
	ErrSnapshotBehind  = errors.New("the snapshot was given up: keys change faster than it is written")
	ErrSnapshotMemory  = errors.New("the snapshot was given up: memory is full, and has no room to copy aside what changes")
	ErrFlushed         = errors.New("the snapshot was given up: a database was flushed")
)

// A snapshot may have so many bytes waiting to be written, or this part of what the arena may have if that is less; and this part of the data
// more.
const (
	sideMin     = 16 << 20
	sideOfArena = 16
	sideShare   = 32
)

// A gentle snapshot works for so long at a stretch, and then rests for so long, unless what waits to be written gathers.
const (
	gentleWork = 100 * time.Microsecond
	gentleRest = time.Millisecond
)

// shardSnapshot is a shard's part of a snapshot. The shard's lock guards it.
type shardSnapshot struct {
	*Snapshot
	space    int    // the space that is walked
	pos      uint64 // and the position in it, as of a scan
	side     []sideBlock
	retained map[uint32]*retained // by the owner's id
	queue    []*retained          // those to be written
}

// BeginSnapshot begins a snapshot of this moment. LockAll must have been called. Write must be called after, with nothing locked.
func (t *Tx) BeginSnapshot() (*Snapshot, error) {
	s := t.store
	sn := &Snapshot{store: s, now: t.Now, uses: newUseScale(s.Policy())}
	if !s.snapshot.CompareAndSwap(nil, sn) {
		return nil, ErrSnapshotRunning
	}
	live := int64(0)
	for i := range s.shards {
		sh := &s.shards[i]
		sh.colour ^= flagColour
		sh.snap = &shardSnapshot{Snapshot: sn}
		live += sh.live
		for _, sp := range sh.spaces {
			sn.db[sp.id] = sp.db // the same in all shards
			sn.Keys[sp.db] += int64(sp.keys.keys)
			sn.Expires[sp.db] += int64(sp.expires)
		}
	}
	sn.limit = min(sideMin, s.pool.limit.Load()/sideOfArena*blockSize) + live/sideShare
	return sn, nil
}

// Progress returns how many keys were passed on by Write, and how many bytes of memory hold what it has not come to and was copied aside, or
// would have been deleted. Any goroutine may call it.
func (sn *Snapshot) Progress() (keys, aside int64) { return sn.passed.Load(), sn.kept() }

// kept is how many bytes wait to be written, of copies and of deleted parts. Of these alone a snapshot does not fail, for they are no more than
// the data was; but they are not left waiting.
func (sn *Snapshot) kept() int64 { return sn.waiting.Load() + sn.staying.Load() }

// Fail makes the snapshot end with an error, of which the first one counts. Any goroutine may call it, with locks held.
func (sn *Snapshot) Fail(err error) {
	sn.mu.Lock()
	defer sn.mu.Unlock()
	if sn.err == nil {
		sn.err = err
		sn.failed.Store(true)
	}
}

// Write passes the whole snapshot to a sink and ends it. The keys come in no particular order.
func (sn *Snapshot) Write(to Sink) error {
	w := sn.writer(to)
	for began := time.Now(); !w.advance(); {
		runtime.Gosched() // who waits for a lock has to run to take it
		if sn.Gentle.Load() && time.Since(began) > gentleWork && sn.kept() < sn.limit/2 {
			time.Sleep(gentleRest)
			began = time.Now()
		}
	}
	return w.end()
}

func (sn *Snapshot) writer(to Sink) *snapshotWriter {
	return &snapshotWriter{Snapshot: sn, exporter: exporter{sink: to}}
}

// advance does some of the work, no more than a few records under one hold of a lock, and reports whether it is done. If much waits to be
// written, it takes from what those who change keys have saved, in one shard after the other, instead of walking on.
func (w *snapshotWriter) advance() (done bool) {
	if w.kept() > w.limit/4 {
		w.drain = (w.drain + 1) % len(w.store.shards)
		w.step(&w.store.shards[w.drain], false)
		return false
	}
	if w.step(&w.store.shards[w.shard], true) {
		w.shard++
	}
	return w.shard == len(w.store.shards)
}

// end makes room for the next snapshot and returns the error of this one.
func (w *snapshotWriter) end() error {
	w.store.snapshot.Store(nil)
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// snapshotWriter is what Write works with.
type snapshotWriter struct {
	*Snapshot
	exporter
	shard int // the one that is walked
	drain int // the one whose turn it was when much waited
	key   SnapshotKey
	flat  flatParts // of the value being written, if they are among the saved records
}

// step writes some of what was saved in a shard, and walks on in it if it is to, and nothing was. It reports whether the shard is done.
func (w *snapshotWriter) step(sh *shard, walk bool) (done bool) {
	sh.mu.Lock()
	if sh.snap == nil { // its part is over
		sh.mu.Unlock()
		return true
	}
	walked := walk && len(sh.snap.side) == 0 && sh.walkSome()
	b := sh.takeSide()
	h := sh.nextRetained()
	if done = walked && b.base == nil && h == nil; done {
		sh.endSnapshot()
	}
	sh.mu.Unlock()
	if b.base != nil {
		w.write(bytesAt(b.base, 0, b.used))
		w.done(b)
	}
	if h != nil {
		w.writeRetained(sh, h)
	}
	return done
}

// walkSome saves the next records that are as they were at the moment, sweepRecords or sweepBytes of them, and reports whether there are no
// more.
func (sh *shard) walkSome() bool {
	w := sh.snap
	saved, limit, buckets := 0, w.waiting.Load()+sweepBytes, 0
	for w.space < Databases {
		sp := sh.spaces[w.space]
		t := &sp.keys
		if t.buckets == 0 {
			w.space, w.pos = w.space+1, 0
			continue
		}
		no := linear(uint32(bits.Reverse64(w.pos)), t.buckets, t.mask)
		for b := t.bucket(no); b != nil; b = t.child(b) {
			for s := (slot{b, 0}); s.i < bucketSlots; s.i++ {
				if load8(b, s.i) == 0 || load8(sh.at(s.loc()), 0)&flagColour == sh.colour {
					continue
				}
				if saved++; saved > sweepRecords || w.waiting.Load() > limit {
					return false // the rest of the bucket has its turn the next time
				}
				v := decode(sh.at(s.loc()))
				sh.save(sp, s.loc(), &v)
			}
		}
		if w.pos = nextPosition(no, t.buckets, t.mask); w.pos == 0 {
			w.space++
		}
		if buckets++; buckets == scanBlocks {
			return false
		}
	}
	return true
}

// endSnapshot ends the shard's part of a snapshot: every record has the shard's colour.
func (sh *shard) endSnapshot() {
	sh.dropSide()
	for _, h := range sh.snap.retained {
		sh.letGo(h)
	}
	sh.snap = nil
}
