package engine

import (
	"encoding/binary"
	"math/bits"
	"strconv"
)

// packedSet is the value of a small set, which is one record:
//
//	0..1   head
//	2      form
//	3..    the members
//
// As long as all members are integers, they are words, in ascending order, behind their base. Else
// they are a run without tags, in the order in which they came, in which an integer is kept as its
// bytes, not as its text. A run does not become words again.
type packedSet []byte

// The form of a small set. A bucket of a large one has formWide alone.
const (
	formWide  = 1 << 0 // the run is wide
	formWords = 1 << 1 // the members are words
	formBase  = 2      // where two bits say that the base has 1, 2, 4 or 8 bytes
	formWidth = 4      // where the width is
)

const (
	setHead      = packedHead + 1
	setMax       = 2 << 10 // longest small set
	inlineMember = 1 << 10 // longest member that is kept among the members
)

const _ = uint(packedMost - setMax)

// A small set before its first member: noWords if that is an integer, or may be one.
var (
	noWords   = packedSet{uint8(Set), 0, formWords, 0}
	noMembers = packedSet{uint8(Set), 0, 0}
)

// member is a member of a set.
type member struct {
	code code
	kept []byte // what the heap of a run has; the text of a long one; nil of one among words
	n    int64  // if it is an integer
	hash uint64 // of kept, as far as it is asked for
}

// codeLong is the code of a member past inlineMember, of which the run has longMember bytes: 32
// bits of the hash, the length, and the number of the first part that has the text.
const (
	longMember = 12
	codeLong   = codeOther | longMember
)

// newMember returns the member with a text. It uses scratch.
func newMember(text []byte, scratch *[8]byte) member {
	if n, ok := parseInt(text); ok {
		k := intSize(n)
		binary.LittleEndian.PutUint64(scratch[:], uint64(n))
		return member{code: intCode(k), kept: scratch[:k], n: n}
	}
	if len(text) > inlineMember {
		return member{code: codeLong, kept: text}
	}
	return member{code: code(len(text)), kept: text}
}

// textLen is the length of a member's text, which is not long.
func (m *member) textLen() int {
	if m.code.isInt() {
		return digits(m.n)
	}
	return len(m.kept)
}

// text returns the text of a member, that of an integer in scratch.
func (m *member) text(scratch []byte) []byte {
	if m.code.isInt() {
		return strconv.AppendInt(scratch[:0], m.n, 10)
	}
	return m.kept
}

// keptMember returns the member that a run has.
func keptMember(c code, kept []byte) member {
	m := member{code: c, kept: kept}
	if c.isInt() {
		m.n = loadInt(kept)
	}
	return m
}

func (s packedSet) count() int { return int(binary.LittleEndian.Uint16(s) >> 4) }

func (s packedSet) setCount(n int) { binary.LittleEndian.PutUint16(s, uint16(n)<<4|uint16(Set)) }

func (s packedSet) hasWords() bool { return s[packedHead]&formWords != 0 }

// run returns the members of a set that has no words.
func (s packedSet) run() run {
	return run{b: s[setHead:], n: s.count(), wide: s[packedHead]&formWide != 0}
}

// words returns the members of a set that has words.
func (s packedSet) words() words {
	form := s[packedHead]
	base := 1 << (form >> formBase & 3)
	f := frame{loadInt(s[setHead : setHead+base]), int(form >> formWidth)}
	return words{s[setHead+base:], s.count(), f}
}

// find returns the member that is the same.
func (s packedSet) find(m *member) (i int, ok bool) {
	if !s.hasWords() {
		r := s.run()
		return r.find(m.code, m.kept)
	}
	if !m.code.isInt() {
		return 0, false
	}
	w := s.words()
	return w.search(m.n)
}

// at returns member i.
func (s packedSet) at(i int) member {
	if s.hasWords() {
		w := s.words()
		n := w.at(i)
		return member{code: intCode(intSize(n)), n: n}
	}
	r := s.run()
	return keptMember(r.code(i), r.at(i))
}

// each calls fn for every member until it returns false, and reports whether it never did.
func (s packedSet) each(fn func(m member) bool) bool {
	if !s.hasWords() {
		r := s.run()
		return r.each(func(_ int, c code, kept []byte) bool { return fn(keptMember(c, kept)) })
	}
	w := s.words()
	for i := range w.n {
		n := w.at(i)
		if !fn(member{code: intCode(intSize(n)), n: n}) {
			return false
		}
	}
	return true
}

