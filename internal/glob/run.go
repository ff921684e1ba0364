package glob

import (
	"bytes"
	"math/bits"
)

// run is a sequence of elements, each of which takes one byte.
type run struct {
	text []byte // what the first elements take, as long as each takes a single byte
	sets []set  // what the others take

	// masks makes find fast where there are many elements, and is nil where there are few. It has
	// words of 64 bits for each byte: bit i is set if element i takes the byte.
	masks []uint64
	words int // of masks for each byte
}

// Where a run between stars is no longer than this, trying every place is as fast as masks. There
// are fewer sets, and no more text.
const (
	fewSets   = 4
	shortText = 32
)

// mostWords is how many words of masks a pattern may have for each byte, all of its runs together.
// They take 256 KB then.
const mostWords = 128

// newRun returns the run of a part of a pattern, or one of most+1 elements if it has more than
// most.
func newRun(from part, foldCase bool, most int) run {
	switch {
	case foldCase:
		from.plain = 0
	case from.wild:
	case from.escaped:
		return run{text: unescape(from.text)}
	default:
		return run{text: from.text}
	}
	r := run{text: from.text[:from.plain]}
	rest, n := from.text[from.plain:], 0
	for i := 0; i < len(rest) && n <= most; i += elementLen(rest[i:]) {
		n++
	}
	if n == 0 {
		return r
	}
	r.sets = make([]set, n)
	for i := range r.sets {
		rest = rest[r.sets[i].addElement(rest, foldCase):]
	}
	return r
}

// unescape returns text without the backslashes that escape a byte.
func unescape(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) {
			i++
		}
		out = append(out, text[i])
	}
	return out
}

func (r *run) len() int { return len(r.text) + len(r.sets) }

// begins reports whether s, which is as long at least, begins with a match.
func (r *run) begins(s []byte) bool {
	if string(s[:len(r.text)]) != string(r.text) {
		return false
	}
	s = s[len(r.text):]
	for i := range r.sets {
		if !r.sets[i].has(s[i]) {
			return false
		}
	}
	return true
}

// find returns where the first match in s begins, -1 if there is none.
func (r *run) find(s []byte) int {
	switch {
	case len(r.sets) == 0:
		return bytes.Index(s, r.text)
	case r.masks != nil:
		return r.findByMasks(s)
	}
	for at := 0; ; at++ {
		n := bytes.Index(s[at:], r.text)
		if at += n; n < 0 || len(s)-at < r.len() {
			return -1
		}
		if r.begins(s[at:]) {
			return at
		}
	}
}

// prepare makes masks if there is use for them, of up to most words, and returns their words.
func (r *run) prepare(most int) int {
	words := (r.len() + 63) / 64
	if len(r.sets) == 0 || len(r.sets) < fewSets && len(r.text) <= shortText || words > most {
		return 0
	}
	r.words = words
	r.masks = make([]uint64, 256*r.words)
	for i, c := range r.text {
		r.mask(i, c)
	}
	for i := range r.sets {
		for w, left := range r.sets[i] {
			for ; left != 0; left &= left - 1 {
				r.mask(len(r.text)+i, byte(w*64+bits.TrailingZeros64(left)))
			}
		}
	}
	return words
}

// mask notes that element i takes c.
func (r *run) mask(i int, c byte) { r.masks[int(c)*r.words+i/64] |= 1 << (i % 64) }

// steps returns how many steps find takes for a byte of the string.
func (r *run) steps() int {
	if r.masks != nil {
		return r.words
	}
	if len(r.sets) == 0 {
		return 1
	}
	return 1 + len(r.sets) + len(r.text)/shortText
}

// findByMasks is find for all places at once. Bit i of state says that the last i+1 bytes are those
// of the first i+1 elements. (This is the algorithm Shift-And of Baeza-Yates and Gonnet.)
func (r *run) findByMasks(s []byte) int {
	var room [8]uint64
	state := room[:]
	if r.words > len(room) {
		state = make([]uint64, r.words)
	}
	state = state[:r.words]
	last := r.len() - 1
	used := 1 // words of state that may have a bit
	for i, c := range s {
		masks := r.masks[int(c)*r.words:][:len(state)]
		carry := uint64(1)
		for w := range state[:used] {
			next := state[w] >> 63
			state[w] = (state[w]<<1 | carry) & masks[w]
			carry = next
		}
		if carry != 0 && used < len(state) {
			state[used] = masks[used] & 1
			used++
		}
		if state[last/64]>>(last%64)&1 != 0 {
			return i - last
		}
	}
	return -1
}
