package command

import (
	"math"
	"strconv"
	"time"
)

var debugCommand = Command{
	Name: "debug", Arity: -2, Flags: Admin | NoScript | Loading | Stale, Locks: LockAll, Group: Admins, Since: "1.0.0",
	Summary: "A container for debugging commands", Complexity: "Depends on subcommand.", Syntax: "<SLEEP seconds | HELP>",
	Differs: "Always allowed. There is only SLEEP, which stops the clients that use keys.", Run: debugCommands,
}

var debugHelp = help("debug",
	"SLEEP <seconds>",
	"    Stop the server for <seconds>. Decimals allowed.")

// DEBUG SLEEP seconds: every client that uses a key waits. DEBUG HELP
func debugCommands(c *Call) error {
	switch {
	case is(c.Args[1], "sleep") && len(c.Args) == 3:
		time.Sleep(debugDuration(c.Args[2]))
		c.Out.OK()
		return nil
	case is(c.Args[1], "help") && len(c.Args) == 2:
		return debugHelp(c)
	}
	return Error("ERR unknown subcommand or wrong number of arguments for '" + string(clip(c.Args[1], 128)) + "'. Try DEBUG HELP.")
}

// debugDuration reads seconds; as in Redis, what is no number is 0.
func debugDuration(arg []byte) time.Duration {
	seconds, err := strconv.ParseFloat(string(arg), 64)
	if err != nil || !(seconds > 0) {
		return 0
	}
	return time.Duration(math.Min(seconds*float64(time.Second), math.MaxInt64/2))
}
