package command

import (
	"math/bits"
	"slices"
	"strings"

	"github.com/redistill/redistill/internal/glob"
	"github.com/redistill/redistill/internal/resp"
)

var commandCommand = Command{
	Name: "command", Arity: -1, Flags: Loading | Stale, Categories: CatConnection, Group: Admins, Since: "2.8.13",
	Summary:    "Get array of Redis command details",
	Complexity: "O(N) where N is the total number of Redis commands",
	Tips:       []string{"nondeterministic_output_order"}, Run: commandAll,
	Sub: []Command{
		{Name: "count", Arity: 2, Flags: Loading | Stale, Categories: CatConnection, Group: Admins, Since: "2.8.13",
			Summary: "Get total number of Redis commands", Complexity: "O(1)", Run: commandCount},
		{Name: "docs", Arity: -2, Flags: Loading | Stale, Categories: CatConnection, Group: Admins, Since: "7.0.0",
			Summary:    "Get array of specific Redis command documentation",
			Complexity: "O(N) where N is the number of commands to look up", Syntax: "[command-name [command-name ...]]",
			Differs: "Without the history of each command", Tips: []string{"nondeterministic_output_order"}, Run: commandDocs},
		{Name: "getkeys", Arity: -4, Flags: Loading | Stale, Categories: CatConnection, Group: Admins, Since: "2.8.13",
			Summary:    "Extract keys given a full Redis command",
			Complexity: "O(N) where N is the number of arguments to the command", Syntax: "command [arg [arg ...]]",
			Run: commandGetKeys},
		{Name: "getkeysandflags", Arity: -4, Flags: Loading | Stale, Categories: CatConnection, Group: Admins, Since: "7.0.0",
			Summary:    "Extract keys and access flags given a full Redis command",
			Complexity: "O(N) where N is the number of arguments to the command", Syntax: "command [arg [arg ...]]",
			Run: commandGetKeysAndFlags},
		{Name: "help", Arity: 2, Flags: Loading | Stale, Categories: CatConnection, Group: Admins, Since: "5.0.0",
			Summary: "Show helpful text about the different subcommands", Complexity: "O(1)", Run: help("command",
				"(no subcommand)",
				"    Return details about all Redis commands.",
				"COUNT",
				"    Return the total number of commands in this Redis server.",
				"LIST",
				"    Return a list of all commands in this Redis server.",
				"INFO [<command-name> ...]",
				"    Return details about multiple Redis commands.",
				"    If no command names are given, documentation details for all",
				"    commands are returned.",
				"DOCS [<command-name> ...]",
				"    Return documentation details about multiple Redis commands.",
				"    If no command names are given, documentation details for all",
				"    commands are returned.",
				"GETKEYS <full-command>",
				"    Return the keys from a full Redis command.",
				"GETKEYSANDFLAGS <full-command>",
				"    Return the keys and the access flags from a full Redis command.")},
		{Name: "info", Arity: -2, Flags: Loading | Stale, Categories: CatConnection, Group: Admins, Since: "2.8.13",
			Summary:    "Get array of specific Redis command details, or all when no argument is given.",
			Complexity: "O(N) where N is the number of commands to look up", Syntax: "[command-name [command-name ...]]",
			Tips: []string{"nondeterministic_output_order"}, Run: commandInfo},
		{Name: "list", Arity: -2, Flags: Loading | Stale, Categories: CatConnection, Group: Admins, Since: "7.0.0",
			Summary:    "Get an array of Redis command names",
			Complexity: "O(N) where N is the total number of Redis commands",
			Syntax:     "[FILTERBY <MODULE module-name | ACLCAT category | PATTERN pattern>]",
			Tips:       []string{"nondeterministic_output_order"}, Run: commandList},
	},
}

// COMMAND
func commandAll(c *Call) error {
	c.Out.Array(len(c.Srv.table.rows))
	for _, row := range c.Srv.table.rows {
		row.appendInfo(c.Out)
	}
	return nil
}

// COMMAND COUNT
func commandCount(c *Call) error {
	c.Out.Int(int64(len(c.Srv.table.rows)))
	return nil
}

// COMMAND INFO [command-name ...]
func commandInfo(c *Call) error {
	if len(c.Args) == 2 {
		return commandAll(c)
	}
	c.Out.Array(len(c.Args) - 2)
	for _, name := range c.Args[2:] {
		if row := c.Srv.table.find(string(name)); row != nil {
			row.appendInfo(c.Out)
		} else {
			c.Out.Null()
		}
	}
	return nil
}

// COMMAND LIST [FILTERBY MODULE module-name | ACLCAT category | PATTERN pattern]
func commandList(c *Call) error {
	var names []string
	add := func(row *Command) { names = append(names, row.fullName) }
	switch {
	case len(c.Args) == 2:
		for _, row := range c.Srv.table.rows {
			add(row)
		}
	case len(c.Args) != 5 || !is(c.Args[2], "filterby"):
		return errSyntax
	case is(c.Args[3], "module"): // there are no modules
	case is(c.Args[3], "aclcat"):
		category := categoryNamed(string(c.Args[4]))
		for _, row := range c.Srv.table.list {
			if row.categories()&category != 0 {
				add(row)
			}
		}
	case is(c.Args[3], "pattern"):
		pattern := glob.Compile(c.Args[4], true)
		for _, row := range c.Srv.table.list {
			if pattern.Match([]byte(row.fullName)) {
				add(row)
			}
		}
	default:
		return errSyntax
	}
	c.Out.Array(len(names))
	for _, name := range names {
		c.Out.BulkString(name)
	}
	return nil
}

