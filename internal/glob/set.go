package glob

// set is a set of bytes.
type set [4]uint64

func (s *set) has(c byte) bool { return s[c>>6]>>(c&63)&1 != 0 }

func (s *set) add(c byte) { s[c>>6] |= 1 << (c & 63) }

// addLetter adds a byte, and the same letter in the other case if case is folded.
func (s *set) addLetter(c byte, foldCase bool) {
	s.add(c)
	if foldCase && isLetter(c) {
		s.add(c ^ 0x20)
	}
}

func isLetter(c byte) bool { return c|0x20-'a' < 26 }

// elementLen returns the length of the first element of pattern.
func elementLen(pattern []byte) int {
	switch {
	case pattern[0] == '[':
		return classLen(pattern)
	case pattern[0] == '\\' && len(pattern) > 1:
		return 2
	}
	return 1
}

// addElement adds what the first element of pattern takes, which is not a star, and returns the
// element's length.
func (s *set) addElement(pattern []byte, foldCase bool) (width int) {
	switch pattern[0] {
	case '?':
		*s = set{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}
		return 1
	case '[':
		return s.addClass(pattern, foldCase)
	case '\\':
		if len(pattern) > 1 {
			s.addLetter(pattern[1], foldCase)
			return 2
		}
	}
	s.addLetter(pattern[0], foldCase)
	return 1
}

// addClass adds what the class takes that pattern begins with, and returns the length of the class.
// Redis's rules for the odd cases: the first ']' ends the class, wherever it stands, unless it is
// escaped or the end of a range; a class that does not end goes to the end of the pattern; an
// escaped byte in a class never folds its case; a range may be written backwards, and bytes from
// 0x80 on are below all others.
func (s *set) addClass(pattern []byte, foldCase bool) (width int) {
	p := 1
	negated := p < len(pattern) && pattern[p] == '^'
	if negated {
		p++
	}
	for p < len(pattern) && pattern[p] != ']' {
		rest := pattern[p:]
		n := memberLen(rest)
		switch n {
		case 1:
			s.addLetter(rest[0], foldCase)
		case 2:
			s.add(rest[1])
		case 3:
			s.addBetween(rest[0], rest[2], foldCase)
		}
		p += n
	}
	if negated {
		*s = set{^s[0], ^s[1], ^s[2], ^s[3]}
	}
	return min(p+1, len(pattern))
}

// classLen returns the length of the class that pattern begins with.
func classLen(pattern []byte) int {
	p := 1
	if p < len(pattern) && pattern[p] == '^' {
		p++
	}
	for p < len(pattern) && pattern[p] != ']' {
		p += memberLen(pattern[p:])
	}
	return min(p+1, len(pattern))
}

// memberLen returns the length of what a class begins with: 1 for a byte, 2 for an escaped one, 3
// for a range.
func memberLen(class []byte) int {
	switch {
	case class[0] == '\\' && len(class) >= 2:
		return 2
	case len(class) >= 3 && class[1] == '-':
		return 3
	}
	return 1
}

// addBetween adds the bytes between a and b, in either order. Bytes are compared as signed, as
// Redis's C does.
func (s *set) addBetween(a, b byte, foldCase bool) {
	low, high := min(int8(a), int8(b)), max(int8(a), int8(b))
	if foldCase {
		// Folded after they are put in order, again as in Redis, which may put them in disorder.
		low, high = int8(lower(byte(low))), int8(lower(byte(high)))
	}
	var t set
	if low < 0 {
		t.addRange(byte(low), byte(min(high, -1)))
	}
	if high >= 0 {
		t.addRange(byte(max(low, 0)), byte(high))
	}
	if foldCase { // an upper case letter is taken if the lower case one is
		const upper = 1<<27 - 2 // A to Z among the bytes from 64 on, 32 below a to z
		t[1] = t[1]&^upper | t[1]>>32&upper
	}
	for i := range s {
		s[i] |= t[i]
	}
}

// addRange adds the bytes from one to another, none if they are in the wrong order.
func (s *set) addRange(from, to byte) {
	for w := from >> 6; from <= to && w <= to>>6; w++ {
		bits := ^uint64(0)
		if w == from>>6 {
			bits &= bits << (from & 63)
		}
		if w == to>>6 {
			bits &= ^uint64(0) >> (63 - to&63)
		}
		s[w] |= bits
	}
}

func lower(c byte) byte {
	if c-'A' < 26 {
		return c | 0x20
	}
	return c
}
