package command

import (
	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/resp"
)

var stringCommands = []Command{
	{Name: "get", Arity: 2, Flags: ReadOnly | Fast, Keys: Keys{{At: 1}}, Group: Strings,
		Since:      "1.0.0",
		Summary:    "Get the value of a key",
		Complexity: "O(1)",
		Syntax:     "key", Run: get},
	{Name: "set", Arity: -3, Flags: Write | DenyOOM, Values: Positions{2, 2, 1},
		Keys: Keys{{At: 1, Access: RW | Reads | Updates | VariableFlags, AccessOf: setAccess,
			Notes: "RW and ACCESS due to the optional `GET` argument"}},
		Group: Strings, Since: "1.0.0",
		Summary:    "Set the string value of a key",
		Complexity: "O(1)",
		Syntax: "key value [NX | XX] [GET] " +
			"[EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]",
		Run: setString},
	{Name: "setnx", Arity: 3, Flags: Write | DenyOOM | Fast,
		Keys: Keys{{At: 1, Access: OW | Inserts}}, Values: Positions{2, 2, 1}, Group: Strings,
		Since:      "1.0.0",
		Summary:    "Set the value of a key, only if the key does not exist",
		Complexity: "O(1)",
		Syntax:     "key value", Run: setnx},
	{Name: "setex", Arity: 4, Flags: Write | DenyOOM, Keys: Keys{{At: 1, Access: OW | Updates}},
		Values: Positions{3, 3, 1}, Group: Strings,
		Since:      "2.0.0",
		Summary:    "Set the value and expiration of a key",
		Complexity: "O(1)",
		Syntax:     "key seconds value", Run: setex},
	{Name: "psetex", Arity: 4, Flags: Write | DenyOOM, Keys: Keys{{At: 1, Access: OW | Updates}},
		Values: Positions{3, 3, 1}, Group: Strings,
		Since:      "2.6.0",
		Summary:    "Set the value and expiration in milliseconds of a key",
		Complexity: "O(1)",
		Syntax:     "key milliseconds value", Run: psetex},
	{Name: "getset", Arity: 3, Flags: Write | DenyOOM | Fast,
		Keys: Keys{{At: 1, Access: RW | Reads | Updates}}, Values: Positions{2, 2, 1},
		Group: Strings, Since: "1.0.0",
		Summary:    "Set the string value of a key and return its old value",
		Complexity: "O(1)",
		Syntax:     "key value", Run: getset},
	{Name: "getdel", Arity: 2, Flags: Write | Fast,
		Keys: Keys{{At: 1, Access: RW | Reads | Deletes}}, Group: Strings,
		Since:      "6.2.0",
		Summary:    "Get the value of a key and delete the key",
		Complexity: "O(1)",
		Syntax:     "key", Run: getdel},
	{Name: "getex", Arity: -2, Flags: Write | Fast, Group: Strings,
		Keys: Keys{{At: 1, Access: RW | Reads | Updates,
			Notes: "RW and UPDATE because it changes the TTL"}},
		Since:      "6.2.0",
		Summary:    "Get the value of a key and optionally set its expiration",
		Complexity: "O(1)",
		Syntax:     "key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST]", Run: getex},
	{Name: "mget", Arity: -2, Flags: ReadOnly | Fast, Keys: Keys{{At: 1, Last: -1}}, Group: Strings,
		Since:      "1.0.0",
		Tips:       []string{"request_policy:multi_shard"},
		Summary:    "Get the values of all the given keys",
		Complexity: "O(N) where N is the number of keys to retrieve.",
		Syntax:     "key [key ...]", Run: mget},
	{Name: "mset", Arity: -3, Flags: Write | DenyOOM,
		Keys: Keys{{At: 1, Last: -1, Step: 2, Access: OW | Updates}}, Values: Positions{2, -1, 2},
		Group: Strings,
		Since: "1.0.1", Tips: []string{"request_policy:multi_shard", "response_policy:all_succeeded"},
		Summary:    "Set multiple keys to multiple values",
		Complexity: "O(N) where N is the number of keys to set.",
		Syntax:     "key value [key value ...]", Run: mset},
	{Name: "msetnx", Arity: -3, Flags: Write | DenyOOM,
		Keys: Keys{{At: 1, Last: -1, Step: 2, Access: OW | Inserts}}, Values: Positions{2, -1, 2},
		Group: Strings,
		Since: "1.0.1", Tips: []string{"request_policy:multi_shard", "response_policy:agg_min"},
		Summary:    "Set multiple keys to multiple values, only if none of the keys exist",
		Complexity: "O(N) where N is the number of keys to set.",
		Syntax:     "key value [key value ...]", Run: msetnx},
	{Name: "append", Arity: 3, Flags: Write | DenyOOM | Fast | Repeatable,
		Keys: Keys{{At: 1, Access: RW | Inserts}}, Values: Positions{2, 2, 1}, Group: Strings,
		Since:   "2.0.0",
		Summary: "Append a value to a key",
		Complexity: "O(1). The amortized time complexity is O(1) assuming the appended value is small and the already present value is of " +
			"any size, since the dynamic string library used by Redis will double the free space available on every reallocation.",
		Syntax: "key value", Run: appendTo},
	{Name: "strlen", Arity: 2, Flags: ReadOnly | Fast, Keys: Keys{{At: 1, Access: RO}},
		Group: Strings, Since: "2.2.0",
		Summary:    "Get the length of the value stored in a key",
		Complexity: "O(1)",
		Syntax:     "key", Run: strlen},
	{Name: "getrange", Arity: 4, Flags: ReadOnly, Keys: Keys{{At: 1}}, Group: Strings,
		Since:   "2.4.0",
		Summary: "Get a substring of the string stored at a key",
		Complexity: "O(N) where N is the length of the returned string. The complexity is ultimately determined by the returned length, " +
			"but because creating a substring from an existing string is very cheap, it can be considered O(1) for small strings.",
		Syntax: "key start end", Run: getrange},
	{Name: "substr", Arity: 4, Flags: ReadOnly, Keys: Keys{{At: 1}}, Group: Strings, Since: "1.0.0",
		Summary: "Get a substring of the string stored at a key",
		Complexity: "O(N) where N is the length of the returned string. The complexity is ultimately determined by the returned length, " +
			"but because creating a substring from an existing string is very cheap, it can be considered O(1) for small strings.",
		Syntax: "key start end", Run: getrange},
	{Name: "setrange", Arity: 4, Flags: Write | DenyOOM | Repeatable, Keys: Keys{{At: 1}},
		Values: Positions{3, 3, 1}, Group: Strings, Since: "2.2.0",
		Summary: "Overwrite part of a string at key starting at the specified offset",
		Complexity: "O(1), not counting the time taken to copy the new string in place. Usually, this string is very small so the " +
			"amortized complexity is O(1). Otherwise, complexity is O(M) with M being the length of the value argument.",
		Syntax: "key offset value", Run: setrange, Growth: setrangeGrowth},
	{Name: "incr", Arity: 2, Flags: Write | DenyOOM | Fast,
		Keys:  Keys{{At: 1, Access: RW | Reads | Updates}},
		Group: Strings, Since: "1.0.0",
		Summary:    "Increment the integer value of a key by one",
		Complexity: "O(1)",
		Syntax:     "key", Run: incr},
	{Name: "decr", Arity: 2, Flags: Write | DenyOOM | Fast,
		Keys:  Keys{{At: 1, Access: RW | Reads | Updates}},
		Group: Strings, Since: "1.0.0",
		Summary:    "Decrement the integer value of a key by one",
		Complexity: "O(1)",
		Syntax:     "key", Run: decr},
	{Name: "incrby", Arity: 3, Flags: Write | DenyOOM | Fast,
		Keys:  Keys{{At: 1, Access: RW | Reads | Updates}},
		Group: Strings, Since: "1.0.0",
		Summary:    "Increment the integer value of a key by the given amount",
		Complexity: "O(1)",
		Syntax:     "key increment", Run: incrby},
	{Name: "decrby", Arity: 3, Flags: Write | DenyOOM | Fast,
		Keys:  Keys{{At: 1, Access: RW | Reads | Updates}},
		Group: Strings, Since: "1.0.0",
		Summary:    "Decrement the integer value of a key by the given number",
		Complexity: "O(1)",
		Syntax:     "key decrement", Run: decrby},
	{Name: "incrbyfloat", Arity: 3, Flags: Write | DenyOOM | Fast,
		Keys:  Keys{{At: 1, Access: RW | Reads | Updates}},
		Group: Strings, Since: "2.6.0",
		Summary:    "Increment the float value of a key by the given amount",
		Complexity: "O(1)",
		Syntax:     "key increment", Run: incrbyfloat, Event: engine.EventIncrByFloat},
	{Name: "hset", Arity: -4, Flags: Write | DenyOOM | Fast, Keys: Keys{{At: 1}},
		Values: Positions{3, -1, 2}, Field: 2, Group: Hashes, Since: "2.0.0",
		Summary: "Set the string value of a hash field",
		Complexity: "O(1) for each field/value pair added, so O(N) to add N field/value pairs when the command is called with multiple " +
			"field/value pairs.",
		Syntax: "key field value [field value ...]", Run: hset},
}