// categoryNamed returns the category of that name, 0 if there is none.
func categoryNamed(name string) Category {
	i := slices.Index(categoryNames, strings.ToLower(name))
	if i < 0 {
		return 0
	}
	return 1 << i
}

// COMMAND GETKEYS command [arg ...]
func commandGetKeys(c *Call) error {
	_, at, err := c.keysOf(c.Args[2:])
	if err != nil {
		return err
	}
	c.Out.Array(len(at))
	for _, i := range at {
		c.Out.Bulk(c.Args[2+i])
	}
	return nil
}

// COMMAND GETKEYSANDFLAGS command [arg ...]
func commandGetKeysAndFlags(c *Call) error {
	row, at, err := c.keysOf(c.Args[2:])
	if err != nil {
		return err
	}
	c.Out.Array(len(at))
	for n, i := range at {
		c.Out.Array(2)
		c.Out.Bulk(c.Args[2+i])
		appendSet(c.Out, uint32(row.accessIn(n, c.Args[2:])), accessNames, "")
	}
	return nil
}

// keysOf finds the keys of a command that is only looked at.
func (c *Call) keysOf(args [][]byte) (row *Command, at []int, err error) {
	row = c.Srv.table.lookup(args[0])
	if row != nil && row.Sub != nil && len(args) > 1 {
		row = row.subcommand(args[1])
	}
	switch {
	case row == nil:
		return nil, nil, Error("ERR Invalid command specified")
	case row.Keys.First == 0:
		return nil, nil, Error("ERR The command has no key arguments")
	case row.Arity > 0 && len(args) != row.Arity || len(args) < -row.Arity:
		return nil, nil, Error("ERR Invalid number of arguments specified for command")
	}
	return row, row.keys(nil, args), nil
}

// accessIn returns what the command does with its key number n when it is called with args.
func (c *Command) accessIn(n int, args [][]byte) Access {
	if c.AccessOf != nil {
		return c.AccessOf(args)
	}
	return c.access(n)
}

// access returns what the command may do with its key number n.
func (c *Command) access(n int) Access {
	if len(c.Access) == 0 {
		return c.usualAccess()
	}
	return c.Access[min(n, len(c.Access)-1)]
}

// appendInfo appends the row as COMMAND INFO shows it.
func (c *Command) appendInfo(out *resp.Out) {
	out.Array(10)
	out.BulkString(c.fullName)
	out.Int(int64(c.Arity))
	appendSet(out, uint32(c.Flags&shownFlags), flagNames, "")
	out.Int(int64(c.Keys.First))
	out.Int(int64(c.Keys.Last))
	out.Int(int64(c.Keys.Step))
	appendSet(out, uint32(c.categories()), categoryNames, "@")
	out.Set(len(c.Tips))
	for _, tip := range c.Tips {
		out.BulkString(tip)
	}
	c.appendKeySpecs(out)
	if len(c.Sub) == 0 {
		out.Set(0)
		return
	}
	out.Array(len(c.Sub))
	for i := range c.Sub {
		c.Sub[i].appendInfo(out)
	}
}

// appendSet appends the names of the bits of set.
func appendSet(out *resp.Out, set uint32, names []string, prefix string) {
	out.Set(bits.OnesCount32(set))
	for ; set != 0; set &= set - 1 {
		out.Simple(prefix + names[bits.TrailingZeros32(set)])
	}
}

// appendKeySpecs appends where keys are and what is done with them. Keys that are treated alike are one specification.
func (c *Command) appendKeySpecs(out *resp.Out) {
	if c.Keys.First == 0 {
		out.Set(0)
		return
	}
	n := max(1, len(c.Access))
	out.Set(n)
	for i := range n {
		first, last := c.Keys.First+i*c.Keys.Step, 0
		if n == 1 {
			if last = c.Keys.Last; last > 0 {
				last -= first
			}
		}
		if c.KeyNotes == "" {
			out.Map(3)
		} else {
			out.Map(4)
			out.BulkString("notes")
			out.BulkString(c.KeyNotes)
		}
		out.BulkString("flags")
		appendSet(out, uint32(c.access(i)), accessNames, "")
		out.BulkString("begin_search")
		out.Map(2)
		out.BulkString("type")
		out.BulkString("index")
		out.BulkString("spec")
		out.Map(1)
		out.BulkString("index")
		out.Int(int64(first))
		out.BulkString("find_keys")
		out.Map(2)
		out.BulkString("type")
		out.BulkString("range")
		out.BulkString("spec")
		out.Map(3)
		appendPair(out, "lastkey", last)
		appendPair(out, "keystep", c.Keys.Step)
		appendPair(out, "limit", 0)
	}
}

func appendPair(out *resp.Out, name string, n int) {
	out.BulkString(name)
	out.Int(int64(n))
}
