package command

import (
	"math"
	"net/netip"
	"strconv"
	"time"
)

var debugCommand = Command{
	Name: "debug", Arity: -2, Flags: Admin | NoScript | Loading | Stale | Protected,
	Locks: LockWalk, Group: Admins, Since: "1.0.0",
	Summary: "A container for debugging commands", Complexity: "Depends on subcommand.",
	Syntax: "<CHECK | SLEEP seconds | HELP>",
	Differs: "There is only SLEEP, which stops the clients that use keys, and CHECK, which Redis " +
		"lacks: it checks the server's memory and replies OK, or the number of faults and the first one",
	Run: debugCommands,
}

var debugHelp = help("debug",
	"CHECK",
	"    Check all keys and the memory that they are in: OK, or the number of faults",
	"    and the first one. Clients go on, but the keys are locked in parts: each for",
	"    about a second for every million keys and fields in it.",
	"SLEEP <seconds>",
	"    Stop the server for <seconds>. Decimals allowed.")

// errDebugDenied is Redis's text.
const errDebugDenied = Error("ERR DEBUG command not allowed. If the enable-debug-command option is set " +
	"to \"local\", you can run it from a local connection, otherwise you need to set this option in the " +
	"configuration file, and then restart the server.")

// mayDebug reports whether enable-debug-command allows the client DEBUG. As in Redis, 127.0.0.1 and
// ::1 are local and the other addresses of the loopback interface are not.
func (s *Session) mayDebug() bool {
	switch s.srv.Config.Snapshot().DebugCommand {
	case "yes":
		return true
	case "local":
		if s.unix {
			return true
		}
		at, _ := netip.ParseAddrPort(s.Addr)
		addr := at.Addr().Unmap()
		return addr == netip.AddrFrom4([4]byte{127, 0, 0, 1}) || addr == netip.IPv6Loopback()
	}
	return false
}

// DEBUG CHECK | SLEEP seconds | HELP
func debugCommands(c *Call) error {
	switch {
	case is(c.Args[1], "check") && len(c.Args) == 2:
		return debugCheck(c)
	case is(c.Args[1], "sleep") && len(c.Args) == 3:
		if !c.S.multi.running {
			c.Tx.LockAll() // every client that uses a key waits
		}
		time.Sleep(debugDuration(c.Args[2]))
		c.Out.OK()
		return nil
	case is(c.Args[1], "help") && len(c.Args) == 2:
		return debugHelp(c)
	}
	return Error("ERR unknown subcommand or wrong number of arguments for '" + string(clip(c.Args[1], 128)) + "'. Try DEBUG HELP.")
}

// debugCheck checks the memory in a goroutine of its own, because the client's may serve others. In
// EXEC, where every lock is held anyway, it does so at once.
func debugCheck(c *Call) error {
	if c.S.multi.running {
		return c.checked(c.Tx.Check())
	}
	srv := c.Srv
	_, err := c.await(func(p *pending) {
		srv.underWay.Go(func() { p.end("", srv.Store.Check()) })
	})
	if err == errWait {
		return err
	}
	return c.checked(err)
}

// checked replies with what a check found.
func (c *Call) checked(err error) error {
	if err != nil {
		// Where it is may have a key, which no log shows.
		c.Srv.Log.Error("DEBUG CHECK found that the memory is damaged", "client", c.S.Addr)
	}
	return c.ok(err)
}

// debugDuration reads seconds; as in Redis, what is no number is 0.
func debugDuration(arg []byte) time.Duration {
	seconds, err := strconv.ParseFloat(string(arg), 64)
	if err != nil || !(seconds > 0) {
		return 0
	}
	return time.Duration(math.Min(seconds*float64(time.Second), math.MaxInt64/2))
}
