package command

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/config"
	"github.com/redistill/redistill/internal/rdb"
	"github.com/redistill/redistill/internal/snapshot"
)

// newSavingServer returns a server with a snapshot at a path, and more settings, "key value" each. It is loading.
func newSavingServer(t testing.TB, path string, log io.Writer, settings ...string) *Server {
	t.Helper()
	var given []config.Assignment
	for _, s := range append(settings, "persistence.enabled true", "persistence.snapshot_path "+path, "persistence.snapshot_interval 0") {
		key, text, _ := strings.Cut(s, " ")
		given = append(given, config.Assignment{Key: key, Text: text, Source: config.Source{Origin: config.FromFlag}})
	}
	cfg, err := config.Load(config.Memory{Bytes: 1 << 30, From: "the test"}, given)
	if err != nil {
		t.Fatal(err)
	}
	store, err := engine.Open(engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	srv := NewServer(Options{Store: store, Config: cfg, Log: slog.New(slog.NewTextHandler(log, nil)), Version: "test", IO: "test"})
	t.Cleanup(srv.Close)
	return srv
}

func load(t testing.TB, srv *Server) {
	t.Helper()
	if err := srv.Load(); err != nil {
		t.Fatal(err)
	}
}

// saved waits until no snapshot is being written.
func (srv *Server) saved() { srv.saver.idle.Wait() }

func TestSave(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dump.rdb")
	srv := newSavingServer(t, path, io.Discard)
	load(t, srv)
	c := connect(t, srv)
	c.expect("SET k v", "+OK", "HSET h f v", ":1", "SELECT 3", "+OK", "SET k3 1 PXAT 4102444800123", "+OK", "SAVE", "+OK", "SET k4 2", "+OK",
		"BGSAVE", "+Background saving started")
	srv.saved()
	if !strings.Contains(c.do("INFO persistence"), "rdb_saves:2\r\n") {
		t.Error(c.do("INFO persistence"))
	}
	c.expect("BGSAVE SCHEDULE", "+Background saving started", "SET k5 later", "+OK")
	srv.saved()
	again := newSavingServer(t, path, io.Discard)
	load(t, again)
	connect(t, again).expect("GET k", "$1 v", "HGETALL h", "*2 $1 f $1 v", "SELECT 3", "+OK", "GET k3", "$1 1", "PEXPIRETIME k3", ":4102444800123", "GET k4", "$1 2",
		"EXISTS k5", ":0")
}

// A second snapshot is refused while one is being written, and SAVE waits for its own.
func TestSaveWhileSaving(t *testing.T) {
	srv := newSavingServer(t, filepath.Join(t.TempDir(), "dump.rdb"), io.Discard)
	load(t, srv)
	a, b := connect(t, srv), connect(t, srv)
	a.do("SET k v")
	tx := srv.Store.NewTx()
	tx.LockAll()
	sn, err := tx.BeginSnapshot()
	tx.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	b.expect("SAVE", "-ERR Background save already in progress", "BGSAVE", "-ERR Background save already in progress")
	sn.Fail(errStopping)
	if err := sn.Write(nil); err != errStopping {
		t.Error(err)
	}
	if _, ran := a.try("SAVE"); ran {
		t.Error("SAVE did not wait")
	}
	a.expect("SAVE", "+OK")
	a.expect("MULTI", "+OK", "BGSAVE", "+QUEUED", "SET k w", "+QUEUED", "EXEC", "*2 +Background saving started +OK")
}

// None is begun when the server has closed the saver, so that none is in the way of the one at the
// end.
func TestNoSnapshotAfterClose(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dump.rdb")
	srv := newSavingServer(t, path, io.Discard, "persistence.snapshot_interval 3600")
	load(t, srv)
	c := connect(t, srv)
	c.expect("SET k v", "+OK")
	srv.saver.close()
	if err := srv.saver.prove(time.Minute); err != errStopping {
		t.Error(err)
	}
	c.expect("SAVE", "-"+string(errSaveFailed), "FLUSHALL", "+OK")
	if _, err := os.Stat(path); err == nil {
		t.Error("a snapshot was written")
	}
	if err := srv.SaveAtEnd(); err != nil {
		t.Error(err)
	}
}

func TestSaveFails(t *testing.T) {
	var log bytes.Buffer
	srv := newSavingServer(t, filepath.Join(t.TempDir(), "missing", "dump.rdb"), &log)
	load(t, srv)
	c := connect(t, srv)
	c.expect("SET k v", "+OK", "SAVE", "-"+string(errSaveFailed), "GET k", "$1 v", "SHUTDOWN SAVE", "-ERR Errors trying to SHUTDOWN. Check logs.")
	if !strings.Contains(c.do("INFO persistence"), "rdb_last_bgsave_status:err\r\n") || !strings.Contains(log.String(), "no such file") {
		t.Error(log.String())
	}
}

// A snapshot that a flush interrupts is begun again, with what there is then.
func TestSaveDuringFlush(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dump.rdb")
	srv := newSavingServer(t, path, io.Discard)
	load(t, srv)
	c := connect(t, srv)
	c.expect("SET k v", "+OK", "MULTI", "+OK", "BGSAVE", "+QUEUED", "FLUSHALL", "+QUEUED", "SET new v", "+QUEUED", "EXEC",
		"*3 +Background saving started +OK +OK")
	srv.saved()
	again := newSavingServer(t, path, io.Discard)
	load(t, again)
	connect(t, again).expect("KEYS *", "*1 $3 new")
}

// keysIn returns the keys of a snapshot, as KEYS replies with them.
func keysIn(t *testing.T, path string) string {
	t.Helper()
	srv := newSavingServer(t, path, io.Discard)
	load(t, srv)
	return strings.Join(strings.Fields(connect(t, srv).do("KEYS *")), " ")
}

// What was flushed does not come back after a crash: FLUSHALL replies when the file has no key any more.
func TestFlushIsSaved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dump.rdb")
	srv := newSavingServer(t, path, io.Discard)
	load(t, srv)
	c := connect(t, srv)
	c.expect("SET k v", "+OK", "SAVE", "+OK", "FLUSHALL", "+OK")
	if got := keysIn(t, path); got != "*1 $1 k" {
		t.Errorf("without an interval it is saved: %s", got)
	}
	c.expect("CONFIG SET persistence.snapshot_interval 3600", "+OK", "SET k v", "+OK", "SAVE", "+OK")
	for _, command := range []string{"FLUSHALL", "FLUSHALL SYNC", "FLUSHALL ASYNC"} {
		c.expect("SET k v", "+OK", "SAVE", "+OK", command, "+OK")
		if got := keysIn(t, path); got != "*0" {
			t.Errorf("after %s the file has %s", command, got)
		}
	}
	c.expect("SET k v", "+OK", "SAVE", "+OK", "MULTI", "+OK", "FLUSHALL", "+QUEUED", "SET new v", "+QUEUED", "EXEC", "*2 +OK +OK")
	srv.saved()
	if got := keysIn(t, path); got != "*0" {
		t.Errorf("after EXEC the file has %s", got)
	}
	srv.Config.Values().SnapshotPath = filepath.Join(path, "below a file")
	c.expect("FLUSHALL", "+OK", "EXISTS new", ":0", "SAVE", "-"+string(errSaveFailed))
}

