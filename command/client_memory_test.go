package command

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/redistill/redistill/internal/config"
	"github.com/redistill/redistill/internal/resp"
	"github.com/redistill/redistill/test/await"
)

// Of two that hold as much it is the first who came.
func TestLargestClient(t *testing.T) {
	srv := newTestServer(t)
	if srv.clients.largest(false) != nil {
		t.Error("there is one without clients")
	}
	first, second := connect(t, srv), connect(t, srv)
	for _, test := range []struct {
		first, second int64
		want          *Session
	}{{0, 0, nil}, {100, 100, first.Session}, {100, 101, second.Session}, {0, 1, second.Session}} {
		first.hold(heldInput, test.first)
		second.hold(heldInput, test.second)
		if srv.clients.largest(false) != test.want {
			t.Errorf("%+v: it is another one", test)
		}
	}
}

// Each row has the bytes that five clients, of which the last said CLIENT NO-EVICT, come to hold,
// in this order, and the clients that are closed for it. The budget is 1,000 bytes.
func TestLargestClientsAreClosed(t *testing.T) {
	for _, test := range []struct {
		held   [5]int64
		closed string // numbers of clients
		sum    int64  // held in the end
	}{
		{[5]int64{400, 300, 200, 100}, "", 1000},
		{[5]int64{400, 300, 200, 101}, "0", 601},
		{[5]int64{100, 300, 200, 401}, "3", 600},
		{[5]int64{640, 630, 620, 610}, "012", 610},
		{[5]int64{1001}, "0", 0}, // also the only one
		{[5]int64{5000, 600, 400}, "0", 1000},
		{[5]int64{400, 300, 0, 0, 900}, "01", 900}, // NO-EVICT
		{[5]int64{0, 0, 0, 0, 5000}, "", 5000},
	} {
		srv := newTestServer(t, "maxmemory 8gb", "maxmemory-clients 1000")
		var clients []*client
		for range test.held {
			clients = append(clients, connect(t, srv))
		}
		clients[4].do("CLIENT NO-EVICT ON")
		for i, n := range test.held {
			clients[i].hold(heldInput, n)
		}
		closed := ""
		for i, c := range clients {
			if c.Killed() {
				closed += string(rune('0' + i))
			}
		}
		evicted := int(srv.total.evicted.Load())
		if sum := srv.charged.Load(); closed != test.closed || sum != test.sum || evicted != len(closed) {
			t.Errorf("%d: closed %q (%d counted), %d bytes left; want %q, %d", test.held, closed, evicted, sum, test.closed, test.sum)
		}
		for _, c := range clients {
			c.hold(heldInput, 0)
		}
		if sum := srv.charged.Load(); sum != 0 {
			t.Errorf("%d: %d bytes are left when nobody holds any", test.held, sum)
		}
	}
}

// Clients that have not logged in have a quarter of the budget together, at least strangersLeast,
// and are closed before others; a connection counts for them, and the oldest goes first.
func TestStrangersAreClosedFirst(t *testing.T) {
	srv := newTestServer(t, "maxmemory 8gb", "maxmemory-clients 8mb", "requirepass secret")
	const most = 2 << 20 / strangerBytes
	known := connect(t, srv)
	known.expect("AUTH secret", "+OK")
	known.hold(heldInput, 3<<20)
	var strangers []*client
	for range most {
		strangers = append(strangers, connect(t, srv))
	}
	if n := srv.total.evicted.Load(); n != 0 {
		t.Fatalf("%d strangers are too many for %d bytes", most, most*strangerBytes)
	}
	last := connect(t, srv)
	if !strangers[0].Killed() || last.Killed() || strangers[1].Killed() {
		t.Error("one more, and the first is not closed, or another is")
	}
	last.expect("AUTH secret", "+OK")
	known.hold(heldInput, 7<<20)
	if known.Killed() || srv.total.evicted.Load() < 2 {
		t.Error("a client that has logged in was closed before strangers")
	}
	last.expect("RESET", "+RESET")
	if n := srv.strangers.Load(); n%strangerBytes != 0 || n < strangerBytes {
		t.Errorf("%d bytes are held by strangers", n)
	}
}

