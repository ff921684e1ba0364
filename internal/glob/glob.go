// Package glob matches strings against the glob patterns of KEYS, SCAN and CONFIG GET.
//
//   - any bytes, also none
//     ?        any byte
//     [abc]    one of these bytes; [a-z] is a range, and [^abc] any byte but these
//     \x       the byte x, also where it has a meaning otherwise
//     x        the byte x
//
// The corner cases are those of Redis, as clients see them: see class.
package glob

// Match reports whether all of s matches pattern. foldCase makes ASCII letters equal in either case. It takes time proportional to the
// product of the lengths, at most.
func Match(pattern, s []byte, foldCase bool) bool {
	ok, _ := match(pattern, s, foldCase)
	return ok
}

// match is Match, and tells how many bytes of the pattern it looked at, again and again, which is what its time depends on.
func match(pattern, s []byte, foldCase bool) (ok bool, looked int) {
	if len(s) == 0 {
		return len(pattern) == 0, 0 // in Redis not even "*" matches the empty string
	}
	p, i := 0, 0
	// Where to go on after a mismatch: the last star then takes one more byte. Earlier stars need no second thought, as whatever
	// they could leave to the last one, it can take by itself.
	star, taken := -1, 0
	for i < len(s) {
		if p < len(pattern) && pattern[p] == '*' {
			p++
			star, taken = p, i
			continue
		}
		if p < len(pattern) {
			width, ok := one(pattern[p:], s[i], foldCase)
			looked += width
			if ok {
				p += width
				i++
				continue
			}
		}
		if star < 0 {
			return false, looked
		}
		taken++
		p, i = star, taken
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern), looked
}

// one matches the first element of pattern, which is not a star, and returns the element's length.
func one(pattern []byte, c byte, foldCase bool) (width int, ok bool) {
	switch pattern[0] {
	case '?':
		return 1, true
	case '[':
		return class(pattern, c, foldCase)
	case '\\':
		if len(pattern) > 1 {
			return 2, same(pattern[1], c, foldCase)
		}
	}
	return 1, same(pattern[0], c, foldCase)
}

// class matches the class that pattern begins with. Redis's rules for the odd cases: the first ']' ends the class, wherever it stands,
// unless it is escaped or the end of a range; a class that does not end goes to the end of the pattern; an escaped byte in a class never
// folds its case; a range may be written backwards, and bytes from 0x80 on are below all others.
func class(pattern []byte, c byte, foldCase bool) (width int, ok bool) {
	p := 1
	negated := p < len(pattern) && pattern[p] == '^'
	if negated {
		p++
	}
	for p < len(pattern) && pattern[p] != ']' {
		rest := pattern[p:]
		switch {
		case rest[0] == '\\' && len(rest) >= 2:
			ok = ok || rest[1] == c
			p += 2
		case len(rest) >= 3 && rest[1] == '-':
			ok = ok || between(rest[0], rest[2], c, foldCase)
			p += 3
		default:
			ok = ok || same(rest[0], c, foldCase)
			p++
		}
	}
	if p < len(pattern) {
		p++ // the bracket
	}
	return p, ok != negated
}

// between reports whether c is in the range of a and b, in either order. Bytes are compared as signed, as Redis's C does.
func between(a, b, c byte, foldCase bool) bool {
	lo, hi := min(int8(a), int8(b)), max(int8(a), int8(b))
	if foldCase {
		// Folded after they are put in order, again as in Redis.
		lo, hi, c = int8(lower(byte(lo))), int8(lower(byte(hi))), lower(c)
	}
	return lo <= int8(c) && int8(c) <= hi
}

func same(a, b byte, foldCase bool) bool {
	return a == b || foldCase && lower(a) == lower(b)
}

func lower(c byte) byte {
	if c-'A' < 26 {
		return c | 0x20
	}
	return c
}
