package command

import (
	"errors"
	"sync"
	"time"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/config"
	"github.com/redistill/redistill/internal/latency"
	"github.com/redistill/redistill/internal/snapshot"
)

var saveCommands = []Command{
	{Name: "bgsave", Arity: -1, Flags: Admin | NoScript | NoAsyncLoading, Locks: LockAll, Group: Admins, Since: "1.0.0",
		Summary: "Asynchronously save the dataset to disk", Complexity: "O(1)", Syntax: "[SCHEDULE]", Run: bgsave,
		Differs: "There is no fork; SCHEDULE changes nothing, as nothing else than a snapshot can be under way, and in a transaction it begins at once"},
	{Name: "lastsave", Arity: 1, Flags: Loading | Stale | Fast, Categories: CatAdmin | CatDangerous, Group: Admins, Since: "1.0.0",
		Summary: "Get the UNIX time stamp of the last successful save to disk", Complexity: "O(1)",
		Tips: []string{"nondeterministic_output"}, Run: lastsave},
	{Name: "save", Arity: 1, Flags: Admin | NoScript | NoAsyncLoading | NoMulti, Locks: LockAll, Group: Admins, Since: "1.0.0",
		Summary:    "Synchronously save the dataset to disk",
		Complexity: "O(N) where N is the total number of keys in all databases", Run: save,
		Differs: "Only the client that asks waits for it"},
}

// saver takes snapshots of the keyspace, one at a time, on request and at intervals.
type saver struct {
	srv  *Server
	idle sync.WaitGroup // a snapshot is being written

	mu      sync.Mutex // guards the fields below
	running *engine.Snapshot
	began   time.Time
	waiting []*pending
	again   bool          // FLUSHALL or DEBUG RELOAD came while a snapshot was being written: another follows,
	next    []*pending    // and these wait for it
	last    time.Time     // of the last one that succeeded, or of the start
	err     error         // of the last one
	took    time.Duration // likewise; negative before the first
	saves   int64         // that succeeded
	bytes   int64         // size of the file
	changes uint64        // calls of writing commands at the last one that succeeded
	unsure  bool          // whether there was a write since then: CONFIG RESETSTAT has set the count back
	proved  bool          // Stop has waited for a snapshot
	timer   *time.Timer   // of the next one
	closed  bool
}

const (
	saveTries = 3               // snapshots begun for one request, where databases are flushed while they are written
	saveAgain = 5 * time.Second // after one that failed, the next is begun at the latest
)

var (
	errSaving     = Error("ERR Background save already in progress")
	errSaveFailed = Error("ERR the snapshot could not be written, see the log")
	errStopping   = errors.New("the server stops")
	errLocked     = errors.New("a command has keys locked")
)

// begin starts a snapshot of this moment. LockAll was called on tx. Wait is told of its end, if it is not nil.
func (s *saver) begin(tx *engine.Tx, reason string, wait *pending) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.beginLocked(tx, reason, wait)
}

// beginLocked is begin with s.mu held.
func (s *saver) beginLocked(tx *engine.Tx, reason string, wait *pending) error {
	if s.closed {
		return errStopping
	}
	if s.running != nil { // its file may not be complete when the engine has passed on all of it
		return errSaving
	}
	sn, err := tx.BeginSnapshot()
	if err != nil {
		return errSaving
	}
	s.running, s.began = sn, time.Now()
	sn.Gentle.Store(wait == nil)
	if wait != nil {
		s.waiting = append(s.waiting, wait)
	}
	s.srv.Log.Info("snapshot begun", "reason", reason)
	changes := s.srv.writes()
	s.idle.Add(1)
	go func() {
		defer s.idle.Done()
		s.run(sn, changes)
	}()
	return nil
}

// beginOrFollow is begin, or has another snapshot follow the one that is being written, whose file
// may have older keys.
func (s *saver) beginOrFollow(tx *engine.Tx, reason string, wait *pending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.beginLocked(tx, reason, wait)
	if err == errSaving {
		s.again = true
	}
	switch {
	case err == nil || wait == nil:
	case err == errSaving:
		s.next = append(s.next, wait)
	default:
		wait.end("", err)
	}
}

