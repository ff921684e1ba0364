package engine

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Databases is the number of logical databases of a Store.
const Databases = 16

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

// MinMemory is the smallest limit that Open takes: less leaves no room for keys beside the program itself.
const MinMemory = 16 << 20

// Options configure a Store.
type Options struct {
	MaxMemory int64  // bytes, 0 is no limit
	Policy    Policy // what to evict at the limit
	Weight    Weight // what AllKeysDensity aims at
	Shards    int    // a power of two up to 256; 0 chooses by MaxMemory and the number of CPUs
}

// Store is a keyspace of 16 databases, shared by any number of goroutines.
type Store struct {
	pool      pool
	shards    []shard // their number is a power of two
	mask      uint64  // len(shards)-1
	maxMemory atomic.Int64
	policy    atomic.Int32
	counts    atomic.Uint32 // a counting, by policy
	changes   atomic.Uint32 // of counts
	walked    atomic.Uint32 // the shard where restamp began last
	weight    atomic.Uint32
	turn      atomic.Uint32 // the shard that is reclaimed next
	frozen    atomic.Bool   // see HoldExpiry
	listens   atomic.Bool   // somebody does
	told      atomic.Uint64 // events for listeners so far
	memory    governor
	buffers   Buffers
	snapshot  atomic.Pointer[Snapshot] // the one being taken, nil if none is
	pulse     pulse
	delayed   delayed
	stop      chan struct{}
	done      sync.WaitGroup
}

// Open makes an empty Store and starts its background work. Close ends it.
func Open(o Options) (*Store, error) { return open(o, false) }

// open is Open; with arenaOnly the limit bounds the arena instead of the process.
func open(o Options, arenaOnly bool) (*Store, error) {
	n := o.Shards
	if n == 0 {
		n = ShardsFor(o.MaxMemory, runtime.GOMAXPROCS(0))
	}
	switch {
	case n < 1 || n > maxShards || n&(n-1) != 0:
		return nil, fmt.Errorf("engine: %d shards: want a power of two up to %d", n, maxShards)
	case !arenaOnly && o.MaxMemory > 0 && o.MaxMemory < MinMemory:
		return nil, fmt.Errorf("engine: a memory limit of %d bytes is too small: the least is %d, or 0 for none", o.MaxMemory, MinMemory)
	case o.MaxMemory < 0:
		return nil, fmt.Errorf("engine: memory limit of %d bytes", o.MaxMemory)
	case o.Policy >= numPolicies:
		return nil, fmt.Errorf("engine: unknown policy %d", o.Policy)
	case o.Weight >= numWeights:
		return nil, fmt.Errorf("engine: unknown weight %d", o.Weight)
	}
	s := &Store{shards: make([]shard, n), mask: uint64(n - 1), stop: make(chan struct{})}
	s.pulse.wake = make(chan struct{}, 1)
	for i := range s.shards {
		s.shards[i].init(s, uint64(time.Now().UnixNano())+uint64(i)<<32)
	}
	s.pool.pages = mapPages
	s.memory.arenaOnly = arenaOnly
	s.SetPolicy(o.Policy)
	s.SetWeight(o.Weight)
	s.SetMaxMemory(o.MaxMemory)
	s.done.Go(s.background)
	return s, nil
}

// ShardsFor returns the number of shards for a memory limit: enough that the processors rarely meet at one lock, and few enough that a
// shard keeps 16 MB, so that eviction within shards sees the whole of the keyspace; but so many that half of what a shard can address
// is enough for its part.
func ShardsFor(maxMemory int64, cpus int) int {
	n := 4
	for n < maxShards && (maxMemory/int64(n) > maxBlocks*blockSize/2 ||
		n < 8*cpus && (maxMemory == 0 || maxMemory/int64(2*n) >= 16<<20)) {
		n *= 2
	}
	return n
}

// Close stops the background work and gives the memory back. No Tx may be used after.
func (s *Store) Close() {
	close(s.stop)
	s.done.Wait()
	s.pool.close()
	s.buffers.close()
}

// Key hashes a key.
func (s *Store) Key(b []byte) Key { return Key{b, hashBytes(b)} }

// NewTx returns a Tx with nothing locked. A Tx serves one goroutine at a time.
func (s *Store) NewTx() *Tx { return &Tx{store: s, locked: make([]uint64, (len(s.shards)+63)/64)} }

// Stats are totals since the start, or since ResetStats, and current sizes.
type Stats struct {
	Keys, Expires            [Databases]int64    // keys, and keys with a TTL, by database
	AvgTTL                   [Databases]int64    // mean remaining TTL in milliseconds
	Hits, Misses             uint64              // reads of keys that were there, and not
	Expired, Evicted         uint64              // keys that went
	EvictedBy                [numPolicies]uint64 // Evicted by the Policy at the time
	Reaped                   uint64              // expired keys that were removed with nobody asking for them
	ReapLag                  int64               // milliseconds from their deadlines until then, all together
	DataBytes, OverheadBytes int64               // bytes of live records, and of the index
	IndexBytes               [Databases]int64    // OverheadBytes by database
	DeadBytes                int64               // bytes in blocks that no live record takes
	FreeBytes                int64               // resident bytes of blocks and Buffers that nothing uses
	ArrivingBytes            int64               // of values on their way in; see AddArriving
	Watched                  int64               // keys that are watched
	Doomed                   int64               // large values that are gone, and still have parts to be deleted
}

// Stats returns the totals, for callers that hold no lock.
func (s *Store) Stats() Stats { return s.NewTx().Stats() }

// Stats returns the totals. It locks shard after shard, unless LockAll was called.
func (t *Tx) Stats() Stats {
	var st Stats
	var deadlines [Databases]int64
	t.walk(func(sh *shard) bool {
		for db, sp := range sh.dbs {
			st.Keys[db] += int64(sp.keys.keys)
			st.Expires[db] += int64(sp.expires)
			deadlines[db] += sp.deadlines
			index := int64(sp.keys.blocks()+sp.parts.blocks()) * blockSize
			st.IndexBytes[db] += index
			st.OverheadBytes += index
		}
		st.Hits += sh.stats.hits
		st.Misses += sh.stats.misses
		st.Expired += sh.stats.expired
		for policy, n := range sh.stats.evicted {
			st.Evicted += n
			st.EvictedBy[policy] += n
		}
		st.Reaped += sh.stats.reaped
		st.ReapLag += sh.stats.lag
		st.DataBytes += sh.live
		st.DeadBytes += int64(len(sh.blocks)-len(sh.vacant)+sh.zombies()+sh.sideBlocks())*blockSize - sh.live
		st.Watched += int64(len(sh.watches))
		st.Doomed += int64(len(sh.doomed))
		return true
	})
	st.FreeBytes = t.store.pool.warm.Load()*blockSize + t.store.buffers.kept.Load()
	st.ArrivingBytes = t.store.pool.arriving.Load()
	now := time.Now().UnixMilli() - deadlineZero
	for db, n := range st.Expires {
		if n > 0 {
			st.AvgTTL[db] = max(deadlines[db]/n-now, 0)
		}
	}
	return st
}

// ResetStats sets hits, misses, expired and evicted to zero. It locks shard after shard, unless LockAll was called.
func (t *Tx) ResetStats() {
	t.walk(func(sh *shard) bool {
		sh.stats = shardStats{}
		return true
	})
}
