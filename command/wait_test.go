package command

import (
	"math"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestAlarm: the last time that was set counts, however far away it is, and one that is over rings.
func TestAlarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a alarm
		var rings atomic.Int32
		ring := func() { rings.Add(1) }
		in := func(d time.Duration) int64 { return time.Now().Add(d).UnixMilli() }
		after := func(d time.Duration, want int32) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if got := rings.Load(); got != want {
				t.Errorf("rang %d times, want %d", got, want)
			}
		}
		a.stop()
		a.set(in(time.Second), ring)
		a.set(in(time.Minute), ring)
		after(59*time.Second, 0)
		after(time.Second, 1)
		a.set(math.MaxInt64, ring)
		after(24*time.Hour, 1)
		a.set(in(-time.Hour), ring)
		after(0, 2)
		a.set(in(time.Second), ring)
		a.stop()
		after(time.Minute, 2)
	})
}

// TestBlockedClients: INFO counts the clients that a pause holds back, and no more when they have
// gone, were killed, or the pause is over. A pause that was made longer holds them to its new end.
func TestBlockedClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newTestServer(t)
		admin := connect(t, srv)
		blocked := func(want string) {
			t.Helper()
			if got := infoFields(admin.do("INFO clients"))["blocked_clients"]; got != want {
				t.Errorf("%s clients are blocked, want %s", got, want)
			}
		}
		admin.expect("CLIENT PAUSE 1000 WRITE", "+OK")
		gone, killed, stays := open(t, srv), open(t, srv), connect(t, srv)
		for _, c := range []*client{gone, killed, stays, stays} {
			if _, ran := c.try("SET k v"); ran {
				t.Error("SET was not held back")
			}
		}
		blocked("3")
		gone.Close()
		blocked("2")
		admin.do("CLIENT KILL ID " + string(appendField(nil, "", killed.ID)))
		if _, ran := killed.try("SET k v"); !ran || !killed.Killed() {
			t.Error("the killed client is held back")
		}
		killed.Close()
		blocked("1")
		time.Sleep(900 * time.Millisecond)
		admin.expect("CLIENT PAUSE 1000 WRITE", "+OK")
		srv.pause.alarm.stop()
		srv.pause.expire() // as when it rings too early, because the clock was set back
		blocked("1")
		began := time.Now()
		stays.expect("SET k v", "+OK")
		if took := time.Since(began); took != time.Second {
			t.Errorf("held back for %v, want 1s", took)
		}
		blocked("0")
	})
}

// TestRefusedCommandDoesNotBlock: a command that is refused when the pause is over waits for
// nothing.
func TestRefusedCommandDoesNotBlock(t *testing.T) {
	srv := newTestServer(t)
	admin, c := connect(t, srv), connect(t, srv)
	admin.expect("ACL SETUSER u on nopass ~* +@all", "+OK", "CLIENT PAUSE 100000", "+OK")
	if _, ran := c.try("AUTH u x"); ran {
		t.Error("AUTH was not held back")
	}
	admin.Session.srv.pause.end()
	c.expect("AUTH u x", "+OK")
	srv.pause.begin(time.Now().Add(time.Hour).UnixMilli(), pauseWrites)
	if _, ran := c.try("SET k v"); ran {
		t.Error("SET was not held back")
	}
	admin.expect("ACL SETUSER u -set", "+OK")
	if reply, ran := c.try("SET k v"); !ran || srv.blocked.Load() != 0 {
		t.Errorf("SET: %q; %d clients are blocked", reply, srv.blocked.Load())
	}
}

// TestDetached: neither a client that was reset nor one that is closed is kept by anyone.
func TestDetached(t *testing.T) {
	srv := newTestServer(t)
	for _, leave := range []string{"RESET", "a closed connection"} {
		c := open(t, srv)
		c.expect("WATCH k l", "+OK", "MONITOR", "+OK")
		if srv.alert.Load() != alertMonitors || srv.Store.Stats().Watched != 2 {
			t.Error("MONITOR or WATCH did nothing")
		}
		if leave == "RESET" {
			c.expect("RESET", "+RESET", "GET k", "$-1")
			defer c.Close()
		} else {
			c.Close()
		}
		watched, alert, monitors := srv.Store.Stats().Watched, srv.alert.Load(), len(srv.monitors.list)
		if watched != 0 || alert != 0 || monitors != 0 {
			t.Errorf("after %s: %d keys are watched, alert %b, %d monitors", leave, watched, alert,
				monitors)
		}
	}
}
