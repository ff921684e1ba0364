package stats

import (
	"context"
	"time"
)

// Poller takes samples of one server for as long as is wanted. After an error
// it connects again when it is asked for the next one. It is for one goroutine.
type Poller struct {
	target  Target
	timeout time.Duration
	conn    *Conn // nil if there is no connection
}

// NewPoller returns a Poller of a target, whose connection it takes over; conn
// may be nil. timeout is as in Connect.
func NewPoller(conn *Conn, target Target, timeout time.Duration) *Poller {
	return &Poller{target, timeout, conn}
}

// Take returns a sample. Errors do not name the target.
func (p *Poller) Take(ctx context.Context) (*Sample, error) {
	if p.conn == nil {
		conn, err := connect(ctx, p.target, p.timeout)
		if err != nil {
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
