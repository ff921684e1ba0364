package command

import (
	"bytes"

	"github.com/redistill/redistill/engine"
)

var keysCommands = append([]Command{
	{Name: "del", Arity: -2, Flags: Write, Keys: Keys{{At: 1, Last: -1, Access: RM | Deletes}},
		Group: Generic, Since: "1.0.0",
		Tips:    []string{"request_policy:multi_shard", "response_policy:agg_sum"},
		Summary: "Delete a key",
		Complexity: "O(N) where N is the number of keys that will be removed. When a key to remove holds a value other than a string, the " +
			"individual complexity for this key is O(M) where M is the number of elements in the list, set, sorted set or hash. " +
			"Removing a single key that holds a string value is O(1).",
		Syntax: "key [key ...]", Run: del},
	{Name: "unlink", Arity: -2, Flags: Write | Fast,
		Keys: Keys{{At: 1, Last: -1, Access: RM | Deletes}}, Group: Generic,
		Since: "4.0.0", Tips: []string{"request_policy:multi_shard", "response_policy:agg_sum"},
		Summary: "Delete a key asynchronously in another thread. Otherwise it is just as DEL, but non blocking.",
		Complexity: "O(1) for each key removed regardless of its size. Then the command does O(N) work in a different thread in order to " +
			"reclaim memory, where N is the number of allocations the deleted objects where composed of.",
		Syntax: "key [key ...]", Run: del},
	{Name: "exists", Arity: -2, Flags: ReadOnly | Fast, Keys: Keys{{At: 1, Last: -1, Access: RO}},
		Group: Generic, Since: "1.0.0",
		Tips:       []string{"request_policy:multi_shard", "response_policy:agg_sum"},
		Summary:    "Determine if a key exists",
		Complexity: "O(N) where N is the number of keys to check.",
		Syntax:     "key [key ...]", Run: exists},
	{Name: "type", Arity: 2, Flags: ReadOnly | Fast, Keys: Keys{{At: 1, Access: RO}},
		Group: Generic, Since: "1.0.0",
		Summary:    "Determine the type stored at key",
		Complexity: "O(1)",
		Syntax:     "key", Run: typeOf},
	{Name: "expire", Arity: -3, Flags: Write | Fast, Keys: Keys{{At: 1}}, Group: Generic,
		Since:      "1.0.0",
		Summary:    "Set a key's time to live in seconds",
		Complexity: "O(1)",
		Syntax:     "key seconds [NX | XX | GT | LT]", Run: expire},
	{Name: "pexpire", Arity: -3, Flags: Write | Fast, Keys: Keys{{At: 1}}, Group: Generic,
		Since:      "2.6.0",
		Summary:    "Set a key's time to live in milliseconds",
		Complexity: "O(1)",
		Syntax:     "key milliseconds [NX | XX | GT | LT]", Run: pexpire},
	{Name: "expireat", Arity: -3, Flags: Write | Fast, Keys: Keys{{At: 1}}, Group: Generic,
		Since:      "1.2.0",
		Summary:    "Set the expiration for a key as a UNIX timestamp",
		Complexity: "O(1)",
		Syntax:     "key unix-time-seconds [NX | XX | GT | LT]", Run: expireat},
	{Name: "pexpireat", Arity: -3, Flags: Write | Fast, Keys: Keys{{At: 1}}, Group: Generic,
		Since:      "2.6.0",
		Summary:    "Set the expiration for a key as a UNIX timestamp specified in milliseconds",
		Complexity: "O(1)",
		Syntax:     "key unix-time-milliseconds [NX | XX | GT | LT]", Run: pexpireat},
	{Name: "ttl", Arity: 2, Flags: ReadOnly | Fast, Keys: Keys{{At: 1}}, Group: Generic,
		Since:      "1.0.0",
		Tips:       []string{"nondeterministic_output"},
		Summary:    "Get the time to live for a key in seconds",
		Complexity: "O(1)",
		Syntax:     "key", Run: ttl},
	{Name: "pttl", Arity: 2, Flags: ReadOnly | Fast, Keys: Keys{{At: 1}}, Group: Generic,
		Since:      "2.6.0",
		Tips:       []string{"nondeterministic_output"},
		Summary:    "Get the time to live for a key in milliseconds",
		Complexity: "O(1)",
		Syntax:     "key", Run: pttl},
	{Name: "expiretime", Arity: 2, Flags: ReadOnly | Fast, Keys: Keys{{At: 1}}, Group: Generic,
		Since:      "7.0.0",
		Summary:    "Get the expiration Unix timestamp for a key",
		Complexity: "O(1)",
		Syntax:     "key", Run: expiretime},
	{Name: "pexpiretime", Arity: 2, Flags: ReadOnly | Fast, Keys: Keys{{At: 1}}, Group: Generic,
		Since:      "7.0.0",
		Summary:    "Get the expiration Unix timestamp for a key in milliseconds",
		Complexity: "O(1)",
		Syntax:     "key", Run: pexpiretime},
	{Name: "persist", Arity: 2, Flags: Write | Fast, Keys: Keys{{At: 1}}, Group: Generic,
		Since:      "2.2.0",
		Summary:    "Remove the expiration from a key",
		Complexity: "O(1)",
		Syntax:     "key", Run: persist},
	{Name: "keys", Arity: 2, Flags: ReadOnly, Categories: CatDangerous, Locks: LockWalk, Group: Generic, Since: "1.0.0",
		Tips:    []string{"request_policy:all_shards", "nondeterministic_output_order"},
		Summary: "Find all keys matching the given pattern",
		Complexity: "O(N) with N being the number of keys in the database, under the assumption that the key names in the database and the " +
			"given pattern have limited length.",
		Differs: "Other clients are served meanwhile: keys that come or go then may be in the reply or not. " +
			patternLimit,
		Syntax: "pattern", Run: keysMatching},
	{Name: "scan", Arity: -2, Flags: ReadOnly, Locks: LockWalk, Group: Generic, Since: "2.8.0",
		Tips:    []string{"nondeterministic_output", "request_policy:special"},
		Summary: "Incrementally iterate the keys space",
		Complexity: "O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return back to " +
			"0. N is the number of elements inside the collection.",
		Differs: patternLimit,
		Syntax:  "cursor [MATCH pattern] [COUNT count] [TYPE type]", Run: scan},
	{Name: "randomkey", Arity: 1, Flags: ReadOnly, Locks: LockWalk, Group: Generic, Since: "1.0.0",
		Tips:       []string{"request_policy:all_shards", "nondeterministic_output"},
		Summary:    "Return a random key from the keyspace",
		Complexity: "O(1)",
		Run:        randomkey},
	{Name: "rename", Arity: 3, Flags: Write,
		Keys:  Keys{{At: 1, Access: RW | Reads | Deletes}, {At: 2, Access: OW | Updates}},
		Group: Generic, Since: "1.0.0",
		Summary:    "Rename a key",
		Complexity: "O(1)",
		Syntax:     "key newkey", Run: rename, Weigh: weighFirst},
	{Name: "renamenx", Arity: 3, Flags: Write | Fast,
		Keys:  Keys{{At: 1, Access: RW | Reads | Deletes}, {At: 2, Access: OW | Inserts}},
		Group: Generic, Since: "1.0.0",
		Summary:    "Rename a key, only if the new key does not exist",
		Complexity: "O(1)",
		Syntax:     "key newkey", Run: renamenx, Weigh: weighFirst},
	{Name: "copy", Arity: -3, Flags: Write | DenyOOM,
		Keys:  Keys{{At: 1, Access: RO | Reads}, {At: 2, Access: OW | Updates}},
		Group: Generic, Since: "6.2.0",
		Summary:    "Copy a key",
		Complexity: "O(N) worst case for collections, where N is the number of nested items. O(1) for string values.",
		Syntax:     "source destination [DB destination-db] [REPLACE]", Run: copyKey, Weigh: weighFirst},
	{Name: "move", Arity: 3, Flags: Write | Fast, Keys: Keys{{At: 1, Access: RW | Reads | Updates}},
		Group:      Generic,
		Since:      "1.0.0",
		Summary:    "Move a key to another database",
		Complexity: "O(1)",
		Syntax:     "key db", Run: moveKey, Weigh: weighFirst},
	{Name: "touch", Arity: -2, Flags: ReadOnly | Fast, Keys: Keys{{At: 1, Last: -1, Access: RO}},
		Group: Generic, Since: "3.2.1",
		Tips:       []string{"request_policy:multi_shard", "response_policy:agg_sum"},
		Summary:    "Alters the last access time of a key(s). Returns the number of existing keys specified.",
		Complexity: "O(N) where N is the number of keys that will be touched.",
		Syntax:     "key [key ...]", Run: touch},
	{Name: "object", Arity: -2, Group: Generic, Since: "2.2.3",
		Summary:    "A container for object introspection commands",
		Complexity: "Depends on subcommand.",
		Sub: []Command{
			{Name: "encoding", Arity: 3, Flags: ReadOnly, Keys: Keys{{At: 2, Access: RO}},
				Group: Generic, Since: "2.2.3",
				Tips:       []string{"nondeterministic_output"},
				Summary:    "Inspect the internal encoding of a Redis object",
				Complexity: "O(1)",
				Syntax:     "key", Run: objectEncoding},
			{Name: "freq", Arity: 3, Flags: ReadOnly, Keys: Keys{{At: 2, Access: RO}},
				Group: Generic, Since: "4.0.0",
				Tips:       []string{"nondeterministic_output"},
				Summary:    "Get the logarithmic access frequency counter of a Redis object",
				Complexity: "O(1)",
				Differs:    "One of sixteen numbers; see docs/operations.md for how exact it is",
				Syntax:     "key", Run: objectFreq},
			{Name: "help", Arity: 2, Flags: Loading | Stale, Group: Generic, Since: "6.2.0",
				Summary:    "Show helpful text about the different subcommands",
				Complexity: "O(1)",
				Run:        help("object", objectHelp...)},
			{Name: "idletime", Arity: 3, Flags: ReadOnly, Keys: Keys{{At: 2, Access: RO}},
				Group: Generic, Since: "2.2.3",
				Tips:       []string{"nondeterministic_output"},
				Summary:    "Get the time since a Redis object was last accessed",
				Complexity: "O(1)",
				Differs:    "Sixteen different times for the keys of a shard; see docs/operations.md for how exact they are",
				Syntax:     "key", Run: objectIdletime},
			{Name: "refcount", Arity: 3, Flags: ReadOnly, Keys: Keys{{At: 2, Access: RO}},
				Group: Generic, Since: "2.2.3",
				Tips:       []string{"nondeterministic_output"},
				Summary:    "Get the number of references to the value of the key",
				Complexity: "O(1)",
				Syntax:     "key", Run: objectRefcount},
		}},
}, dumpCommands...)

