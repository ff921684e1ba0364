package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/redistill/redistill/command"
)

const introduction = `# Commands

<!-- Generated from the command table by "go generate ./internal/gendocs". Do not edit. -->

Redistill speaks the protocol of Redis 7.2. Every command below has the options, replies and errors of Redis 7.2, apart from what
"Differs" says. All other commands answer ` + "`ERR unknown command`" + `.

In the syntax, words in capitals stand for themselves, others for a value. ` + "`[a]`" + ` is optional, ` + "`<a | b>`" + ` is a choice, and
` + "`a [a ...]`" + ` may be repeated. The version is that of Redis in which the command first appeared.
`

// families are the groups of commands, in the order of the page.
var families = []struct {
	group command.Group
	title string
}{
	{command.Strings, "Strings and counters"},
	{command.Hashes, "Hashes"},
	{command.Sets, "Sets"},
	{command.Generic, "Keys"},
	{command.Transactions, "Transactions"},
	{command.Connection, "Connection"},
	{command.Admins, "Server"},
	{command.Cluster, "Cluster"},
}

// commandsPage returns docs/commands.md.
func commandsPage() []byte {
	rows := command.Commands()
	slices.SortFunc(rows, func(a, b command.Command) int { return strings.Compare(a.Name, b.Name) })
	var page bytes.Buffer
	page.WriteString(introduction)
	for _, family := range families {
		fmt.Fprintf(&page, "\n## %s\n\n", family.title)
		for i := range rows {
			if rows[i].Group == family.group {
				writeCommand(&page, "", &rows[i])
			}
		}
	}
	return page.Bytes()
}

// writeCommand writes a list item about a command and items about its subcommands. prefix is the container's name and a space.
func writeCommand(page *bytes.Buffer, prefix string, c *command.Command) {
	name := prefix + strings.ToUpper(c.Name)
	if c.Run != nil {
		fmt.Fprintf(page, "- **`%s`**<br>%s (Redis %s)", strings.TrimSpace(name+" "+c.Syntax), sentence(c.Summary), c.Since)
		if c.Differs != "" {
			fmt.Fprintf(page, " **Differs:** %s", sentence(c.Differs))
		}
		page.WriteByte('\n')
	}
	subcommands := slices.Clone(c.Sub)
	slices.SortFunc(subcommands, func(a, b command.Command) int { return strings.Compare(a.Name, b.Name) })
	for i := range subcommands {
		writeCommand(page, name+" ", &subcommands[i])
	}
}

// sentence ends a text with a full stop.
func sentence(text string) string { return strings.TrimSuffix(text, ".") + "." }