// Whatever a client held, nothing of it counts when it is gone, whether it left or was closed for
// it.
func TestMemoryGoesWithTheClient(t *testing.T) {
	const large = 200 << 10
	text := strings.Repeat("x", large)
	ways := map[string]func(srv *Server, c *client){
		"input":      func(_ *Server, c *client) { c.Input(large, resp.Begun{}) },
		"an arrival": func(_ *Server, c *client) { c.arriving(large, 2*large) },
		"replies":    func(_ *Server, c *client) { c.send("ECHO", text) },
		"a queue":    func(_ *Server, c *client) { c.send("MULTI"); c.send("SET", "k", text) },
		"watched":    func(_ *Server, c *client) { c.send("WATCH", text) },
		"a name":     func(_ *Server, c *client) { c.send("CLIENT", "SETNAME", text) },
		"messages": func(srv *Server, c *client) {
			c.send("MONITOR")
			other := open(t, srv)
			other.send("GET", text)
			other.Close()
		},
		"all of them": func(_ *Server, c *client) { c.send("WATCH", text, text+"2"); c.send("MULTI"); c.send("PING", text) },
	}
	for name, hold := range ways {
		for _, budget := range []string{"8mb", "100kb"} {
			srv := newTestServer(t, "maxmemory 8gb", "maxmemory-clients "+budget)
			c := open(t, srv)
			hold(srv, c)
			there := srv.Store.External() + srv.arrivals.let
			if there < large || c.Killed() != (budget == "100kb" && name != "an arrival") {
				t.Errorf("%s: %d bytes are there, killed: %v", name, there, c.Killed())
			}
			c.Close() // as a connection ends
			c.Input(0, resp.Begun{})
			c.Sent(0)
			if there, sum := srv.Store.External(), srv.charged.Load(); there != 0 || sum != 0 {
				t.Errorf("%s, budget %s: %d bytes are there, %d are charged", name, budget, there, sum)
			}
		}
	}
}

// pinning returns a client that does not read the values of keys.
func pinning(t *testing.T, srv *Server, keys string) *client {
	c := connect(t, srv)
	c.do("MGET " + keys)
	c.SetBehind(true)
	return c
}

// Clients that alone keep more of values that are gone than clients may hold are closed one by one,
// those with most first. Commands wait for what is coming back only where there is no room.
func TestClientsThatPinAreClosed(t *testing.T) {
	for _, noRoom := range []bool{false, true} {
		srv := newTestServer(t, "maxmemory 8gb", "maxmemory-clients 1mb")
		srv.pinGrace.Store(0)
		text := strings.Repeat("x", 1<<20)
		c := connect(t, srv)
		c.do("SET a " + text)
		c.do("SET b " + text)
		one, both, immune := pinning(t, srv, "a"), pinning(t, srv, "a b"), pinning(t, srv, "b")
		immune.flags.Store(listNoEvict)
		expect := func(when string, clogged, oneClosed, bothClosed bool) {
			t.Helper()
			got := srv.Clogged()
			if got != (clogged && noRoom) || one.Killed() != oneClosed || both.Killed() != bothClosed || immune.Killed() {
				t.Errorf("%s: commands wait: %v, closed: %v, %v, and immune: %v", when, got, one.Killed(), both.Killed(), immune.Killed())
			}
		}
		expect("the values are there", false, false, false)
		c.do("DEL a b")
		await.True(t, "the values are gone", func() bool { return srv.Store.PinnedAlone() > 1<<20 })
		if noRoom {
			srv.makeWay()
		}
		expect("the values are gone", true, false, true)
		expect("nothing came back", true, false, true)
		both.Sent(0) // as a connection ends
		expect("one has given back", true, true, true)
		one.Sent(0)
		expect("both have", false, true, true)
		immune.Sent(0)
		if n := srv.Store.Pinned(); n != 0 {
			t.Errorf("%d bytes are pinned", n)
		}
	}
}

