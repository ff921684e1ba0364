package command

import (
	"math"
	"net/netip"
	"strconv"
	"sync/atomic"
	"time"
)

var debugCommand = Command{
	Name: "debug", Arity: -2, Flags: Admin | NoScript | Loading | Stale | Protected,
	Locks: LockWalk, Group: Admins, Since: "1.0.0",
	Summary: "A container for debugging commands", Complexity: "Depends on subcommand.",
	Syntax: "<CHECK | ERROR message | OBJECT key | POPULATE count [prefix [size]] | " +
		"PROTOCOL type | RELOAD [NOSAVE] [MERGE] | SET-ACTIVE-EXPIRE value | SLEEP seconds | HELP>",
	Differs: "There are these subcommands alone. CHECK is Redistill's own: it checks the server's " +
		"memory and replies OK, or the number of faults and the first one. SLEEP stops the " +
		"clients that use keys. OBJECT shows no address, and the length without compression. " +
		"POPULATE and RELOAD are refused in a transaction. POPULATE stops at the memory limit, " +
		"and when its client goes away. RELOAD has no NOFLUSH; other clients are told meanwhile " +
		"that the server is loading",
	Run: debugCommands,
}

var debugHelp = help("debug",
	"CHECK",
	"    Check all keys and the memory that they are in: OK, or the number of faults",
	"    and the first one. Clients go on, but the keys are locked in parts: each for",
	"    about a second for every million keys and fields in it.",
	"ERROR <string>",
	"    Return a Redis protocol error with <string> as message. Useful for clients",
	"    unit tests to simulate Redis errors.",
	"OBJECT <key>",
	"    Show low level info about `key` and associated value.",
	"POPULATE <count> [<prefix>] [<size>]",
	"    Create <count> string keys named key:<num>. If <prefix> is specified then",
	"    it is used instead of the 'key' prefix.",
	"PROTOCOL <type>",
	"    Reply with a test value of the specified type. <type> can be: string,",
	"    integer, double, bignum, null, array, set, map, attrib, push, verbatim,",
	"    true, false.",
	"RELOAD [option ...]",
	"    Save the RDB on disk and reload it back to memory. Valid <option> values:",
	"    * MERGE: changes nothing, as keys are loaded into an empty database.",
	"    * NOSAVE: the database will be loaded from an existing RDB file.",
	"SET-ACTIVE-EXPIRE <0|1>",
	"    Setting it to 0 disables expiring keys in background when they are not",
	"    accessed (otherwise the Redis behavior). Setting it to 1 reenables back the",
	"    default.",
	"SLEEP <seconds>",
	"    Stop the server for <seconds>. Decimals allowed.")

// errDebugDenied is Redis's text.
const errDebugDenied = Error("ERR DEBUG command not allowed. If the enable-debug-command option is set " +
	"to \"local\", you can run it from a local connection, otherwise you need to set this option in the " +
	"configuration file, and then restart the server.")

// mayDebug reports whether enable-debug-command allows the client DEBUG. As in Redis, 127.0.0.1 and
// ::1 are local and the other addresses of the loopback interface are not.
func (s *Session) mayDebug() bool {
	switch s.srv.Config.Values().DebugCommand {
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

// debugSubcommands are what DEBUG can do, with the number of words of each. Redis has them in no
// table either.
var debugSubcommands = []struct {
	name        string
	least, most int
	run         func(*Call) error
}{
	{"check", 2, 2, debugCheck},
	{"error", 3, 3, debugError},
	{"object", 3, 3, debugObject},
	{"populate", 3, 5, debugPopulate},
	{"protocol", 3, 3, debugProtocol},
	{"reload", 2, math.MaxInt, debugReload},
	{"set-active-expire", 3, 3, debugSetActiveExpire},
	{"sleep", 3, 3, debugSleep},
	{"help", 2, 2, debugHelp},
}

// DEBUG subcommand [arg ...]
func debugCommands(c *Call) error {
	for _, sub := range debugSubcommands {
		if is(c.Args[1], sub.name) && sub.least <= len(c.Args) && len(c.Args) <= sub.most {
			return sub.run(c)
		}
	}
	return Error("ERR unknown subcommand or wrong number of arguments for '" + string(clip(c.Args[1], 128)) + "'. Try DEBUG HELP.")
}

// DEBUG SLEEP seconds
func debugSleep(c *Call) error {
	if !c.S.multi.running {
		c.Tx.LockAll() // every client that uses a key waits
	}
	time.Sleep(debugDuration(c.Args[2]))
	c.Out.OK()
	return nil
}

// beside is await for work with the Store, which the end of the server waits for. It should end
// soon when stop is set.
func (c *Call) beside(work func(stop *atomic.Bool) error) error {
	_, err := c.await(func(p *pending) {
		c.Srv.underWay.Go(func() { p.end("", work(&p.stop)) })
	})
	return err
}

// DEBUG CHECK. In EXEC, where every lock is held anyway, it is done at once.
func debugCheck(c *Call) error {
	if c.S.multi.running {
		return c.checked(c.Tx.Check())
	}
	store := c.Srv.Store
	err := c.beside(func(*atomic.Bool) error { return store.Check() })
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
