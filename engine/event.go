package engine

import (
	"cmp"
	"slices"
)

// Event is what happened to a key. The events are Redis's, see String.
type Event uint8

// The events. The zero Event is none.
const (
	EventDel Event = iota + 1
	EventExpired
	EventEvicted
	EventSet
	EventAppend
	EventSetRange
	EventIncrBy
	EventIncrByFloat
	EventHSet
	EventHIncrBy
	EventHIncrByFloat
	EventHDel
	EventSAdd
	EventSRem
	EventSPop
	EventSInterStore
	EventSUnionStore
	EventSDiffStore
	EventExpire
	EventPersist
	EventRenameFrom
	EventRenameTo
	EventMoveFrom
	EventMoveTo
	EventCopyTo
	EventRestore
	numEvents
)

var eventNames = [numEvents]string{
	EventDel: "del", EventExpired: "expired", EventEvicted: "evicted",
	EventSet: "set", EventAppend: "append", EventSetRange: "setrange",
	EventIncrBy: "incrby", EventIncrByFloat: "incrbyfloat",
	EventHSet: "hset", EventHIncrBy: "hincrby", EventHIncrByFloat: "hincrbyfloat",
	EventHDel: "hdel", EventSAdd: "sadd", EventSRem: "srem", EventSPop: "spop",
	EventSInterStore: "sinterstore", EventSUnionStore: "sunionstore",
	EventSDiffStore: "sdiffstore", EventExpire: "expire", EventPersist: "persist",
	EventRenameFrom: "rename_from", EventRenameTo: "rename_to",
	EventMoveFrom: "move_from", EventMoveTo: "move_to",
	EventCopyTo: "copy_to", EventRestore: "restore",
}

// String returns Redis's name of the event.
func (e Event) String() string { return eventNames[e] }

// Listener takes an event of a key in a database, after the locks were given back, so that the key
// may have changed again. The key is valid during the call.
type Listener func(e Event, db int, key []byte)

// effects are events that were not passed on yet.
type effects struct {
	list []effect
	keys []byte // of all of them
}

type effect struct {
	event      Event
	db         uint8
	start, end int    // of the key, in keys
	seq        uint64 // the order of all effects of the Store
}

// Listen has events gathered from now on: those of a Tx go to its Listener, in their order, when it
// unlocks, and those of what the Store does by itself to own. A nil Listener ends it. No lock may be
// held.
func (s *Store) Listen(own Listener) {
	s.listens.Store(own != nil)
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		sh.listener = own
		sh.attend()
		sh.unlock()
	}
}

// attend notes whether anyone wants to know what changes in the shard.
func (sh *shard) attend() { sh.attended = sh.listener != nil || len(sh.watches) != 0 }

// changed tells an event of the key, after the change or before its record goes, and ends the views
// of values.
func (r *ref) changed(e Event) {
	r.sh.endViews()
	if r.sh.attended {
		r.sh.tell(r.sp, r.key.Bytes, e)
	}
}

// tell tells those who watch a key of an event, and gathers it for listeners.
func (sh *shard) tell(sp *space, key []byte, e Event) {
	if w := sh.watches[watchID{sp.db, string(key)}]; w != nil {
		w.version++
	}
	if sh.listener != nil {
		f := &sh.effects
		start := len(f.keys)
		f.keys = append(f.keys, key...)
		f.list = append(f.list, effect{e, sp.db, start, len(f.keys), sh.told.Add(1)})
	}
}

// unlock ends a hold of the Store's own, and passes on what happened.
func (sh *shard) unlock() {
	f, to := sh.effects, sh.listener
	if len(f.list) != 0 {
		sh.effects = effects{}
	}
	sh.mu.Unlock()
	f.pass(to, nil)
}

// event returns the event that an operation tells, which has one of its own.
func (t *Tx) event(own Event) Event {
	if t.As != 0 {
		return t.As
	}
	return own
}

// NextCommand says that what follows under the same locks is another command. Of what one command
// tells of a key several times in a row, listeners hear once.
func (t *Tx) NextCommand() {
	if t.store.listens.Load() {
		t.commands = append(t.commands, t.store.told.Load())
	}
}

// take takes the events of a shard that is about to be unlocked.
func (t *Tx) take(sh *shard) {
	f, n := &t.effects, len(t.effects.keys)
	for _, e := range sh.effects.list {
		e.start, e.end = e.start+n, e.end+n
		f.list = append(f.list, e)
	}
	f.keys = append(f.keys, sh.effects.keys...)
	sh.effects.clear()
	if t.listener = t.Listener; t.listener == nil {
		t.listener = sh.listener
	}
}

// Tell tells an event of a key in the selected database, beside those that operations tell.
func (t *Tx) Tell(k Key, e Event) { t.tell(t.DB, k, e) }

// tell is ref.changed for a key that nobody looked up.
func (t *Tx) tell(db int, k Key, e Event) {
	if sh := t.shard(k); sh.attended {
		sh.tell(sh.dbs[db], k.Bytes, e)
	}
}

// handOn passes the events on that were taken.
func (t *Tx) handOn() {
	slices.SortFunc(t.effects.list, func(a, b effect) int { return cmp.Compare(a.seq, b.seq) })
	t.effects.pass(t.listener, t.commands)
	t.effects.clear()
	t.commands = t.commands[:0]
}

// pass passes events on. Equal ones in a row are passed once, but for those with one of the ascending
// numbers in commands between them.
func (f *effects) pass(to Listener, commands []uint64) {
	for i, e := range f.list {
		for len(commands) > 0 && commands[0] < f.list[max(i-1, 0)].seq {
			commands = commands[1:]
		}
		if i > 0 && f.same(f.list[i-1], e) && (len(commands) == 0 || commands[0] >= e.seq) {
			continue
		}
		to(e.event, int(e.db), f.keys[e.start:e.end])
	}
}

func (f *effects) same(a, b effect) bool {
	return a.event == b.event && a.db == b.db &&
		string(f.keys[a.start:a.end]) == string(f.keys[b.start:b.end])
}

// effectsKept is how many bytes of keys effects keep memory for.
const effectsKept = 64 << 10

func (f *effects) clear() {
	if cap(f.keys) > effectsKept {
		*f = effects{}
		return
	}
	f.list, f.keys = f.list[:0], f.keys[:0]
}
