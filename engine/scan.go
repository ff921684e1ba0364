package engine

import (
	"math/bits"
	"math/rand/v2"
	"unsafe"
)

// A scan visits keys in the order of their hashes read backwards, bit by bit. A bucket of linear hashing holds the keys whose hashes
// agree in some low bits; read backwards, those are one interval. So a position in that order means the same whatever number of
// buckets the table has meanwhile, and a key that stays is never passed over. (Redis's dictScan, by Pieter Noordhuis, is this idea for
// tables whose size is a power of two.)

// nextPosition returns the position after the interval of a bucket, 0 at the end.
func nextPosition(bucket, buckets, mask uint32) uint64 {
	width := bits.Len32(mask) // bits that decide: one more for buckets that were split
	if split := buckets - (mask + 1); bucket < split || bucket > mask {
		width++
	}
	if width == 0 {
		return 0
	}
	return bits.Reverse64(uint64(bucket)) + 1<<(64-width)
}

// position returns where a scan passes a key or field with these bits of its hash.
func position(x uint32) uint64 { return bits.Reverse64(uint64(x)) }

// Scan calls fn for the keys of about count slots from cursor on and returns the cursor to go on
// with, 0 at the end. It ends early, after some keys more, when fn returns false. A key that is
// there during the whole iteration is passed once. key is valid during the call only; fn must not
// use the Tx.
func (t *Tx) Scan(cursor uint64, count int, fn func(key []byte, typ Type) bool) uint64 {
	s := keyScan{fn: t.lendKeys(fn), work: max(count, 1) * slotWork}
	i, pos := int(cursor&(maxShards-1)), cursor>>shardBits<<32
	for i < len(t.store.shards) {
		t.with(i, func(sh *shard) bool {
			pos = t.scanShard(sh, pos, &s)
			return true
		})
		if pos == 0 {
			i++
		}
		if s.work <= 0 {
			break
		}
	}
	if i >= len(t.store.shards) { // more only for a cursor that no scan returned
		return 0
	}
	return pos>>32<<shardBits | uint64(i)
}

// A scan's count is of slots in use. Looking at an empty bucket is not free either, but a small database, which is mostly empty buckets,
// should come whole at the first call.
const (
	slotWork   = 16
	bucketWork = 1
)

// keyScan is a Scan under way.
type keyScan struct {
	fn   func(key []byte, typ Type) bool
	work int // what is left of it
	hold int // what may still be done before the lock is given back

	// from is where the scan is, if the bucket's interval begins before that, because buckets were
	// merged meanwhile. The keys before it were passed. Else it is 0.
	from uint64
}

// scanShard scans from a position until the work is done, and returns the position to go on with, 0
// at the end of the shard. It looks at no more than sweepRecords slots or sweepBytes of keys in one
// go, or a bucket more, so that the lock is not held for long.
func (t *Tx) scanShard(sh *shard, pos uint64, s *keyScan) uint64 {
	tb := &sh.dbs[t.DB].keys
	if tb.buckets == 0 {
		return 0
	}
	for s.hold = sweepRecords * slotWork; s.work > 0 && s.hold > 0; {
		no := linear(uint32(bits.Reverse64(pos)), tb.buckets, tb.mask)
		if s.from = 0; position(no) < pos {
			s.from = pos
		}
		for b := tb.bucket(no); b != nil; b = tb.child(b) {
			t.scanBucket(sh, b, s)
		}
		if pos = nextPosition(no, tb.buckets, tb.mask); pos == 0 {
			break
		}
	}
	return pos
}

// scanBucket passes the keys of one bucket that have not expired.
func (t *Tx) scanBucket(sh *shard, b unsafe.Pointer, s *keyScan) {
	work, keys, more := bucketWork, 0, true
	for i := 0; i < bucketSlots; i++ {
		if load8(b, i) == 0 {
			continue
		}
		work += slotWork
		if v := decode(sh.at(loc(load32(b, bucketLocs+4*i)))); !sh.expired(&v, t.Now) {
			key := v.keyBytes()
			if s.from != 0 && position(uint32(hashBytes(key)>>shardBits)) < s.from {
				continue
			}
			keys += len(key)
			more = s.fn(key, v.typ()) && more
		}
	}
	s.work -= work
	s.hold -= work + keys*sweepRecords*slotWork/sweepBytes
	if !more {
		s.work = 0
	}
}

