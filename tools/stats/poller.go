package stats

import (
	"context"
	"errors"
	"time"

	"github.com/redistill/redistill/tools/client"
)

// maxReply bounds the replies to what is asked here, which are long where a server
// has seen many commands.
const maxReply = 16 << 20

// Connect dials and logs in. timeout bounds each of the steps and every command
// after. INFO tells of the whole server, so that a target's database is not selected.
func Connect(ctx context.Context, t client.Target, timeout time.Duration) (*client.Conn, error) {
	t.DB = 0
	return client.Dial(ctx, t, client.Options{Timeout: timeout, Limit: maxReply})
}

// Poller takes samples of one server for as long as is wanted. After an error
// it connects again when it is asked for the next one. It is for one goroutine.
type Poller struct {
	target  client.Target
	timeout time.Duration
	conn    *client.Conn // nil if there is no connection
}

// NewPoller returns a Poller of a target, whose connection it takes over; conn
// may be nil. timeout is as in Connect.
func NewPoller(conn *client.Conn, target client.Target, timeout time.Duration) *Poller {
	return &Poller{target, timeout, conn}
}

// Take returns a sample. Errors do not name the target.
func (p *Poller) Take(ctx context.Context) (*Sample, error) {
	if p.conn == nil {
		conn, err := Connect(ctx, p.target, p.timeout)
		var failed *client.ConnectError
		switch {
		case errors.As(err, &failed):
			return nil, failed.Err
		case err != nil:
			return nil, err
		}
		p.conn = conn
	}
	s, err := Take(p.conn)
	if err != nil {
		p.Close()
	}
	return s, err
}

// Close ends the connection, if there is one.
func (p *Poller) Close() {
	if p.conn != nil {
		p.conn.Close()
		p.conn = nil
	}
}
