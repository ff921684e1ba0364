//go:build !linux

package bench

import (
	"context"
	"time"
)

// alarm wakes connections when their requests are due, by Go's timers.
type alarm struct{}

func newAlarm() (*alarm, error) { return &alarm{}, nil }

// sleep waits until a time or the end of ctx, whose error it returns.
func (a *alarm) sleep(ctx context.Context, until time.Time, _ chan struct{}) error {
	d := time.Until(until)
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (a *alarm) close() {}
