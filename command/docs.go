package command

import "github.com/redistill/redistill/internal/resp"

// COMMAND DOCS [command-name ...]
func commandDocs(c *Call) error {
	rows := c.Srv.table.rows
	if len(c.Args) > 2 {
		rows = nil
		for _, name := range c.Args[2:] {
			if row := c.Srv.table.find(string(name)); row != nil {
				rows = append(rows, row)
			}
		}
	}
	c.Out.Map(len(rows))
	for _, row := range rows {
		row.appendDocs(c.Out)
	}
	return nil
}

// appendDocs appends the full name and the documentation of a row.
func (c *Command) appendDocs(out *resp.Out) {
	args := c.arguments()
	fields := 3
	for _, more := range []bool{c.Complexity != "", len(args) > 0, len(c.Sub) > 0} {
		if more {
			fields++
		}
	}
	out.BulkString(c.fullName)
	out.Map(fields)
	appendText(out, "summary", c.Summary)
	appendText(out, "since", c.Since)
	appendText(out, "group", string(c.Group))
	if c.Complexity != "" {
		appendText(out, "complexity", c.Complexity)
	}
	if len(args) > 0 {
		out.BulkString("arguments")
		appendArguments(out, args)
	}
	if len(c.Sub) > 0 {
		out.BulkString("subcommands")
		out.Map(len(c.Sub))
		for i := range c.Sub {
			c.Sub[i].appendDocs(out)
		}
	}
}

func appendArguments(out *resp.Out, args []argument) {
	out.Array(len(args))
	for i := range args {
		args[i].append(out)
	}
}

// append appends an argument as COMMAND DOCS shows it.
func (a *argument) append(out *resp.Out) {
	flags := a.flags()
	shown := a.kind != "oneof" && a.kind != "block"
	fields := 2
	for _, more := range []bool{shown, a.kind == "key", a.token != "", len(flags) > 0, len(a.args) > 0} {
		if more {
			fields++
		}
	}
	out.Map(fields)
	appendText(out, "name", a.name)
	appendText(out, "type", a.kind)
	if shown {
		appendText(out, "display_text", a.name)
	}
	if a.kind == "key" {
		appendPair(out, "key_spec_index", a.key)
	}
	if a.token != "" {
		appendText(out, "token", a.token)
	}
	if len(flags) > 0 {
		out.BulkString("flags")
		out.Set(len(flags))
		for _, f := range flags {
			out.Simple(f)
		}
	}
	if len(a.args) > 0 {
		out.BulkString("arguments")
		appendArguments(out, a.args)
	}
}

func (a *argument) flags() []string {
	var flags []string
	if a.optional {
		flags = append(flags, "optional")
	}
	if a.multiple {
		flags = append(flags, "multiple")
	}
	return flags
}

func appendText(out *resp.Out, name, text string) {
	out.BulkString(name)
	out.BulkString(text)
}
