package command

import (
	"os"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/snapshot"
)

// lruClockMask is what Redis keeps of the time of an access in seconds.
const lruClockMask = 1<<24 - 1

// DEBUG OBJECT key
func debugObject(c *Call) error {
	k := c.Srv.Store.Key(c.Args[2])
	if !c.S.multi.running {
		c.Tx.LockKey(k)
	}
	encoding, ok := c.Tx.Encoding(k)
	if !ok {
		return errNoSuchKey
	}
	var p snapshot.Payload
	if err := c.export(k, &p); err != nil {
		return err
	}
	idle, _ := c.Tx.Idle(k)
	text := append([]byte("Value at:0x0 refcount:1 encoding:"), encoding...)
	text = appendField(text, " serializedlength:", int64(len(p.B)-1)) // without the type
	text = appendField(text, " lru:", (c.Now-idle)/1000&lruClockMask)
	text = appendField(text, " lru_seconds_idle:", idle/1000)
	c.Out.Simple(string(text))
	return nil
}

// DEBUG SET-ACTIVE-EXPIRE <0 | 1>. As in Redis, what is no number is 0.
func debugSetActiveExpire(c *Call) error {
	if n, _ := strconv.Atoi(string(c.Args[2])); n == 0 {
		c.Srv.holdExpiry(disabledExpiry)
	} else {
		c.Srv.letExpire(disabledExpiry)
	}
	c.Out.OK()
	return nil
}

// DEBUG POPULATE count [prefix] [size]
func debugPopulate(c *Call) error {
	p := population{store: c.Srv.Store, db: c.Tx.DB, prefix: "key"}
	if len(c.Args) > 3 {
		p.prefix = shown(c.Args[3])
	}
	var err error
	if p.count, err = c.notNegative(2); err != nil {
		return err
	}
	if len(c.Args) > 4 {
		if p.size, err = c.notNegative(4); err != nil {
			return err
		}
	}
	switch {
	case c.S.multi.running:
		return errNotInMulti
	case c.Srv.Loading():
		return errLoading
	case p.size > int64(c.Srv.longestString()):
		return errStringTooLong
	}
	return c.ok(c.beside(p.run))
}

// notNegative parses an argument as an integer of at least 0.
func (c *Call) notNegative(i int) (int64, error) {
	n, err := c.int(i)
	if err != nil || n < 0 {
		return 0, Error("ERR value is out of range, must be positive")
	}
	return n, nil
}

// population is what DEBUG POPULATE makes.
type population struct {
	store  *engine.Store
	db     int
	prefix string
	count  int64
	size   int64 // of each value; 0 = as long as its text
}

// run makes the keys that are not there, key after key, so that other clients go on.
func (p population) run(stop *atomic.Bool) error {
	tx := p.store.NewTx()
	tx.DB = p.db
	var key, val []byte
	for n := int64(0); n < p.count && !stop.Load(); n++ {
		key = strconv.AppendInt(append(append(key[:0], p.prefix...), ':'), n, 10)
		val = strconv.AppendInt(append(val[:0], "value:"...), n, 10)
		if p.size > 0 {
			text := len(val)
			val = slices.Grow(val, max(int(p.size)-text, 0))[:p.size]
			clear(val[min(text, len(val)):])
		}
		if err := p.store.Reserve(len(key) + len(val)); err != nil {
			return err
		}
		if err := p.add(tx, p.store.Key(key), val); err != nil {
			return err
		}
	}
	return nil
}

func (p population) add(tx *engine.Tx, k engine.Key, val []byte) error {
	tx.Now = time.Now().UnixMilli()
	tx.LockKey(k)
	defer tx.Unlock()
	there := false
	tx.Quietly(func() { there = tx.Exists(k) })
	if there {
		return nil
	}
	return tx.Set(k, val, engine.NoDeadline)
}

const (
	errReload  = Error("ERR Error trying to load the RDB dump")
	errNoFlush = Error("ERR DEBUG RELOAD NOFLUSH is not supported: " +
		"a file is loaded into an empty database")
)

// DEBUG RELOAD [NOSAVE] [MERGE]. Other clients are told meanwhile that the server is loading, so
// that nothing is written between the snapshot and the load.
func debugReload(c *Call) error {
	save := true
	for _, option := range c.Args[2:] {
		switch {
		case is(option, "nosave"):
			save = false
		case is(option, "noflush"):
			return errNoFlush
		case !is(option, "merge"):
			return Error("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.")
		}
	}
	switch {
	case c.S.multi.running:
		return errNotInMulti
	case c.S.pending != nil: // it runs already
		return c.ok(c.beside(nil))
	}
	c.Tx.LockAll()
	switch {
	case c.Srv.Loading():
		return errLoading
	case c.Srv.IsCutOff(): // AwaitReload may have been called
		return errCutOff
	}
	r := reloading{srv: c.Srv}
	switch {
	case save:
		r.written = make(chan struct{})
		r.saved = &pending{wake: func() { close(r.written) }}
		c.Srv.saver.beginOrFollow(c.Tx, "DEBUG RELOAD", r.saved)
	case c.Srv.saver.isRunning():
		return errSaving // it would begin again when the keyspace is emptied, and replace the file
	}
	c.Srv.alert.Or(alertLoading)
	c.Srv.reloads.Add(1)
	return c.ok(c.beside(r.run))
}

// reloading is a DEBUG RELOAD that is under way.
type reloading struct {
	srv     *Server
	saved   *pending      // the snapshot to load; nil if that is a file which is there
	written chan struct{} // closed when it is written
}

// run waits for the snapshot and loads it in place of all keys. If the server stops meanwhile it
// stays loading, so that what there is of the keys replaces no file.
func (r *reloading) run(*atomic.Bool) error {
	srv := r.srv
	defer srv.reloads.Done()
	v := srv.Config.Values()
	if r.saved != nil {
		<-r.written
		if r.saved.err != nil {
			srv.loaded()
			return errSaveFailed
		}
	} else if _, err := os.Stat(v.SnapshotPath); err != nil {
		srv.loaded()
		return r.failed(err)
	}
	tx := srv.Store.NewTx()
	tx.Now = time.Now().UnixMilli()
	tx.LockAll()
	tx.FlushAll()
	tx.Unlock()
	err := srv.load(v.SnapshotPath, v.SnapshotUnsupported == "skip")
	if err == errStopping {
		return err
	}
	srv.loaded()
	if err != nil {
		return r.failed(err)
	}
	return nil
}

// AwaitReload waits for the end of a DEBUG RELOAD that is under way, if there is one, so that its
// keys can be saved. It is called when no client is left.
func (srv *Server) AwaitReload() { srv.reloads.Wait() }

func (r *reloading) failed(err error) error {
	r.srv.Log.Error("DEBUG RELOAD failed", "error", err)
	return errReload
}
