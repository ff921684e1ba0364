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
	_, keys, err := c.keysOf(c.Args[2:])
	if err != nil {
		return err
	}
	c.Out.Array(len(keys))
	for _, k := range keys {
		c.Out.Bulk(c.Args[2+k.at])
	}
	return nil
}

// COMMAND GETKEYSANDFLAGS command [arg ...]
func commandGetKeysAndFlags(c *Call) error {
	row, keys, err := c.keysOf(c.Args[2:])
	if err != nil {
		return err
	}
	c.Out.Array(len(keys))
	for _, k := range keys {
		c.Out.Array(2)
		c.Out.Bulk(c.Args[2+k.at])
		access := row.accessIn(k.spec, c.Args[2:]) &^ Incomplete // which is said of a specification
		appendSet(c.Out, uint32(access), accessNames, "")
	}
	return nil
}

// keysOf finds the keys of a command that is only looked at.
func (c *Call) keysOf(args [][]byte) (row *Command, keys []keyUse, err error) {
	row = c.Srv.table.lookup(args[0])
	if row != nil && row.Sub != nil && len(args) > 1 {
		row = row.subcommand(args[1])
	}
	switch {
	case row == nil:
		return nil, nil, Error("ERR Invalid command specified")
	case len(row.Keys) == 0:
		return nil, nil, Error("ERR The command has no key arguments")
	case row.Arity > 0 && len(args) != row.Arity || len(args) < -row.Arity:
		return nil, nil, Error("ERR Invalid number of arguments specified for command")
	}
	keys = row.findKeys(nil, args)
	if len(keys) == 0 && row.Flags&NoMandatoryKeys == 0 {
		return nil, nil, Error("ERR Invalid arguments specified for command")
	}
	return row, keys, nil
}

// appendInfo appends the row as COMMAND INFO shows it.
func (c *Command) appendInfo(out *resp.Out) {
	out.Array(10)
	out.BulkString(c.fullName)
	out.Int(int64(c.Arity))
	appendSet(out, uint32(c.Flags&shownFlags), flagNames, "")
	first, last, step := c.Keys.outline()
	out.Int(int64(first))
	out.Int(int64(last))
	out.Int(int64(step))
	appendSet(out, uint32(c.categories()), categoryNames, "@")
	out.Set(len(c.Tips))
	for _, tip := range c.Tips {
		out.BulkString(tip)
	}
	c.Keys.append(out, c.accessOf)
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
