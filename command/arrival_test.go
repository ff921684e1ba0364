package command

import (
	"testing"

	"github.com/redistill/redistill/internal/resp"
)

const gigabyte = 1 << 30

// arriving makes it look as if held bytes of SET's value were there, of a size.
func (c *client) arriving(held, size int64) (readOn bool) {
	return c.Input(held, resp.Begun{Name: []byte("set"), At: 2, Size: int(size), Total: int(size)})
}

// whole makes it look as if the value was stored.
func (c *client) whole() { c.Input(0, resp.Begun{}) }

// isWoken reports whether the client was woken since the last call.
func (c *client) isWoken() bool {
	select {
	case <-c.woken:
		return true
	default:
		return false
	}
}

// expectHeld compares what counts for clients, and what counts as values on their way in.
func expectHeld(t *testing.T, srv *Server, clients, arriving int64) {
	t.Helper()
	if n := srv.charged.Load(); n != clients {
		t.Errorf("clients hold %d bytes, want %d", n, clients)
	}
	if n := srv.Store.Stats().ArrivingBytes; n != arriving {
		t.Errorf("%d bytes are arriving, want %d", n, arriving)
	}
}

// What is stored as it stands, and can be, is data to come.
func TestWhatIsStored(t *testing.T) {
	srv := newTestServer(t, "maxmemory 8gb")
	for _, test := range []struct {
		setup string // said before
		name  string
		at    int
		size  int
		want  bool
	}{
		{"", "set", 2, 1000, true}, {"", "SET", 2, gigabyte, true}, {"", "set", 2, 7 * gigabyte, false},
		{"", "set", 1, gigabyte, false}, {"", "set", 3, gigabyte, false}, {"", "set", 0, 3, false},
		{"", "get", 1, 1000, false}, {"", "echo", 1, 1000, false}, {"", "none", 2, 1000, false},
		{"", "mset", 2, gigabyte, true}, {"", "mset", 4, gigabyte, true},
		{"", "mset", 3, largeKey - 1, true}, {"", "mset", 3, largeKey, false}, {"", "mset", 1, 10, false},
		{"", "setex", 3, gigabyte, true}, {"", "setex", 2, gigabyte, false}, {"", "hset", 5, gigabyte, true},
		{"", "restore", 3, gigabyte, true}, {"", "config", 3, 1000, false},
		{"MULTI", "set", 2, 1000, false}, {"MONITOR", "set", 2, 1000, false},
		{"AUTH stranger x", "set", 2, 1000, true}, {"AUTH writer x", "set", 2, 1000, true}, {"AUTH reader x", "set", 2, 1000, false},
	} {
		c := connect(t, srv)
		c.do("ACL SETUSER writer on >x ~w:* +set")
		c.do("ACL SETUSER reader on >x ~* +get")
		if test.setup != "" {
			c.do(test.setup)
		}
		if got := c.stores([]byte(test.name), test.at, test.size); got != test.want {
			t.Errorf("%+v: got %v", test, got)
		}
	}
	srv = newTestServer(t, "maxmemory 8gb", "requirepass secret")
	if connect(t, srv).stores([]byte("set"), 2, 1000) {
		t.Error("what a stranger sends is stored")
	}
}

// Values that are announced with no more than a quarter of the limit together are read; a further
// one waits until there is room, and behind it all that come later.
func TestArrivalsHaveAShare(t *testing.T) {
	srv := newTestServer(t, "maxmemory 8gb")
	a, b, c, d := connect(t, srv), connect(t, srv), connect(t, srv), connect(t, srv)
	if !a.arriving(100, gigabyte) || !b.arriving(200, gigabyte) {
		t.Fatal("what is a quarter together has to wait")
	}
	if c.arriving(300, gigabyte/2) || c.MayRead() || d.arriving(400, 1) || d.MayRead() {
		t.Error("what is more than a quarter is read")
	}
	expectHeld(t, srv, 0, 1000)
	if a.arriving(150, gigabyte); c.isWoken() || d.isWoken() {
		t.Error("somebody was woken without room")
	}
	a.whole()
	if !c.isWoken() || !c.MayRead() || !c.arriving(350, gigabyte/2) || !d.isWoken() || !d.MayRead() {
		t.Error("there is room, and nobody is woken")
	}
	b.whole()
	c.whole()
	d.whole()
	expectHeld(t, srv, 0, 0)
	if srv.arrivals.let != 0 || len(srv.arrivals.sessions) != 0 {
		t.Errorf("%d bytes of %d values are left", srv.arrivals.let, len(srv.arrivals.sessions))
	}
}

// The first may be larger than the share, also if it becomes so while it arrives; the others have
// to wait for it.
func TestOneArrivalMayBeLarge(t *testing.T) {
	srv := newTestServer(t, "maxmemory 8gb")
	a, b := connect(t, srv), connect(t, srv)
	if !a.arriving(100, gigabyte) || !a.arriving(200, 3*gigabyte) {
		t.Error("the only one has to wait")
	}
	if b.arriving(100, 1) {
		t.Error("another one is read beside it")
	}
	a.Close()
	if !b.isWoken() || !b.MayRead() {
		t.Error("the next is not woken when the client went away")
	}
	b.Close()
	expectHeld(t, srv, 0, 0)
}

