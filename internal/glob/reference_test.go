package glob

// plainMatch is what Pattern.Match has to be, the plain way: it goes through the pattern with all
// places of s that it may have come to.
func plainMatch(pattern, s []byte, foldCase bool) bool {
	if len(s) == 0 {
		return len(pattern) == 0
	}
	here := make([]bool, len(s)+1)
	here[0] = true
	for len(pattern) > 0 {
		next := make([]bool, len(s)+1)
		if pattern[0] == '*' {
			for i := range here {
				next[i] = here[i] || i > 0 && next[i-1]
			}
			here, pattern = next, pattern[1:]
			continue
		}
		width, _ := one(pattern, 0, foldCase)
		for i, c := range s {
			if here[i] {
				_, next[i+1] = one(pattern, c, foldCase)
			}
		}
		here, pattern = next, pattern[width:]
	}
	return here[len(s)]
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

// class matches the class that pattern begins with.
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

// between reports whether c is in the range of a and b, in either order. Bytes are compared as
// signed, as Redis's C does.
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
