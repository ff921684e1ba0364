// Package engine is the keyspace of the cache: strings, hashes and sets with expiry, in sixteen databases, within a limit of memory.
//
// # Terms
//
//   - The arena is all memory that holds data. It comes from the system in spans of 4 MB and is handed out in blocks of 64 KB by the pool.
//     It is not on the Go heap: the garbage collector neither scans nor counts it.
//   - A shard is a part of the keyspace, chosen by the low bits of a key's hash. It has a lock, blocks, and the tables of its keys.
//   - A space is one shard's part of one database.
//   - A record is a key with its value, or a part of a value that is too large for one record. Records lie in blocks, one behind the
//     other, and are never spread over two.
//   - A root is the record with the key of a value in parts.
//   - A table is the hash index from keys, or parts, to locations: 4 bytes that name a block of the shard and an offset in it.
//
// # Layout
//
//	Store ── shards ──┬─ blocks:   [record|record|dead|record|filler|record|   free   ]   open: records are appended
//	                  │            [record|dead|dead|record|record|record|record|record]  sealed: in a queue, oldest first
//	                  │            [part     |part     |part     |part     ]              full parts, four to a block
//	                  │
//	                  └─ spaces ──┬─ keys:  hash → bucket [12 tags|next|12 locations] → record
//	                                 └─ parts: hash of owner and number → ...            → part
//
//	a string of 40 KB:   root [key|id, length|first bytes]    parts 0, 1: 16 KB each, found by (hash of key, id, number)
//	a hash of 1 MB:      root [key|id, buckets, counts]       parts 0...: buckets of entries; 2^31...: long fields and values
//	a set of 1 MB:       root [key|id, buckets, counts]       parts 0...: buckets of runs; 2^31...: long members
//
// A write appends a record to the open block of its class and points the table to it; what it replaces is marked dead where it lies.
// Records with a similar time to live share blocks, so that they die together. A block whose last live record dies goes back to the pool
// at once. Blocks that are partly dead are compacted by the reclaimer when room is needed, and the same sweep evicts: it takes a block,
// moves what is to stay, and frees the block. So there are no free lists of holes, no size classes, and no fragmentation that lasts.
// Values that change in length stay where they are if they fit into their place and the filler behind it.
//
// # Reading the source
//
// record.go, table.go and shard.go are the structure; ref.go finds a key in it, and lifecycle.go
// changes it. types.go says what the rest of the engine asks of a type of values; string*.go, hash*.go and
// set*.go are the types. parts.go is what they keep large values in, buckets.go what many elements are kept
// in, and run.go how elements lie in columns. export.go is how values
// leave and come back. snapshot.go is how all of it is written while it changes; saved.go and
// retained.go keep what is about to change, and recall.go what is known of the use of keys. keys.go,
// scan.go, expire.go and watch.go are the operations that do not care about types, evict.go,
// victim.go, usage.go and stamps.go the reclaimer. prefetch.go and hash_prefetch.go let the look-ups
// of several keys wait for memory together. store.go and tx.go are what callers see, background.go
// is what runs without them. check.go says precisely what holds.
//
// # Invariants
//
// Store.Check verifies them all. The important ones:
//
//   - A record is live exactly if a table points to it, and then from one slot. It is dead if flagDead is set, or if its space was
//     flushed after its block was opened.
//   - The bytes of live records that a block counts are exact; after a flush, until the next background cycle, an upper bound.
//   - Every block is open for one class, or sealed and in the queue of its pool, or vacant. A sealed block has live records, unless it is
//     being reclaimed.
//   - The stamp of every record is among those that its block is said to have. A stamp that no block is said to have is unused.
//   - Nothing in a block expires before the block's earliest deadline.
//   - Where no snapshot is being taken, the record of every key has its shard's colour.
//   - Every part belongs to one value. Nothing in a root or a bucket points to a location, so that records move without anyone being told.
//   - A value in parts that was deleted leaves its parts behind on the list of the doomed, with an id that no other value has.
//   - The walk over a block by the sizes of its records ends where the block's used bytes end.
//
// # Locking
//
// Each shard has one mutex; everything in it, and the memory of its blocks, is guarded by that.
// Callers lock: a Tx locks the shards of the keys that it names, in ascending order, or all of
// them, and its methods then run without further locks. A Value is a view of the arena and dies
// with the lock, or with a write; builds with the tag invariants panic where one is used later
// (lease_on.go). The pool has a lock of its own, which is taken last. Whoever needs memory calls
// Reserve first, without a lock; an operation never evicts, it may overstep the limit by the margin
// that Reserve keeps. Long work (expiry, eviction, the deletion of large values, recounting after a
// flush) goes in steps with the lock released between them. A step handles about holdRecords
// records; what it looks at is bounded as well, by a block or by scanBlocks. Nothing that grows is
// copied whole under a lock but the list of a shard's blocks. The system is asked for memory by
// Reserve, before the lock. Builds with the tag holds measure each hold.
//
// # Rejected
//
//   - A Go map of Go values, which the first version was: 150 to 200 bytes of overhead a key, a collector that scans all of it, and no way
//     to know what memory an eviction frees. It lives on as the oracle of the tests.
//   - A malloc for each key, off the heap: 16 bytes of header and rounding each, and fragmentation that only moving cures, which takes
//     finding what points to an allocation.
//   - Go pointers to records: 8 bytes instead of 4, and memory that the collector must know about.
//   - Slabs of size classes: memory is stuck in the class that it was once given to, when sizes change.
//   - Pages of slots with back references from records to their index entries: 4 bytes a record, where a look-up by the record's own key
//     finds the entry, needed only when the record moves.
//   - Two tables while rehashing: either a pause, or both in memory for long. Linear hashing grows by one bucket at a time and needs
//     neither; a scan over it is a walk in the order of reversed hashes, which growing does not disturb.
//   - A heap or a wheel of deadlines: 8 bytes and more a key. Blocks of similar deadlines, walked when the first is due, cost nothing.
//   - Linked lists for LRU: 8 to 16 bytes a key and a write to two other keys on each read. The order of blocks, and four bits in each
//     record, are enough.
package engine
