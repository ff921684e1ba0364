package command

import "time"

// serverCommands are the commands that look after the server. Each row stands in the file of its handlers.
var serverCommands = append([]Command{
	aclCommand, commandCommand, configCommand, debugCommand, infoCommand, latencyCommand, memoryCommand, shutdownCommand, slowlogCommand,
	{Name: "time", Arity: 1, Flags: Loading | Stale | Fast, Group: Admins, Since: "2.6.0",
		Summary: "Return the current server time", Complexity: "O(1)", Tips: []string{"nondeterministic_output"}, Run: showTime},
}, append(flushCommands, saveCommands...)...)

// TIME
func showTime(c *Call) error {
	now := time.Now()
	c.Out.Array(2)
	c.Out.BulkInt(now.Unix())
	c.Out.BulkInt(int64(now.Nanosecond() / 1000))
	return nil
}
