package plan

import (
	"math"
	"math/bits"
)

// What the same things take in other servers follows from how these lay out
// memory, which their allocators round up to classes of sizes. The layouts are
// read from their sources, and the results agree with the resident memory that
// was measured; see TestPeersAgreeWithMeasurements and docs/plan.md.

// fragmentation is how much more than the sum of the classes was measured with
// Redis and Valkey, as a share of it.
const fragmentation = .015

// redisLike is a server of Redis's family.
type redisLike struct {
	quantum int64 // spacing of jemalloc's smallest classes
	entry   int64 // size of a dictEntry
	embeds  bool  // a dictEntry of the keyspace holds its key (Valkey 8.0)
	packs   bool  // small sets are packed, members of large ones in the buckets themselves (Valkey 8.0)
}

var (
	redis7  = redisLike{quantum: 16, entry: 24}
	valkey8 = redisLike{quantum: 8, entry: 24, embeds: true, packs: true}
)

// class returns what jemalloc gives for n bytes: up to 128 multiples of the
// quantum, above four classes to each doubling.
func (r redisLike) class(n int64) int64 {
	step := r.quantum
	switch {
	case n > 128:
		step = 1 << (bits.Len64(uint64(n-1)) - 3)
	case n > 64:
		step = 16
	}
	return (n + step - 1) / step * step
}

// sds is the length of a string with header and final zero. Short keys and
// fields have a shorter header.
func sds(n int64, short bool) int64 {
	switch {
	case short && n < 32:
		return n + 2
	case n < 1<<8:
		return n + 4
	case n < 1<<16:
		return n + 6
	}
	return n + 10
}

// item returns the bytes of one key with its value, without tables.
func (r redisLike) item(s *Shape) int64 {
	n := r.class(r.entry) + r.class(sds(s.Key, true))
	if r.embeds {
		n = r.class(17 + sds(s.Key, true))
	}
	if s.TTL {
		n += r.class(r.entry)
	}
	switch {
	case s.Counter:
		return n + 16
	case s.Fields > 0:
		return n + 16 + r.hash(s)
	case s.Members > 0:
		return n + 16 + r.set(s)
	case s.Size <= 44:
		return n + r.class(16+sds(s.Size, false))
	}
	return n + 16 + r.class(sds(s.Size, false))
}

// listpackFields is hash-max-listpack-entries of Redis from 7.0 on, and of Valkey.
const listpackFields = 512

// hash returns the bytes of a hash: a listpack while it is small.
func (r redisLike) hash(s *Shape) int64 {
	value := s.Size / s.Fields
	if s.Fields <= listpackFields && value <= 64 && s.Field <= 64 {
		return r.class(7 + s.Fields*(packed(s.Field)+packed(value)))
	}
	each := r.class(r.entry) + r.class(sds(s.Field, true)) + r.class(sds(value, true))
	return r.class(56) + buckets(s.Fields) + s.Fields*each
}

// set returns the bytes of a set whose members are no integers.
func (r redisLike) set(s *Shape) int64 {
	n, member := s.Members, s.Member()
	if r.packs && n <= 128 && member <= 64 {
		return r.class(7 + n*packed(member))
	}
	table := buckets(n)
	bytes := r.class(56) + table + n*r.class(sds(member, true))
	if r.packs { // a member has an entry where it came to a bucket that was in use
		alone := float64(table/8) * (1 - math.Exp(-float64(n)/float64(table/8)))
		return bytes + (n-int64(alone))*r.class(16)
	}
	// The table before this one stays until each bucket in use, of which there are 63 in 100 when it
	// is full, was moved: one with each member that comes.
	if half := table / 8 / 2; n > 4 && float64(n-half-1) < .63*float64(half) {
		bytes += table / 2
	}
	return bytes + n*r.class(r.entry)
}

// packed is the length of a string of up to 64 bytes in a listpack.
func packed(n int64) int64 {
	if n == 64 {
		return n + 3
	}
	return n + 2
}

// buckets is the size of a hash table for n entries.
func buckets(n int64) int64 {
	if n == 0 {
		return 0
	}
	return 8 << bits.Len64(uint64(n-1))
}

// total returns the bytes of one kind of items, whose share of the tables is by
// the number of keys.
func (r redisLike) total(it *Item, keys, expires float64) int64 {
	n := float64(it.Count) * it.mean(func(s *Shape) float64 {
		each := float64(r.item(s))
		if keys > 0 {
			each += float64(buckets(int64(keys))) / keys
		}
		if s.TTL {
			each += float64(buckets(int64(expires))) / expires
		}
		return each
	})
	return int64(n * (1 + fragmentation))
}

// memcached's layout: an item in a chunk of a page, with the default growth of
// chunks by 1.25 from 96 bytes.
const (
	memcachedHeader = 48 + 8 + 2 + 1 // item, CAS, line end of the value, zero of the key
	memcachedPage   = 1 << 20
	memcachedChunk  = memcachedPage / 2 // longest chunk
	memcachedKey    = 250               // longest key
)

// memcachedTotal returns the bytes of one kind of items. If memcached does not
// take them, that is nil and a few words say why. A hash counts as one value with
// its names, a set as one with its members.
func memcachedTotal(it *Item) (n *int64, refused string) {
	each := it.mean(func(s *Shape) float64 {
		size := memcachedHeader + s.Key + s.Size + s.Fields*s.Field
		switch {
		case s.Key > memcachedKey:
			refused = "key>250B"
			return 0
		case size > memcachedPage:
			refused = "item>1MB"
			return 0
		case size > memcachedChunk: // in several chunks
			return float64(size+8) * 1.02
		}
		return float64(memcachedPage/(memcachedPage/memcachedClass(size)) + 8) // of the hash table
	})
	if refused != "" {
		return nil, refused
	}
	total := int64(float64(it.Count) * each)
	return &total, ""
}

func memcachedClass(size int64) int64 {
	for chunk := int64(96); chunk <= memcachedChunk*4/5; chunk = (chunk*5/4 + 7) &^ 7 {
		if size <= chunk {
			return chunk
		}
	}
	return memcachedChunk
}
