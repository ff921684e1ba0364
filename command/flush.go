package command

import "github.com/redistill/redistill/engine"

var flushCommands = []Command{
	{Name: "dbsize", Arity: 1, Flags: ReadOnly | Fast, Categories: CatKeyspace, Locks: LockWalk, Group: Admins, Since: "1.0.0",
		Summary: "Return the number of keys in the selected database", Complexity: "O(1)",
		Tips: []string{"request_policy:all_shards", "response_policy:agg_sum"}, Run: dbSize},
	{Name: "flushall", Arity: -1, Flags: Write, Categories: CatKeyspace | CatDangerous, Locks: LockAll, Group: Admins, Since: "1.0.0",
		Summary: "Remove all keys from all databases", Complexity: "O(N) where N is the total number of keys in all databases",
		Syntax: "[ASYNC | SYNC]", Tips: []string{"request_policy:all_shards", "response_policy:all_succeeded"}, Run: flushAll},
	{Name: "flushdb", Arity: -1, Flags: Write, Categories: CatKeyspace | CatDangerous, Locks: LockAll, Group: Admins, Since: "1.0.0",
		Summary: "Remove all keys from the current database", Complexity: "O(N) where N is the number of keys in the selected database",
		Syntax: "[ASYNC | SYNC]", Tips: []string{"request_policy:all_shards", "response_policy:all_succeeded"}, Run: flushDB},
	{Name: "swapdb", Arity: 3, Flags: Write | Fast, Categories: CatKeyspace | CatDangerous, Locks: LockAll, Group: Admins, Since: "4.0.0",
		Summary:    "Swaps two Redis databases",
		Complexity: "O(N) where N is the count of clients watching or blocking on keys from both databases.",
		Syntax:     "index1 index2", Run: swapDB},
}

// DBSIZE
func dbSize(c *Call) error {
	c.Out.Int(int64(c.Tx.Len()))
	return nil
}

// FLUSHALL [ASYNC | SYNC]. Where snapshots are taken, the command runs again when one was taken without
// the keys. If it failed, the log says so, and they are gone all the same.
func flushAll(c *Call) error {
	if !c.isFlush() {
		return errSyntax
	}
	v, s := c.Srv.Config.Values(), c.S
	saved := v.Persistence && v.SnapshotInterval > 0
	if saved && !s.multi.running {
		_, err := c.await(func(p *pending) {
			c.Tx.FlushAll()
			c.Srv.saver.beginOrFollow(c.Tx, "FLUSHALL", p)
		})
		if err == errWait {
			return err
		}
		c.Out.OK()
		return nil
	}
	c.Tx.FlushAll()
	if saved { // EXEC cannot wait for the end
		c.Srv.saver.beginOrFollow(c.Tx, "FLUSHALL", nil)
	}
	c.Out.OK()
	return nil
}

// FLUSHDB [ASYNC | SYNC]
func flushDB(c *Call) error {
	if !c.isFlush() {
		return errSyntax
	}
	c.Tx.Flush()
	c.Out.OK()
	return nil
}

// isFlush reports whether the arguments are those of FLUSHDB and FLUSHALL. Both modes drop tables as a whole: what ASYNC asks for is
// the garbage collector's work anyway.
func (c *Call) isFlush() bool {
	return len(c.Args) == 1 || len(c.Args) == 2 && (is(c.Args[1], "async") || is(c.Args[1], "sync"))
}

// SWAPDB index1 index2
func swapDB(c *Call) error {
	a, err := c.int(1)
	if err != nil || a != int64(int32(a)) {
		return Error("ERR invalid first DB index")
	}
	b, err := c.int(2)
	if err != nil || b != int64(int32(b)) {
		return Error("ERR invalid second DB index")
	}
	if a < 0 || a >= engine.Databases || b < 0 || b >= engine.Databases {
		return errDBRange
	}
	c.Tx.SwapDB(int(a), int(b))
	c.Out.OK()
	return nil
}