// Len returns the number of keys of the selected database.
func (t *Tx) Len() int {
	n := 0
	t.walk(func(sh *shard) bool {
		n += sh.dbs[t.DB].keys.keys
		return true
	})
	return n
}

// randomTries is how many expired keys that have to stay Random looks at in a shard.
const randomTries = 100

// Random appends a random key of the selected database to dst. ok is false if there is none.
func (t *Tx) Random(dst []byte) (key []byte, ok bool) {
	total := t.Len()
	if total == 0 {
		return dst, false
	}
	n := rand.IntN(total)
	for tries := 0; tries < 2; tries++ { // keys may go meanwhile: the second round takes any
		t.walk(func(sh *shard) bool {
			if c := sh.dbs[t.DB].keys.keys; tries == 0 && n >= c {
				n -= c
				return true
			}
			dst, ok = t.randomOf(sh, dst)
			return !ok
		})
		if ok {
			break
		}
	}
	return dst, ok
}

// randomOf appends a random key of one shard, removing those that it finds expired. Where they have
// to stay it gives up after some.
func (t *Tx) randomOf(sh *shard, dst []byte) ([]byte, bool) {
	sp := sh.dbs[t.DB]
	for kept := 0; sp.keys.keys > 0 && kept < randomTries; {
		no := uint32(sh.random() % uint64(sp.keys.buckets))
		found, seen := slot{}, uint64(0)
		for b := sp.keys.bucket(no); b != nil; b = sp.keys.child(b) {
			for i := 0; i < bucketSlots; i++ {
				if load8(b, i) == 0 {
					continue
				}
				if seen++; sh.random()%seen == 0 {
					found = slot{b, i}
				}
			}
		}
		if seen == 0 {
			continue
		}
		v := decode(sh.at(found.loc()))
		if !sh.expired(&v, t.Now) {
			return append(dst, v.keyBytes()...), true
		}
		if t.KeepExpired {
			kept++
			continue
		}
		r := sh.refAt(sp, found, v, sh.keyHash(found.loc()))
		r.expire()
	}
	return dst, false
}

// Flush empties the selected database. LockAll must have been called.
func (t *Tx) Flush() {
	for i := range t.store.shards {
		t.store.shards[i].flush(t.store.shards[i].dbs[t.DB], t.Now)
	}
}

// FlushAll empties all databases. LockAll must have been called.
func (t *Tx) FlushAll() {
	for i := range t.store.shards {
		for _, sp := range t.store.shards[i].dbs {
			t.store.shards[i].flush(sp, t.Now)
		}
	}
}

// flush empties a space: its tables go at once, its records are dead from now on by the age of their blocks. Where no other space
// of the shard has keys, the blocks go as well.
func (sh *shard) flush(sp *space, now int64) {
	if sh.snap != nil {
		sh.snap.Fail(ErrFlushed)
	}
	sh.expireWatched(sp, now)
	sh.touchAll(sp)
	sp.keys.drop(sh.pool)
	sp.parts.drop(sh.pool)
	sp.expires, sp.deadlines, sp.flushed = 0, 0, sh.nextSeq
	sh.sealAll()
	for i := len(sh.doomed) - 1; i >= 0; i-- {
		if sh.doomed[i].space == sp.id {
			sh.doomed = append(sh.doomed[:i], sh.doomed[i+1:]...)
		}
	}
	for _, other := range sh.spaces {
		if other.keys.keys > 0 || other.parts.keys > 0 {
			sh.stale = sh.nextSeq
			return
		}
	}
	for i := range sh.queues {
		for q := &sh.queues[i]; q.oldest != noBlock; {
			sh.freeBlock(q.oldest)
		}
	}
	sh.stale = 0
}

// SwapDB exchanges two databases. LockAll must have been called.
func (t *Tx) SwapDB(a, b int) {
	if a == b {
		return
	}
	for i := range t.store.shards {
		sh := &t.store.shards[i]
		sh.expireWatched(sh.dbs[a], t.Now)
		sh.expireWatched(sh.dbs[b], t.Now)
		sh.touchAll(sh.dbs[a])
		sh.touchAll(sh.dbs[b])
		sh.dbs[a], sh.dbs[b] = sh.dbs[b], sh.dbs[a]
		sh.dbs[a].db, sh.dbs[b].db = uint8(a), uint8(b)
		sh.touchAll(sh.dbs[a])
		sh.touchAll(sh.dbs[b])
	}
}
