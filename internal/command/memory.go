package command

var memoryCommand = Command{
	Name: "memory", Arity: -2, Group: Admins, Since: "4.0.0",
	Summary: "A container for memory diagnostics commands", Complexity: "Depends on subcommand.",
	Sub: []Command{
		{Name: "help", Arity: 2, Flags: Loading | Stale, Group: Admins, Since: "4.0.0",
			Summary: "Show helpful text about the different subcommands", Complexity: "O(1)", Run: help("memory",
				"USAGE <key> [SAMPLES <count>]",
				"    Return memory in bytes used by <key> and its value. Nested values are",
				"    sampled up to <count> times (default: 5, 0 means sample all).")},
		{Name: "usage", Arity: -3, Flags: ReadOnly, Keys: Keys{2, 2, 1}, Access: []Access{RO}, Group: Admins, Since: "4.0.0",
			Summary: "Estimate the memory usage of a key", Complexity: "O(N) where N is the number of samples.",
			Syntax:  "key [SAMPLES count]",
			Differs: "The size is what this server accounts for the key, whatever SAMPLES says", Run: memoryUsage},
	},
}

// MEMORY USAGE key [SAMPLES count]. The engine knows the size exactly, so that there is nothing to sample.
func memoryUsage(c *Call) error {
	for i := 3; i < len(c.Args); i += 2 {
		if !is(c.Args[i], "samples") || i+1 == len(c.Args) {
			return errSyntax
		}
		if n, err := c.int(i + 1); err != nil {
			return err
		} else if n < 0 {
			return errSyntax
		}
	}
	n, ok := c.Tx.MemoryUsage(c.Keys[0])
	if !ok {
		c.Out.Null()
		return nil
	}
	c.Out.Int(int64(n))
	return nil
}
