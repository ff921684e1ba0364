package command

import (
	"errors"

	"github.com/redistill/redistill/engine"
)

var hashCommands = []Command{
	{Name: "hsetnx", Arity: 4, Flags: Write | DenyOOM | Fast,
		Keys: Keys{{At: 1, Access: RW | Inserts}}, Values: Positions{3, 3, 1}, Field: 2,
		Group:      Hashes,
		Since:      "2.0.0",
		Summary:    "Set the value of a hash field, only if the field does not exist",
		Complexity: "O(1)",
		Syntax:     "key field value", Run: hsetnx},
	{Name: "hmset", Arity: -4, Flags: Write | DenyOOM | Fast, Keys: Keys{{At: 1}},
		Values: Positions{3, -1, 2}, Field: 2, Group: Hashes, Since: "2.0.0",
		Summary:    "Set multiple hash fields to multiple values",
		Complexity: "O(N) where N is the number of fields being set.",
		Syntax:     "key field value [field value ...]", Run: hmset},
	{Name: "hget", Arity: 3, Flags: ReadOnly | Fast, Keys: Keys{{At: 1}}, Field: 2, Group: Hashes,
		Since:      "2.0.0",
		Summary:    "Get the value of a hash field",
		Complexity: "O(1)",
		Syntax:     "key field", Run: hget},
	{Name: "hmget", Arity: -3, Flags: ReadOnly | Fast, Keys: Keys{{At: 1}}, Field: 2, Group: Hashes,
		Since:      "2.0.0",
		Summary:    "Get the values of all the given hash fields",
		Complexity: "O(N) where N is the number of fields being requested.",
		Syntax:     "key field [field ...]", Run: hmget},
	{Name: "hgetall", Arity: 2, Flags: ReadOnly, Keys: Keys{{At: 1}}, Group: Hashes, Since: "2.0.0",
		Tips:       []string{"nondeterministic_output_order"},
		Summary:    "Get all the fields and values in a hash",
		Complexity: "O(N) where N is the size of the hash.",
		Syntax:     "key", Run: hgetall},
	{Name: "hdel", Arity: -3, Flags: Write | Fast, Keys: Keys{{At: 1, Access: RW | Deletes}},
		Field: 2, Group: Hashes,
		Since:      "2.0.0",
		Summary:    "Delete one or more hash fields",
		Complexity: "O(N) where N is the number of fields to be removed.",
		Syntax:     "key field [field ...]", Run: hdel},
	{Name: "hlen", Arity: 2, Flags: ReadOnly | Fast, Keys: Keys{{At: 1, Access: RO}}, Group: Hashes,
		Since:      "2.0.0",
		Summary:    "Get the number of fields in a hash",
		Complexity: "O(1)",
		Syntax:     "key", Run: hlen},
	{Name: "hexists", Arity: 3, Flags: ReadOnly | Fast, Keys: Keys{{At: 1, Access: RO}}, Field: 2,
		Group: Hashes, Since: "2.0.0",
		Summary:    "Determine if a hash field exists",
		Complexity: "O(1)",
		Syntax:     "key field", Run: hexists},
	{Name: "hkeys", Arity: 2, Flags: ReadOnly, Keys: Keys{{At: 1}}, Group: Hashes, Since: "2.0.0",
		Tips:       []string{"nondeterministic_output_order"},
		Summary:    "Get all the fields in a hash",
		Complexity: "O(N) where N is the size of the hash.",
		Syntax:     "key", Run: hkeys},
	{Name: "hvals", Arity: 2, Flags: ReadOnly, Keys: Keys{{At: 1}}, Group: Hashes, Since: "2.0.0",
		Tips:       []string{"nondeterministic_output_order"},
		Summary:    "Get all the values in a hash",
		Complexity: "O(N) where N is the size of the hash.",
		Syntax:     "key", Run: hvals},
	{Name: "hstrlen", Arity: 3, Flags: ReadOnly | Fast, Keys: Keys{{At: 1, Access: RO}}, Field: 2,
		Group: Hashes, Since: "3.2.0",
		Summary:    "Get the length of the value of a hash field",
		Complexity: "O(1)",
		Syntax:     "key field", Run: hstrlen},
	{Name: "hincrby", Arity: 4, Flags: Write | DenyOOM | Fast,
		Keys: Keys{{At: 1, Access: RW | Reads | Updates}}, Field: 2,
		Group: Hashes, Since: "2.0.0",
		Summary:    "Increment the integer value of a hash field by the given number",
		Complexity: "O(1)",
		Syntax:     "key field increment", Run: hincrby},
	{Name: "hincrbyfloat", Arity: 4, Flags: Write | DenyOOM | Fast,
		Keys: Keys{{At: 1, Access: RW | Reads | Updates}}, Field: 2,
		Group: Hashes, Since: "2.6.0",
		Summary:    "Increment the float value of a hash field by the given amount",
		Complexity: "O(1)",
		Syntax:     "key field increment", Run: hincrbyfloat, Event: engine.EventHIncrByFloat},
	{Name: "hrandfield", Arity: -2, Flags: ReadOnly, Keys: Keys{{At: 1}}, Group: Hashes,
		Since:      "6.2.0",
		Tips:       []string{"nondeterministic_output"},
		Summary:    "Get one or multiple random fields from a hash",
		Complexity: "O(N) where N is the number of fields returned",
		Syntax:     "key [count [WITHVALUES]]", Run: hrandfield},
	{Name: "hscan", Arity: -3, Flags: ReadOnly, Keys: Keys{{At: 1}}, Group: Hashes, Since: "2.8.0",
		Tips:    []string{"nondeterministic_output"},
		Summary: "Incrementally iterate hash fields and associated values",
		Complexity: "O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return back to " +
			"0. N is the number of elements inside the collection..",
		Differs: patternLimit,
		Syntax:  "key cursor [MATCH pattern] [COUNT count] [NOVALUES]", Run: hscan},
}

