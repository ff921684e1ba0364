package engine

// watchID names a watched key.
type watchID struct {
	db  uint8
	key string
}

// watch counts the changes of a key while somebody watches it.
type watch struct {
	version uint64
	refs    int
}

// touchAll counts a change of each watched key of a space that is there. Expired keys must have
// been removed.
func (sh *shard) touchAll(sp *space) {
	sh.endViews()
	for id, w := range sh.watches {
		if id.db != sp.db {
			continue
		}
		r := ref{sh: sh, sp: sp, key: watchedKey(id)}
		if r.find() {
			w.version++
		}
	}
}

func watchedKey(id watchID) Key {
	b := []byte(id.key)
	return Key{b, hashBytes(b)}
}

// expireWatched removes the watched keys, whatever database they are watched in, that have expired in a space. So those who saw a
// key there learn that it has gone, before the space is flushed or exchanged, and nobody else does.
func (sh *shard) expireWatched(sp *space, now int64) {
	for id := range sh.watches {
		r := ref{sh: sh, sp: sp, key: watchedKey(id), now: now}
		if r.find() && sh.expired(&r.view, now) {
			r.expire()
		}
	}
}

// Watch registers interest in a key of the selected database and returns a token for Changed. Every Watch is ended by one Unwatch with
// the same database and key.
func (t *Tx) Watch(k Key) (token uint64) {
	var r ref
	t.lookup(&r, k)
	sh := r.sh
	id := watchID{uint8(t.DB), string(k.Bytes)}
	w := sh.watches[id]
	if w == nil {
		if sh.watches == nil {
			sh.watches = make(map[watchID]*watch)
		}
		w = &watch{}
		sh.watches[id] = w
		sh.watched = max(sh.watched, len(sh.watches))
		sh.attended = true
	}
	w.refs++
	token = w.version << 1
	if r.there {
		token |= 1
	}
	return token
}

// Changed reports whether a watched key was changed, deleted, expired or evicted since Watch returned token. A key that was not there
// then, and has expired now without having been seen, is unchanged.
func (t *Tx) Changed(k Key, token uint64) bool {
	sh := t.shard(k)
	w := sh.watches[watchID{uint8(t.DB), string(k.Bytes)}]
	if w == nil || w.version != token>>1 {
		return true
	}
	r := ref{sh: sh, sp: sh.dbs[t.DB], key: k}
	return token&1 != 0 && r.find() && sh.expired(&r.view, t.Now)
}

// Unwatch ends a Watch.
func (t *Tx) Unwatch(k Key) {
	sh := t.shard(k)
	id := watchID{uint8(t.DB), string(k.Bytes)}
	if w := sh.watches[id]; w != nil {
		if w.refs--; w.refs == 0 {
			delete(sh.watches, id)
			sh.attend()
		}
	}
	if len(sh.watches) == 0 && sh.watched > watchesKept {
		sh.watches, sh.watched = nil, 0 // a map keeps the memory for all that it ever had
	}
}

// watchesKept is for how many watched keys a shard keeps memory.
const watchesKept = 64
