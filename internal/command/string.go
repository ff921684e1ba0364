package command

var stringCommands = []Command{
	{Name: "get", Arity: 2, Flags: ReadOnly | Fast, Keys: Keys{1, 1, 1}, Group: Strings, Since: "1.0.0",
		Summary: "Returns the string value of a key.", Complexity: "O(1)", Syntax: "key", Run: get},
}

// GET key
func get(c *Call) error {
	return c.value(c.Tx.Get(c.Keys[0]))
}
