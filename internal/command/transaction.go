package command

import (
	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/invariants"
)

var transactionCommands = []Command{
	{Name: "multi", Arity: 1, Flags: NoScript | Loading | Stale | Fast | AllowBusy | Immediate, Group: Transactions, Since: "1.2.0",
		Summary: "Mark the start of a transaction block", Complexity: "O(1)", Run: multi},
	{Name: "exec", Arity: 1, Flags: NoScript | Loading | Stale | SkipSlowlog | Immediate, Locks: LockQueued, Group: Transactions,
		Since: "1.2.0", Summary: "Execute all commands issued after MULTI", Complexity: "Depends on commands in the transaction", Run: exec},
	{Name: "discard", Arity: 1, Flags: NoScript | Loading | Stale | Fast | AllowBusy | Immediate, Locks: LockWatched, Group: Transactions,
		Since: "2.0.0", Summary: "Discard all commands issued after MULTI", Complexity: "O(N), when N is the number of queued commands",
		Run: discard},
	{Name: "watch", Arity: -2, Flags: NoScript | Loading | Stale | Fast | AllowBusy | Immediate, Keys: Keys{1, -1, 1}, Access: []Access{RO},
		Group: Transactions, Since: "2.2.0", Summary: "Watch the given keys to determine execution of the MULTI/EXEC block",
		Complexity: "O(1) for every key.", Syntax: "key [key ...]", Run: watch},
	{Name: "unwatch", Arity: 1, Flags: NoScript | Loading | Stale | Fast | AllowBusy, Locks: LockWatched, Group: Transactions,
		Since: "2.2.0", Summary: "Forget about all watched keys", Complexity: "O(1)", Run: unwatch},
}

const (
	errNestedMulti         = Error("ERR MULTI calls can not be nested")
	errExecWithoutMulti    = Error("ERR EXEC without MULTI")
	errDiscardWithoutMulti = Error("ERR DISCARD without MULTI")
	errWatchInMulti        = Error("ERR WATCH inside MULTI is not allowed")
	errNotInMulti          = Error("ERR Command not allowed inside a transaction")
)

// transaction is what a session collects between MULTI and EXEC, and its watched keys. The queued commands' arguments and keys lie in
// three arrays, which the next transaction uses again: clients that wrap every request in MULTI and EXEC cost no allocation.
type transaction struct {
	failed  bool // a command was refused while queueing: EXEC fails
	all     bool // a queued command needs every lock
	flags   Flag // of all queued commands
	running bool // EXEC runs the queued commands
	growth  int  // bytes that the queued commands may add to the keyspace
	size    int  // bytes that the queue takes
	queued  []queuedCommand
	text    []byte       // backs args
	args    [][]byte     // of all queued commands
	keys    []engine.Key // of all queued commands; their bytes are in text

	watched     []watchedKey
	seen        map[watchID]struct{} // the watched keys
	watchedSize int                  // bytes that the watched keys take
}

// queuedCommand is a command waiting for EXEC. Its slices are parts of the transaction's.
type queuedCommand struct {
	cmd  *Command
	args [][]byte
	keys []engine.Key
}

// watchedKey is a key that WATCH named. It owns its bytes.
type watchedKey struct {
	db    int
	key   engine.Key
	token uint64
}

type watchID struct {
	db  int
	key string
}

// Bytes that a queued command, an argument and a watched key take beyond the arguments' own.
const (
	queuedOverhead  = 64
	argOverhead     = 24
	watchedOverhead = 256
)

// enqueue keeps a command for EXEC. Its arguments, which alias the read buffer, are copied.
func (s *Session) enqueue(cmd *Command, args [][]byte) Next {
	if s.srv.alert.Load() != 0 && s.srv.pause.hold(s, cmd) {
		return Wait
	}
	m := &s.multi
	firstArg, firstKey := len(m.args), len(m.keys)
	for _, a := range args {
		from := len(m.text)
		m.text = append(m.text, a...)
		m.args = append(m.args, m.text[from:len(m.text):len(m.text)])
	}
	own := m.args[firstArg:len(m.args):len(m.args)]
	m.keys = s.appendKeys(m.keys, cmd, own)
	m.queued = append(m.queued, queuedCommand{cmd, own, m.keys[firstKey:len(m.keys):len(m.keys)]})
	m.flags |= cmd.Flags
	m.all = m.all || cmd.Locks == LockAll || cmd.Locks == LockWalk
	n := size(args)
	if cmd.Flags&DenyOOM != 0 {
		m.growth += n
	}
	m.size += n + argOverhead*len(args) + queuedOverhead
	if !s.overQueryLimit() {
		s.Out.Simple("QUEUED")
	}
	return Continue
}

// overQueryLimit reports whether what the session keeps of the client's input is above the limit, and closes the client then.
func (s *Session) overQueryLimit() bool {
	limit := s.srv.Config.Snapshot().ClientQueryBufferLimit
	if limit == 0 || int64(s.multi.size+s.multi.watchedSize) <= limit {
		return false
	}
	s.CountQueryLimit()
	s.srv.Log.Warn("closing a client that queued more than the query buffer limit", "client", s.Addr, "limit", limit)
	s.Closing = true
	return true
}