// HSET key field value [field value ...]
func hset(c *Call) error {
	added, err := c.setFields()
	return c.integer(added, err)
}

// HMSET key field value [field value ...]
func hmset(c *Call) error {
	_, err := c.setFields()
	return c.ok(err)
}

// setFields sets the fields among the arguments and returns how many are new.
func (c *Call) setFields() (added int64, err error) {
	if len(c.Args)%2 != 0 {
		return 0, errArity(c.Cmd)
	}
	for i := 2; i < len(c.Args); i += 2 {
		isNew, err := c.Tx.HSet(c.Keys[0], c.Args[i], c.Args[i+1])
		if err != nil {
			return 0, err
		}
		if isNew {
			added++
		}
	}
	return added, nil
}

// HSETNX key field value
func hsetnx(c *Call) error {
	k, field := c.Keys[0], c.Args[2]
	if _, ok, err := c.field(k, field); ok || err != nil {
		return c.boolean(false, err)
	}
	return c.boolean(c.Tx.HSet(k, field, c.Args[3]))
}

// field returns a field's value. It is the look that a write takes, not a read that counts as a hit or miss.
func (c *Call) field(k engine.Key, field []byte) (v engine.Value, ok bool, err error) {
	c.Tx.Quietly(func() { v, ok, err = c.Tx.HGet(k, field) })
	return v, ok, err
}

// HGET key field
func hget(c *Call) error {
	return c.value(c.Tx.HGet(c.Keys[0], c.Args[2]))
}

// HMGET key field [field ...]
func hmget(c *Call) error {
	k, fields := c.Keys[0], c.Args[2:]
	if _, err := c.Tx.HLen(k); err != nil { // the one read that counts
		return err
	}
	start := c.Out.Len()
	c.Out.Array(len(fields))
	for _, f := range fields {
		if err := c.value(c.field(k, f)); err != nil {
			return err
		}
		if c.isTooLong(start) {
			return errReplyTooLong
		}
	}
	return nil
}

// HGETALL key
func hgetall(c *Call) error {
	n, err := c.Tx.HLen(c.Keys[0])
	if err != nil {
		return err
	}
	c.Out.Map(n)
	return c.eachField(true, true)
}

// HKEYS key
func hkeys(c *Call) error {
	n, err := c.Tx.HLen(c.Keys[0])
	if err != nil {
		return err
	}
	c.Out.Array(n)
	return c.eachField(true, false)
}

// HVALS key
func hvals(c *Call) error {
	n, err := c.Tx.HLen(c.Keys[0])
	if err != nil {
		return err
	}
	c.Out.Array(n)
	return c.eachField(false, true)
}

// eachField replies with fields, values or both in turns. The read was counted before.
func (c *Call) eachField(fields, values bool) (err error) {
	c.Tx.Quietly(func() {
		err = c.Tx.HEach(c.Keys[0], func(field []byte, val engine.Value) bool {
			if fields {
				c.Out.Bulk(field)
			}
			if values {
				c.bulk(val)
			}
			return true
		})
	})
	return err
}

// HDEL key field [field ...]
func hdel(c *Call) error {
	n := int64(0)
	for _, f := range c.Args[2:] {
		ok, err := c.Tx.HDel(c.Keys[0], f)
		if err != nil {
			return err
		}
		if ok {
			n++
		}
	}
	return c.integer(n, nil)
}

// HLEN key
func hlen(c *Call) error {
	n, err := c.Tx.HLen(c.Keys[0])
	return c.integer(int64(n), err)
}

// HEXISTS key field
func hexists(c *Call) error {
	_, ok, err := c.Tx.HGet(c.Keys[0], c.Args[2])
	return c.boolean(ok, err)
}

// HSTRLEN key field
func hstrlen(c *Call) error {
	v, _, err := c.Tx.HGet(c.Keys[0], c.Args[2])
	return c.integer(int64(v.Len()), err)
}

// HINCRBY key field increment
func hincrby(c *Call) error {
	n, err := c.int(3)
	if err != nil {
		return err
	}
	sum, err := c.Tx.HIncrBy(c.Keys[0], c.Args[2], n)
	if errors.Is(err, engine.ErrNotInteger) {
		return errHashNotInteger
	}
	return c.integer(sum, err)
}

// HINCRBYFLOAT key field increment
func hincrbyfloat(c *Call) error {
	k, field := c.Keys[0], c.Args[2]
	delta, ok := parseFloat(c.Args[3])
	if !ok {
		return errNotFloat
	}
	if delta.IsInf() {
		return errInfinite
	}
	v, ok, err := c.field(k, field)
	if err != nil {
		return err
	}
	old, ok := floatOrZero(v, ok)
	if !ok {
		return errHashNotFloat
	}
	sum, err := appendSum(nil, old, delta)
	if err != nil {
		return err
	}
	if _, err := c.Tx.HSet(k, field, sum); err != nil {
		return err
	}
	c.Out.Bulk(sum)
	return nil
}
