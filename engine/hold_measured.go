//go:build holds

package engine

import (
	"sync"
	"time"
)

// lock is a shard's mutex that measures each hold of it. The fields are guarded by mu.
type lock struct {
	mu   sync.Mutex
	from time.Time
	hold Hold
}

// Hold is what was done while a shard was locked once.
type Hold struct {
	Records int // as counted by shard.handle
	Bytes   int // of them, that were copied
	Time    time.Duration
}

// OnHold is called at the end of each hold, when the lock is free again, by several goroutines at a time. It is set before a Store is opened.
var OnHold = func(Hold) {}

// Lock locks the shard.
func (l *lock) Lock() {
	l.mu.Lock()
	l.hold = Hold{}
	l.from = time.Now()
}

// TryLock locks the shard if nobody has it.
func (l *lock) TryLock() bool {
	ours := l.mu.TryLock()
	if ours {
		l.hold, l.from = Hold{}, time.Now()
	}
	return ours
}

// Unlock ends the hold.
func (l *lock) Unlock() {
	h := l.hold
	h.Time = time.Since(l.from)
	l.mu.Unlock()
	OnHold(h)
}

// work is told what shard.handle counts.
func (l *lock) work(records, bytes int) {
	l.hold.Records += records
	l.hold.Bytes += bytes
}