// maxString is the length of the longest string, Redis's proto-max-bulk-len.
const maxString = 512 << 20

// GET key
func get(c *Call) error {
	return c.value(c.Tx.Get(c.Keys[0]))
}

// MGET key [key ...]
func mget(c *Call) error {
	start := c.Out.Len()
	c.Out.Array(len(c.Keys))
	for i := range c.Keys {
		v, ok, err := c.Tx.Get(c.Keys[i])
		// A key that is no string has no value here.
		if err := c.value(v, ok && err == nil, nil); err != nil {
			return err
		}
		if c.isTooLong(start) {
			return errReplyTooLong
		}
	}
	return nil
}

// MSET key value [key value ...]
func mset(c *Call) error {
	if len(c.Args)%2 == 0 {
		return errArity(c.Cmd)
	}
	return c.ok(c.setAll())
}

// MSETNX key value [key value ...]
func msetnx(c *Call) error {
	if len(c.Args)%2 == 0 {
		return errArity(c.Cmd)
	}
	for i := range c.Keys {
		if c.has(c.Keys[i]) {
			return c.boolean(false, nil)
		}
	}
	return c.boolean(true, c.setAll())
}

// setAll sets every key to the argument behind it.
func (c *Call) setAll() error {
	for i := range c.Keys {
		if err := c.Tx.Set(c.Keys[i], c.Args[2+2*i], engine.NoDeadline); err != nil {
			return err
		}
	}
	return nil
}

