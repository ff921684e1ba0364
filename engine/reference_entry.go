package engine

import (
	"math/rand/v2"
	"slices"
	"strconv"
)

// Hashes within these limits are small: they keep the order of insertion and are called listpack.
const (
	smallHashFields = 512 // fields
	smallHashBytes  = 64  // bytes of a field or value
)

const (
	maxIntLen    = 20 // "-9223372036854775808"
	maxEmbstrLen = 44
)

// What Go's maps and allocator take beyond the bytes of keys, fields and values, roughly.
const (
	keyOverhead   = 160 // entry, string header, slot of the map
	ttlOverhead   = 40  // slot of the map of deadlines
	fieldOverhead = 64  // two slice headers, rounding
	indexOverhead = 48  // slot of a large hash's index
)

// entry is what a key holds.
type entry struct {
	typ      Type
	val      []byte     // of a String
	raw      bool       // a String that was written to in place
	hash     *hashValue // of a Hash
	deadline int64
	lastUse  int64 // Unix milliseconds
	freq     uint8 // logarithmic, as Redis has it
}

// hashValue holds fields in order of insertion while it is small. It never becomes small again.
type hashValue struct {
	pairs []pair
	index map[string]int // position in pairs, nil while small
	bytes int            // of all fields and values
}

type pair struct{ field, val []byte }

// isExpired tells whether the deadline has passed: as in Redis, a key is there until the end of its last millisecond.
func (e *entry) isExpired(now int64) bool { return e.deadline != NoDeadline && now > e.deadline }

// use marks the entry as used at now. The frequency loses a step for each minute without use.
func (e *entry) use(now int64) {
	e.freq = e.decayed(now)
	e.lastUse = now
	above := max(0, int(e.freq)-initialUses)
	if e.freq < 255 && rand.IntN(above*usesLogFactor+1) == 0 {
		e.freq++
	}
}

func (e *entry) decayed(now int64) uint8 {
	steps := max(0, now-e.lastUse) / usesDecayAfter
	return uint8(max(0, int64(e.freq)-steps))
}

// size returns the bytes that count as data and those that count as overhead.
func (e *entry) size(key string) (data, overhead int64) {
	data, overhead = int64(len(key)+len(e.val)), keyOverhead
	if e.deadline != NoDeadline {
		overhead += ttlOverhead
	}
	if e.hash != nil {
		data += int64(e.hash.bytes)
		overhead += int64(len(e.hash.pairs)*fieldOverhead + len(e.hash.index)*indexOverhead)
	}
	return data, overhead
}

func (e *entry) encoding() string {
	if e.typ == Hash {
		if e.hash.index != nil {
			return "hashtable"
		}
		return "listpack"
	}
	if e.raw {
		return "raw"
	}
	if _, ok := parseInt(e.val); ok {
		return "int"
	}
	if len(e.val) <= maxEmbstrLen {
		return "embstr"
	}
	return "raw"
}

func (e *entry) clone() *entry {
	c := *e
	c.val = slices.Clone(e.val)
	if e.hash != nil {
		c.hash = &hashValue{}
		if e.hash.index != nil {
			c.hash.grow()
		}
		for _, p := range e.hash.pairs {
			c.hash.set(p.field, p.val)
		}
	}
	return &c
}

// parseInt reads the canonical text of an int64: no sign but a minus, no leading zeros.
func parseInt(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > maxIntLen {
		return 0, false
	}
	n, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != string(b) {
		return 0, false
	}
	return n, true
}

// add parses b, which may be missing, and adds delta.
func add(b []byte, there bool, delta int64) (int64, error) {
	if !there {
		return delta, nil
	}
	n, ok := parseInt(b)
	if !ok {
		return 0, ErrNotInteger
	}
	sum := n + delta
	if (sum > n) != (delta > 0) && delta != 0 {
		return 0, ErrOverflow
	}
	return sum, nil
}

// find returns a field's position.
func (h *hashValue) find(field []byte) (int, bool) {
	if h.index != nil {
		i, ok := h.index[string(field)]
		return i, ok
	}
	i := slices.IndexFunc(h.pairs, func(p pair) bool { return string(p.field) == string(field) })
	return i, i >= 0
}

// set copies field and val and reports whether the field is new.
func (h *hashValue) set(field, val []byte) bool {
	if h.index == nil && max(len(field), len(val)) > smallHashBytes {
		h.grow()
	}
	if i, ok := h.find(field); ok {
		h.bytes += len(val) - len(h.pairs[i].val)
		h.pairs[i].val = slices.Clone(val)
		return false
	}
	h.bytes += len(field) + len(val)
	h.pairs = append(h.pairs, pair{slices.Clone(field), slices.Clone(val)})
	if h.index != nil {
		h.index[string(field)] = len(h.pairs) - 1
	} else if len(h.pairs) > smallHashFields {
		h.grow()
	}
	return true
}

// grow makes the hash a large one.
func (h *hashValue) grow() {
	h.index = make(map[string]int)
	for i, p := range h.pairs {
		h.index[string(p.field)] = i
	}
}

// del removes the field at a position.
func (h *hashValue) del(i int) {
	p := h.pairs[i]
	h.bytes -= len(p.field) + len(p.val)
	if h.index == nil {
		h.pairs = slices.Delete(h.pairs, i, i+1)
		return
	}
	delete(h.index, string(p.field))
	last := len(h.pairs) - 1
	if i != last {
		h.pairs[i] = h.pairs[last]
		h.index[string(h.pairs[i].field)] = i
	}
	h.pairs[last] = pair{}
	h.pairs = h.pairs[:last]
}