// isRunning reports whether a snapshot is being written.
func (s *saver) isRunning() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running != nil
}

// run writes a snapshot, and another where a database was flushed meanwhile.
func (s *saver) run(sn *engine.Snapshot, changes uint64) {
	path := s.srv.Config.Values().SnapshotPath
	for tries := 1; ; tries++ {
		saved, err := snapshot.Save(sn, path, redisVersion)
		if err != engine.ErrFlushed || tries == saveTries {
			if s.end(saved, err, changes) {
				return
			}
			tries = 0
		}
		if sn, changes, err = s.resume(); err != nil {
			s.end(saved, err, changes)
			return
		}
	}
}

// resume begins another snapshot in place of the one that is said to run.
func (s *saver) resume() (sn *engine.Snapshot, changes uint64, err error) {
	s.withAllLocked(func(tx *engine.Tx) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.waiting = append(s.waiting, s.next...)
		s.next, s.again = nil, false
		changes = s.srv.writes()
		if sn, err = tx.BeginSnapshot(); err != nil {
			return
		}
		s.running = sn
		sn.Gentle.Store(len(s.waiting) == 0 && !s.closed)
		if s.closed {
			sn.Fail(errStopping)
		}
	})
	return sn, changes, err
}

// end notes how a snapshot ended and wakes those who wait for it. It returns false if another one has to
// follow.
func (s *saver) end(saved snapshot.Saved, err error, changes uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	path := s.srv.Config.Values().SnapshotPath
	s.err, s.took = err, time.Since(s.began)
	if err != nil {
		s.srv.Log.Error("snapshot failed", "path", path, "error", err)
	} else {
		s.last, s.bytes, s.changes, s.unsure = time.Now(), saved.Bytes, changes, false
		s.saves++
		s.srv.Log.Info("snapshot written", "path", path, "keys", saved.Keys, "bytes", saved.Bytes, "took", saved.Time.Round(time.Millisecond))
	}
	for _, w := range s.waiting {
		w.end("", err)
	}
	s.waiting = nil
	if s.again {
		s.began = time.Now()
		return false
	}
	s.running = nil
	s.arm(s.srv.Config.Values())
	return true
}

// arm sets the timer for the next snapshot at an interval. s.mu is held.
func (s *saver) arm(v *config.Values) {
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
	if s.closed || !v.Persistence || v.SnapshotInterval == 0 || s.srv.Loading() {
		return
	}
	wait := v.SnapshotInterval
	if s.err != nil {
		wait = min(wait, saveAgain)
	}
	s.timer = time.AfterFunc(wait, s.due)
}

// due begins a snapshot if something was written since the last one.
func (s *saver) due() {
	s.mu.Lock()
	changed := s.changed()
	if !changed || s.closed {
		s.arm(s.srv.Config.Values())
	}
	changed = changed && !s.closed
	s.mu.Unlock()
	if !changed {
		return
	}
	s.withAllLocked(func(tx *engine.Tx) {
		if !s.srv.Loading() { // or DEBUG RELOAD has emptied the keyspace, and arms the timer when it is full again
			_ = s.begin(tx, "interval", nil) // one that is under way will do
		}
	})
}

// withAllLocked calls begin with all shards locked, and nothing else locked. The latency monitor is told how long everybody had to wait.
func (s *saver) withAllLocked(begin func(tx *engine.Tx)) {
	began := nanotime()
	tx := s.srv.Store.NewTx()
	tx.Now = time.Now().UnixMilli()
	tx.LockAll()
	begin(tx)
	tx.Unlock()
	s.srv.latency.Add(latency.Snapshot, time.Duration(nanotime()-began))
}

// close gives up a snapshot that is under way and waits for its end. None is begun any more.
func (s *saver) close() {
	s.mu.Lock()
	s.closed = true
	if s.running != nil {
		s.running.Fail(errStopping)
		s.running.Gentle.Store(false) // what is left of it is only to be gone through
	}
	if s.timer != nil {
		s.timer.Stop()
	}
	s.mu.Unlock()
	s.idle.Wait()
}

