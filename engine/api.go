// Package engine is the keyspace: sharded tables of strings and hashes with expiry, eviction and memory accounting.
package engine

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

// Value is a view of a string value. It aliases the engine's memory and is valid until the Tx is unlocked or writes.
type Value struct {
	b   []byte
	num int64
	isN bool // the value is the integer num, b is unused
}

// Len returns the length in bytes.
func (v Value) Len() int

// AppendTo appends the value's bytes to dst.
func (v Value) AppendTo(dst []byte) []byte

// Int returns the value as an integer, if it is the canonical text of an int64.
func (v Value) Int() (int64, bool)

// Store is a keyspace of 16 databases, shared by any number of goroutines.
type Store struct{}

// Open makes an empty Store.
func Open(o Options) (*Store, error)

// Close stops the background work and gives memory back. No Tx may be used after.
func (s *Store) Close()

// Key hashes a key.
func (s *Store) Key(b []byte) Key

// NewTx returns a Tx with nothing locked. A Tx serves one goroutine at a time.
func (s *Store) NewTx() *Tx

// Reserve makes room for n more bytes, evicting where the policy allows. No lock may be held by the caller.
// It returns ErrOutOfMemory where it cannot. A command that may grow the keyspace calls it before it locks.
func (s *Store) Reserve(n int) error

// MaxMemory, SetMaxMemory, Policy and SetPolicy read and change the limit (bytes, 0 is none) and what is evicted. They act at once.
func (s *Store) MaxMemory() int64
func (s *Store) SetMaxMemory(n int64)
func (s *Store) Policy() Policy
func (s *Store) SetPolicy(p Policy)

// Stats are totals since the start, or since ResetStats, and current sizes.
type Stats struct {
	Keys, Expires              [Databases]int64 // keys, and keys with a TTL, by database
	AvgTTL                     [Databases]int64 // mean remaining TTL in milliseconds, an estimate, 0 if unknown
	Hits, Misses               uint64           // reads of keys that were there, and not
	Expired, Evicted           uint64           // keys that went
	DataBytes, OverheadBytes   int64            // bytes of records, and of everything kept to find them
	Watched                    int64            // keys that are watched
}

// Stats returns the totals. It takes each shard's lock for a moment.
func (s *Store) Stats() Stats

// ResetStats sets hits, misses, expired and evicted to zero.
func (s *Store) ResetStats()

// ExpireCycle removes keys whose deadline has passed; now is in Unix milliseconds. The Store calls it by itself in the
// background; tests call it to be deterministic.
func (s *Store) ExpireCycle(now int64)

// Tx is exclusive access to the shards of some keys, or to all of them. Its methods may be called only while the keys that they
// name are locked, except those that say that they lock by themselves.
type Tx struct {
	Now     int64 // Unix milliseconds, the time that expiry is judged by
	DB      int   // the selected database, 0 to Databases-1
	NoTouch bool  // reads leave recency and frequency as they are
	store   *Store
}

func (t *Tx) LockKey(k Key)     // locks the shard of one key
func (t *Tx) LockKeys(ks []Key) // locks the shards of several keys, in shard order
func (t *Tx) LockAll()          // locks every shard
func (t *Tx) Unlock()           // unlocks whatever is locked

// ---- keys

// Exists, Type, and Deadline look a key up as a read (hits and misses count) without touching its recency.
func (t *Tx) Exists(k Key) bool
func (t *Tx) Type(k Key) Type
func (t *Tx) Deadline(k Key) (at int64, ok bool) // at is NoDeadline for a key without one; ok is false if there is no key

// Touch marks a key as used now and reports whether it exists.
func (t *Tx) Touch(k Key) bool

// Delete removes a key and reports whether it was there.
func (t *Tx) Delete(k Key) bool

// SetDeadline sets when the key expires, in Unix milliseconds; NoDeadline removes the deadline. A time not after Now deletes the key.
// It reports whether the key was there.
func (t *Tx) SetDeadline(k Key, at int64) bool

// Rename moves src's value and deadline to dst, replacing what dst held. Both keys are locked. It reports whether src was there.
func (t *Tx) Rename(src, dst Key) bool

