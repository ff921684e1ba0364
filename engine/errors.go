package engine

import "errors"

// Errors that depend on what a key holds.
var (
	// ErrWrongType says that the key holds another type than the operation needs.
	ErrWrongType = errors.New("engine: wrong type")
	// ErrNotInteger says that a string or field is not a base-10 int64.
	ErrNotInteger = errors.New("engine: not an integer")
	// ErrOverflow says that an increment would leave the range of int64.
	ErrOverflow = errors.New("engine: integer overflow")
)

// Errors that depend on memory and sizes.
var (
	// ErrKeyTooLong says that a key, a field of a hash or a member of a set is longer than 32 KB.
	ErrKeyTooLong = errors.New("engine: key, field or member is longer than 32 KB")
	// ErrOutOfMemory says that the memory limit leaves no room and the policy lets nothing be evicted.
	ErrOutOfMemory = errors.New("engine: out of memory")
	// ErrPinned is ErrOutOfMemory where Pins keep what could be evicted, or was.
	ErrPinned = errors.New("engine: out of memory, as values are pinned")
	// ErrDamaged says that a part of a value is lost, which is an error in this package. The key, the field or the member is gone then, so
	// that the operation can be tried again.
	ErrDamaged = errors.New("engine: the value was damaged")
)
