package command

import (
	"net/netip"
	"sync"
	"time"
)

const (
	// failuresPerSecond is how many failed logins from an address are let through in a second. Whoever tries more has to wait.
	failuresPerSecond = 10
	// addressesCounted is for how many addresses they are counted in a second.
	addressesCounted = 10_000
)

// loginLimit keeps passwords from being guessed quickly from other machines. Logins beyond the limit wait and are not refused, so that a
// client with the right password gets in also where it shares its address with one that guesses. This machine's own clients do not wait.
type loginLimit struct {
	mu     sync.Mutex // guards the fields below
	second int64      // Unix seconds
	failed map[netip.Prefix]int
}

// loginOrigin returns where clients with this address are counted: the address itself, or the network that one customer has in IPv6. It reports
// false for clients on this machine.
func loginOrigin(addr string) (from netip.Prefix, remote bool) {
	if isLocal(addr) {
		return from, false
	}
	a := netip.MustParseAddrPort(addr).Addr().Unmap().WithZone("") // isLocal has parsed it
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	from, err := a.Prefix(bits)
	return from, err == nil
}

// wait returns how long a login from there has to wait at the time now, 0 for not at all.
func (l *loginLimit) wait(from netip.Prefix, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Unix() != l.second || l.failed[from] < failuresPerSecond {
		return 0
	}
	return time.Unix(l.second+1, 0).Sub(now)
}

// count counts a failed login.
func (l *loginLimit) count(from netip.Prefix, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if second := now.Unix(); second != l.second || l.failed == nil {
		l.second, l.failed = second, map[netip.Prefix]int{}
	}
	if _, known := l.failed[from]; known || len(l.failed) < addressesCounted {
		l.failed[from]++
	}
}
