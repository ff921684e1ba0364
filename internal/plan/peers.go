package plan

import "math/bits"

// What the same things take in other servers follows from how these lay out
// memory, which their allocators round up to classes of sizes. The layouts are
// read from their sources, and the results agree with the resident memory that
// was measured; see TestPeersAgreeWithMeasurements and docs/plan.md.

// fragmentation is how much more than the sum of the classes was measured, in
// thousandths, with Redis and Valkey.
const fragmentation = 15

// redisLike is a server of Redis's family.
type redisLike struct {
	quantum int64 // spacing of jemalloc's smallest classes
	entry   int64 // size of a dictEntry
	embeds  bool  // a dictEntry of the keyspace holds its key (Valkey 8)
}

var (
	redis7  = redisLike{quantum: 16, entry: 24}
	valkey8 = redisLike{quantum: 8, entry: 24, embeds: true}
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
func (r redisLike) item(it *Item) int64 {
	n := r.class(r.entry) + r.class(sds(it.Key, true))
	if r.embeds {
		n = r.class(17 + sds(it.Key, true))
	}
	if it.TTL > 0 {
		n += r.class(r.entry)
	}
	if it.Fields > 0 {
		return n + 16 + r.hash(it)
	}
	if it.Size <= 44 {
		return n + r.class(16+sds(it.Size, false))
	}
	return n + 16 + r.class(sds(it.Size, false))
}

// hash returns the bytes of a hash: a listpack while it is small.
func (r redisLike) hash(it *Item) int64 {
	value := it.Size / it.Fields
	if it.Fields <= 128 && value <= 64 && it.Field <= 64 {
		return r.class(7 + it.Fields*(packed(it.Field)+packed(value)))
	}
	each := r.class(r.entry) + r.class(sds(it.Field, true)) + r.class(sds(value, true))
	return r.class(56) + buckets(it.Fields) + it.Fields*each
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
func (r redisLike) total(it *Item, keys, expires int64) int64 {
	n := it.Count * r.item(it)
	if keys > 0 {
		n += int64(float64(buckets(keys)) * float64(it.Count) / float64(keys))
	}
	if it.TTL > 0 {
		n += int64(float64(buckets(expires)) * float64(it.Count) / float64(expires))
	}
	return n + n/1000*fragmentation
}

// memcached's layout: an item in a chunk of a page, with the default growth of
// chunks by 1.25 from 96 bytes.
const (
	memcachedHeader = 48 + 8 + 2 + 1 // item, CAS, line end of the value, zero of the key
	memcachedPage   = 1 << 20
	memcachedChunk  = memcachedPage / 2 // longest chunk
)

// memcachedTotal returns the bytes of one kind of items, nil if memcached does
// not take items so large. A hash counts as one value with its names.
func memcachedTotal(it *Item) *int64 {
	size := memcachedHeader + it.Key + it.Size + it.Fields*it.Field
	if size > memcachedPage {
		return nil
	}
	each := (size + 8) * 102 / 100 // in several chunks
	if size <= memcachedChunk {
		each = memcachedPage/(memcachedPage/memcachedClass(size)) + 8 // of the hash table
	}
	n := it.Count * each
	return &n
}

func memcachedClass(size int64) int64 {
	for chunk := int64(96); chunk <= memcachedChunk*4/5; chunk = (chunk*5/4 + 7) &^ 7 {
		if size <= chunk {
			return chunk
		}
	}
	return memcachedChunk
}
