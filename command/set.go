package command

import "github.com/redistill/redistill/engine"

var setCommands = []Command{
	{Name: "sadd", Arity: -3, Flags: Write | DenyOOM | Fast,
		Keys: Keys{{At: 1, Access: RW | Inserts}}, Field: 2, Group: Sets, Since: "1.0.0",
		Summary: "Put members into a set; the set is created if there is none",
		Complexity: "O(1) for each element added, so O(N) to add N elements when the command is " +
			"called with multiple arguments.",
		Syntax: "key member [member ...]", Run: sadd},
	{Name: "srem", Arity: -3, Flags: Write | Fast, Keys: Keys{{At: 1, Access: RW | Deletes}},
		Field: 2, Group: Sets, Since: "1.0.0",
		Summary:    "Take members out of a set; the key goes with its last member",
		Complexity: "O(N) where N is the number of members to be removed.",
		Syntax:     "key member [member ...]", Run: srem},
	{Name: "sismember", Arity: 3, Flags: ReadOnly | Fast, Keys: Keys{{At: 1, Access: RO}},
		Field: 2, Group: Sets, Since: "1.0.0",
		Summary:    "Tell whether a set has a member",
		Complexity: "O(1)",
		Syntax:     "key member", Run: sismember},
	{Name: "smismember", Arity: -3, Flags: ReadOnly | Fast, Keys: Keys{{At: 1}}, Field: 2,
		Group: Sets, Since: "6.2.0",
		Summary:    "Tell of each of several members whether a set has it",
		Complexity: "O(N) where N is the number of elements being checked for membership",
		Syntax:     "key member [member ...]", Run: smismember},
	{Name: "smembers", Arity: 2, Flags: ReadOnly, Keys: Keys{{At: 1}}, Group: Sets, Since: "1.0.0",
		Tips:       []string{"nondeterministic_output_order"},
		Summary:    "Return every member of a set",
		Complexity: "O(N) where N is the set cardinality.",
		Syntax:     "key", Run: smembers},
	{Name: "scard", Arity: 2, Flags: ReadOnly | Fast, Keys: Keys{{At: 1, Access: RO}},
		Group: Sets, Since: "1.0.0",
		Summary:    "Count the members of a set",
		Complexity: "O(1)",
		Syntax:     "key", Run: scard},
	{Name: "smove", Arity: 4, Flags: Write | Fast,
		Keys:  Keys{{At: 1, Access: RW | Reads | Deletes}, {At: 2, Access: RW | Inserts}},
		Group: Sets, Since: "1.0.0",
		Summary:    "Take a member out of one set and put it into another",
		Complexity: "O(1)",
		Syntax:     "source destination member", Run: smove},
	{Name: "spop", Arity: -2, Flags: Write | Fast,
		Keys: Keys{{At: 1, Access: RW | Reads | Deletes}}, Group: Sets, Since: "1.0.0",
		Tips:    []string{"nondeterministic_output"},
		Summary: "Take one random member out of a set, or several, and return them",
		Complexity: "Without the count argument O(1), otherwise O(N) where N is the value of the " +
			"passed count.",
		Syntax: "key [count]", Run: spop,
		Event: engine.EventSPop},
	{Name: "srandmember", Arity: -2, Flags: ReadOnly, Keys: Keys{{At: 1}}, Group: Sets,
		Since:   "1.0.0",
		Tips:    []string{"nondeterministic_output"},
		Summary: "Return one random member of a set, or several",
		Complexity: "Without the count argument O(1), otherwise O(N) where N is the absolute value " +
			"of the passed count.",
		Syntax: "key [count]", Run: srandmember},
	{Name: "sinter", Arity: -2, Flags: ReadOnly, Keys: Keys{{At: 1, Last: -1}}, Group: Sets,
		Since:      "1.0.0",
		Tips:       []string{"nondeterministic_output_order"},
		Summary:    "Return the members that all of several sets have",
		Complexity: interComplexity,
		Syntax:     "key [key ...]", Run: sinter},
	{Name: "sintercard", Arity: -3, Flags: ReadOnly, Keys: Keys{{At: 1, Counted: true}},
		Group: Sets, Since: "7.0.0",
		Summary:    "Count the members that all of several sets have, up to a limit",
		Complexity: interComplexity,
		Syntax:     "numkeys key [key ...] [LIMIT limit]", Run: sintercard},
	{Name: "sinterstore", Arity: -3, Flags: Write | DenyOOM,
		Keys:  Keys{{At: 1, Access: RW | Updates}, {At: 2, Last: -1, Access: RO | Reads}},
		Group: Sets, Since: "1.0.0",
		Summary:    "Store the members that all of several sets have as a set",
		Complexity: interComplexity,
		Syntax:     "destination key [key ...]", Run: sinterstore,
		Event: engine.EventSInterStore, Weigh: weighInter},
	{Name: "sunion", Arity: -2, Flags: ReadOnly, Keys: Keys{{At: 1, Last: -1}}, Group: Sets,
		Since:      "1.0.0",
		Tips:       []string{"nondeterministic_output_order"},
		Summary:    "Return the members that any of several sets has",
		Complexity: unionComplexity,
		Syntax:     "key [key ...]", Run: sunion},
	{Name: "sunionstore", Arity: -3, Flags: Write | DenyOOM,
		Keys:  Keys{{At: 1, Access: OW | Updates}, {At: 2, Last: -1, Access: RO | Reads}},
		Group: Sets, Since: "1.0.0",
		Summary:    "Store the members that any of several sets has as a set",
		Complexity: unionComplexity,
		Syntax:     "destination key [key ...]", Run: sunionstore,
		Event: engine.EventSUnionStore, Weigh: weighUnion},
	{Name: "sdiff", Arity: -2, Flags: ReadOnly, Keys: Keys{{At: 1, Last: -1}}, Group: Sets,
		Since:      "1.0.0",
		Tips:       []string{"nondeterministic_output_order"},
		Summary:    "Return the members of a set that none of several others has",
		Complexity: unionComplexity,
		Syntax:     "key [key ...]", Run: sdiff},
	{Name: "sdiffstore", Arity: -3, Flags: Write | DenyOOM,
		Keys:  Keys{{At: 1, Access: OW | Updates}, {At: 2, Last: -1, Access: RO | Reads}},
		Group: Sets, Since: "1.0.0",
		Summary:    "Store the members of a set that none of several others has as a set",
		Complexity: unionComplexity,
		Syntax:     "destination key [key ...]", Run: sdiffstore,
		Event: engine.EventSDiffStore, Weigh: weighDiff},
	{Name: "sscan", Arity: -3, Flags: ReadOnly, Keys: Keys{{At: 1}}, Group: Sets, Since: "2.8.0",
		Tips:    []string{"nondeterministic_output"},
		Summary: "Return some members of a set, and where to go on with the next call",
		Complexity: "O(1) for every call. O(N) for a complete iteration, including enough command " +
			"calls for the cursor to return back to 0. N is the number of elements inside the " +
			"collection..",
		Differs: patternLimit,
		Syntax:  "key cursor [MATCH pattern] [COUNT count]", Run: sscan},
}

