package command

import (
	"time"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/latency"
)

// Next says what a connection does after a command.
type Next uint8

const (
	// Continue with the next command, unless Session.Closing is set.
	Continue Next = iota
	// Wait says that the command must not run yet (CLIENT PAUSE), or is not done (SAVE), and nothing was replied. The connection keeps the
	// command and the input behind it, and passes the same command to Exec again, in a new batch, when the session is woken. The answer may
	// be Wait again.
	Wait
	// Yield says that the command is not done, so that others may have their turn, and the client
	// reads what was replied so far. The connection does as for Wait, but passes the command to
	// Exec again by itself, when it has served others.
	Yield
)

// BeginBatch is called before a run of commands that were read together. now is in Unix milliseconds and is what the commands see as
// the time.
func (s *Session) BeginBatch(now int64) {
	s.srv.Store.Stir()
	if s.marks.Load()&markRules != 0 {
		s.takeRules()
	}
	s.call.Now, s.tx.Now = now, now
	s.clock = nanotime()
}

// EndBatch is called after the run. It publishes what CLIENT LIST shows of the session to other goroutines.
func (s *Session) EndBatch() {
	s.publish()
	s.call.Args, s.call.Keys = nil, nil
	if n := cap(s.keys) + cap(s.scratch); n > maxQueuedKeys {
		s.srv.Store.AddGarbage(int64(n) * keyBytes)
	}
	s.keys, s.scratch = forgetKeys(s.keys), forgetKeys(s.scratch)
}

// keyBytes is about what a key takes in a command's lists of words and keys.
const keyBytes = 72

// forgetKeys empties a slice of keys, whose bytes alias the query buffer and would keep it from being freed. One that grew large goes.
func forgetKeys(keys []engine.Key) []engine.Key {
	if cap(keys) > 64 {
		return nil
	}
	clear(keys[:cap(keys)])
	return keys[:0]
}

// Request is a command that a client sent.
type Request struct {
	Args [][]byte // its words, at least one

	// What Prepare found out, if it was called.
	row *Command   // the row of the command's name, nil if it is not known
	key engine.Key // its only key; no Bytes if it has none or several
}

// PrepareMost is the number of commands that Prepare takes.
const PrepareMost = engine.PrefetchMost

// Prepare is told which commands are about to be passed to Exec, in this order. It looks at all of them before the first one runs, so that
// they wait for memory together (engine.Tx.Prefetch). The commands are run all the same without. There may be at most PrepareMost.
func (s *Session) Prepare(reqs []Request) {
	var keys [PrepareMost]engine.Key
	var room [PrepareMost][]byte
	var fields [][]byte // room, once a command has a field
	n := 0
	for i := range reqs {
		r := &reqs[i]
		r.row = s.srv.table.lookup(r.Args[0])
		if r.row == nil {
			continue
		}
		if at := r.row.use.At; at != 0 && at < len(r.Args) {
			r.key = s.srv.Store.Key(r.Args[at])
			keys[n] = r.key
			if f := r.row.Field; f != 0 && f < len(r.Args) {
				fields = room[:]
				fields[n] = r.Args[f]
			}
			n++
		}
	}
	s.tx.Prefetch(keys[:n], fields)
}

// Exec runs one command, appending its reply to s.Out. Neither r nor what it refers to is kept after the call, but elements of r.Args may
// have been replaced. After a call that left s.Closing set there must be no other.
func (s *Session) Exec(r *Request) Next {
	s.start = len(s.Out.B)
	c, args := &s.call, r.Args
	c.Args = args
	cmd, err := s.admit(r)
	c.Cmd = cmd
	if err == nil && s.srv.alert.Load()&alertLoading != 0 && cmd.Flags&Loading == 0 {
		err = errLoading
	}
	next := Continue
	switch {
	case err != nil:
		s.reject(cmd, err)
	case s.state&inMulti != 0 && cmd.Flags&Immediate == 0:
		next = s.enqueue(cmd, args)
	default:
		next = s.run(cmd, r.key)
	}
	switch {
	case s.silence == speak:
	case next == Continue:
		s.hush()
	case next == Yield:
		s.Out.Truncate(s.start)
	}
	return next
}

