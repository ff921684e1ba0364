package command

import "strings"

// help returns the handler of a container's HELP. lines are what the subcommands do, without the first line and those about HELP.
func help(container string, lines ...string) Handler {
	first := strings.ToUpper(container) + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"
	lines = append(append([]string{first}, lines...), "HELP", "    Prints this help.")
	return func(c *Call) error {
		c.Out.Array(len(lines))
		for _, line := range lines {
			c.Out.Simple(line)
		}
		return nil
	}
}
