package bench

import (
	"context"
	"net"
	"time"
)

// Dial connects to t, gives the password and selects the database. The connection
// is the caller's.
func Dial(ctx context.Context, t Target, timeout time.Duration) (net.Conn, error) {
	c, err := dial(ctx, t, timeout)
	if err != nil {
		return nil, err
	}
	return c.conn, nil
}
