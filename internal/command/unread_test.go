package command

import (
	"strings"
	"testing"
	"time"

	"github.com/redistill/redistill/internal/config"
)

// unreadSince makes it look as if the client had not read for a time that began so long from now.
func (c *client) unreadSince(d time.Duration) {
	c.Unread(1)
	c.since.Store(nanotime() + int64(d))
}

// A client that has only just begun not to read, like every one that is sent a large reply, is not closed in the place of those that have
// not read for long, though they have less to read.
func TestFreshClientsAreSpared(t *testing.T) {
	srv := newTestServer(t, "maxmemory 8gb", "maxmemory-clients 2000")
	old, fresh := connect(t, srv), connect(t, srv)
	old.unreadSince(-time.Hour)
	fresh.unreadSince(time.Hour)
	old.Unread(300)
	fresh.Unread(800)
	if !old.Killed() || fresh.Killed() {
		t.Errorf("closed: the old one %v, the fresh one %v", old.Killed(), fresh.Killed())
	}
	fresh.Unread(5000)
	if fresh.Killed() {
		t.Error("the only one was closed")
	}
}

// What waits for slowAfter has its full weight; a nanosecond less, and it weighs less by freshWeight.
func TestSlowestByWeight(t *testing.T) {
	srv := newTestServer(t)
	old, young := connect(t, srv), connect(t, srv)
	old.Unread(100)
	now := old.since.Load() + int64(slowAfter)
	young.Unread(100*freshWeight - 1)
	young.since.Store(old.since.Load() + 1)
	if first, second := srv.clients.slowest(now); first != old.Session || second != young.Session {
		t.Error("the young one does not count for less")
	}
	if first, second := srv.clients.slowest(now + 1); first != young.Session || second != old.Session {
		t.Error("the young one still counts for less")
	}
	young.Unread(101 * freshWeight)
	if first, second := srv.clients.slowest(now); first != young.Session || second != old.Session {
		t.Error("the young one does not count although it has more by weight")
	}
}

// Each row has the bytes that five clients, of which the last said CLIENT NO-EVICT, do not read, in the order in which they stop reading,
// and the clients that are closed for it. The budget is 2,000 bytes, of which each byte takes two.
func TestSlowClientsAreClosed(t *testing.T) {
	for _, test := range []struct {
		unread [5]int
		closed string // numbers of clients
		sum    int64  // unread in the end
	}{
		{[5]int{400, 300, 200, 100}, "", 1000},
		{[5]int{400, 300, 200, 101}, "0", 601},
		{[5]int{100, 300, 200, 401}, "3", 600},
		{[5]int{640, 630, 620, 610}, "012", 610},
		{[5]int{5000}, "", 5000},                 // one may be larger than the budget
		{[5]int{5000, 600, 400}, "", 6000},       // beside others within it
		{[5]int{5000, 600, 401}, "1", 5401},      // but not beside too much
		{[5]int{5000, 6000, 400}, "0", 6400},     // nor two
		{[5]int{400, 300, 0, 0, 900}, "01", 900}, // NO-EVICT
		{[5]int{0, 0, 0, 0, 5000}, "", 5000},
	} {
		srv := newTestServer(t, "maxmemory 8gb", "maxmemory-clients 2000")
		var clients []*client
		for range test.unread {
			clients = append(clients, connect(t, srv))
		}
		clients[4].do("CLIENT NO-EVICT ON")
		for i, n := range test.unread {
			if n > 0 {
				clients[i].unreadSince(-time.Hour)
			}
		}
		for i, n := range test.unread {
			clients[i].Unread(n)
		}
		closed := ""
		for i, c := range clients {
			if c.Killed() {
				closed += string(rune('0' + i))
			}
		}
		evicted := int(srv.total.evicted.Load())
		if sum := srv.Store.AddExternal(0); closed != test.closed || sum != test.sum || evicted != len(closed) {
			t.Errorf("%d: closed %q (%d counted), %d bytes left; want %q, %d", test.unread, closed, evicted, sum, test.closed, test.sum)
		}
		for _, c := range clients {
			c.Unread(0)
		}
		if sum := srv.Store.AddExternal(0); sum != 0 {
			t.Errorf("%d: %d bytes are unread when all is read", test.unread, sum)
		}
	}
}

func TestUnreadGoesWithTheClient(t *testing.T) {
	srv := newTestServer(t, "maxmemory 8gb", "maxmemory-clients 1mb")
	c, m := open(t, srv), open(t, srv)
	c.Unread(1000)
	m.do("MONITOR")
	c.do("PING")
	if sum := srv.Store.AddExternal(0); sum <= 1000 {
		t.Errorf("%d bytes are unread beside what the monitor was sent", sum)
	}
	c.Close()
	m.Close()
	if sum := srv.Store.AddExternal(0); sum != 0 {
		t.Errorf("%d bytes are unread", sum)
	}
}

// The store leaves the budget to clients, neither less nor more, from the start and after each change. The gigabyte on both sides is for
// what else the process holds.
func TestStoreSetsTheBudgetAside(t *testing.T) {
	srv := newTestServer(t)
	for _, setting := range []string{"maxmemory 16gb", "maxmemory-clients 4gb", "maxmemory-clients 50%", "maxmemory 24gb"} {
		name, value, _ := strings.Cut(setting, " ")
		if err := srv.Config.Set(config.Pair{Name: name, Value: value}); err != nil {
			t.Fatal(err)
		}
		v := srv.Config.Snapshot()
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
	srv := newTestServer(t, "maxmemory 8gb", "maxmemory-clients 200kb")
	m, n, c := connect(t, srv), connect(t, srv), connect(t, srv)
	m.do("MONITOR")
	n.do("MONITOR")
	for range 100 {
		c.do("SET k " + strings.Repeat("v", 1000))
		n.inbox()
	}
	if !m.Killed() || n.Killed() {
		t.Errorf("killed: %v, the one that reads: %v", m.Killed(), n.Killed())
	}
	if sum := srv.Store.AddExternal(0); sum > 100<<10 {
		t.Errorf("%d bytes are unread", sum)
	}
}
