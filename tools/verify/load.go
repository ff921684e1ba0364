package verify

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/redistill/redistill/tools/client"
	"github.com/redistill/redistill/tools/plan"
)

const (
	batchBytes = 32 << 10   // of commands sent before their replies are read
	loadTTL    = "86400000" // milliseconds that keys with a deadline get, so that none expires meanwhile
	maxBatch   = 1000       // commands of a batch
)

// loader writes items into an empty server. Keys of all items are different.
type loader struct {
	*client.Conn
	next     uint64 // number of the next key
	value    []byte // what values are cut from
	scratch  []byte // the last name
	progress func(done int64)
}

// digits are those of keys and names of fields: a number of as many as a name has.
const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"

// load writes all keys of an item. Each is one command, and another one for the
// deadline of a hash or set.
func (l *loader) load(it *plan.Item) error {
	shapes := it.Shapes()
	for i := range shapes {
		if !enough(shapes[i].Key, float64(l.next)+float64(it.Count)) {
			return fmt.Errorf("item %s: there are not so many different keys of %d bytes", it.Name, shapes[i].Key)
		}
		s := &shapes[i]
		if !enough(s.Field, float64(s.Fields)) {
			return fmt.Errorf("item %s: there are not so many different fields of %d bytes", it.Name, s.Field)
		}
		if s.Members > 0 && !enough(s.Member(), float64(s.Members)) {
			return fmt.Errorf("item %s: there are not so many different members of %d bytes", it.Name, s.Member())
		}
	}
	for i := range it.Count {
		l.command(&shapes[i%int64(len(shapes))])
		if commands, bytes := l.Queued(); bytes < batchBytes && commands < maxBatch && i+1 < it.Count {
			continue
		}
		if err := l.Send(client.ErrorOf); err != nil {
			return fmt.Errorf("item %s, key %d: %w", it.Name, i+1, err)
		}
		l.progress(i + 1)
	}
	return nil
}

// enough reports whether there are so many different names of a length.
func enough(length int64, names float64) bool {
	return names <= math.Pow(float64(len(digits)), float64(length))
}

// command appends what writes the next key.
func (l *loader) command(s *plan.Shape) {
	number := l.next
	l.next++
	switch {
	case s.Fields > 0:
		l.Begin(2 + 2*int(s.Fields))
		l.Word("HSET")
		l.name(s.Key, number)
		for f := range s.Fields {
			l.name(s.Field, uint64(f))
			l.filling((s.Size + s.Fields - 1) / s.Fields)
		}
		l.deadline(s, number)
		return
	case s.Members > 0:
		l.Begin(2 + int(s.Members))
		l.Word("SADD")
		l.name(s.Key, number)
		for m := range s.Members {
			l.name(s.Member(), uint64(m))
		}
		l.deadline(s, number)
		return
	case s.TTL:
		l.Begin(5)
	default:
		l.Begin(3)
	}
	l.Word("SET")
	l.name(s.Key, number)
	if s.Counter {
		l.Word(strconv.FormatUint(1_000_000_000+number, 10))
	} else {
		l.filling(s.Size)
	}
	if s.TTL {
		l.Word("PX")
		l.Word(loadTTL)
	}
}

// deadline appends what gives a key that was written its deadline, if it has one.
func (l *loader) deadline(s *plan.Shape, number uint64) {
	if s.TTL {
		l.Begin(3)
		l.Word("PEXPIRE")
		l.name(s.Key, number)
		l.Word(loadTTL)
	}
}

// name appends a name of a length, which is a number.
func (l *loader) name(length int64, number uint64) {
	l.scratch = slices.Grow(l.scratch[:0], int(length))[:length]
	for i := len(l.scratch) - 1; i >= 0; i-- {
		l.scratch[i] = digits[number%uint64(len(digits))]
		number /= uint64(len(digits))
	}
	l.Bytes(l.scratch)
}

// filling appends a value of a length. It is not that of a number.
func (l *loader) filling(length int64) {
	for int64(len(l.value)) < length {
		l.value = append(l.value, "value of a population, "...)
	}
	l.Bytes(l.value[:length])
}
