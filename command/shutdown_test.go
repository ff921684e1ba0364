package command

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/config"
	"github.com/redistill/redistill/internal/snapshot"
	"github.com/redistill/redistill/test/await"
)

// stops has the server note the calls of Shutdown.
func stops(srv *Server) (saves *[]bool) {
	saves = new([]bool)
	srv.Shutdown = func(save bool) { *saves = append(*saves, save) }
	return saves
}

// A server whose snapshot cannot be written is not ended by SHUTDOWN, unless that says otherwise.
func TestShutdownRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dump.rdb")
	var log bytes.Buffer
	srv := newSavingServer(t, path, &log)
	load(t, srv)
	saves, other := stops(srv), connect(t, srv)
	other.expect("SET k v", "+OK", "SAVE", "+OK", "SET k w", "+OK")
	if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"SHUTDOWN", "SHUTDOWN SAVE", "SHUTDOWN NOW"} {
		c := connect(t, srv)
		if c.expect(command, "-ERR Errors trying to SHUTDOWN. Check logs.", "GET k", "$1 w"); len(*saves) > 0 || c.Closing {
			t.Fatalf("%s ended the server", command)
		}
	}
	other.expect("GET k", "$1 w")
	for _, words := range []string{`msg="SHUTDOWN was refused, because the snapshot cannot be written"`, path + " is not a regular file"} {
		if !strings.Contains(log.String(), words) {
			t.Errorf("logged %s", &log)
		}
	}
	for _, how := range []config.ShutdownFlags{0, config.ShutdownSave} {
		if err := srv.Stop(how); err == nil || len(*saves) > 0 {
			t.Errorf("Stop(%b): %v", how, err)
		}
	}
	for _, how := range []config.ShutdownFlags{config.ShutdownNoSave, config.ShutdownForce, config.ShutdownNow} {
		if err := srv.Stop(how); err != nil {
			t.Errorf("Stop(%b): %v", how, err)
		}
	}
	for _, command := range []string{"SHUTDOWN FORCE", "SHUTDOWN NOSAVE NOW"} {
		c := open(t, srv)
		c.do(command)
		c.Close()
	}
	if want := []bool{false, true, true, true, false}; !slices.Equal(*saves, want) {
		t.Errorf("it was to save at the end: %v, want %v", *saves, want)
	}
	if err := srv.SaveAtEnd(); err == nil {
		t.Error("the last snapshot was written")
	}
}

// SHUTDOWN takes a snapshot that is under way for a proof. If that fails because of what clients
// do, it is none to the contrary.
func TestShutdownWhileSaving(t *testing.T) {
	for _, test := range []struct {
		err   error
		reply string
	}{
		{nil, ""}, {engine.ErrSnapshotBehind, ""}, {engine.ErrSnapshotMemory, ""}, {engine.ErrFlushed, ""},
		{errors.New("the disk is full"), "-" + string(errShutdown) + "\r\n"},
	} {
		srv := newSavingServer(t, filepath.Join(t.TempDir(), "dump.rdb"), io.Discard)
		load(t, srv)
		saves, c, s := stops(srv), connect(t, srv), &srv.saver
		sn := &engine.Snapshot{}
		s.running = sn
		sn.Gentle.Store(true)
		if _, ran := c.try("SHUTDOWN"); ran {
			t.Fatal("SHUTDOWN did not wait")
		}
		await.True(t, "SHUTDOWN waits for the snapshot", func() bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			return len(s.waiting) == 1
		})
		if sn.Gentle.Load() {
			t.Error("the snapshot is not told that somebody waits")
		}
		s.end(snapshot.Saved{}, test.err, srv.writes())
		if got := c.do("SHUTDOWN"); got != test.reply || len(*saves) == 0 != (got != "") {
			t.Errorf("after %v: got %q, and the end %v", test.err, got, *saves)
		}
	}
}

// What was written after the snapshot that SHUTDOWN has waited for is in another one; where nothing
// was, there is none.
func TestSaveAtEndAgain(t *testing.T) {
	for _, test := range []struct{ before, after []string }{
		{[]string{"SHUTDOWN"}, nil},
		{[]string{"SHUTDOWN"}, []string{"SET k2 v"}},
		{[]string{"SHUTDOWN"}, []string{"CONFIG RESETSTAT", "SET k2 v"}}, // as many as before
		{[]string{"SHUTDOWN FORCE"}, nil},
	} {
		path := filepath.Join(t.TempDir(), "dump.rdb")
		srv := newSavingServer(t, path, io.Discard)
		load(t, srv)
		stops(srv)
		other := connect(t, srv)
		other.do("SET k v")
		want := "*1 $1 k"
		for _, command := range test.before {
			connect(t, srv).do(command)
		}
		for _, command := range test.after {
			other.do(command)
			want = "*2 $1 k $2 k2"
		}
		proved, err := os.Stat(path)
		if (err == nil) != (test.before[0] == "SHUTDOWN") {
			t.Error(err)
		}
		if err := srv.SaveAtEnd(); err != nil {
			t.Fatal(err)
		}
		last, err := os.Stat(path)
		if err != nil || os.SameFile(proved, last) != (len(test.after) == 0 && proved != nil) {
			t.Errorf("%v: written again %v, %v", test, !os.SameFile(proved, last), err)
		}
		if got := keysIn(t, path); len(got) != len(want) {
			t.Errorf("%v: the file has %s, want %s", test, got, want)
		}
	}
}