// Copy copies value and deadline of src to dst in database dstDB. It reports false where src is missing, or dst is there and
// replace is false.
func (t *Tx) Copy(src, dst Key, dstDB int, replace bool) (bool, error)

// Move moves a key to another database. It reports false where the key is missing or dstDB has it already.
func (t *Tx) Move(k Key, dstDB int) bool

// Encoding returns Redis's name of how the value is kept: int, embstr, raw, listpack or hashtable. Not a read for hits and misses.
func (t *Tx) Encoding(k Key) (string, bool)

// Idle returns the milliseconds since the key was last used; Frequency an estimate of uses, 0 to 255.
func (t *Tx) Idle(k Key) (ms int64, ok bool)
func (t *Tx) Frequency(k Key) (n int, ok bool)

// MemoryUsage returns the bytes that the key, its value and its share of the index take.
func (t *Tx) MemoryUsage(k Key) (n int, ok bool)

// Watch registers interest in a key and returns a token; Changed reports whether the key was changed, deleted, expired or evicted since.
// Every Watch is ended by one Unwatch with the same database and key. The key's shard is locked.
func (t *Tx) Watch(k Key) (token uint64)
func (t *Tx) Changed(k Key, token uint64) bool
func (t *Tx) Unwatch(k Key)

// ---- the whole database. These lock by themselves, shard after shard, unless LockAll was called.

// Len returns the number of keys of the selected database.
func (t *Tx) Len() int

// Scan calls fn for the keys of about count slots from cursor on and returns the cursor to go on with, 0 at the end. A key that is
// there during the whole iteration is passed at least once. key is valid during the call only; fn must not use the Tx.
func (t *Tx) Scan(cursor uint64, count int, fn func(key []byte, typ Type)) uint64

// Random appends a random key to dst.
func (t *Tx) Random(dst []byte) (key []byte, ok bool)

// Flush empties the selected database, FlushAll all of them, SwapDB exchanges two. LockAll must have been called.
func (t *Tx) Flush()
func (t *Tx) FlushAll()
func (t *Tx) SwapDB(a, b int)

// ---- strings

// Get returns the value; ok is false if the key is missing. A read.
func (t *Tx) Get(k Key) (v Value, ok bool, err error)

// Set stores a string whatever the key held before. val is copied. deadline is in Unix milliseconds, NoDeadline or KeepDeadline.
func (t *Tx) Set(k Key, val []byte, deadline int64) error

// Append appends to a string, making it if missing, and returns its new length. SetRange writes at an offset, padding with zero
// bytes; an empty val changes nothing.
func (t *Tx) Append(k Key, val []byte) (n int, err error)
func (t *Tx) SetRange(k Key, off int, val []byte) (n int, err error)

// IncrBy adds to the integer that the key holds, 0 if missing, keeping its deadline, and returns the sum.
func (t *Tx) IncrBy(k Key, delta int64) (int64, error)

// ---- hashes. A hash exists while it has fields.

// HSet sets a field and reports whether it is new. field and val are copied.
func (t *Tx) HSet(k Key, field, val []byte) (added bool, err error)

// HGet returns a field's value. A read of the key.
func (t *Tx) HGet(k Key, field []byte) (v Value, ok bool, err error)

// HDel deletes a field and reports whether it was there. The key goes with its last field.
func (t *Tx) HDel(k Key, field []byte) (bool, error)

// HLen returns the number of fields, 0 if the key is missing. A read.
func (t *Tx) HLen(k Key) (int, error)

// HIncrBy adds to a field's integer, 0 if missing, and returns the sum.
func (t *Tx) HIncrBy(k Key, field []byte, delta int64) (int64, error)

// HEach calls fn for every field until it returns false. The slices are valid during the call only. A read. Small hashes keep the
// order of insertion.
func (t *Tx) HEach(k Key, fn func(field, val []byte) bool) error

// HScan is Scan for the fields of a hash. A small hash is passed whole.
func (t *Tx) HScan(k Key, cursor uint64, count int, fn func(field, val []byte)) (uint64, error)

// HRandom calls fn with a field chosen uniformly at random; ok is false if the key is missing. A read.
func (t *Tx) HRandom(k Key, fn func(field, val []byte)) (ok bool, err error)
