package population

import (
	"fmt"
	"math"
	"strconv"

	"github.com/redistill/redistill/internal/plan"
)

const (
	batchBytes = 32 << 10   // of commands sent before their replies are read
	loadTTL    = "86400000" // milliseconds that keys with a deadline get, so that none expires meanwhile
	maxBatch   = 1000       // commands of a batch
)

// loader writes items into an empty server. Keys of all items are different.
type loader struct {
	*conn
	next     uint64 // number of the next key
	value    []byte // what values are cut from
	progress func(done int64)
}

// digits are those of keys and names of fields: a number of as many as a name has.
const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"

// load writes all keys of an item. Each is one command, and another one for the
// deadline of a hash.
func (l *loader) load(it *plan.Item) error {
	shapes := it.Shapes()
	for i := range shapes {
		if !enough(shapes[i].Key, float64(l.next)+float64(it.Count)) {
			return fmt.Errorf("item %s: there are not so many different keys of %d bytes", it.Name, shapes[i].Key)
		}
		if s := &shapes[i]; !enough(s.Field, float64(s.Fields)) {
			return fmt.Errorf("item %s: there are not so many different fields of %d bytes", it.Name, s.Field)
		}
	}
	for i := range it.Count {
		l.command(&shapes[i%int64(len(shapes))])
		if len(l.out) < batchBytes && l.waiting < maxBatch && i+1 < it.Count {
			continue
		}
		if err := l.send((*reply).err); err != nil {
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
		l.begin(2 + 2*int(s.Fields))
		l.word("HSET")
		l.name(s.Key, number)
		for f := range s.Fields {
			l.name(s.Field, uint64(f))
			l.bytes((s.Size + s.Fields - 1) / s.Fields)
		}
		if s.TTL {
			l.begin(3)
			l.word("PEXPIRE")
			l.name(s.Key, number)
			l.word(loadTTL)
		}
		return
	case s.TTL:
		l.begin(5)
	default:
		l.begin(3)
	}
	l.word("SET")
	l.name(s.Key, number)
	if s.Counter {
		l.word(strconv.FormatUint(1_000_000_000+number, 10))
	} else {
		l.bytes(s.Size)
	}
	if s.TTL {
		l.word("PX")
		l.word(loadTTL)
	}
}

// word appends a word of a command.
func (l *loader) word(w string) {
	l.header(int64(len(w)))
	l.out = append(append(l.out, w...), "\r\n"...)
}

func (l *loader) header(n int64) {
	l.out = append(strconv.AppendInt(append(l.out, '$'), n, 10), "\r\n"...)
}

// name appends a name of a length, which is a number.
func (l *loader) name(length int64, number uint64) {
	l.header(length)
	at := len(l.out)
	l.out = append(l.out, make([]byte, length)...)
	for i := at + int(length) - 1; i >= at; i-- {
		l.out[i] = digits[number%uint64(len(digits))]
		number /= uint64(len(digits))
	}
	l.out = append(l.out, "\r\n"...)
}

// bytes appends a value of a length. It is not that of a number.
func (l *loader) bytes(length int64) {
	for int64(len(l.value)) < length {
		l.value = append(l.value, "value of a population, "...)
	}
	l.header(length)
	l.out = append(append(l.out, l.value[:length]...), "\r\n"...)
}