// Clients that read are not closed for what they pin.
func TestReadersPin(t *testing.T) {
	srv := newTestServer(t, "maxmemory 8gb", "maxmemory-clients 1mb")
	srv.pinGrace.Store(int64(time.Hour))
	c := connect(t, srv)
	c.do("SET a " + strings.Repeat("x", 2<<20))
	reader := pinning(t, srv, "a")
	if !srv.makeWay() || !srv.Clogged() {
		t.Error("commands do not wait")
	}
	srv.background()
	reader.Sent(0)
	if srv.Clogged() || reader.Killed() || srv.pinning.Load() != 0 {
		t.Errorf("commands wait: %v, from %d on; closed: %v", srv.Clogged(), srv.pinning.Load(), reader.Killed())
	}
}

// Where nobody but a client after CLIENT NO-EVICT is in the way, commands do not wait.
func TestImmuneClientsPin(t *testing.T) {
	srv := newTestServer(t, "maxmemory 8gb", "maxmemory-clients 1mb")
	srv.pinGrace.Store(0)
	c := connect(t, srv)
	c.do("SET a " + strings.Repeat("x", 2<<20))
	immune := pinning(t, srv, "a")
	immune.flags.Store(listNoEvict)
	if srv.makeWay() || srv.Clogged() || immune.Killed() {
		t.Errorf("commands wait: %v; closed: %v", srv.Clogged(), immune.Killed())
	}
	immune.Sent(0)
}

// pinned returns a server with a value that a client pins, with its key.
func pinned(t *testing.T, policy string) (*Server, *client) {
	srv := newTestServer(t, "maxmemory 8gb", "maxmemory-policy "+policy, "maxmemory-clients 1mb")
	srv.pinGrace.Store(0)
	c := connect(t, srv)
	c.do("SET a " + strings.Repeat("x", 16<<20))
	c.do("APPEND a tail") // lies beside the key
	return srv, pinning(t, srv, "a")
}

// exhaust takes memory until there is none for what is tried, and returns how much. It does not
// take that of the value.
func exhaust(t *testing.T, srv *Server, try func() bool) (taken int64) {
	taken = 7 * gigabyte
	srv.Store.AddArriving(taken)
	await.True(t, "there is no room", func() bool {
		const step = 8 << 20
		if !try() {
			return true
		}
		srv.Store.AddArriving(step)
		taken += step
		return false
	})
	return taken
}

// A command for which there is no room has clients that do not read make way for the next, but only
// where keys could be evicted without them.
func TestRefusedCommandsAndPins(t *testing.T) {
	for _, policy := range []string{"allkeys-lru", "allkeys-random", "volatile-lru", "noeviction"} {
		srv, reader := pinned(t, policy)
		c := connect(t, srv)
		exhaust(t, srv, func() bool { return c.do("SET b x") == "+OK\r\n" })
		want := strings.HasPrefix(policy, "allkeys")
		if reader.Killed() != want || srv.Clogged() != want {
			t.Errorf("%s: the client that reads nothing was closed: %v; commands wait: %v", policy, reader.Killed(), srv.Clogged())
		}
		reader.Sent(0)
		if srv.Clogged() {
			t.Errorf("%s: commands wait for nothing", policy)
		}
	}
}

// The store leaves the budget to clients, neither less nor more, from the start and after each
// change. The gigabyte on both sides is for what else the process holds.
func TestStoreSetsTheBudgetAside(t *testing.T) {
	srv := newTestServer(t)
	srv.Store.Purge() // of what other tests left
	for _, setting := range []string{"maxmemory 16gb", "maxmemory-clients 4gb", "maxmemory-clients 50%", "maxmemory 24gb"} {
		name, value, _ := strings.Cut(setting, " ")
		if err := srv.Config.Set(config.Pair{Name: name, Value: value}); err != nil {
			t.Fatal(err)
		}
		v := srv.Config.Values()
		left := v.MaxMemory - v.MaxMemoryClients()
		if err := srv.Store.Reserve(int(left - 1<<30)); err != nil {
			t.Errorf("%s: there is no room for less than the rest of %d bytes: %v", setting, left, err)
		}
		if err := srv.Store.Reserve(int(left + 1<<30)); err == nil {
			t.Errorf("%s: there is room for more than the rest of %d bytes", setting, left)
		}
	}
}