// admit finds the row of a command and decides whether the client may run it now, in the order of Redis's processCommand. The row is
// returned with the error if the command was recognised.
func (s *Session) admit(r *Request) (*Command, error) {
	cmd, args := r.row, r.Args
	if cmd == nil {
		cmd = s.srv.table.lookup(args[0])
	}
	if cmd == nil {
		if is(args[0], "post") || is(args[0], "host:") {
			return nil, errCrossProtocol
		}
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
	if cmd.Flags&Protected != 0 && !s.mayDebug() {
		return cmd, errDebugDenied
	}
	switch s.state {
	case 0:
	case restricted:
		if err := s.allowed(cmd, args); err != nil {
			return cmd, err
		}
	default:
		return cmd, s.restrict(cmd, args)
	}
	if cmd.Flags&DenyOOM != 0 {
		return cmd, s.reserve(growth(cmd, args))
	}
	return cmd, nil
}

// restrict is the rest of admit for a client in a state that forbids some commands, or several.
func (s *Session) restrict(cmd *Command, args [][]byte) error {
	if s.state&unauthenticated != 0 && cmd.Flags&NoAuth == 0 && !s.Authenticated() {
		return errNoAuth
	}
	if s.state&inMulti != 0 && cmd.Flags&NoMulti != 0 {
		return errNotInMulti
	}
	if s.state&restricted != 0 {
		if err := s.allowed(cmd, args); err != nil {
			return err
		}
	}
	if need, ok := s.memoryNeed(cmd, args); ok {
		if err := s.reserve(need); err != nil {
			return err
		}
	}
	if s.state&monitoring != 0 && cmd.Flags&(Write|ReadOnly) != 0 {
		return errMonitorAccess
	}
	return nil
}

// reject replies to a command that did not run. In a transaction it makes EXEC fail, and a refused EXEC ends the transaction.
func (s *Session) reject(cmd *Command, err error) {
	s.giveUp() // it may have been allowed when it began to wait
	if err == errCrossProtocol {
		s.srv.told.http.warn(s.srv.Log, "closed a connection that speaks HTTP: somebody may be trying to reach the server through a browser", "client", s.Addr)
		s.Closing = true
		s.Kill() // a browser is not sent even the replies to what came before
		return
	}
	if cmd != nil {
		s.stats.commands[cmd.index].rejected.Add(1)
		if cmd == s.srv.exec {
			err = s.abort(err)
		}
	}
	s.multi.failed = s.state&inMulti != 0
	s.walk, s.spent = nil, 0
	if s.unsent > 0 { // there is no place for an error in the middle of a reply
		s.unsent, s.Closing = 0, true
		return
	}
	s.replyError(err)
}

// replyError makes err the reply of the command whose reply starts at s.start, or of one that EXEC runs.
func (s *Session) replyError(err error) {
	start := len(s.Out.B)
	reply(&s.Out, err)
	s.stats.countError(s.Out.B[start:])
}

// run locks what the row asks for, runs its handler, and accounts for it. key is the command's only key, if it is known already.
func (s *Session) run(cmd *Command, key engine.Key) Next {
	began := s.clock
	s.lock(cmd, key)
	// Looked at with the locks held: once CLIENT PAUSE, CLIENT KILL or ACL SETUSER, which take every lock, have answered, nothing slips
	// by.
	if s.srv.alert.Load() != 0 || s.marks.Load() != 0 || cmd.Weigh != nil || s.multi.weighs {
		if next, ok := s.mayRun(cmd, key); !ok {
			return next
		}
	}
	err := s.invoke(cmd)
	s.tx.KeepExpired = false // for the pause may have ended
	s.tx.Unlock()
	switch err {
	case errWait:
		return Wait
	case errYield:
		s.spent += nanotime() - began
		return Yield
	}
	s.account(cmd, began-s.spent, err)
	s.spent = 0
	return Continue
}

// interrupted looks for what other clients did to this one since the command was admitted. The command must not run if it has to wait, if
// Closing is set, or if there is an error.
func (s *Session) interrupted(cmd *Command) (Next, error) {
	marks := s.marks.Load()
	if marks&markKilled != 0 || s.srv.IsCutOff() {
		s.Closing = true
		return Continue, nil
	}
	if marks&markRules != 0 {
		s.takeRules()
		if s.state&restricted != 0 {
			if err := s.allowed(cmd, s.call.Args); err != nil {
				return Continue, err
			}
		}
	}
	if s.srv.Loading() && s.needsKeys(cmd) {
		return Continue, errLoading // DEBUG RELOAD has begun
	}
	if s.srv.pause.hold(s, cmd) {
		return Wait, nil
	}
	return Continue, nil
}

// needsKeys reports whether a command, or one that EXEC runs, may not run while a snapshot is
// loaded.
func (s *Session) needsKeys(cmd *Command) bool {
	if cmd != s.srv.exec {
		return cmd.Flags&Loading == 0
	}
	return s.multi.needsKeys
}

// lock hashes the command's keys, but for one that is passed, and takes the locks of its row.
func (s *Session) lock(cmd *Command, key engine.Key) {
	if key.Bytes != nil {
		s.keys = append(s.keys[:0], key)
	} else {
		s.keys = s.appendKeys(s.keys[:0], cmd, s.call.Args)
	}
	s.call.Keys = s.keys
	switch cmd.Locks {
	case LockKeys:
		s.lockKeys(s.keys)
	case LockAll:
		s.tx.LockAll()
	case LockWatched:
		s.lockKeys(s.watchedKeys(s.scratch[:0]))
	case LockQueued:
		s.lockQueued()
	}
}

func (s *Session) lockKeys(keys []engine.Key) {
	switch len(keys) {
	case 0:
	case 1:
		s.tx.LockKey(keys[0])
	default:
		s.tx.Prefetch(keys, nil)
		s.tx.LockKeys(keys)
	}
}

// appendKeys appends the keys among args, whose bytes they share, to dst.
func (s *Session) appendKeys(dst []engine.Key, cmd *Command, args [][]byte) []engine.Key {
	if at := cmd.use.At; at != 0 {
		return append(dst, s.srv.Store.Key(args[at]))
	}
	if len(cmd.Keys) == 0 {
		return dst
	}
	s.found = cmd.findKeys(s.found[:0], args)
	for _, k := range s.found {
		dst = append(dst, s.srv.Store.Key(args[k.at]))
	}
	return dst
}

// invoke runs a handler whose locks are held and turns its error, which it returns, into the
// reply. A handler that comes upon a damaged value runs again without it, but only if that
// repeats no effect: if it only reads, or its row says so.
func (s *Session) invoke(cmd *Command) error {
	start := len(s.Out.B)
	s.tx.As = cmd.Event
	err := cmd.Run(&s.call)
	if err == engine.ErrDamaged && cmd.Flags&(ReadOnly|Repeatable) != 0 {
		// What was damaged is gone now.
		s.Out.Truncate(start)
		err = cmd.Run(&s.call)
	}
	if err == errWait || err == errYield {
		return err
	}
	if err != nil {
		s.Out.Truncate(start)
		s.replyError(err)
	}
	if s.srv.alert.Load()&alertMonitors != 0 {
		s.srv.monitors.feed(s, cmd, s.call.Args)
	}
	return err
}

// account counts a call that began at the given moment and ends now.
func (s *Session) account(cmd *Command, began int64, err error) {
	s.clock = nanotime()
	s.ran++
	took := s.clock - began
	s.stats.commands[cmd.index].add(took, err != nil)
	if took >= s.srv.slowFrom.Load() {
		s.noteSlow(cmd, took)
	}
}

// noteSlow keeps a command that took at least Server.slowFrom.
func (s *Session) noteSlow(cmd *Command, nanos int64) {
	if nanos >= s.srv.slowlog.threshold.Load() {
		s.srv.slowlog.add(s, cmd, s.call.Args, nanos)
	}
	event := latency.Command
	if cmd.Flags&Fast != 0 {
		event = latency.Fast
	}
	s.srv.latency.Add(event, time.Duration(nanos))
}

// delayed is told by the Store what others wait for.
func (srv *Server) delayed(d engine.Delay, took time.Duration) {
	event := latency.Background
	if d == engine.EvictionDelay {
		event = latency.Eviction
	}
	srv.latency.Add(event, took)
}

// hush takes the command's reply back where CLIENT REPLY asked for it.
func (s *Session) hush() {
	s.Out.Truncate(s.start)
	switch s.silence {
	case skipNext:
		s.silence = skipThis
	case skipThis:
		s.silence = speak
	}
}

// origin is the moment that nanotime counts from.
var origin = time.Now()

// nanotime is a monotonic clock in nanoseconds.
func nanotime() int64 { return int64(time.Since(origin)) }
