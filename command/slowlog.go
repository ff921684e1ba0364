package command

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redistill/redistill/internal/config"
	"github.com/redistill/redistill/internal/resp"
)

var slowlogCommand = Command{
	Name: "slowlog", Arity: -2, Group: Admins, Since: "2.2.12",
	Summary: "A container for slow log commands", Complexity: "Depends on subcommand.",
	Sub: []Command{
		{Name: "get", Arity: -2, Flags: Admin | Loading | Stale, Group: Admins, Since: "2.2.12",
			Summary: "Get the slow log's entries", Complexity: "O(N) where N is the number of entries returned",
			Syntax: "[count]", Tips: []string{"request_policy:all_nodes", "nondeterministic_output"}, Run: slowlogGet,
			Differs: "Of a client's name the first kilobyte is kept"},
		{Name: "help", Arity: 2, Flags: Loading | Stale, Group: Admins, Since: "6.2.0",
			Summary: "Show helpful text about the different subcommands", Complexity: "O(1)", Run: help("slowlog",
				"GET [<count>]",
				"    Return top <count> entries from the slowlog (default: 10, -1 mean all).",
				"    Entries are made of:",
				"    id, timestamp, time in microseconds, arguments array, client IP and port,",
				"    client name",
				"LEN",
				"    Return the length of the slowlog.",
				"RESET",
				"    Reset the slowlog.")},
		{Name: "len", Arity: 2, Flags: Admin | Loading | Stale, Group: Admins, Since: "2.2.12",
			Summary: "Get the slow log's length", Complexity: "O(1)",
			Tips: []string{"request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"}, Run: slowlogLen},
		{Name: "reset", Arity: 2, Flags: Admin | Loading | Stale, Group: Admins, Since: "2.2.12",
			Summary: "Clear all entries from the slow log", Complexity: "O(N) where N is the number of entries in the slowlog",
			Tips: []string{"request_policy:all_nodes", "response_policy:all_succeeded"}, Run: slowlogReset},
	},
}

// SLOWLOG GET [count]
func slowlogGet(c *Call) error {
	count := int64(10)
	if len(c.Args) > 3 {
		return errSubcommandSyntax(c)
	}
	if len(c.Args) == 3 {
		var err error
		if count, err = c.int(2); err != nil || count < -1 {
			return Error("ERR count should be greater than or equal to -1")
		}
	}
	c.Srv.slowlog.appendTo(c.Out, count)
	return nil
}

// SLOWLOG LEN
func slowlogLen(c *Call) error {
	c.Out.Int(int64(c.Srv.slowlog.len()))
	return nil
}

// SLOWLOG RESET
func slowlogReset(c *Call) error {
	c.Srv.slowlog.reset()
	c.Out.OK()
	return nil
}

// slowlog keeps the commands that took longest, newest last.
type slowlog struct {
	threshold atomic.Int64 // nanoseconds from which on commands are kept; math.MaxInt64: none

	mu      sync.Mutex // guards the fields below
	maxLen  int
	nextID  int64
	entries []slowEntry
}

type slowEntry struct {
	id     int64
	time   int64 // Unix seconds
	micros int64
	args   []string
	addr   string // the client's address
	name   string // the client's name
}

// configure takes over the threshold and the length.
func (l *slowlog) configure(v *config.Values) {
	threshold := int64(math.MaxInt64)
	if v.SlowlogSlowerThan >= 0 {
		threshold = int64(v.SlowlogSlowerThan)
	}
	l.threshold.Store(threshold)
	l.mu.Lock()
	l.maxLen = int(v.SlowlogMaxLen)
	l.trim()
	l.mu.Unlock()
}

// add keeps a command that took so many nanoseconds. args are copied.
func (l *slowlog) add(s *Session, cmd *Command, args [][]byte, took int64) {
	if cmd.Flags&SkipSlowlog != 0 {
		return
	}
	s.mu.Lock()
	name := string(s.name.text[:min(len(s.name.text), slowMaxName)])
	s.mu.Unlock()
	e := slowEntry{
		time: time.Now().Unix(), micros: took / 1000, args: slowArgs(cmd, args), addr: s.Addr, name: name,
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	e.id = l.nextID
	l.nextID++
	l.entries = append(l.entries, e)
	l.trim()
}

// trim drops the oldest entries beyond maxLen.
func (l *slowlog) trim() {
	if extra := len(l.entries) - l.maxLen; extra > 0 {
		kept := copy(l.entries, l.entries[extra:])
		clear(l.entries[kept:])
		l.entries = l.entries[:kept]
	}
}

// What is kept of a command, as in Redis.
const (
	slowMaxArgs  = 32
	slowMaxBytes = 128
)

// slowMaxName is what is kept of a client's name, in bytes. Redis keeps all of it, and a client can take one of megabytes after the other.
const slowMaxName = 1 << 10

// slowArgs copies what is kept of a command's words.
func slowArgs(cmd *Command, args [][]byte) []string {
	n := len(args)
	if n > slowMaxArgs {
		n = slowMaxArgs - 1
	}
	var kept []string
	for i, a := range args[:n] {
		switch {
		case isSecret(cmd, args, i):
			kept = append(kept, redacted)
		case len(a) > slowMaxBytes:
			kept = append(kept, string(a[:slowMaxBytes])+"... ("+strconv.Itoa(len(a)-slowMaxBytes)+" more bytes)")
		default:
			kept = append(kept, string(a))
		}
	}
	if n < len(args) {
		kept = append(kept, "... ("+strconv.Itoa(len(args)-n)+" more arguments)")
	}
	return kept
}

// redacted is shown in the place of a secret argument.
const redacted = "(redacted)"

// isSecret reports whether argument i must not be shown to others: passwords, and the user names that go with them.
func isSecret(cmd *Command, args [][]byte, i int) bool {
	switch cmd.fullName {
	case "auth":
		return i > 0
	case "hello":
		return i > 2 && is(args[i-1], "auth") || i > 3 && is(args[i-2], "auth")
	case "acl|setuser":
		return i > 1
	case "config|set":
		return i > 2 && i%2 == 1 && isSecretSetting(args[i-1])
	}
	return false
}

func isSecretSetting(name []byte) bool {
	for _, s := range config.Settings() {
		if s.Secret && (strings.EqualFold(s.Key, string(name)) || slices.ContainsFunc(s.Redis, func(alias string) bool { return is(name, alias) })) {
			return true
		}
	}
	return false
}

func (l *slowlog) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.entries)
}

func (l *slowlog) reset() {
	l.mu.Lock()
	l.entries = nil
	l.mu.Unlock()
}

// appendTo appends the newest entries to a reply, up to limit of them, all if limit is negative.
func (l *slowlog) appendTo(out *resp.Out, limit int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.entries)
	if limit >= 0 && limit < int64(n) {
		n = int(limit)
	}
	out.Array(n)
	for i := range n {
		l.entries[len(l.entries)-1-i].append(out)
	}
}

func (e *slowEntry) append(out *resp.Out) {
	out.Array(6)
	out.Int(e.id)
	out.Int(e.time)
	out.Int(e.micros)
	out.Array(len(e.args))
	for _, a := range e.args {
		out.BulkString(a)
	}
	out.BulkString(e.addr)
	out.BulkString(e.name)
}
