package command

import (
	"math"
	"math/rand/v2"

	"github.com/redistill/redistill/engine"
)

// HRANDFIELD key [count [WITHVALUES]]
func hrandfield(c *Call) error {
	if len(c.Args) == 2 {
		ok, err := c.Tx.HRandom(c.Keys[0], func(field []byte, _ engine.Value) { c.Out.Bulk(field) })
		if err == nil && !ok {
			c.Out.Null()
		}
		return err
	}
	count, err := c.intBetween(2, -math.MaxInt64, math.MaxInt64)
	if err != nil {
		return err
	}
	withValues := len(c.Args) == 4 && is(c.Args[3], "withvalues")
	if len(c.Args) > 3 && !withValues {
		return errSyntax
	}
	// The reply has twice as many elements, a number which must not overflow.
	if withValues && (count < -math.MaxInt64/2 || count > math.MaxInt64/2) {
		return errOutOfRange
	}
	if c.S.unsent > 0 { // the reply has begun
		c.Tx.Quietly(func() { err = c.anyFields(-count, withValues) })
		return err
	}
	size, err := c.Tx.HLen(c.Keys[0])
	if err != nil {
		return err
	}
	c.Tx.Quietly(func() { err = c.randomFields(count, size, withValues) }) // HLen was the read
	return err
}

// randomFields replies with count different fields of the size fields there are, at most all; with -count fields, which may be the
// same, if count is negative.
func (c *Call) randomFields(count int64, size int, withValues bool) error {
	distinct := int(min(count, int64(size)))
	switch {
	case count == 0 || size == 0:
		c.Out.Array(0)
		return nil
	case count < 0:
		return c.anyFields(-count, withValues)
	case fewToPick(distinct, size):
		return c.pickFields(distinct, withValues)
	}
	return c.sampleFields(distinct, size, withValues)
}

// fieldList begins a list of n fields, in RESP3 with pairs as elements if they have values.
func (c *Call) fieldList(n int64, withValues bool) {
	if withValues && c.Out.Proto != 3 {
		n *= 2
	}
	c.Out.Array(int(n))
}

// listedField appends an element of a fieldList.
func (c *Call) listedField(field []byte, val engine.Value, withValues bool) {
	if withValues && c.Out.Proto == 3 {
		c.Out.Array(2)
	}
	c.Out.Bulk(field)
	if withValues {
		c.bulk(val)
	}
}

// anyFields replies with n fields, each chosen from all. See repeat.
func (c *Call) anyFields(n int64, withValues bool) error {
	return c.repeat(n, func() { c.fieldList(n, withValues) }, func() {
		ok, err := c.Tx.HRandom(c.Keys[0], func(field []byte, val engine.Value) { c.listedField(field, val, withValues) })
		if !ok || err != nil {
			c.listedNull(withValues)
		}
	})
}

// listedNull appends an element of a fieldList for a field that is gone.
func (c *Call) listedNull(withValues bool) {
	if withValues && c.Out.Proto == 3 {
		c.Out.Array(2)
	}
	c.Out.Null()
	if withValues {
		c.Out.Null()
	}
}

// sampleFields replies with n of size fields: it goes through all and takes each with the chance that makes every choice as likely.
func (c *Call) sampleFields(n, size int, withValues bool) error {
	c.fieldList(int64(n), withValues)
	return c.Tx.HEach(c.Keys[0], func(field []byte, val engine.Value) bool {
		if rand.IntN(size) < n {
			c.listedField(field, val, withValues)
			n--
		}
		size--
		return n > 0 && !c.Out.Cut
	})
}

// pickFields replies with n fields, which are few of all: it chooses from all and again if it knows the field already.
func (c *Call) pickFields(n int, withValues bool) error {
	c.fieldList(int64(n), withValues)
	known := newPicked()
	for len(known.hashes) < n && !c.Out.Cut {
		_, err := c.Tx.HRandom(c.Keys[0], func(field []byte, val engine.Value) {
			if known.add(field) {
				c.listedField(field, val, withValues)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}