// A file that was complete when the keys were flushed, but not yet in place, is followed by another.
func TestFlushBehindSave(t *testing.T) {
	for _, transaction := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "dump.rdb")
		srv := newSavingServer(t, path, io.Discard)
		load(t, srv)
		c := connect(t, srv)
		c.expect("CONFIG SET persistence.snapshot_interval 3600", "+OK", "SET k v", "+OK")
		s := &srv.saver
		var sn *engine.Snapshot
		s.withAllLocked(func(tx *engine.Tx) { sn, _ = tx.BeginSnapshot() })
		s.running = sn
		saved, err := snapshot.Save(sn, path, "7")
		if err != nil {
			t.Fatal(err)
		}
		if transaction {
			c.expect("MULTI", "+OK", "FLUSHALL", "+QUEUED", "EXEC", "*1 +OK")
		} else if _, ran := c.try("FLUSHALL"); ran {
			t.Error("FLUSHALL did not wait")
		}
		if s.end(saved, nil, 0) {
			t.Fatal("no other snapshot follows")
		}
		sn, changes, err := s.resume()
		if err != nil {
			t.Fatal(err)
		}
		s.run(sn, changes)
		if got := keysIn(t, path); got != "*0" {
			t.Errorf("the file has %s", got)
		}
		if !transaction {
			c.expect("FLUSHALL", "+OK")
		}
	}
}

func TestLoading(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dump.rdb")
	srv := newSavingServer(t, path, io.Discard)
	c := connect(t, srv)
	loading := "-" + string(errLoading)
	c.expect("GET k", loading, "PING", loading, "SAVE", loading, "MULTI", "+OK", "GET k", loading,
		"EXEC", "-EXECABORT Transaction discarded because of previous errors.", "SELECT 1", "+OK", "COMMAND COUNT", strings.TrimSpace(c.do("COMMAND COUNT")),
		"NOPE", "-ERR unknown command 'NOPE', with args beginning with: ", "GET", "-ERR wrong number of arguments for 'get' command")
	load(t, srv)
	c.expect("PING", "+PONG")
}

// A server that is told to end before it begins to load loads nothing, and does not count as loaded.
func TestStopBeforeLoading(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dump.rdb")
	first := newSavingServer(t, path, io.Discard)
	load(t, first)
	connect(t, first).expect("SET k v", "+OK", "SAVE", "+OK")
	srv := newSavingServer(t, path, io.Discard)
	srv.StopLoading()
	if err := srv.Load(); !errors.Is(err, errStopping) || !srv.Loading() {
		t.Errorf("Load returns %v", err)
	}
}

