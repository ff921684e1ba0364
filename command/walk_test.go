package command

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/redistill/redistill/engine"
)

const walked = 3*turnCount + 1 // names that take four turns at least

// fillForWalk makes so many keys k0, k1 and so on, and a hash of as many fields f0, f1 and so on.
func fillForWalk(c *client) {
	var keys, fields strings.Builder
	for i := range walked {
		fmt.Fprintf(&keys, " k%d v", i)
		fmt.Fprintf(&fields, " f%d v", i)
	}
	c.do("MSET" + keys.String())
	c.do("HSET h" + fields.String())
}

// names returns the sorted elements of a reply to KEYS, SCAN or HSCAN that begin with prefix.
func names(reply, prefix string) []string {
	list := slices.DeleteFunc(strings.Split(reply, "\r\n"), func(s string) bool { return !strings.HasPrefix(s, prefix) })
	slices.Sort(list)
	return slices.Compact(list)
}

// TestWalksTakeTurns has another client write between the turns of those that look at much.
func TestWalksTakeTurns(t *testing.T) {
	srv := newTestServer(t)
	c, other := connect(t, srv), connect(t, srv)
	fillForWalk(c)
	for _, test := range []struct{ command, prefix string }{
		{"KEYS *", "k"}, {"KEYS k*", "k"}, {"SCAN 0 COUNT 100000 MATCH k*", "k"}, {"SCAN 0 COUNT 100000 TYPE string", "k"},
		{"HSCAN h 0 COUNT 100000", "f"}, {"HSCAN h 0 COUNT 100000 MATCH f*", "f"},
		{"HSCAN h 0 COUNT 100000 NOVALUES", "f"},
	} {
		other.do("CONFIG RESETSTAT")
		turns := 1
		reply, next := c.turn(test.command)
		for ; next == Yield; turns++ {
			if reply != "" {
				t.Fatalf("%s: replied %.40q before its last turn", test.command, reply)
			}
			other.expect("HSET h other v", ":1", "HDEL h other", ":1")
			reply, next = c.turn(test.command)
		}
		if got := names(reply, test.prefix); len(got) != walked || turns < 3 {
			t.Errorf("%s: %d names in %d turns", test.command, len(got), turns)
		}
		if values := strings.Count(reply, "\r\nv\r\n"); values > 0 && strings.Contains(test.command, "NOVALUES") {
			t.Errorf("%s: %d values", test.command, values)
		}
		name := strings.ToLower(strings.Fields(test.command)[0])
		if info := c.do("INFO commandstats"); !strings.Contains(info, "cmdstat_"+name+":calls=1,") {
			t.Errorf("%s is not counted as one call: %s", test.command, info)
		}
		c.expect("MULTI", "+OK", test.command, "+QUEUED")
		if reply, next = c.turn("EXEC"); next != Continue || len(names(reply, test.prefix)) != walked {
			t.Errorf("%s in a transaction: %d names, and then %d", test.command, len(names(reply, test.prefix)), next)
		}
	}
}

// TestWalkOutgrowsItsLimit ends a walk whose reply is more than the client may leave unread, at
// once.
func TestWalkOutgrowsItsLimit(t *testing.T) {
	c := connect(t, newTestServer(t, "client-output-buffer-limit normal 60000 0 0"))
	fillForWalk(c)
	if _, next := c.turn("KEYS *"); next != Yield {
		t.Fatalf("within the limit: %d", next)
	}
	if _, next := c.turn("KEYS *"); next != Continue || c.Out.Len() <= 60_000 || c.Out.Len() > 150_000 {
		t.Errorf("beyond the limit: %d, %d bytes", next, c.Out.Len())
	}
}

// TestTimeOfTurnsIsAddedUp sees KEYS in SLOWLOG once, with the time of all its turns.
func TestTimeOfTurnsIsAddedUp(t *testing.T) {
	srv := newTestServer(t)
	c := connect(t, srv)
	fillForWalk(c)
	srv.slowlog.reset()
	_, next := c.turn("KEYS *")
	if next != Yield {
		t.Fatalf("KEYS takes no turns: %d", next)
	}
	const hour = 3600_000_000_000
	c.spent += hour
	c.do("KEYS *")
	if got := srv.slowlog.entries; len(got) != 1 || got[0].micros < hour/1000 {
		t.Errorf("SLOWLOG: %+v", got)
	}
	c.do("KEYS nothing")
	if c.spent != 0 {
		t.Errorf("%d ns are left for the next command", c.spent)
	}
}

// TestWalkEnds has what is walked go, and the user's rules change, between two turns.
func TestWalkEnds(t *testing.T) {
	c := connect(t, newTestServer(t))
	other := connect(t, c.srv)
	fillForWalk(c)
	c.turn("HSCAN h 0 COUNT 100000")
	other.expect("DEL h", ":1")
	reply := c.do("HSCAN h 0 COUNT 100000")
	if got := names(reply, "f"); len(got) < turnCount || len(got) == walked || !strings.HasPrefix(reply, "*2\r\n$1\r\n0\r\n") {
		t.Errorf("a hash that goes: %d fields: %.40q", len(got), reply)
	}
	if _, next := c.turn("KEYS *"); next != Yield {
		t.Fatalf("KEYS takes no turns: %d", next)
	}
	other.expect("ACL SETUSER default -keys", "+OK")
	c.expect("KEYS *", "-NOPERM User default has no permissions to run the 'keys' command")
	other.expect("ACL SETUSER default +keys", "+OK", "FLUSHALL", "+OK")
	c.expect("KEYS *", "*0")
}

// TestTurnsAreShort has names and patterns of which even few take long.
func TestTurnsAreShort(t *testing.T) {
	c := connect(t, newTestServer(t))
	long := strings.Repeat("a", engine.MaxKey-3)
	for i := range 300 {
		c.do(fmt.Sprintf("SET %s%03d v", long, i))
		c.do(fmt.Sprintf("HSET h %s%03d v", long, i))
	}
	slow := "*" + strings.Repeat("?", 200) + "b*"
	for _, command := range []string{"SCAN 0 COUNT 1000 MATCH ", "HSCAN h 0 COUNT 1000 MATCH "} {
		reply := c.do(command + slow)
		if strings.HasPrefix(reply, "*2\r\n$1\r\n0\r\n") || !strings.HasSuffix(reply, "*0\r\n") {
			t.Errorf("%s: a turn that takes long goes on to the end: %.40q", command, reply)
		}
	}
	turns := 1
	reply, next := c.turn("KEYS " + slow)
	for ; next == Yield; turns++ {
		reply, next = c.turn("KEYS " + slow)
	}
	if reply != "*0\r\n" || turns < 10 {
		t.Errorf("KEYS: %.40q after %d turns", reply, turns)
	}
}