func TestMonitorsHaveNoMoreThanTheBudget(t *testing.T) {
	srv := newTestServer(t, "maxmemory 8gb", "maxmemory-clients 100kb")
	m, n, c := connect(t, srv), connect(t, srv), connect(t, srv)
	m.do("MONITOR")
	n.do("MONITOR")
	for range 200 {
		c.do("SET k " + strings.Repeat("v", 1000))
		n.inbox()
		n.Sent(0)
	}
	if !m.Killed() || n.Killed() {
		t.Errorf("killed: %v, the one that reads: %v", m.Killed(), n.Killed())
	}
	if sum := srv.charged.Load(); sum > 100<<10 {
		t.Errorf("%d bytes are held", sum)
	}
}

// Replies are counted while they grow, and end where the output limit does, or the budget.
func TestReplyIsCutWhileItGrows(t *testing.T) {
	for _, test := range []struct {
		name  string
		limit int64 // of output
		kills bool
	}{{"output limit", 1 << 20, false}, {"budget", 0, true}} {
		srv := newTestServer(t, "maxmemory 8gb", "maxmemory-clients 4mb")
		c := connect(t, srv)
		c.do("HSET h " + strings.Repeat("f", 1000) + " " + strings.Repeat("v", 1000))
		c.OutLimit = test.limit
		c.do("MULTI")
		c.do("HRANDFIELD h -1000000 WITHVALUES")
		got := c.do("EXEC")
		if !c.Out.Cut || c.Killed() != test.kills || len(got) > 5<<20 {
			t.Errorf("%s: %d bytes, cut %v, killed %v", test.name, len(got), c.Out.Cut, c.Killed())
		}
		if c.Sent(0); srv.charged.Load() != 0 {
			t.Errorf("%s: %d bytes are left", test.name, srv.charged.Load())
		}
	}
}

// What a buffer takes of which others used more counts from the start.
func TestUsedBuffersCount(t *testing.T) {
	const size = 200 << 10
	srv := newTestServer(t, "maxmemory 8gb")
	if !srv.Buffers().Ahead() {
		t.Skip("skipped, because buffers take all of their memory from the start")
	}
	for _, used := range []int{size, size / 2} {
		var g growing
		g.append(srv.Buffers(), nil, make([]byte, used))
		if n := g.held(srv.Buffers()); n != size {
			t.Errorf("%d bytes take %d", used, n)
		}
		g.free(srv.Buffers())
	}
}

// What a client gets of a large value takes memory of the budget alone, and ends with it.
func TestLargeRepliesTakeTheBudgetAlone(t *testing.T) {
	srv := newTestServer(t, "maxmemory 8gb", "maxmemory-clients 2mb")
	if !srv.Buffers().Ahead() {
		t.Skip("replies are made in memory of the Go heap")
	}
	c := connect(t, srv)
	words := make([]string, 1000)
	for i := range 400 {
		for j := range words {
			words[j] = fmt.Sprintf("%060d:%d", i, j)
		}
		c.do("SADD s " + strings.Join(words, " "))
		c.do("HSET h " + strings.Join(words, " "))
	}
	for _, command := range []string{
		"DUMP s", "DUMP h", "SRANDMEMBER s 99000", "SRANDMEMBER s 60000", "HRANDFIELD h 49000",
	} {
		reader := connect(t, srv)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		reader.do(command)
		runtime.ReadMemStats(&after)
		n := after.TotalAlloc - before.TotalAlloc
		if n > 12<<20 || !reader.Killed() {
			t.Errorf("%s: %d bytes were allocated; closed: %v", command, n, reader.Killed())
		}
	}
}