// What cannot be loaded is not served and not overwritten, or put aside if the settings say so.
func TestCorruptSnapshot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dump.rdb")
	srv := newSavingServer(t, path, io.Discard)
	load(t, srv)
	c := connect(t, srv)
	for range 100 {
		c.do("HINCRBY h f 1")
	}
	c.expect("SET k v", "+OK", "SAVE", "+OK")
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file = file[:len(file)-9]
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	strict := newSavingServer(t, path, io.Discard)
	err = strict.Load()
	if refused := (*snapshot.Refused)(nil); !errors.As(err, &refused) || !strings.Contains(err.Error(), "offset ") || !strict.Loading() {
		t.Errorf("got %v", err)
	}
	if got, _ := os.ReadFile(path); !bytes.Equal(got, file) {
		t.Error("the file changed")
	}
	var log bytes.Buffer
	lax := newSavingServer(t, path, &log, "persistence.snapshot_corrupt rename")
	load(t, lax)
	connect(t, lax).expect("DBSIZE", ":0", "SET k 1", "+OK", "SAVE", "+OK")
	aside, _ := filepath.Glob(path + ".corrupt-*")
	if len(aside) != 1 || !strings.Contains(log.String(), aside[0]) {
		t.Fatalf("put aside: %v, logged %s", aside, log.String())
	}
	if got, _ := os.ReadFile(aside[0]); !bytes.Equal(got, file) {
		t.Error("the file that was put aside changed")
	}
}

// A file that is whole but holds what is not supported is never put aside.
func TestUnsupportedSnapshot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dump.rdb")
	var file bytes.Buffer
	w := rdb.NewWriter(&file, nil)
	_ = w.Key(1, []byte("l"), 0, -1, -1) // a list
	_ = w.Len(1)
	_ = w.String([]byte("x"))
	_ = w.Close()
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	srv := newSavingServer(t, path, io.Discard, "persistence.snapshot_corrupt rename")
	if err := srv.Load(); err == nil || !strings.Contains(err.Error(), `key "l" is a list`) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
	load(t, newSavingServer(t, path, io.Discard, "persistence.unsupported skip"))
	newer := []byte("REDIS9999 and so on")
	if err := os.WriteFile(path, newer, 0o600); err != nil {
		t.Fatal(err)
	}
	srv = newSavingServer(t, path, io.Discard, "persistence.snapshot_corrupt rename")
	if err := srv.Load(); err == nil || !strings.Contains(err.Error(), "has version 9999") {
		t.Errorf("got %v", err)
	}
	if got, _ := os.ReadFile(path); !bytes.Equal(got, newer) {
		t.Error("a file of a newer version was put aside")
	}
}

// Snapshots are taken at the interval, if something was written.
func TestInterval(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dump.rdb")
	srv := newSavingServer(t, path, io.Discard)
	load(t, srv)
	c := connect(t, srv)
	if err := srv.Config.Set(config.Pair{Name: "save", Value: "3600 7 9999 1"}); err != nil {
		t.Fatal(err)
	}
	c.expect("CONFIG GET save", "*2 $4 save $6 3600 1")
	if srv.saver.timer == nil {
		t.Fatal("no snapshot is due")
	}
	srv.saver.due()
	srv.saved()
	if _, err := os.Stat(path); err == nil {
		t.Error("a snapshot was taken although nothing was written")
	}
	c.do("SET k v")
	srv.saver.due()
	srv.saved()
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
	c.expect("CONFIG SET save x", "-ERR CONFIG SET failed (possibly related to argument 'save') - Invalid save parameters")
}

func TestSaveAtEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dump.rdb")
	srv := newSavingServer(t, path, io.Discard)
	load(t, srv)
	asked := []bool{}
	srv.Shutdown = func(save bool) { asked = append(asked, save) }
	for _, command := range []string{"SHUTDOWN", "SHUTDOWN NOSAVE", "SHUTDOWN SAVE"} {
		c := open(t, srv)
		c.do("SET k " + command)
		c.Close()
	}
	for _, command := range []string{"SHUTDOWN", "SHUTDOWN NOSAVE", "SHUTDOWN SAVE"} {
		c := open(t, srv)
		c.do(command)
		c.Close()
	}
	if len(asked) != 3 || !asked[0] || asked[1] || !asked[2] {
		t.Errorf("asked for a snapshot: %v", asked)
	}
	if err := srv.SaveAtEnd(); err != nil {
		t.Fatal(err)
	}
	again := newSavingServer(t, path, io.Discard)
	load(t, again)
	connect(t, again).expect("DBSIZE", ":1")
	if again.saver.last.After(time.Now()) {
		t.Error("the last snapshot is in the future")
	}
}
