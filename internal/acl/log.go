package acl

import (
	"slices"
	"strings"
	"sync"
)

// Event is something that was refused, as ACL LOG shows it.
type Event struct {
	Why      Denial
	Context  string // where the command stood: "toplevel", "multi"
	Object   string // the command, the key, or the command that was to log in
	Username string
	Client   string // the client's line of CLIENT LIST
	Time     int64  // Unix milliseconds of the last time
	Created  int64  // and of the first; set by Add
	ID       int64  // one more than that of the entry made before; set by Add
	Count    int64  // how often within a minute of each other; set by Add
}

const (
	sameWithin = 60_000 // milliseconds between two that are counted as one
	lookedAt   = 10     // newest entries among which one alike is looked for
	textKept   = 1 << 10
)

// Log keeps the events that were refused last, alike ones as one entry. Any goroutine may call its methods.
type Log struct {
	mu     sync.Mutex
	events []Event // newest first
	made   int64   // entries so far
}

// Add adds an event, and drops the oldest beyond most. Of its texts the first kilobyte is kept.
func (l *Log) Add(e Event, most int) {
	for _, text := range []*string{&e.Object, &e.Username, &e.Client} {
		*text = strings.Clone(clipTo(*text, textKept))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	e.Count, e.Created, e.ID = 1, e.Time, l.made
	for i := range min(len(l.events), lookedAt) {
		if old := &l.events[i]; old.like(&e) {
			e.Count, e.Created, e.ID = old.Count+1, old.Created, old.ID
			l.events = slices.Delete(l.events, i, i+1)
			break
		}
	}
	if e.ID == l.made {
		l.made++
	}
	l.events = slices.Insert(l.events, 0, e)
	if len(l.events) > most {
		clear(l.events[most:])
		l.events = l.events[:most]
	}
}

// like reports whether two events are one entry.
func (e *Event) like(other *Event) bool {
	apart := e.Time - other.Time
	return e.Why == other.Why && e.Context == other.Context && e.Object == other.Object && e.Username == other.Username &&
		-sameWithin <= apart && apart <= sameWithin
}

// Events returns the newest events, up to most of them, newest first.
func (l *Log) Events(most int) []Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.events[:min(most, len(l.events))])
}

// Reset forgets all events.
func (l *Log) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = nil
}
