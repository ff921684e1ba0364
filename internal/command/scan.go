package command

import (
	"math"
	"strconv"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/glob"
)

// KEYS pattern
func keysMatching(c *Call) error {
	var o scanOptions
	if err := o.match(c.Args[1]); err != nil {
		return err
	}
	start, n := len(c.Out.B), 0
	c.Tx.Scan(0, math.MaxInt32, func(key []byte, _ engine.Type) {
		if o.matches(key) {
			c.Out.Bulk(key)
			n++
		}
	})
	head := len(c.Out.B)
	c.Out.Array(n)
	c.putFirst(start, head)
	return nil
}

// RANDOMKEY
func randomkey(c *Call) error {
	key, ok := c.Tx.Random(nil)
	if !ok {
		c.Out.Null()
		return nil
	}
	c.Out.Bulk(key)
	return nil
}

// scanOptions are the options of the SCAN commands.
type scanOptions struct {
	matching bool         // there is a pattern that does not match all
	pattern  glob.Pattern // MATCH
	count    int          // COUNT
	typ      []byte       // TYPE, of SCAN only, nil for all
}

// defaultScanCount is how much one call looks at unless the client says how much.
const defaultScanCount = 10

// mostSteps is how many steps a match may take for each byte of a name: with the longest names, one
// takes no more than half a millisecond.
const mostSteps = 16

var _ [0]struct{} = [engine.MaxKey - glob.Longest]struct{}{} // patterns are made for names

// patternLimit says what follows of mostSteps.
const patternLimit = "Between two stars of a pattern, with ? or [] among them, " +
	"there may be at most 1,024 characters"

const errPattern = Error("ERR the pattern takes too long to match: " +
	"between two stars, with ? or [] among them, there may be at most 1024 characters")

// match has a pattern decide what is passed.
func (o *scanOptions) match(pattern []byte) error {
	if o.matching = len(pattern) != 1 || pattern[0] != '*'; !o.matching {
		return nil
	}
	if o.pattern = glob.Compile(pattern, false); o.pattern.Steps() > mostSteps {
		return errPattern
	}
	return nil
}

func (o *scanOptions) matches(name []byte) bool { return !o.matching || o.pattern.Match(name) }

// parse parses the options of SCAN, or else of HSCAN.
func (o *scanOptions) parse(c *Call, from int, ofKeys bool) error {
	o.count = defaultScanCount
	for i := from; i < len(c.Args); i += 2 {
		w := c.Args[i]
		if i+1 == len(c.Args) {
			return errSyntax
		}
		switch {
		case is(w, "count"):
			n, err := c.int(i + 1)
			if err != nil {
				return err
			}
			if n < 1 {
				return errSyntax
			}
			o.count = int(min(n, math.MaxInt32))
		case is(w, "match"):
			if err := o.match(c.Args[i+1]); err != nil {
				return err
			}
		case is(w, "type") && ofKeys:
			o.typ = c.Args[i+1]
		default:
			return errSyntax
		}
	}
	return nil
}

// cursor parses a cursor as C's strtoul does: a sign may precede it, a zero byte ends it, and nothing at all is 0.
func (c *Call) cursor(i int) (uint64, error) {
	digits := clip(c.Args[i], len(c.Args[i]))
	negative := len(digits) > 0 && digits[0] == '-'
	if negative || len(digits) > 0 && digits[0] == '+' {
		digits = digits[1:]
		if len(digits) == 0 {
			return 0, errCursor
		}
	}
	if len(digits) == 0 {
		return 0, nil
	}
	n, err := strconv.ParseUint(string(digits), 10, 64)
	if err != nil {
		return 0, errCursor
	}
	if negative {
		n = -n
	}
	return n, nil
}

// SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]
func scan(c *Call) error {
	cursor, err := c.cursor(1)
	if err != nil {
		return err
	}
	var o scanOptions
	if err := o.parse(c, 2, true); err != nil {
		return err
	}
	start, n := len(c.Out.B), 0
	next := c.Tx.Scan(cursor, o.count, func(key []byte, typ engine.Type) {
		if o.matches(key) && (o.typ == nil || is(o.typ, typeNames[typ])) {
			c.Out.Bulk(key)
			n++
		}
	})
	c.scanned(start, next, n)
	return nil
}

// HSCAN key cursor [MATCH pattern] [COUNT count]
func hscan(c *Call) error {
	cursor, err := c.cursor(2)
	if err != nil {
		return err
	}
	k := c.Keys[0]
	c.Tx.NoCount = true
	fields, err := c.Tx.HLen(k)
	c.Tx.NoCount = false
	if err != nil {
		return err
	}
	var o scanOptions
	if err := o.parse(c, 3, false); err != nil && fields > 0 { // without a hash the options are not looked at
		return err
	}
	start, n := len(c.Out.B), 0
	next, err := c.Tx.HScan(k, cursor, o.count, func(field []byte, val engine.Value) {
		if o.matches(field) {
			c.Out.Bulk(field)
			c.bulk(val)
			n += 2
		}
	})
	if err != nil {
		return err
	}
	c.scanned(start, next, n)
	return nil
}

// scanned completes the reply of a SCAN command, whose n elements were appended from index start on, with its beginning.
func (c *Call) scanned(start int, next uint64, n int) {
	head := len(c.Out.B)
	c.Out.Array(2)
	var digits [20]byte
	c.Out.Bulk(strconv.AppendUint(digits[:0], next, 10))
	c.Out.Array(n)
	c.putFirst(start, head)
}
