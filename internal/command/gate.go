package command

import (
	"time"
)

// Next says what a connection does after a command.
type Next uint8

const (
	// Continue with the next command.
	Continue Next = iota
	// Wait: the command must not run yet (CLIENT PAUSE). Keep it, and pass it to Exec again when the session is woken.
	Wait
)

// BeginBatch is called before a run of commands that were read together. now is in Unix milliseconds and is what the commands see as
// the time.
func (s *Session) BeginBatch(now int64) {
	s.call.Now, s.tx.Now = now, now
	s.clock = nanotime()
}

// EndBatch is called after the run.
func (s *Session) EndBatch() {
	s.active.Store(s.call.Now)
	if s.call.Cmd != nil {
		s.last.Store(s.call.Cmd)
	}
}

// Exec runs one command, appending its reply to s.Out. args must not be empty; they are not kept after the call.
func (s *Session) Exec(args [][]byte) Next {
	start := len(s.Out.B)
	c := &s.call
	c.Args = args
	cmd, err := s.admit(args)
	switch {
	case err != nil:
		s.reject(cmd, err)
	case s.srv.pause.holds(s, cmd):
		return Wait
	case s.multi.open && cmd.Flags&NoMulti == 0:
		s.multi.queue(cmd, args)
		s.Out.Simple("QUEUED")
	default:
		c.Cmd = cmd
		s.run(cmd)
	}
	if s.silence != speak {
		s.hush(start)
	}
	return Continue
}

// admit finds the row of a command and decides whether the client may run it now, in the order of Redis's processCommand. The row is
// returned with the error if the command was recognised.
func (s *Session) admit(args [][]byte) (*Command, error) {
	cmd := s.srv.table.lookup(args[0])
	if cmd == nil {
		return nil, errUnknownCommand(args)
	}
	if cmd.Sub != nil && len(args) > 1 {
		sub := cmd.subcommand(args[1])
		if sub == nil {
			return nil, errUnknownSubcommand(cmd, args[1])
		}
		cmd = sub
	}
	if cmd.Arity > 0 && len(args) != cmd.Arity || len(args) < -cmd.Arity || cmd.Run == nil {
		return cmd, errArity(cmd)
	}
	if !s.authed && cmd.Flags&NoAuth == 0 {
		return cmd, errNoAuth
	}
	if cmd.Flags&DenyOOM != 0 {
		if err := s.srv.Store.Reserve(size(args)); err != nil {
			return cmd, errOutOfMemory
		}
	}
	return cmd, nil
}

// size is an upper bound of the bytes that a command with these arguments adds to the keyspace, beyond what it replaces.
func size(args [][]byte) int {
	n := 0
	for _, a := range args {
		n += len(a)
	}
	return n
}

// reject replies to a command that did not run. In a transaction it makes EXEC fail.
func (s *Session) reject(cmd *Command, err error) {
	s.multi.failed = s.multi.open
	if cmd != nil {
		s.stats.commands[cmd.index].rejected.Add(1)
	}
	reply(&s.Out, err)
}

// run locks what the row asks for, runs its handler, and accounts for it.
func (s *Session) run(cmd *Command) {
	s.lock(cmd)
	s.invoke(cmd)
	s.tx.Unlock()
}

// lock hashes the command's keys and takes the locks of its row.
func (s *Session) lock(cmd *Command) {
	c := &s.call
	switch cmd.Locks {
	case LockKeys:
		c.Keys = s.hashKeys(s.keys[:0], cmd, c.Args)
		s.keys = c.Keys
		switch len(c.Keys) {
		case 0:
		case 1:
			s.tx.LockKey(c.Keys[0])
		default:
			s.tx.LockKeys(c.Keys)
		}
	case LockAll:
		s.tx.LockAll()
	}
}

// invoke runs a handler whose locks are held, turns its error into the reply, and counts the call.
func (s *Session) invoke(cmd *Command) {
	c := &s.call
	if s.srv.monitors.on.Load() {
		s.srv.monitors.feed(s, cmd, c.Args)
	}
	start := len(s.Out.B)
	err := cmd.Run(c)
	if err != nil {
		s.Out.B = s.Out.B[:start]
		reply(&s.Out, err)
	}
	now := nanotime()
	took := now - s.clock
	s.clock = now
	s.stats.commands[cmd.index].add(took, err != nil)
	if took >= s.srv.slowlog.threshold.Load() {
		s.srv.slowlog.add(s, cmd, c.Args, took)
	}
}

// origin is the moment that nanotime counts from.
var origin = time.Now()

// nanotime is a monotonic clock in nanoseconds.
func nanotime() int64 { return int64(time.Since(origin)) }