// A value that makes no progress between two looks becomes its client's memory, and makes room for
// others.
func TestSlowArrivals(t *testing.T) {
	srv := newTestServer(t, "maxmemory 8gb", "maxmemory-clients 1mb")
	slow, fast, next := connect(t, srv), connect(t, srv), connect(t, srv)
	slow.arriving(100, gigabyte)
	fast.arriving(100, gigabyte)
	next.arriving(300, gigabyte)
	srv.LookAtArrivals()
	expectHeld(t, srv, 0, 500)
	slow.arriving(100+progressLeast-1, gigabyte)
	fast.arriving(100+progressLeast, gigabyte)
	srv.LookAtArrivals()
	expectHeld(t, srv, 100+progressLeast-1, 100+progressLeast+300)
	if !next.isWoken() || !next.MayRead() {
		t.Error("its room is not given to the next")
	}
	if !slow.arriving(500_000, gigabyte) || slow.Killed() {
		t.Error("the slow one is not read within the budget")
	}
	expectHeld(t, srv, 500_000, 100+progressLeast+300)
	if slow.arriving(1<<20+1, gigabyte); !slow.Killed() {
		t.Error("nor closed above it")
	}
	srv.LookAtArrivals()
	srv.LookAtArrivals()
	expectHeld(t, srv, 100+progressLeast+300, 0)
	fast.whole()
	next.whole()
	expectHeld(t, srv, 0, 0)
}

// One that is larger than the share and comes no further makes room for the next that is.
func TestSlowArrivalOfALargeValue(t *testing.T) {
	srv := newTestServer(t, "maxmemory 8gb")
	slow, next, last := connect(t, srv), connect(t, srv), connect(t, srv)
	if !slow.arriving(100, 3*gigabyte) || next.arriving(200, 3*gigabyte) || last.arriving(300, 3*gigabyte) {
		t.Fatal("not only the first is read")
	}
	srv.LookAtArrivals()
	srv.LookAtArrivals()
	if !next.MayRead() || last.MayRead() {
		t.Errorf("the second may be read: %v, the third: %v", next.MayRead(), last.MayRead())
	}
	expectHeld(t, srv, 100, 500)
}

// What was read of values that have to wait is data up to the same share, and beyond that the
// client's.
func TestTooManyArrivalsWait(t *testing.T) {
	srv := newTestServer(t, "maxmemory 8gb", "maxmemory-clients 3gb")
	first, a, b, c := connect(t, srv), connect(t, srv), connect(t, srv), connect(t, srv)
	first.arriving(100, 2*gigabyte)
	if a.arriving(gigabyte, 2*gigabyte) || b.arriving(gigabyte/2, 2*gigabyte) || b.arriving(gigabyte, 2*gigabyte) {
		t.Fatal("they need not wait")
	}
	expectHeld(t, srv, 0, 2*gigabyte+100)
	if !c.arriving(1, 2*gigabyte) {
		t.Error("one more has to wait")
	}
	expectHeld(t, srv, 1, 2*gigabyte+100)
	if !b.arriving(gigabyte+1, 2*gigabyte) {
		t.Error("one that brings more has to wait")
	}
	expectHeld(t, srv, gigabyte+2, gigabyte+100)
	a.Close()
	b.whole()
	c.whole()
	first.whole()
	expectHeld(t, srv, 0, 0)
	if all := &srv.arrivals; all.let != 0 || all.waiting != 0 || len(all.sessions) != 0 {
		t.Errorf("%d and %d bytes of %d values are left", all.let, all.waiting, len(all.sessions))
	}
}

// Where nothing can be evicted for it, what arrives is the client's.
func TestArrivalsWithoutRoom(t *testing.T) {
	srv := newTestServer(t, "maxmemory 8gb", "maxmemory-policy noeviction", "maxmemory-clients 1gb")
	c, full := connect(t, srv), connect(t, srv)
	srv.Store.AddArriving(8 * gigabyte)
	defer srv.Store.AddArriving(-8 * gigabyte)
	if !full.arriving(100, 1000) {
		t.Error("the client has to wait")
	}
	if n := srv.charged.Load(); n != 100 {
		t.Errorf("the client holds %d bytes", n)
	}
	full.whole()
	c.Input(200, resp.Begun{})
	if n := srv.charged.Load(); n != 200 {
		t.Errorf("clients hold %d bytes", n)
	}
}

// Where clients that do not read are in the way of what arrives, they are closed, and it waits for
// them.
func TestArrivalsWaitForPins(t *testing.T) {
	srv, reader := pinned(t, "allkeys-lru")
	c := connect(t, srv)
	held := int64(0)
	taken := exhaust(t, srv, func() bool {
		held++
		return c.arriving(held, gigabyte) && !reader.Killed()
	})
	if !srv.Clogged() {
		t.Error("commands do not wait")
	}
	expectHeld(t, srv, 0, taken+held)
	reader.Sent(0)
	srv.Store.AddArriving(-taken)
	if srv.Clogged() || !c.arriving(2*held, gigabyte) {
		t.Error("the client has to wait")
	}
	expectHeld(t, srv, 0, 2*held)
	c.whole()
}

// Room for where a value will be stored is made in its second half.
func TestRoomForWhatArrives(t *testing.T) {
	srv := newTestServer(t, "maxmemory 8gb", "maxmemory-policy noeviction", "maxmemory-clients 1gb")
	c := connect(t, srv)
	srv.Store.AddArriving(3 * gigabyte)
	c.arriving(2*gigabyte, 3*gigabyte)
	expectHeld(t, srv, 0, 5*gigabyte)
	c.arriving(3*gigabyte-1, 3*gigabyte)
	if n := srv.Store.Stats().ArrivingBytes; n != 3*gigabyte || !c.Killed() {
		t.Errorf("%d bytes are arriving; closed: %v", n, c.Killed())
	}
	c.whole()
}
