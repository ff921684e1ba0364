// Package engine is the keyspace: sharded tables of strings and hashes with expiry, eviction and memory accounting.
package engine

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cespare/xxhash/v2"
)

// Databases is the number of logical databases of a Store.
const Databases = 16

// Type is what a key holds.
type Type uint8

// The types of keys. None is the type of a missing key.
const (
	None Type = iota
	String
	Hash
)

// Key is a key's bytes with their hash. The bytes belong to the caller and must stay unchanged while the Key is used.
type Key struct {
	Bytes []byte
	hash  uint64
}

// Special deadlines of Tx.Set. Others are Unix milliseconds.
const (
	NoDeadline   int64 = 0  // the key never expires
	KeepDeadline int64 = -1 // the key keeps the deadline that it has
)

// Options configure a Store.
type Options struct {
	MaxMemory int64  // bytes, 0 is no limit
	Policy    Policy // what to evict at the limit
	Shards    int    // a power of two; 0 chooses by the number of CPUs
}

const (
	maxShards      = 4096 // keeps scan cursors below 2^53, which every client can hold
	expirePeriod   = 100 * time.Millisecond
	shardsPerCPU   = 8
	initialUses    = 5  // frequency of a new key, so that it is not the first to go
	usesLogFactor  = 10 // the higher, the more uses a step of the frequency takes
	usesDecayAfter = int64(time.Minute / time.Millisecond)
)

// hashSeed keeps clients from choosing keys that collide.
var hashSeed = rand.Uint64()

func hashOf(b []byte) uint64 {
	var d xxhash.Digest
	d.ResetWithSeed(hashSeed)
	d.Write(b)
	return d.Sum64()
}

// Store is a keyspace of 16 databases, shared by any number of goroutines.
type Store struct {
	shards []*shard

	maxMemory                atomic.Int64
	policy                   atomic.Uint32
	dataBytes, overheadBytes atomic.Int64
	hits, misses             atomic.Uint64
	expired, evicted         atomic.Uint64

	limitChanged chan struct{} // tells the background goroutine to evict down to the limit
	done         chan struct{}
	background   sync.WaitGroup
}

// shard holds the keys, of all databases, whose hashes end in its number.
type shard struct {
	mu    sync.Mutex
	store *Store
	db    [Databases]table
	watch map[watchKey]*watched
}

// table is a shard's part of one database.
type table struct {
	keys map[string]*entry
	ttl  map[string]*entry // those of keys that have a deadline
}

// Open makes an empty Store.
func Open(o Options) (*Store, error) {
	if o.Shards == 0 {
		o.Shards = min(maxShards, 1<<bits.Len(uint(shardsPerCPU*runtime.GOMAXPROCS(0)-1)))
	}
	if o.Shards < 1 || o.Shards > maxShards || o.Shards&(o.Shards-1) != 0 {
		return nil, fmt.Errorf("engine: %d shards: want a power of two up to %d", o.Shards, maxShards)
	}
	if o.MaxMemory < 0 {
		return nil, fmt.Errorf("engine: memory limit of %d bytes", o.MaxMemory)
	}
	if o.Policy >= numPolicies {
		return nil, fmt.Errorf("engine: unknown policy %d", o.Policy)
	}
	s := &Store{limitChanged: make(chan struct{}, 1), done: make(chan struct{})}
	for range o.Shards {
		sh := &shard{store: s, watch: make(map[watchKey]*watched)}
		for i := range sh.db {
			sh.db[i] = newTable()
		}
		s.shards = append(s.shards, sh)
	}
	s.maxMemory.Store(o.MaxMemory)
	s.policy.Store(uint32(o.Policy))
	s.background.Go(s.runBackground)
	return s, nil
}

func newTable() table {
	return table{keys: make(map[string]*entry), ttl: make(map[string]*entry)}
}

func (s *Store) runBackground() {
	tick := time.NewTicker(expirePeriod)
	defer tick.Stop()
	for {
		select {
		case <-s.done:
			return
		case <-tick.C:
			s.ExpireCycle(time.Now().UnixMilli())
		case <-s.limitChanged:
			// Nobody waits for this memory: a failure shows in the Reserve of the next command.
			_ = s.Reserve(0)
		}
	}
}

