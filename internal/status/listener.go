package status

import (
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// MaxConnections is how many connections the listener keeps open.
const MaxConnections = 64

// Files is how many files a Server keeps open at most: its connections, one that takes the place of
// another, and the socket.
const Files = MaxConnections + 2

// crowdedInterval is the least time between two lines in the log about connections that are closed
// to make room.
const crowdedInterval = time.Minute

// listener keeps at most MaxConnections open. A new connection never waits for a place: if there is
// none, another connection is closed. See makeRoom for which.
type listener struct {
	net.Listener
	log *slog.Logger

	mu      sync.Mutex // guards the fields below
	open    map[*conn]struct{}
	events  uint64    // counts what conn.since refers to
	crowded time.Time // when the log was told last
}

// conn is a connection that a listener has accepted.
type conn struct {
	net.Conn
	from     *listener
	answered bool   // a request has been answered; guarded by from.mu
	since    uint64 // event in which it was accepted, or last changed after an answer; likewise
}

func newListener(l net.Listener, log *slog.Logger) *listener {
	return &listener{Listener: l, log: log, open: map[*conn]struct{}{}}
}

// Accept waits for a connection.
func (l *listener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: nc, from: l}
	if surplus := l.makeRoom(c); surplus != nil {
		_ = surplus.Close() // its request is lost either way
	}
	return c, nil
}

// makeRoom gives a new connection a place, and returns the connection that has to be closed for
// that, or nil.
//
// That is the connection that has waited longest since it was answered. If none was answered, it is
// the one that was accepted first. So a new connection stays until it is answered, or until
// MaxConnections more have come. Nothing that other clients send or do not read changes that,
// because only an answer makes a connection younger, and then it goes before all that have none.
func (l *listener) makeRoom(c *conn) (surplus *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.open) >= MaxConnections {
		for other := range l.open {
			if surplus == nil || other.before(surplus) {
				surplus = other
			}
		}
		if now := time.Now(); now.Sub(l.crowded) >= crowdedInterval {
			l.crowded = now
			l.log.Warn("clients of the HTTP listener leave connections open: the oldest are closed for new ones",
				"connections", MaxConnections)
		}
	}
	l.events++
	c.since = l.events
	l.open[c] = struct{}{}
	return surplus
}

// before reports whether a connection is closed rather than another one.
func (c *conn) before(other *conn) bool {
	if c.answered != other.answered {
		return c.answered
	}
	return c.since < other.since
}

// note is the server's ConnState: it notes what a connection does.
func note(nc net.Conn, state http.ConnState) {
	c, ok := nc.(*conn)
	if !ok {
		return
	}
	l := c.from
	l.mu.Lock()
	defer l.mu.Unlock()
	c.answered = c.answered || state == http.StateIdle
	if c.answered {
		l.events++
		c.since = l.events
	}
}

// Close closes the connection, whose place is free then.
func (c *conn) Close() error {
	c.from.mu.Lock()
	delete(c.from.open, c)
	c.from.mu.Unlock()
	return c.Conn.Close()
}