// changed reports whether there may have been writes since the last snapshot. s.mu is held.
func (s *saver) changed() bool { return s.err != nil || s.unsure || s.srv.writes() != s.changes }

// forget is called when the count of writes is set back.
func (s *saver) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unsure = true
}

// prove waits for the end of a snapshot, of the one that is under way if there is one, and returns
// whether it could be written. It gives up with errLocked when a command has had keys locked for as
// long as patience, since that may last. During a DEBUG RELOAD, whose keys are in a file, it proves
// nothing.
func (s *saver) prove(patience time.Duration) error {
	done := make(chan struct{})
	p := &pending{wake: func() { close(done) }}
	s.srv.underWay.Go(func() { s.withAllLocked(func(tx *engine.Tx) { s.beginProof(tx, p) }) })
	for {
		locked := make(chan struct{})
		s.srv.underWay.Go(func() {
			s.withAllLocked(func(*engine.Tx) {})
			close(locked)
		})
		wait := time.NewTimer(patience)
		select {
		case <-done:
			wait.Stop()
			return p.err
		case <-wait.C:
		}
		select {
		case <-locked:
		default:
			return errLocked
		}
	}
}

// beginProof begins the snapshot that prove waits for, unless one is under way. LockAll was called
// on tx.
func (s *saver) beginProof(tx *engine.Tx, p *pending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.srv.Loading() {
		p.end("", nil)
		return
	}
	s.proved = true
	switch err := s.beginLocked(tx, "the server is told to stop", p); {
	case err == nil:
	case s.running != nil:
		s.waiting = append(s.waiting, p)
		s.running.Gentle.Store(false)
	default:
		p.end("", err)
	}
}

// writes counts the calls of commands that may have changed keys. CONFIG RESETSTAT sets it back.
func (srv *Server) writes() (n uint64) {
	for _, row := range srv.table.list {
		if row.Flags&Write != 0 {
			n += commandTotals(srv.stripes, row).calls
		}
	}
	return n
}

// SaveAtEnd writes a snapshot when no client is left, ending one that is under way. It writes none
// if Stop has just waited for one and nothing was written since.
func (srv *Server) SaveAtEnd() error {
	s := &srv.saver
	s.close()
	s.mu.Lock()
	written := s.proved && !s.changed()
	s.mu.Unlock()
	if written {
		srv.Log.Info("nothing was written since the last snapshot")
		return nil
	}
	tx := srv.Store.NewTx()
	tx.Now = time.Now().UnixMilli()
	tx.LockAll()
	sn, err := tx.BeginSnapshot()
	tx.Unlock()
	if err != nil {
		return err
	}
	path := srv.Config.Values().SnapshotPath
	saved, err := snapshot.Save(sn, path, redisVersion)
	if err == nil {
		srv.Log.Info("snapshot written", "path", path, "keys", saved.Keys, "bytes", saved.Bytes, "took", saved.Time.Round(time.Millisecond))
	}
	return err
}

// BGSAVE [SCHEDULE]
func bgsave(c *Call) error {
	if len(c.Args) > 2 || len(c.Args) == 2 && !is(c.Args[1], "schedule") {
		return errSyntax
	}
	if err := c.Srv.saver.begin(c.Tx, "BGSAVE", nil); err != nil {
		return err
	}
	c.Out.Simple("Background saving started")
	return nil
}

// LASTSAVE
func lastsave(c *Call) error {
	s := &c.Srv.saver
	s.mu.Lock()
	defer s.mu.Unlock()
	return c.integer(s.last.Unix(), nil)
}

// SAVE. The client waits, and the command runs again when it is done.
func save(c *Call) error {
	_, err := c.await(func(p *pending) {
		if err := c.Srv.saver.begin(c.Tx, "SAVE", p); err != nil {
			p.end("", err)
		}
	})
	if err != nil && err != errWait && err != errSaving {
		err = errSaveFailed
	}
	return c.ok(err)
}
