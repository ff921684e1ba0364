package netserver

import (
	"sync"
	"time"

	"github.com/redistill/redistill/internal/config"
)

// acceptRate spreads the accepting of connections: so many in any second that begins with one. Those above it wait in the listener's
// queue and are served late, which no client has to be written for. The zero value is ready.
type acceptRate struct {
	mu    sync.Mutex // guards the fields below
	begin time.Time  // of the second
	count int        // connections in it
}

// take asks to serve a connection at the time now. It returns 0 if that is within limit connections a second, and otherwise how long
// to wait before asking again. A limit of 0 is none.
func (r *acceptRate) take(limit int, now time.Time) time.Duration {
	if limit == 0 {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	passed := now.Sub(r.begin)
	if passed >= time.Second {
		r.begin, r.count, passed = now, 0, 0
	}
	if r.count >= limit {
		return time.Second - passed
	}
	r.count++
	return 0
}

// giveBack takes back a call of take that returned 0, because there was no connection.
func (r *acceptRate) giveBack() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count = max(r.count-1, 0)
}

// isIdle reports whether a client that was last active so many ticks ago has to be closed. The tick in which it was active may have
// just begun or just ended, so one more has to pass. A timeout of 0 is none.
func isIdle(quiet uint32, timeout time.Duration) bool {
	return timeout > 0 && time.Duration(quiet) > timeout/sweepPeriod
}

// writeLimit returns the time in which a client has to read something while left bytes wait for it, and why it is closed after that.
// 0 is none.
func writeLimit(v *config.Values, left int) (limit time.Duration, reason string) {
	limit, reason = v.ConnectionTimeout, repliesUnread
	if soft := v.ClientOutputBufferLimit.Normal; soft.Soft > 0 && int64(left) > soft.Soft {
		// Redis counts whole seconds too: 0 is the end of the second that has begun.
		if d := max(time.Duration(soft.SoftSeconds)*time.Second, time.Second); limit == 0 || d < limit {
			return d, repliesTooLong
		}
	}
	return limit, reason
}