// Close stops the background work and gives memory back. No Tx may be used after.
func (s *Store) Close() {
	close(s.done)
	s.background.Wait()
	s.shards = nil
}

// Key hashes a key.
func (s *Store) Key(b []byte) Key { return Key{Bytes: b, hash: hashOf(b)} }

func (s *Store) shardIndex(k Key) int { return int(k.hash & uint64(len(s.shards)-1)) }

// NewTx returns a Tx with nothing locked. A Tx serves one goroutine at a time.
func (s *Store) NewTx() *Tx { return &Tx{Now: time.Now().UnixMilli(), store: s} }

// MaxMemory, SetMaxMemory, Policy and SetPolicy read and change the limit (bytes, 0 is none) and what is evicted. They act at once.
func (s *Store) MaxMemory() int64 { return s.maxMemory.Load() }

// SetMaxMemory sets the limit, see MaxMemory.
func (s *Store) SetMaxMemory(n int64) {
	s.maxMemory.Store(n)
	s.wakeEviction()
}

// Policy returns what is evicted, see MaxMemory.
func (s *Store) Policy() Policy { return Policy(s.policy.Load()) }

// SetPolicy sets what is evicted, see MaxMemory.
func (s *Store) SetPolicy(p Policy) {
	s.policy.Store(uint32(p))
	s.wakeEviction()
}

// wakeEviction leaves the eviction to the background goroutine, as the caller may hold locks.
func (s *Store) wakeEviction() {
	select {
	case s.limitChanged <- struct{}{}:
	default: // it is told already
	}
}

// Stats are totals since the start, or since ResetStats, and current sizes.
type Stats struct {
	Keys, Expires            [Databases]int64 // keys, and keys with a TTL, by database
	AvgTTL                   [Databases]int64 // mean remaining TTL in milliseconds, an estimate, 0 if unknown
	Hits, Misses             uint64           // reads of keys that were there, and not
	Expired, Evicted         uint64           // keys that went
	DataBytes, OverheadBytes int64            // bytes of records, and of everything kept to find them
	Watched                  int64            // keys that are watched
}

// Stats returns the totals. It takes each shard's lock for a moment.
func (s *Store) Stats() Stats {
	st := Stats{Hits: s.hits.Load(), Misses: s.misses.Load(), Expired: s.expired.Load(), Evicted: s.evicted.Load()}
	now := time.Now().UnixMilli()
	var remaining [Databases]int64
	for _, sh := range s.shards {
		sh.mu.Lock()
		for db := range sh.db {
			st.Keys[db] += int64(len(sh.db[db].keys))
			st.Expires[db] += int64(len(sh.db[db].ttl))
			for _, e := range sh.db[db].ttl {
				remaining[db] += max(0, e.deadline-now)
			}
		}
		st.Watched += int64(len(sh.watch))
		sh.mu.Unlock()
	}
	for db := range remaining {
		if st.Expires[db] > 0 {
			st.AvgTTL[db] = remaining[db] / st.Expires[db]
		}
	}
	st.DataBytes, st.OverheadBytes = s.dataBytes.Load(), s.overheadBytes.Load()
	return st
}

// ResetStats sets hits, misses, expired and evicted to zero.
func (s *Store) ResetStats() {
	s.hits.Store(0)
	s.misses.Store(0)
	s.expired.Store(0)
	s.evicted.Store(0)
}

// ExpireCycle removes keys whose deadline has passed; now is in Unix milliseconds. The Store calls it by itself in the
// background; tests call it to be deterministic.
func (s *Store) ExpireCycle(now int64) {
	for _, sh := range s.shards {
		sh.mu.Lock()
		for db := range sh.db {
			for key, e := range sh.db[db].ttl {
				if e.isExpired(now) {
					sh.expire(db, key)
				}
			}
		}
		sh.mu.Unlock()
	}
}