// GETSET key value
func getset(c *Call) error {
	if err := c.value(c.Tx.Get(c.Keys[0])); err != nil {
		return err
	}
	return c.Tx.Set(c.Keys[0], c.Args[2], engine.NoDeadline)
}

// GETDEL key
func getdel(c *Call) error {
	if err := c.value(c.Tx.Get(c.Keys[0])); err != nil {
		return err
	}
	c.Tx.Delete(c.Keys[0])
	return nil
}

// STRLEN key
func strlen(c *Call) error {
	v, _, err := c.Tx.Get(c.Keys[0])
	return c.integer(int64(v.Len()), err)
}

// APPEND key value
func appendTo(c *Call) error {
	k, val := c.Keys[0], c.Args[2]
	// What the key takes of memory is more than its length, so that nearly no append needs a look at the value.
	if used, _ := c.Tx.MemoryUsage(k); used+len(val) > maxString {
		var v engine.Value
		var err error
		c.Tx.Quietly(func() { v, _, err = c.Tx.Get(k) })
		if err == nil && v.Len()+len(val) > maxString {
			return errStringTooLong
		}
	}
	n, err := c.Tx.Append(k, val)
	return c.integer(int64(n), err)
}

// setrangeGrowth is the length of the string that SETRANGE makes at least.
func setrangeGrowth(args [][]byte) int {
	if off, ok := resp.ParseInt(args[2]); ok && off > 0 && off < maxString {
		return int(off) + size(args)
	}
	return size(args)
}

// SETRANGE key offset value
func setrange(c *Call) error {
	k, val := c.Keys[0], c.Args[3]
	off, err := c.int(2)
	if err != nil {
		return err
	}
	if off < 0 {
		return errOffset
	}
	if len(val) > 0 && off > int64(maxString-len(val)) {
		if _, err := c.Tx.SetRange(k, 0, nil); err != nil { // the wrong type is the first to be told
			return err
		}
		return errStringTooLong
	}
	n, err := c.Tx.SetRange(k, int(off), val)
	return c.integer(int64(n), err)
}

// GETRANGE key start end; SUBSTR is the same.
func getrange(c *Call) error {
	start, err := c.int(2)
	if err != nil {
		return err
	}
	end, err := c.int(3)
	if err != nil {
		return err
	}
	v, _, err := c.Tx.Get(c.Keys[0])
	if err != nil {
		return err
	}
	from, to := span(start, end, int64(v.Len()))
	if c.Out.BeginBulk(to-from, to-from) {
		c.Out.B = v.AppendRange(c.Out.B, from, to)
		c.Out.EndBulk()
	}
	return nil
}

// span turns the first and last index of a range, which count from the end if negative, into the bounds of a slice of n bytes.
func span(first, last, n int64) (from, to int) {
	if first < 0 && last < 0 && first > last {
		return 0, 0
	}
	if first < 0 {
		first = max(0, first+n)
	}
	if last < 0 {
		last = max(0, last+n)
	}
	last = min(last, n-1)
	if first > last {
		return 0, 0
	}
	return int(first), int(last + 1)
}
