// Package glob matches strings with the glob patterns of KEYS, SCAN, ACL rules and CONFIG GET.
//
//   - any bytes, also none
//     ?        any byte
//     [abc]    one of these bytes; [a-z] is a range, and [^abc] any byte but these
//     \x       the byte x, also where it has a meaning otherwise
//     x        the byte x
//
// The corner cases are those of Redis, as clients see them: see set.addClass.
//
// A pattern is compiled once. Stars cut it into runs. The first run has to stand at the start of a
// string, the last one at the end, and each of the others at the first place behind the one before
// it: a later place would leave less to those that follow. So no place is tried twice, and the time
// of a match is that of finding each run once. Pattern.Steps tells how long this takes.
package glob

import "math"

// Longest is the length of the longest strings that patterns are made for, which are keys and
// fields. A pattern that only a longer string could match matches nothing, and takes no memory.
const Longest = 32 << 10

// Pattern is a compiled pattern. It may alias the bytes that it was compiled from. It does not
// change: any number of goroutines may use it.
type Pattern struct {
	first   run   // what precedes the first star, or all
	between []run // what stands between stars
	last    run   // what follows the last star
	starred bool  // there is a star
	least   int   // bytes that a match has at least
	steps   int   // see Steps
}

// Compile compiles a pattern. foldCase makes ASCII letters equal in either case.
func Compile(pattern []byte, foldCase bool) Pattern {
	p, words := Pattern{steps: 1}, 0
	part, rest := cut(pattern)
	p.first = p.add(part, foldCase)
	for rest != nil {
		p.starred = true
		part, rest = cut(rest)
		switch r := p.add(part, foldCase); {
		case p.least > Longest:
			return Pattern{least: math.MaxInt, steps: 1}
		case rest == nil:
			p.last = r
		case r.len() > 0:
			words += r.prepare(mostWords - words)
			p.steps = max(p.steps, r.steps())
			p.between = append(p.between, r)
		}
	}
	if p.least > Longest {
		return Pattern{least: math.MaxInt, steps: 1}
	}
	if p.starred && p.least == 0 {
		p.least = 1 // in Redis not even "*" matches the empty string
	}
	return p
}

// add returns the run of a part of the pattern, and counts the bytes that it takes.
func (p *Pattern) add(from part, foldCase bool) run {
	r := newRun(from, foldCase, Longest-p.least)
	p.least += r.len()
	return r
}

// Steps returns how many simple steps a match takes at most for each byte of the string. It is 1
// unless there is a ? or a class between two stars. Then it grows with the length of what stands
// between these stars: it is at most 4 for 256 bytes, and one more for each 64 more. It is far more
// if there is more of this than a pattern has memory for, which is for 8,192 bytes at most.
func (p *Pattern) Steps() int { return p.steps }

// Match reports whether all of s matches.
func (p *Pattern) Match(s []byte) bool {
	if len(s) < p.least || !p.first.begins(s) {
		return false
	}
	if !p.starred {
		return len(s) == p.least
	}
	end := len(s) - p.last.len()
	if !p.last.begins(s[end:]) {
		return false
	}
	s = s[p.first.len():end]
	for i := range p.between {
		r := &p.between[i]
		at := r.find(s)
		if at < 0 {
			return false
		}
		s = s[at+r.len():]
	}
	return true
}

// part is a piece of a pattern without stars.
type part struct {
	text    []byte
	plain   int  // bytes at its start that stand for themselves
	wild    bool // it has a ? or a class
	escaped bool // it has an escape outside classes
}

// cut returns what precedes the first star, and what follows it, which is nil if there is no star.
func cut(pattern []byte) (before part, after []byte) {
	before.text, before.plain = pattern, -1
	for i := 0; i < len(pattern); i += elementLen(pattern[i:]) {
		switch pattern[i] {
		case '*':
			before.text, after = pattern[:i], pattern[i+1:]
			before.endPlain(i)
			return before, after
		case '?', '[':
			before.wild = true
			before.endPlain(i)
		case '\\':
			before.escaped = true
			before.endPlain(i)
		}
	}
	before.endPlain(len(pattern))
	return before, nil
}

// endPlain notes that the bytes before i stand for themselves, if that was not noted for fewer.
func (p *part) endPlain(i int) {
	if p.plain < 0 {
		p.plain = i
	}
}
