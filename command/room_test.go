package command

import (
	"io"
	"strconv"
	"strings"
	"testing"
	"time"
)

// heavy is a command that adds as many megabytes as its key says, or as weigh says.
type heavy struct {
	weigh       func() int
	looks, runs int
}

func (h *heavy) row(flags Flag) Command {
	row := Command{Name: "heavy", Arity: 2, Flags: flags, Keys: Keys{{At: 1}}}
	row.Weigh = func(c *Call) int {
		h.looks++
		if h.weigh != nil {
			return h.weigh()
		}
		v, _, _ := c.Tx.Get(c.Keys[0])
		n, _ := strconv.Atoi(string(v.AppendTo(nil)))
		return n << 20
	}
	row.Run = func(c *Call) error {
		h.runs++
		return c.ok(nil)
	}
	return row
}

// heavyServer returns a server with a heavy command.
func heavyServer(t *testing.T, policy string, flags Flag) (*Server, *client, *heavy) {
	h := &heavy{}
	srv := newServerWith(t, io.Discard, []Command{h.row(flags)}, debugAllowed, "maxmemory 8gb",
		"maxmemory-policy "+policy, "maxmemory-clients 1mb")
	return srv, connect(t, srv), h
}

// leaveNoRoom takes memory until n bytes do not fit, and some more. Garbage is collected first, for
// there would be more room as soon as it is.
func leaveNoRoom(srv *Server, n int) {
	srv.Store.Purge()
	srv.Store.SetMaxMemory(srv.Store.MaxMemory()) // looks at what the process needs
	for srv.Store.Fits(n) {
		srv.Store.AddArriving(8 << 20)
	}
	srv.Store.AddArriving(24 << 20)
}

const oom = "-" + string(errOutOfMemory)

// TestRoomThatIsThere: a command that has room is weighed once.
func TestRoomThatIsThere(t *testing.T) {
	_, c, h := heavyServer(t, "noeviction", Write|DenyOOM)
	c.expect("SET k 64", "+OK", "HEAVY k", "+OK", "HEAVY missing", "+OK")
	if h.looks != 2 || h.runs != 2 {
		t.Errorf("two commands were weighed %d times and ran %d times", h.looks, h.runs)
	}
}

// TestNoRoom: a command for which no room can be made does not run, unless ones like it are never
// refused.
func TestNoRoom(t *testing.T) {
	for flags, want := range map[Flag]string{Write | DenyOOM: oom, Write: "+OK"} {
		srv, c, h := heavyServer(t, "noeviction", flags)
		c.expect("SET k 64", "+OK")
		leaveNoRoom(srv, 64<<20)
		c.expect("HEAVY k", want)
		if h.runs > 0 != (want == "+OK") || h.looks != 1+h.runs {
			t.Errorf("%s: it was weighed %d times and ran %d times", want, h.looks, h.runs)
		}
		if got := srv.Store.Stats().Keys[0]; got != 1 {
			t.Errorf("%s: %d keys are left", want, got)
		}
	}
}

// TestRoomIsMade: keys are evicted for a command that needs room, and it is weighed again. Where
// its weight has grown meanwhile there is another round, but not for ever.
func TestRoomIsMade(t *testing.T) {
	const need = 32 << 20
	for _, test := range []struct {
		grows, looks, runs int
		reply              string
	}{
		{0, 2, 1, "+OK"},
		{2, 4, 1, "+OK"},
		{weighings, weighings, 0, oom},
	} {
		srv, c, h := heavyServer(t, "allkeys-random", Write|DenyOOM)
		c.expect("DEBUG POPULATE 128 k 1000000", "+OK")
		last := need
		h.weigh = func() int {
			if h.looks == 1 {
				leaveNoRoom(srv, need)
			}
			for h.looks <= 1+test.grows && (last == 0 || srv.Store.Fits(last)) {
				last += 1 << 20
			}
			return last
		}
		before := srv.Store.Stats().Keys[0]
		c.expect("HEAVY k:1", test.reply)
		if h.looks != test.looks || h.runs != test.runs {
			t.Errorf("%+v: it was weighed %d times and ran %d times", test, h.looks, h.runs)
		}
		if after := srv.Store.Stats().Keys[0]; after >= before {
			t.Errorf("%+v: %d keys, and then %d", test, before, after)
		}
	}
}

// TestMarksWhileRoomIsMade: what others want of the client while it has no locks, it heeds when it
// has them again.
func TestMarksWhileRoomIsMade(t *testing.T) {
	srv, c, h := heavyServer(t, "allkeys-random", Write|DenyOOM)
	c.expect("DEBUG POPULATE 128 k 1000000", "+OK")
	meddle := func() { srv.pause.begin(time.Now().Add(time.Hour).UnixMilli(), pauseAll) }
	h.weigh = func() int {
		if meddle != nil {
			leaveNoRoom(srv, 32<<20)
			meddle()
		}
		meddle = nil
		return 32 << 20
	}
	if reply, ran := c.try("HEAVY k:1"); ran || h.runs != 0 || !c.blocked.Load() {
		t.Errorf("a pause began: %q; ran %d times", reply, h.runs)
	}
	srv.pause.end()
	c.expect("HEAVY k:1", "+OK")
	killed := open(t, srv)
	defer killed.Close()
	meddle = killed.Kill
	if _, ran := killed.try("HEAVY k:1"); !ran || h.runs != 1 || !killed.Closing {
		t.Errorf("a killed client: ran %d times", h.runs)
	}
}

