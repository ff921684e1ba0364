package command

import (
	"encoding/binary"

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
	{Name: "watch", Arity: -2, Flags: NoScript | Loading | Stale | Fast | AllowBusy | Immediate,
		Keys:  Keys{{At: 1, Last: -1, Access: RO}},
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

// transaction is what a session collects between MULTI and EXEC, and its watched keys. The queued
// commands lie one behind the other in a buffer: the number of the row, the number of words, and
// each word behind its length, all numbers as varints. The next transaction uses the same memory:
// clients that wrap every request in MULTI and EXEC cost no allocation.
type transaction struct {
	failed    bool // a command was refused while queueing: EXEC fails
	all       bool // a queued command needs every lock
	flags     Flag // of all queued commands
	needsKeys bool // a queued command may not run while a snapshot is loaded
	running   bool // EXEC runs the queued commands
	growth    int  // bytes that the queued commands may add to the keyspace by their arguments
	weighs    bool // some may add more by what their keys hold
	room      int  // bytes of that for which EXEC has made room
	size      int  // bytes that the queue takes, as CLIENT LIST shows it
	count     int  // of queued commands
	keys      int  // of all queued commands
	queue     []byte
	memory    growing  // what queue lies in
	words     [][]byte // scratch: of a queued command

	wordKeys []engine.Key // scratch: the keys among them

	watched     []watchedKey
	seen        map[watchID]struct{} // the watched keys
	watchedSize int                  // bytes that the watched keys take
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

// Bytes that a queued command, an argument and a watched key take beyond the arguments' own. The
// key's are there three times: here, among those seen, and in the engine.
const (
	queuedOverhead  = 64
	argOverhead     = 24
	watchedOverhead = 320
	watchedCopies   = 3
)

// maxQueuedKeys is how many keys of a transaction are locked one by one; for more all of the
// keyspace is.
const maxQueuedKeys = 1024

// enqueue keeps a command for EXEC. Its arguments, which alias the read buffer, are copied.
func (s *Session) enqueue(cmd *Command, args [][]byte) Next {
	if s.srv.alert.Load() != 0 && s.srv.pause.hold(s, cmd) {
		return Wait
	}
	m, n := &s.multi, size(args)
	queue := m.memory.fit(s.srv.Buffers(), m.queue, len(m.queue)+n+(len(args)+2)*binary.MaxVarintLen32)
	if queue == nil {
		s.Closing = true // the system has no memory
		return Continue
	}
	queue = binary.AppendUvarint(queue, uint64(cmd.index))
	queue = binary.AppendUvarint(queue, uint64(len(args)))
	for _, a := range args {
		queue = binary.AppendUvarint(queue, uint64(len(a)))
		queue = append(queue, a...)
	}
	m.queue, m.memory.touched = queue, max(m.memory.touched, len(queue))
	s.found = cmd.findKeys(s.found[:0], args)
	m.keys += len(s.found)
	m.count++
	m.flags |= cmd.Flags
	m.needsKeys = m.needsKeys || cmd.Flags&Loading == 0
	m.all = m.all || cmd.Locks == LockAll || cmd.Locks == LockWalk || m.keys > maxQueuedKeys
	m.weighs = m.weighs || cmd.Weigh != nil
	if cmd.Flags&DenyOOM != 0 {
		m.growth += growth(cmd, args)
	}
	m.size += n + argOverhead*len(args) + queuedOverhead
	s.holdQueue()
	if !s.overQueryLimit() {
		s.Out.Simple("QUEUED")
	}
	return Continue
}

// holdQueue says how much memory the queue takes, if that has changed.
func (s *Session) holdQueue() {
	if n := s.multi.memory.held(s.srv.Buffers()); n != s.held[heldQueue] { // which nobody else writes
		s.hold(heldQueue, n)
	}
}

// eachQueued calls f for each queued command, with the session's Call set up for it. Its words and
// keys alias the queue, and are valid until f returns.
func (s *Session) eachQueued(f func(cmd *Command)) {
	m, c := &s.multi, &s.call
	was := *c
	rest := m.queue
	number := func() int {
		n, size := binary.Uvarint(rest)
		rest = rest[size:]
		return int(n)
	}
	for range m.count {
		cmd := s.srv.table.list[number()]
		m.words = m.words[:0]
		for range number() {
			n := number()
			m.words = append(m.words, rest[:n:n])
			rest = rest[n:]
		}
		m.wordKeys = s.appendKeys(m.wordKeys[:0], cmd, m.words)
		c.Cmd, c.Args, c.Keys = cmd, m.words, m.wordKeys
		f(cmd)
	}
	c.Cmd, c.Args, c.Keys = was.Cmd, was.Args, was.Keys
}

// overQueryLimit reports whether what the session keeps of the client's input is above the limit, and closes the client then.
func (s *Session) overQueryLimit() bool {
	limit := s.srv.Config.Values().ClientQueryBufferLimit
	if limit == 0 || int64(s.multi.size+s.multi.watchedSize) <= limit {
		return false
	}
	s.CountQueryLimit()
	s.srv.Log.Warn("closing a client that queued more than the query buffer limit", "client", s.Addr, "limit", limit)
	s.Closing = true
	return true
}

// forgetWords empties scratch for words. One that grew large goes.
func forgetWords(words [][]byte) [][]byte {
	if cap(words) > maxQueuedKeys {
		return nil
	}
	clear(words[:cap(words)])
	return words[:0]
}

// queueKept is the size above which the memory of a queue is given back after the transaction.
const queueKept = 64 << 10

// endMulti leaves the transaction.
func (s *Session) endMulti() {
	s.state &^= inMulti
	m := &s.multi
	invariants.Mangle(m.queue)
	m.queue = m.queue[:0]
	if m.memory.large() && (len(m.memory.whole) > queueKept || s.srv.Pressed()) {
		m.queue = nil
		m.memory.free(s.srv.Buffers())
		s.holdQueue()
	}
	m.words, m.wordKeys = forgetWords(m.words), forgetKeys(m.wordKeys)
	m.failed, m.all, m.flags, m.needsKeys, m.weighs = false, false, 0, false, false
	m.growth, m.size, m.count, m.keys = 0, 0, 0, 0
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
	s.scratch = s.watchedKeys(s.scratch[:0])
	s.eachQueued(func(*Command) { s.scratch = append(s.scratch, s.call.Keys...) })
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
	if m.watchedSize > 0 {
		s.srv.Store.AddGarbage(int64(m.watchedSize))
		m.watched, m.seen, m.watchedSize = nil, nil, 0
		s.hold(heldWatches, 0)
	}
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

// weighQueued adds up what the queued commands may add by what their keys hold now. Of those that
// are not refused at the memory limit the largest counts, as they need the room only while they
// run.
func (s *Session) weighQueued() int {
	m := &s.multi
	if !m.weighs || m.failed {
		return 0
	}
	sum, most := 0, 0
	s.eachQueued(func(cmd *Command) {
		if cmd.Weigh == nil {
			return
		}
		switch n := cmd.Weigh(&s.call); {
		case cmd.Flags&DenyOOM != 0:
			sum += n
		default:
			most = max(most, n)
		}
	})
	m.room = sum
	if sum+most == 0 {
		return 0
	}
	return m.growth + sum + most // beside what was reserved, which is not taken yet
}

// fits reports whether a queued command with Weigh may run now. One before it may have made its
// keys larger than they were when EXEC made room, and no more can be made under EXEC's locks.
func (m *transaction) fits(c *Call, cmd *Command) bool {
	if cmd.Flags&DenyOOM == 0 {
		return true
	}
	need := cmd.Weigh(c)
	if need > m.room && !c.Srv.Store.Fits(need) {
		return false
	}
	m.room = max(m.room-need, 0)
	return true
}

// runQueued runs the queued commands, whose locks are held, and replies with the array of their replies.
func (s *Session) runQueued() {
	c := &s.call
	c.Out.Array(s.multi.count)
	s.multi.running = true
	done := 0
	s.eachQueued(func(cmd *Command) {
		if s.srv.IsCutOff() {
			return
		}
		done++
		if s.marks.Load()&markRules != 0 {
			s.takeRules()
		}
		if s.state&restricted != 0 {
			if err := s.stillAllowed(cmd, c.Args); err != nil {
				s.replyError(err)
				return
			}
		}
		if cmd.Weigh != nil && !s.multi.fits(c, cmd) {
			s.replyError(errOutOfMemory)
			return
		}
		began := s.clock
		s.tx.NextCommand()
		err := s.invoke(cmd)
		s.account(cmd, began, err)
	})
	s.multi.running = false
	if done < s.multi.count {
		s.srv.Log.Warn("a transaction was cut off", "client", s.Addr, "commands", s.multi.count, "done", done)
	}
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

// watchedStep is after how many watched keys they are counted.
const watchedStep = 1000

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
		m.watchedSize += watchedCopies*len(id.key) + watchedOverhead
		if len(m.watched)%watchedStep == 0 {
			if s.hold(heldWatches, int64(m.watchedSize)); s.Killed() {
				return nil
			}
		}
	}
	s.hold(heldWatches, int64(m.watchedSize))
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