// typeNames are the names of types that clients see.
var typeNames = [...]string{engine.None: "none", engine.String: "string", engine.Hash: "hash", engine.Set: "set"}

// DEL key [key ...]; UNLINK is the same.
func del(c *Call) error {
	n := int64(0)
	for i := range c.Keys {
		if c.Tx.Delete(c.Keys[i]) {
			n++
		}
	}
	return c.integer(n, nil)
}

// EXISTS key [key ...]
func exists(c *Call) error {
	n := int64(0)
	for i := range c.Keys {
		if c.Tx.Exists(c.Keys[i]) {
			n++
		}
	}
	return c.integer(n, nil)
}

// TOUCH key [key ...]
func touch(c *Call) error {
	n := int64(0)
	for i := range c.Keys {
		if c.Tx.Touch(c.Keys[i]) {
			n++
		}
	}
	return c.integer(n, nil)
}

// TYPE key
func typeOf(c *Call) error {
	c.Out.Simple(typeNames[c.Tx.Type(c.Keys[0])])
	return nil
}

// RENAME key newkey
func rename(c *Call) error {
	found, err := c.Tx.Rename(c.Keys[0], c.Keys[1])
	if err == nil && !found {
		err = errNoSuchKey
	}
	return c.ok(err)
}

// RENAMENX key newkey
func renamenx(c *Call) error {
	if !c.has(c.Keys[0]) {
		return errNoSuchKey
	}
	// A key that gets its own name is in the way of itself.
	if c.has(c.Keys[1]) {
		return c.boolean(false, nil)
	}
	return c.boolean(c.Tx.Rename(c.Keys[0], c.Keys[1]))
}

// weighFirst is the size of what the first key holds, which is copied. RENAME and MOVE need the
// room only until they delete the key.
func weighFirst(c *Call) int {
	n, _ := c.Tx.MemoryUsage(c.Keys[0])
	return n
}

// COPY source destination [DB destination-db] [REPLACE]
func copyKey(c *Call) error {
	db, replace := c.Tx.DB, false
	for i := 3; i < len(c.Args); i++ {
		switch {
		case is(c.Args[i], "replace"):
			replace = true
		case is(c.Args[i], "db") && i+1 < len(c.Args):
			i++
			var err error
			if db, err = c.database(i); err != nil {
				return err
			}
		default:
			return errSyntax
		}
	}
	if db == c.Tx.DB && bytes.Equal(c.Keys[0].Bytes, c.Keys[1].Bytes) {
		return errSameObject
	}
	return c.boolean(c.Tx.Copy(c.Keys[0], c.Keys[1], db, replace))
}

// MOVE key db
func moveKey(c *Call) error {
	db, err := c.database(2)
	if err != nil {
		return err
	}
	if db == c.Tx.DB {
		return errSameObject
	}
	return c.boolean(c.Tx.Move(c.Keys[0], db))
}
