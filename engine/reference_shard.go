package engine

import "math/rand/v2"

// evictionSamples is how many keys are looked at to evict one.
const evictionSamples = 5

// watchKey names a watched key.
type watchKey struct {
	db  int
	key string
}

// watched exists while the key has watchers.
type watched struct {
	version uint64 // grows with each change of the key
	refs    int    // Watch without Unwatch
}

// All methods of a shard are called with its lock held.

// get returns a key's entry or nil, removing it if its deadline has passed.
func (sh *shard) get(db int, key []byte, now int64) *entry {
	e := sh.db[db].keys[string(key)]
	if e != nil && e.isExpired(now) {
		sh.expire(db, string(key))
		return nil
	}
	return e
}

// put stores an entry, replacing what the key held. It is a change of the key, as are remove and modify.
func (sh *shard) put(db int, key string, e *entry) {
	if sh.db[db].keys[key] != nil {
		sh.remove(db, key)
	}
	sh.db[db].keys[key] = e
	if e.deadline != NoDeadline {
		sh.db[db].ttl[key] = e
	}
	sh.account(key, e, 1)
	sh.touch(db, key)
}

// remove removes a key that is there.
func (sh *shard) remove(db int, key string) {
	e := sh.db[db].keys[key]
	sh.account(key, e, -1)
	delete(sh.db[db].keys, key)
	delete(sh.db[db].ttl, key)
	sh.touch(db, key)
}

// modify lets f change the value of a key that is there, but not its deadline.
func (sh *shard) modify(db int, key string, e *entry, f func()) {
	sh.account(key, e, -1)
	f()
	sh.account(key, e, 1)
	sh.touch(db, key)
}

func (sh *shard) expire(db int, key string) {
	sh.remove(db, key)
	sh.store.expired.Add(1)
}

func (sh *shard) account(key string, e *entry, sign int64) {
	data, overhead := e.size(key)
	sh.store.dataBytes.Add(sign * data)
	sh.store.overheadBytes.Add(sign * overhead)
}

// touch tells the watchers of a key that it has changed.
func (sh *shard) touch(db int, key string) {
	if w := sh.watch[watchKey{db, key}]; w != nil {
		w.version++
	}
}

// Reserve makes room for n more bytes, evicting where the policy allows. No lock may be held by the caller.
// It returns ErrOutOfMemory where it cannot. A command that may grow the keyspace calls it before it locks.
func (s *Store) Reserve(n int) error {
	for {
		limit := s.maxMemory.Load()
		if limit == 0 || s.dataBytes.Load()+s.overheadBytes.Load()+int64(n) <= limit {
			return nil
		}
		if int64(n) > limit || !s.evictOne() {
			return ErrOutOfMemory
		}
	}
}

// tooLarge tells whether n bytes can never fit in the memory limit, whatever is evicted.
func (s *Store) tooLarge(n int) bool {
	limit := s.maxMemory.Load()
	return limit > 0 && int64(n) > limit
}

// candidate is a key that may be evicted; the one with the lowest score goes.
type candidate struct {
	sh    *shard
	db    int
	key   string
	e     *entry
	score int64
}

// evictOne evicts the best of a few random keys. It reports false if the policy lets none go.
func (s *Store) evictOne() bool {
	p := s.Policy()
	var best candidate
	for range evictionSamples {
		c, ok := s.sample(p)
		if !ok {
			return false
		}
		if best.e == nil || c.score < best.score {
			best = c
		}
	}
	best.sh.mu.Lock()
	defer best.sh.mu.Unlock()
	// Another goroutine may have taken or replaced the key since it was sampled: then the caller tries again.
	if best.sh.db[best.db].keys[best.key] == best.e {
		best.sh.remove(best.db, best.key)
		s.evicted.Add(1)
	}
	return true
}

// sample returns a random key that the policy lets go.
func (s *Store) sample(p Policy) (candidate, bool) {
	if p == NoEviction {
		return candidate{}, false
	}
	first := rand.IntN(len(s.shards))
	for i := range s.shards {
		if c, ok := s.shards[(first+i)%len(s.shards)].sample(p); ok {
			return c, true
		}
	}
	return candidate{}, false
}

// sample is the exception: it takes the lock by itself.
func (sh *shard) sample(p Policy) (candidate, bool) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	first := rand.IntN(Databases)
	for i := range sh.db {
		db := (first + i) % Databases
		from := sh.db[db].keys
		if p.volatile() {
			from = sh.db[db].ttl
		}
		for key, e := range from { // Go starts at a random position
			return candidate{sh, db, key, e, p.score(e)}, true
		}
	}
	return candidate{}, false
}

// volatile tells whether the policy spares keys without a TTL.
func (p Policy) volatile() bool {
	return p == VolatileLRU || p == VolatileLFU || p == VolatileRandom || p == VolatileTTL
}

// score is lower for keys that are to go earlier.
func (p Policy) score(e *entry) int64 {
	switch p {
	case AllKeysLRU, VolatileLRU:
		return e.lastUse
	case AllKeysLFU, VolatileLFU:
		return int64(e.freq)
	case VolatileTTL:
		return e.deadline
	}
	return 0
}
