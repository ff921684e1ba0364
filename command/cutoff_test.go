package command

import (
	"io"
	"path/filepath"
	"testing"
)

// cutOffBy makes GETSET a command during which the grace period of the end is over.
func cutOffBy(srv *Server) {
	srv.table.lookup([]byte("getset")).Run = func(c *Call) error {
		c.Srv.CutOff()
		c.Out.OK()
		return nil
	}
}

// TestCutOff: the snapshot at the end has what was done when the grace period was over, and nothing
// begins after that.
func TestCutOff(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dump.rdb")
	srv := newSavingServer(t, path, io.Discard)
	load(t, srv)
	c, walking, late := connect(t, srv), connect(t, srv), connect(t, srv)
	fillForWalk(c)
	if _, next := walking.turn("KEYS *"); next != Yield {
		t.Fatalf("KEYS takes no turns: %d", next)
	}
	cutOffBy(srv)
	c.expect("FLUSHDB", "+OK", "MULTI", "+OK", "SET a 1", "+QUEUED", "GETSET k v", "+QUEUED", "SET b 1", "+QUEUED")
	if c.do("EXEC"); !c.Closing {
		t.Error("the client of a transaction that was cut off is not closed")
	}
	walking.expect("KEYS *", "")
	late.expect("SET late 1", "")
	if !walking.Closing || !late.Closing {
		t.Errorf("closed: %v in a walk, %v before a command", walking.Closing, late.Closing)
	}
	if err := srv.SaveAtEnd(); err != nil {
		t.Fatal(err)
	}
	if got := keysIn(t, path); got != "*1 $1 a" {
		t.Errorf("the snapshot has %s", got)
	}
}

// TestCutOffInWalk ends a walk in EXEC, where turns follow each other.
func TestCutOffInWalk(t *testing.T) {
	c := connect(t, newTestServer(t))
	c.multi.running = true
	w := &walk{scanOptions: scanOptions{count: turnCount * 1000}}
	turns := 0
	err := c.call.takeTurns(w, func(*walk, int) (uint64, error) {
		if turns++; turns == 3 {
			c.srv.CutOff()
		}
		return 1, nil
	}, nil)
	if err != errCutOff || turns != 3 {
		t.Errorf("ended after %d turns: %v", turns, err)
	}
}
