package command

import (
	"math"
	"strconv"

	"github.com/redistill/redistill/engine"
)

// KEYS pattern
func keysMatching(c *Call) error {
	w := c.S.walk
	if w == nil {
		w = c.newWalk()
		w.match, w.count = 1, math.MaxInt
	}
	return c.takeTurns(w, c.scanKeys, func(_ uint64, found int) { c.Out.Array(found) })
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
	match int  // the word behind MATCH, 0 for all
	count int  // COUNT
	typ   int  // the word behind TYPE, of SCAN only, 0 for all
	bare  bool // NOVALUES, of HSCAN only: fields without their values
}

// defaultScanCount is how much one call looks at unless the client says how much.
const defaultScanCount = 10

const errNoValues = Error("ERR NOVALUES option can only be used in HSCAN")

// scanOption is an option that not all of the SCAN commands have.
type scanOption uint8

const (
	typeOption scanOption = 1 << iota
	noValuesOption
)

// parse parses the options of a SCAN command, of which has are those that not all have.
func (o *scanOptions) parse(c *Call, from int, has scanOption) error {
	o.count = defaultScanCount
	for i := from; i < len(c.Args); i += 2 {
		w := c.Args[i]
		if is(w, "novalues") {
			if has&noValuesOption == 0 {
				return errNoValues
			}
			o.bare = true
			i-- // it is one word
			continue
		}
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
			o.match = i + 1
		case is(w, "type") && has&typeOption != 0:
			o.typ = i + 1
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
	w := c.S.walk
	if w == nil {
		cursor, err := c.cursor(1)
		if err != nil {
			return err
		}
		w = c.newWalk()
		w.cursor = cursor
		if err := w.parse(c, 2, typeOption); err != nil {
			return err
		}
	}
	return c.takeTurns(w, c.scanKeys, c.scanned)
}

// scanKeys passes the keys of a turn of KEYS or SCAN.
func (c *Call) scanKeys(w *walk, count int) (uint64, error) {
	return c.Tx.Scan(w.cursor, count, func(key []byte, typ engine.Type) bool {
		if w.matches(key) && (w.typ == 0 || is(c.Args[w.typ], typeNames[typ])) {
			c.Out.Bulk(key)
			w.found++
		}
		return w.mayGoOn(key, 0)
	}), nil
}

// HSCAN key cursor [MATCH pattern] [COUNT count] [NOVALUES]
func hscan(c *Call) error {
	w, err := c.scanOf(c.Tx.HLen, noValuesOption)
	if err != nil {
		return err
	}
	return c.takeTurns(w, c.scanFields, c.scanned)
}

// scanOf returns the walk of a command that scans the elements of its key, which length counts. has
// are the options as for parse.
func (c *Call) scanOf(length func(engine.Key) (int, error), has scanOption) (*walk, error) {
	if w := c.S.walk; w != nil {
		return w, nil
	}
	cursor, err := c.cursor(2)
	if err != nil {
		return nil, err
	}
	n := 0
	c.Tx.Quietly(func() { n, err = length(c.Keys[0]) })
	if err != nil {
		return nil, err
	}
	w := c.newWalk()
	w.cursor = cursor
	err = w.parse(c, 3, has)
	if n == 0 { // without the key the options are not looked at
		err, w.match = nil, 0
	}
	if err != nil {
		return nil, err
	}
	return w, nil
}

// scanFields passes the fields of a turn of HSCAN.
func (c *Call) scanFields(w *walk, count int) (uint64, error) {
	return c.Tx.HScan(c.Keys[0], w.cursor, count, func(field []byte, val engine.Value) bool {
		n := 0
		if w.matches(field) {
			c.Out.Bulk(field)
			w.found++
			if !w.bare {
				c.bulk(val)
				w.found++
				n = val.Len()
			}
		}
		return w.mayGoOn(field, n)
	})
}

// scanned begins the reply of a SCAN command that has found elements.
func (c *Call) scanned(next uint64, found int) {
	c.Out.Array(2)
	var digits [20]byte
	c.Out.Bulk(strconv.AppendUint(digits[:0], next, 10))
	c.Out.Array(found)
}