const (
	interComplexity = "O(N*M) worst case where N is the cardinality of the smallest set and M is " +
		"the number of sets."
	unionComplexity = "O(N) where N is the total number of elements in all given sets."
)

// SADD key member [member ...]
func sadd(c *Call) error {
	n := int64(0)
	for _, m := range c.Args[2:] {
		added, err := c.Tx.SAdd(c.Keys[0], m)
		if err != nil {
			return err
		}
		if added {
			n++
		}
	}
	return c.integer(n, nil)
}

// SREM key member [member ...]
func srem(c *Call) error {
	n := int64(0)
	for _, m := range c.Args[2:] {
		removed, err := c.Tx.SRem(c.Keys[0], m)
		if err != nil {
			return err
		}
		if removed {
			n++
		}
	}
	return c.integer(n, nil)
}

// SISMEMBER key member
func sismember(c *Call) error {
	return c.boolean(c.Tx.SHas(c.Keys[0], c.Args[2]))
}

// SMISMEMBER key member [member ...]
func smismember(c *Call) error {
	k, members := c.Keys[0], c.Args[2:]
	if _, err := c.Tx.SLen(k); err != nil { // the one read that counts
		return err
	}
	c.Out.Array(len(members))
	for _, m := range members {
		if err := c.boolean(c.hasMember(k, m)); err != nil {
			return err
		}
	}
	return nil
}

// hasMember reports whether a set has a member. It is not a read that counts as a hit or miss.
func (c *Call) hasMember(k engine.Key, member []byte) (ok bool, err error) {
	c.Tx.Quietly(func() { ok, err = c.Tx.SHas(k, member) })
	return ok, err
}

// SMEMBERS key
func smembers(c *Call) error {
	n, err := c.Tx.SLen(c.Keys[0])
	if err != nil {
		return err
	}
	return c.allMembers(c.Keys[0], n)
}

// allMembers replies with the n members of a set. The read was counted before.
func (c *Call) allMembers(k engine.Key, n int) (err error) {
	c.Out.Set(n)
	c.Tx.Quietly(func() {
		err = c.Tx.SEach(k, func(member []byte) bool {
			c.Out.Bulk(member)
			return !c.Out.Cut
		})
	})
	return err
}

// SCARD key
func scard(c *Call) error {
	n, err := c.Tx.SLen(c.Keys[0])
	return c.integer(int64(n), err)
}

// SMOVE source destination member
func smove(c *Call) error {
	return c.boolean(c.Tx.SMove(c.Keys[0], c.Keys[1], c.Args[3]))
}

// SSCAN key cursor [MATCH pattern] [COUNT count]
func sscan(c *Call) error {
	w, err := c.scanOf(c.Tx.SLen, 0)
	if err != nil {
		return err
	}
	return c.takeTurns(w, c.scanMembers, c.scanned)
}

// scanMembers passes the members of a turn of SSCAN.
func (c *Call) scanMembers(w *walk, count int) (uint64, error) {
	return c.Tx.SScan(c.Keys[0], w.cursor, count, func(member []byte) bool {
		if w.matches(member) {
			c.Out.Bulk(member)
			w.found++
		}
		return w.mayGoOn(member, 0)
	})
}