// TestNoRoomDuringPause: a command that is refused leaves nothing of the pause in its session.
func TestNoRoomDuringPause(t *testing.T) {
	srv, c, _ := heavyServer(t, "noeviction", ReadOnly|DenyOOM)
	c.expect("SET k 1024", "+OK")
	leaveNoRoom(srv, 1<<30)
	c.expect("CLIENT PAUSE 100000 WRITE", "+OK", "HEAVY k", oom)
	if c.tx.KeepExpired {
		t.Error("expired keys would stay after the pause")
	}
}

// TestRoomForTransactions: EXEC makes room for all commands before the first one runs. One whose
// key grew in the transaction is refused alone, if memory is short.
func TestRoomForTransactions(t *testing.T) {
	srv, c, h := heavyServer(t, "noeviction", Write|DenyOOM)
	leaveNoRoom(srv, 2<<30) // and half of that is there
	c.expect("SET k 1024", "+OK",
		"MULTI", "+OK", "HEAVY k", "+QUEUED", "HEAVY k", "+QUEUED",
		"EXEC", "-EXECABORT Transaction discarded because of: "+oom[1:],
		"MULTI", "+OK", "HEAVY k", "+QUEUED", "INCR n", "+QUEUED", "EXEC", "*2 +OK :1",
		"MULTI", "+OK", "SET k 4096", "+QUEUED", "HEAVY k", "+QUEUED", "INCR n", "+QUEUED",
		"EXEC", "*3 +OK "+oom+" :2",
		"SET k 1024", "+OK", "MULTI", "+OK", "SETRANGE l 536000000 x", "+QUEUED",
		"SETRANGE l 536000000 x", "+QUEUED", "HEAVY k", "+QUEUED",
		"EXEC", "-EXECABORT Transaction discarded because of: "+oom[1:],
		"SET k 1", "+OK",
		"MULTI", "+OK", "SET k 512", "+QUEUED", "HEAVY k", "+QUEUED", "HEAVY k", "+QUEUED",
		"EXEC", "*3 +OK +OK +OK")
	if h.runs != 3 {
		t.Errorf("ran %d times, want 3", h.runs)
	}
}

// TestRoomIsUsedUp: the room that EXEC has made is for one command after the other.
func TestRoomIsUsedUp(t *testing.T) {
	srv, c, h := heavyServer(t, "noeviction", Write|DenyOOM)
	h.weigh = func() int {
		if h.looks == 3 { // two by EXEC, and this one before the first command
			leaveNoRoom(srv, 400<<20)
		}
		if h.looks > 3 {
			return 700 << 20
		}
		return 512 << 20
	}
	c.expect("MULTI", "+OK", "HEAVY k", "+QUEUED", "HEAVY k", "+QUEUED", "EXEC", "*2 +OK "+oom)
}

// TestTransactionMakesRoomIfItCan: where no command is refused at the memory limit, nor is EXEC.
func TestTransactionMakesRoomIfItCan(t *testing.T) {
	srv, c, h := heavyServer(t, "noeviction", Write)
	h.weigh = func() int { return 1 << 30 }
	c.expect("MULTI", "+OK", "HEAVY k", "+QUEUED", "HEAVY k", "+QUEUED")
	leaveNoRoom(srv, 1<<30)
	if c.expect("EXEC", "*2 +OK +OK"); h.looks != 4 {
		t.Errorf("two commands were weighed %d times, want twice each", h.looks)
	}
}

// TestCopiesMakeRoom: COPY is refused where there is no room for what it copies, RENAME and MOVE
// are not.
func TestCopiesMakeRoom(t *testing.T) {
	srv, c, _ := heavyServer(t, "noeviction", Write|DenyOOM)
	// A value that is made longer in parts leaves no garbage behind.
	c.expect("SET k:0 "+strings.Repeat("x", 20_000), "+OK", "SETRANGE k:0 99999999 x", ":100000000",
		"SET small v", "+OK")
	leaveNoRoom(srv, 100_000_000)
	c.expect("COPY small copy", ":1", "COPY k:0 copy REPLACE", oom, "EXISTS k:0 copy", ":2",
		"MULTI", "+OK", "COPY k:0 a", "+QUEUED",
		"EXEC", "-EXECABORT Transaction discarded because of: "+oom[1:],
		"RENAME k:0 l", "+OK", "RENAMENX l m", ":1", "MOVE m 1", ":1",
		"SELECT 1", "+OK", "STRLEN m", ":100000000")
}

// TestQueuedGrowth: what EXEC reserves counts what commands add beyond their words.
func TestQueuedGrowth(t *testing.T) {
	c := connect(t, newTestServer(t))
	c.expect("MULTI", "+OK", "SETRANGE k 1000000 x", "+QUEUED")
	if c.multi.growth < 1_000_000 {
		t.Errorf("EXEC reserves %d bytes", c.multi.growth)
	}
}
