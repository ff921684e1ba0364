// Package await waits, in tests, for what something else brings about: another goroutine, a process, the system.
//
// A test must not depend on how fast the machine is. So nothing here waits for a time to pass: each function waits for the event itself,
// and fails the test after Limit, which only a hang meets.
package await

import (
	"context"
	"testing"
	"time"
)

// Limit is how long a test waits for an event before it fails. It is far above what anything takes, also on a machine that stands still
// for a while.
const Limit = 3 * time.Minute

// pollInterval is how long True pauses between two looks.
const pollInterval = time.Millisecond

// True waits until holds returns true. It calls holds at once and then every millisecond, on the
// caller's goroutine. When the limit is over, it ends the test with what, a clause such as "the client
// is gone".
func True(tb testing.TB, what string, holds func() bool) {
	tb.Helper()
	TrueEvery(tb, pollInterval, what, holds)
}

// TrueEvery is True with another pause between two looks, for what looking at it disturbs.
func TrueEvery(tb testing.TB, pause time.Duration, what string, holds func() bool) {
	tb.Helper()
	for deadline := Deadline(); !holds(); time.Sleep(pause) {
		if time.Now().After(deadline) {
			tb.Fatalf("after %s still not: %s", Limit, what)
		}
	}
}

// Receive returns the next value from a channel, or its zero value if the channel is closed. When the limit is over, it ends the test with
// what, the name of the event.
func Receive[T any](tb testing.TB, what string, from <-chan T) T {
	tb.Helper()
	limit := time.NewTimer(Limit)
	defer limit.Stop()
	select {
	case v := <-from:
		return v
	case <-limit.C:
		tb.Fatalf("after %s still not: %s", Limit, what)
		panic("unreachable")
	}
}

// Deadline returns the time at which waiting that begins now fails, for what takes a deadline itself, such as a net.Conn.
func Deadline() time.Time { return time.Now().Add(Limit) }

// Context returns a context that ends when the limit is over, or after the test. A cleanup may ask for one too.
func Context(tb testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), Limit)
	tb.Cleanup(cancel)
	return ctx
}
