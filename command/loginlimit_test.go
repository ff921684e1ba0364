package command

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redistill/redistill/internal/config"
	"github.com/redistill/redistill/test/await"
)

func TestLoginOrigin(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.1:7": "192.0.2.1/32", "[::ffff:192.0.2.1]:7": "192.0.2.1/32", "[2001:db8:1:2:3::4]:7": "2001:db8:1:2::/64",
		"[fe80::1%eth0]:7": "fe80::/64", "127.0.0.1:7": "", "[::1]:7": "", "/run/redistill.sock:0": "",
	} {
		from, remote := loginOrigin(addr)
		if got := from.String(); remote != (want != "") || remote && got != want {
			t.Errorf("%s: got %s, %v, want %q", addr, got, remote, want)
		}
	}
}

func TestLoginLimit(t *testing.T) {
	var l loginLimit
	a, b := netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("192.0.2.2/32")
	now := time.Unix(1000, 250_000_000)
	for range failuresPerSecond {
		if d := l.wait(a, now); d != 0 {
			t.Fatalf("has to wait %v", d)
		}
		l.count(a, now)
	}
	if d := l.wait(a, now); d != 750*time.Millisecond {
		t.Errorf("after too many has to wait %v", d)
	}
	if d := l.wait(b, now); d != 0 {
		t.Errorf("another address has to wait %v", d)
	}
	if d := l.wait(a, now.Add(time.Second)); d != 0 {
		t.Errorf("in the next second has to wait %v", d)
	}
	for i := range addressesCounted + 10 {
		l.count(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 32), now)
	}
	if len(l.failed) != addressesCounted {
		t.Errorf("%d addresses are counted", len(l.failed))
	}
}

// A client on another machine that guesses waits, also for the right password, and one on this machine does not. The clock stands still
// until a client waits.
func TestGuessingWaits(t *testing.T) { synctest.Test(t, testGuessingWaits) }

func testGuessingWaits(t *testing.T) {
	srv := newTestServer(t)
	if err := srv.Config.Set(config.Pair{Name: "requirepass", Value: "secret"}); err != nil {
		t.Fatal(err)
	}
	local, remote := connect(t, srv), connect(t, srv)
	remote.Addr = "192.0.2.1:7"
	for range 2 * failuresPerSecond {
		local.expect("AUTH wrong", "-"+string(errWrongPass))
	}
	for range failuresPerSecond {
		remote.expect("AUTH wrong", "-"+string(errWrongPass))
	}
	if _, ran := remote.try("AUTH secret"); ran {
		t.Fatal("did not have to wait")
	}
	await.Receive(t, "the wait is over", remote.woken)
	remote.expect("HELLO 3 AUTH default wrong", "-"+string(errWrongPass), "AUTH secret", "+OK", "MULTI", "+OK")
	const queued = 3 * failuresPerSecond
	for range queued {
		remote.expect("AUTH wrong", "+QUEUED")
	}
	reply := remote.do("EXEC")
	const more = failuresPerSecond - 1 // after HELLO
	if n, refused := strings.Count(reply, "\r\n-"), strings.Count(reply, string(errTooManyLogins)); n != queued || refused != queued-more {
		t.Errorf("%d errors in a transaction, %d for too many logins: %q", n, refused, reply)
	}
}
