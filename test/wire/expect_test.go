package wire

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

type wantKind int

const (
	wantUnset     wantKind = iota
	wantExact              // the bytes in wire
	wantUnordered          // wire with its elements in any order
	wantPairs              // wire with its pairs of elements in any order
	wantBetween            // an integer from lo to hi
	wantMatch              // bytes matching re
	wantNone               // no reply is read
	wantClosed             // end of the connection
)

// expectation says which replies to one command are right.
type expectation struct {
	kind   wantKind
	wire   []byte
	lo, hi int64
	re     *regexp.Regexp
	text   string // as written in the file, empty if made from a reply
}

// observation is what came back for one step.
type observation struct {
	reply  node
	closed bool
	// less and more widen a range by what time has changed since the block
	// began: see passed.
	less, more int64
}

// passed says what the time that a block has taken so far changes in a reply:
// a time to live became less, and an idle time more, by up to as much.
func (o *observation) passed(st *step, taken time.Duration) {
	command := strings.ToUpper(st.text)
	switch {
	case strings.HasPrefix(command, "PTTL "):
		o.less = taken.Milliseconds()
	case strings.HasPrefix(command, "TTL "):
		o.less = int64(taken.Seconds())
	case strings.HasPrefix(command, "OBJECT IDLETIME "):
		o.more = int64(taken.Seconds())
	}
}

func (o observation) String() string {
	if o.closed {
		return "closed"
	}
	return formatWire(o.reply.wire())
}

// parseExpectation reads an expectation line without its RESP version.
func parseExpectation(line string) (expectation, error) {
	e := expectation{text: line}
	word, rest, _ := strings.Cut(line, " ")
	var err error
	switch word {
	case "unordered":
		e.kind = wantUnordered
		e.wire, err = parseWire(rest)
	case "pairs":
		e.kind = wantPairs
		e.wire, err = parseWire(rest)
	case "between":
		e.kind = wantBetween
		_, err = fmt.Sscanf(rest, "%d %d", &e.lo, &e.hi)
	case "match":
		e.kind = wantMatch
		e.re, err = regexp.Compile(`(?s)\A(?:` + rest + `)\z`)
	case "none":
		e.kind = wantNone
	case "closed":
		e.kind = wantClosed
	default:
		e.kind = wantExact
		e.wire, err = parseWire(line)
	}
	if err != nil {
		return expectation{}, fmt.Errorf("bad expectation %q: %w", line, err)
	}
	return e, nil
}

// accepts tells whether the observation is as expected.
func (e expectation) accepts(o observation) bool {
	if e.kind == wantClosed || o.closed {
		return e.kind == wantClosed && o.closed
	}
	switch e.kind {
	case wantExact:
		return bytes.Equal(e.wire, o.reply.wire())
	case wantUnordered:
		return sameSorted(e.wire, o.reply, 1)
	case wantPairs:
		return sameSorted(e.wire, o.reply, 2)
	case wantBetween:
		v, ok := o.reply.integer()
		return ok && e.lo-o.less <= v && v <= e.hi+o.more
	case wantMatch:
		return e.re.Match(o.reply.wire())
	}
	return false
}

// acceptsOlder is accepts of an observation at redis-server 7.0.
func (e expectation) acceptsOlder(o observation) bool {
	if e.kind == wantExact {
		e.wire = older(e.wire)
	}
	return e.accepts(o)
}

func sameSorted(wire []byte, got node, group int) bool {
	want, err := parseNode(wire)
	return err == nil && bytes.Equal(want.sorted(group).wire(), got.sorted(group).wire())
}

// updated returns the expectation that accepts o and stays as close as it can
// to e. It is an error if only a person can say what to expect instead.
func (e expectation) updated(o observation) (expectation, error) {
	if e.accepts(o) {
		return e, nil
	}
	if o.closed {
		return expectation{kind: wantClosed}, nil
	}
	switch e.kind {
	case wantBetween, wantMatch:
		return e, fmt.Errorf("%q does not accept %s", e.text, o)
	case wantUnordered, wantPairs:
		return expectation{kind: e.kind, wire: o.reply.wire()}, nil
	}
	return expectation{kind: wantExact, wire: o.reply.wire()}, nil
}

// String formats the expectation as its line in a data file.
func (e expectation) String() string {
	if e.text != "" {
		return e.text
	}
	switch e.kind {
	case wantUnordered:
		return "unordered " + formatWire(e.wire)
	case wantPairs:
		return "pairs " + formatWire(e.wire)
	case wantClosed:
		return "closed"
	}
	return formatWire(e.wire)
}

// plainLine is a one-line reply that needs no quoting in a data file. The
// reply types that hold more than a line ($, *, ...) are always quoted, and so
// is text that would lose a space at its end in an editor.
var plainLine = regexp.MustCompile(`\A[-+:_#,(](?:[!-~ ]*[!-~])?\z`)

// parseWire reads a reply as written in a data file.
func parseWire(text string) ([]byte, error) {
	if strings.HasPrefix(text, `"`) {
		s, err := strconv.Unquote(text)
		return []byte(s), err
	}
	if !plainLine.MatchString(text) {
		return nil, errors.New("neither a one-line reply nor a string literal")
	}
	return []byte(text + "\r\n"), nil
}

// formatWire is the inverse of parseWire.
func formatWire(wire []byte) string {
	if line, ok := bytes.CutSuffix(wire, []byte("\r\n")); ok && plainLine.Match(line) {
		return string(line)
	}
	return strconv.Quote(string(wire))
}
