package command

import (
	"bytes"
	"testing"

	"github.com/redistill/redistill/internal/invariants"
)

// mangled reports whether all of b, which must not be empty, is overwritten.
func mangled(b []byte) bool { return len(b) > 0 && len(bytes.Trim(b, "\xdb")) == 0 }

// TestQueueIsMangled: the words of a transaction are overwritten when it is over, however it ends.
func TestQueueIsMangled(t *testing.T) {
	if !invariants.Enabled {
		t.Skip("memory is overwritten in builds with the tag invariants")
	}
	srv := newTestServer(t)
	var kept [][]byte
	srv.table.find("echo").Run = func(c *Call) error {
		kept = append(kept, c.Args[1])
		c.Out.Bulk(c.Args[1])
		return nil
	}
	c := connect(t, srv)
	c.expect("MULTI", "+OK", "ECHO one", "+QUEUED", "ECHO two", "+QUEUED", "EXEC", "*2 $3 one $3 two")
	for _, word := range kept {
		if len(kept) != 2 || !mangled(word) {
			t.Errorf("%q is left", word)
		}
	}
	for _, end := range []string{"DISCARD", "RESET", "EXEC x"} {
		c.expect("MULTI", "+OK", "ECHO three", "+QUEUED")
		word := c.multi.queue
		if c.do(end); !mangled(word) {
			t.Errorf("%s leaves %q", end, word)
		}
	}
}

// TestRepliesAreMangled: replies are overwritten when they were sent.
func TestRepliesAreMangled(t *testing.T) {
	if !invariants.Enabled {
		t.Skip("memory is overwritten in builds with the tag invariants")
	}
	c := connect(t, newTestServer(t))
	c.do("ECHO word")
	replies := c.Out.B
	if c.Sent(1 << 20); !mangled(replies) {
		t.Errorf("%q is left", replies)
	}
}