// queueKept is the size above which the memory of a queue is given back after the transaction.
const queueKept = 64 << 10

// endMulti leaves the transaction.
func (s *Session) endMulti() {
	s.state &^= inMulti
	m := &s.multi
	if invariants.Enabled {
		for _, a := range m.args {
			invariants.Mangle(a)
		}
	}
	if m.size > queueKept {
		m.queued, m.text, m.args, m.keys = nil, nil, nil, nil
	}
	m.queued, m.text, m.args, m.keys = m.queued[:0], m.text[:0], m.args[:0], m.keys[:0]
	m.failed, m.all, m.flags, m.growth, m.size = false, false, 0, 0, 0
}

// abort ends the transaction because EXEC itself was refused, and returns the error that says so.
func (s *Session) abort(cause error) error {
	s.lock(s.srv.exec, engine.Key{})
	s.unwatch()
	s.tx.Unlock()
	s.endMulti()
	text := cause.Error()
	if len(text) > 4 && text[:4] == "ERR " {
		text = text[4:]
	}
	return Error("EXECABORT Transaction discarded because of: " + text)
}

// lockQueued locks the shards of the watched keys and of the queued commands' keys, or all.
func (s *Session) lockQueued() {
	if s.multi.all {
		s.tx.LockAll()
		return
	}
	s.scratch = append(s.watchedKeys(s.scratch[:0]), s.multi.keys...)
	s.lockKeys(s.scratch)
}

// watchedKeys appends the watched keys to dst.
func (s *Session) watchedKeys(dst []engine.Key) []engine.Key {
	for i := range s.multi.watched {
		dst = append(dst, s.multi.watched[i].key)
	}
	return dst
}

// unwatch forgets the watched keys and reports whether one of them was changed. Their shards are locked.
func (s *Session) unwatch() (changed bool) {
	m := &s.multi
	db := s.tx.DB
	for i := range m.watched {
		w := &m.watched[i]
		s.tx.DB = w.db
		changed = changed || s.tx.Changed(w.key, w.token)
		s.tx.Unwatch(w.key)
	}
	s.tx.DB = db
	m.watched, m.seen, m.watchedSize = nil, nil, 0
	return changed
}

// MULTI
func multi(c *Call) error {
	if c.S.state&inMulti != 0 {
		return errNestedMulti
	}
	c.S.state |= inMulti
	c.Out.OK()
	return nil
}

// EXEC
func exec(c *Call) error {
	s := c.S
	if s.state&inMulti == 0 {
		return errExecWithoutMulti
	}
	changed := s.unwatch()
	switch {
	case s.multi.failed:
		s.endMulti()
		return errExecAbort
	case changed:
		c.Out.NullArray()
	default:
		s.runQueued()
	}
	if c.Srv.IsCutOff() { // there may be replies missing
		s.Closing = true
	}
	s.endMulti()
	return nil
}

// runQueued runs the queued commands, whose locks are held, and replies with the array of their replies.
func (s *Session) runQueued() {
	c := &s.call
	cmd, args, keys := c.Cmd, c.Args, c.Keys
	c.Out.Array(len(s.multi.queued))
	s.multi.running = true
	for i := range s.multi.queued {
		if s.srv.IsCutOff() {
			s.srv.Log.Warn("a transaction was cut off", "client", s.Addr, "commands", len(s.multi.queued), "done", i)
			break
		}
		q := &s.multi.queued[i]
		c.Cmd, c.Args, c.Keys = q.cmd, q.args, q.keys
		if s.marks.Load()&markRules != 0 {
			s.takeRules()
		}
		if s.state&restricted != 0 {
			if err := s.stillAllowed(q.cmd, q.args); err != nil {
				s.replyError(err)
				continue
			}
		}
		began := s.clock
		err := s.invoke(q.cmd)
		s.account(q.cmd, began, err)
	}
	s.multi.running = false
	c.Cmd, c.Args, c.Keys = cmd, args, keys
}

// DISCARD
func discard(c *Call) error {
	if c.S.state&inMulti == 0 {
		return errDiscardWithoutMulti
	}
	c.S.unwatch()
	c.S.endMulti()
	c.Out.OK()
	return nil
}

// WATCH key [key ...]
func watch(c *Call) error {
	s, m := c.S, &c.S.multi
	if s.state&inMulti != 0 {
		return errWatchInMulti
	}
	if m.seen == nil {
		m.seen = map[watchID]struct{}{}
	}
	for _, k := range c.Keys {
		id := watchID{s.tx.DB, string(k.Bytes)}
		if _, known := m.seen[id]; known {
			continue
		}
		own := c.Srv.Store.Key([]byte(id.key))
		m.watched = append(m.watched, watchedKey{id.db, own, s.tx.Watch(own)})
		m.seen[id] = struct{}{}
		m.watchedSize += len(id.key) + watchedOverhead
	}
	if !s.overQueryLimit() {
		c.Out.OK()
	}
	return nil
}

// UNWATCH
func unwatch(c *Call) error {
	c.S.unwatch()
	c.Out.OK()
	return nil
}
