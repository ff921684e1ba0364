package command

import (
	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/acl"
)

// Flag says what a command does and when it may run. The names are Redis's, as COMMAND INFO shows them.
type Flag uint32

// The flags that COMMAND INFO shows.
const (
	Write           Flag = 1 << iota // may change keys
	ReadOnly                         // reads keys
	DenyOOM                          // refused at the memory limit
	Admin                            // an administrator's command
	PubSub                           // publish and subscribe
	NoScript                         // not from scripts
	Blocking                         // may wait
	Loading                          // allowed while a snapshot loads
	NoAsyncLoading                   // not while a replica loads what it is sent; of no effect here
	Stale                            // allowed on a stale replica
	SkipMonitor                      // not shown by MONITOR
	SkipSlowlog                      // not kept in SLOWLOG
	Fast                             // takes constant or logarithmic time
	NoAuth                           // allowed before authentication
	NoMandatoryKeys                  // may be called with no keys, though it has arguments for them
	NoMulti                          // refused inside MULTI
	MovableKeys                      // the arguments decide where keys are; set by newTable
	AllowBusy                        // allowed while a script runs

	// Immediate commands run at once inside MULTI, where others are queued. COMMAND INFO does not show it.
	Immediate
	// Protected commands need a permission of the settings, before any of the user's. COMMAND INFO
	// does not show it.
	Protected
	// Repeatable is for commands that write and are run again after engine.ErrDamaged: their
	// handler has done nothing else by then but lose that value, so that no effect happens twice.
	// Commands that only read need no flag. COMMAND INFO does not show it.
	Repeatable
)

var flagNames = []string{
	"write", "readonly", "denyoom", "admin", "pubsub", "noscript", "blocking", "loading", "no_async_loading", "stale", "skip_monitor", "skip_slowlog",
	"fast", "no_auth", "no_mandatory_keys", "no_multi", "movablekeys", "allow_busy",
}

// shownFlags are the flags that have a name. Others are for the gate alone.
const shownFlags Flag = AllowBusy<<1 - 1

// Group is the family of a command, as COMMAND DOCS names it.
type Group string

// The families.
const (
	Connection   Group = "connection"
	Admins       Group = "server"
	Generic      Group = "generic"
	Strings      Group = "string"
	Hashes       Group = "hash"
	Sets         Group = "set"
	Transactions Group = "transactions"
	Cluster      Group = "cluster"
)

// Positions says which arguments something is about: from First to Last (counted from the end if
// negative) in steps. The zero value is none.
type Positions struct{ First, Last, Step int }

// Access says what a command does with a key. The names are Redis's, as COMMAND INFO shows them.
type Access uint16

// What is done with the key as a whole (one of the first four), and with the value.
const (
	RO            Access = 1 << iota // read
	RW                               // read and written
	OW                               // overwritten whatever it held
	RM                               // deleted
	Reads                            // the value, or part of it, is returned or copied
	Updates                          // the value changes
	Inserts                          // something is added to the value without a look at what it holds
	Deletes                          // the value, or something of it, goes
	NotKey                           // looks like a key but is none
	Incomplete                       // there may be more keys
	VariableFlags                    // depends on the arguments
)

var accessNames = []string{"RO", "RW", "OW", "RM", "access", "update", "insert", "delete", "not_key", "incomplete", "variable_flags"}

// usualAccess is what a command does with the keys of a specification without Access.
func (c *Command) usualAccess() Access {
	if c.Flags&ReadOnly != 0 {
		return RO | Reads
	}
	return RW | Updates
}

// Locks says what the gate locks before a handler runs.
type Locks uint8

const (
	// LockKeys locks the shards of the keys named by the arguments, none if there are none. The zero value.
	LockKeys Locks = iota
	// LockAll locks every shard: the command is atomic for the whole keyspace.
	LockAll
	// LockWalk locks nothing: the handler calls the operations of engine.Tx that walk the keyspace and lock shard after shard. Inside
	// MULTI/EXEC it counts as LockAll.
	LockWalk
	// LockWatched locks the shards of the keys that the client watches.
	LockWatched
	// LockQueued locks those and what the commands queued since MULTI ask for.
	LockQueued
)

// Handler runs one command and appends exactly one reply to c.Out, or returns an error, which the gate turns into the reply.
type Handler func(c *Call) error

// Growth returns an upper bound of the bytes that a command with these arguments, whose number is
// right, adds to the keyspace. No lock is held.
type Growth func(args [][]byte) int

// Weigh returns an upper bound of the bytes that a command adds to the keyspace beyond its
// arguments, by what its keys hold now. The command's locks are held. The function changes
// nothing, and may be called again.
type Weigh func(c *Call) int

// AccessOf returns what a command with these arguments, whose number is right, does with the keys
// of a specification.
type AccessOf func(args [][]byte) Access

// Command is a row of the command table.
type Command struct {
	Name       string       // in lower case; a subcommand's is without its container's
	Arity      int          // number of arguments with the name, at least -Arity if negative
	Flags      Flag         // what it does
	Categories Category     // ACL categories beyond those that Flags and Group imply
	Keys       Keys         // where the keys are, and what is done with them
	Values     Positions    // where arguments are that it stores as they stand
	Field      int          // where the first field of a hash or member of a set is, 0 if there is none
	Locks      Locks        // what is locked while it runs
	Group      Group        // its family
	Since      string       // the version of Redis that brought it
	Summary    string       // one line
	Complexity string       // as Redis documents it
	Syntax     string       // arguments in Redis's notation, without the name
	Differs    string       // what is not as in Redis 7.2, for docs/commands.md
	Tips       []string     // hints for proxies, as COMMAND INFO shows them
	Run        Handler      // nil for a container
	Event      engine.Event // that changes are told as, where the engine's operation has another
	Growth     Growth       // how much memory it may take, nil if its arguments are the measure
	Weigh      Weigh        // how much more it may take by what its keys hold, nil if nothing
	Sub        []Command    // subcommands of a container

	index    int     // position in the flat list of all commands, set by newTable
	use      acl.Key // the key of a command that names exactly one, set by newTable
	fullName string  // "get", "config|get", set by newTable
}

// FullName returns the name by which errors and statistics know the command: "get", "config|get".
func (c *Command) FullName() string { return c.fullName }
