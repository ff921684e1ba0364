package command

import (
	"math"
	"math/big"

	"github.com/redistill/redistill/engine"
)

// INCR key
func incr(c *Call) error { return c.integer(c.Tx.IncrBy(c.Keys[0], 1)) }

// DECR key
func decr(c *Call) error { return c.integer(c.Tx.IncrBy(c.Keys[0], -1)) }

// INCRBY key increment
func incrby(c *Call) error {
	n, err := c.int(2)
	if err != nil {
		return err
	}
	return c.integer(c.Tx.IncrBy(c.Keys[0], n))
}

// DECRBY key decrement
func decrby(c *Call) error {
	n, err := c.int(2)
	if err != nil {
		return err
	}
	if n == math.MinInt64 { // there is no -n
		return errDecrOverflow
	}
	return c.integer(c.Tx.IncrBy(c.Keys[0], -n))
}

// INCRBYFLOAT key increment
func incrbyfloat(c *Call) error {
	k := c.Keys[0]
	var v engine.Value
	var ok bool
	var err error
	c.Tx.Quietly(func() { v, ok, err = c.Tx.Get(k) })
	if err != nil {
		return err
	}
	old, ok := floatOrZero(v, ok)
	if !ok {
		return errNotFloat
	}
	delta, ok := parseFloat(c.Args[2])
	if !ok {
		return errNotFloat
	}
	sum, err := appendSum(nil, old, delta)
	if err != nil {
		return err
	}
	if err := c.Tx.SetText(k, sum, engine.KeepDeadline); err != nil {
		return err
	}
	c.Out.Bulk(sum)
	return nil
}

// floatOrZero parses a value; what is missing is 0.
func floatOrZero(v engine.Value, there bool) (*big.Float, bool) {
	if !there {
		return new(big.Float), true
	}
	if v.Len() > floatMaxText {
		return nil, false
	}
	return parseFloat(v.AppendTo(nil))
}