// heapSize is the number of bytes that the members have, or would have, in a run.
func (s packedSet) heapSize() (n int) {
	s.each(func(m member) bool { n += m.code.kept(); return true })
	return n
}

// addition is how a small set takes a member.
type addition struct {
	size int   // of the set then
	i    int   // where the member goes among words
	to   frame // of the words
	anew bool  // all of the set has to be written, and it may become shorter
}

// addition returns how the set would take a member, which is not long; found says that it has it.
func (s packedSet) addition(m *member) (a addition, found bool) {
	switch {
	case !s.hasWords():
		r := s.run()
		if _, found = r.find(m.code, m.kept); found {
			return addition{}, true
		}
		return addition{size: len(s) + r.growth(m.code)}, false
	case !m.code.isInt():
		run := runSize(s.count()+1, s.heapSize()+m.code.kept(), false, m.code.wide())
		return addition{size: setHead + run, anew: true}, false
	}
	w := s.words()
	if a.i, found = w.search(m.n); found {
		return addition{}, true
	}
	switch {
	case w.n == 0:
		a.to, a.anew = frameOf(m.n, m.n), true
	case !w.has(m.n):
		a.to, a.anew = frameOf(min(w.at(0), m.n), max(w.at(w.n-1), m.n)), true
	default:
		a.to = w.frame
	}
	a.size = setHead + baseSize(a.to.base) + (w.n+1)*a.to.width
	return a, false
}

// baseSize is the number of bytes that a base is kept in.
func baseSize(base int64) int { return 1 << bits.Len(uint(intSize(base)-1)) }

// add adds a member to the set, which has the size of the addition, and in its first old bytes what
// it was.
func (s packedSet) add(old int, m *member, a addition) {
	n := s.count()
	if s.hasWords() {
		w := s[:old].words()
		w.b = s[len(s)-(n+1)*w.width:]
		copy(w.b[(a.i+1)*w.width:], w.b[a.i*w.width:])
		w.set(a.i, m.n)
	} else {
		r := s.run()
		r.add(0, m.code, m.kept)
		if r.wide {
			s[packedHead] |= formWide
		}
	}
	s.setCount(n + 1)
}

// rewrite is add for a set that has to be written anew: to, which has the size of the addition,
// becomes what s is with the member.
func (s packedSet) rewrite(to packedSet, m *member, a addition) {
	to.setCount(s.count() + 1)
	if m.code.isInt() {
		s.reframe(to, m.n, a)
	} else {
		s.mix(to, m)
	}
}

// reframe makes the words of s, and n, those of another set, in another frame.
func (s packedSet) reframe(to packedSet, n int64, a addition) {
	base := baseSize(a.to.base)
	log := uint8(bits.TrailingZeros(uint(base)))
	to[packedHead] = formWords | log<<formBase | uint8(a.to.width)<<formWidth
	storeInt(to[setHead:setHead+base], a.to.base)
	was, w := s.words(), to.words()
	for i := range was.n {
		at := i
		if i >= a.i {
			at++
		}
		w.set(at, was.at(i))
	}
	w.set(a.i, n)
}

// mix makes the words of s, and a member that is no integer, the run of another set.
func (s packedSet) mix(to packedSet, m *member) {
	to[packedHead] = 0
	if m.code.wide() {
		to[packedHead] = formWide
	}
	f := to.run().fill()
	s.each(func(m member) bool {
		var kept [8]byte
		storeInt(kept[:m.code.kept()], m.n)
		f.put(0, m.code, kept[:m.code.kept()])
		return true
	})
	f.put(0, m.code, m.kept)
}

// remove takes member i out and returns the shorter set.
func (s packedSet) remove(i int) packedSet {
	if s.hasWords() {
		w := s.words()
		copy(w.b[i*w.width:], w.b[(i+1)*w.width:])
		s.setCount(w.n - 1)
		return s[:len(s)-w.width]
	}
	r := s.run()
	r.remove(i)
	s.setCount(r.n)
	return s[:setHead+len(r.b)]
}
