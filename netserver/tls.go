package netserver

import (
	"crypto/tls"
	"encoding/asn1"
	"net"
	"sync"
	"time"

	"github.com/redistill/redistill/internal/invariants"
)

// handshakeTimeout is how long a client may take over the TLS handshake, during which it counts as one of max_connections.
const handshakeTimeout = 10 * time.Second

const (
	recordSize = 16 << 10 // the most plain text in a TLS record
	gatherSize = 64 << 10 // the most plain text that is encrypted before it is written
	// gatheredSize has room for that, and for what TLS adds to each record.
	gatheredSize = gatherSize + 2<<10
)

// recordPool holds buffers for the records of large replies.
type recordPool struct{ pool sync.Pool }

func (p *recordPool) get() *[gatheredSize]byte {
	if b, ok := p.pool.Get().(*[gatheredSize]byte); ok {
		return b
	}
	return new([gatheredSize]byte)
}

func (p *recordPool) put(b *[gatheredSize]byte) { p.pool.Put(b) }

// tlsListener is a listener whose clients speak TLS.
type tlsListener struct {
	net.Listener
	config *tls.Config
}

// Address returns the address of a listener, and whether TLS is spoken there, for people.
func Address(l net.Listener) string {
	if _, ok := l.(*tlsListener); ok {
		return l.Addr().String() + " (TLS)"
	}
	return l.Addr().String()
}

// tlsStream is a TLS connection. It belongs to the goroutine of the client's connection.
type tlsStream struct {
	*tls.Conn
	socket tlsSocket
}

func newTLSStream(nc net.Conn, config *tls.Config) *tlsStream {
	s := &tlsStream{socket: tlsSocket{Conn: nc}}
	s.Conn = tls.Server(&s.socket, config)
	return s
}

// tlsSocket is the socket below a TLS connection, whose writer makes a call for each record. While gathering it keeps them.
type tlsSocket struct {
	net.Conn
	gathering bool
	records   []byte
}

func (s *tlsSocket) Write(p []byte) (int, error) {
	if !s.gathering {
		return s.Conn.Write(p)
	}
	s.records = append(s.records, p...)
	return len(p), nil
}

// send writes the slices, of gatherSize bytes at most, with one call to the system. It returns how many bytes it wrote, which may be more
// than have left if there is an error.
func (s *tlsStream) send(slices [][]byte, pool *recordPool) (n int64, err error) {
	if len(slices) == 1 && len(slices[0]) <= recordSize {
		n, err := s.Write(slices[0])
		return int64(n), err
	}
	b := pool.get()
	defer pool.put(b)
	s.socket.gathering, s.socket.records = true, b[:0]
	for i := 0; i < len(slices) && err == nil; i++ {
		var written int
		written, err = s.Write(slices[i])
		n += int64(written)
	}
	records := s.socket.records
	s.socket.gathering, s.socket.records = false, nil
	if err == nil {
		_, err = s.socket.Conn.Write(records)
	}
	invariants.Mangle(records)
	return n, err
}

// handshake makes c a TLS connection, if it is to be one, and reports whether the client may go on. Its deadline was set before.
// Whoever wakes the connection meanwhile interrupts it, which ends it: there is nothing yet that it could be woken for and stay.
func (c *netConn) handshake() bool {
	if c.tls == nil {
		return true
	}
	if err := c.tls.Handshake(); err != nil {
		c.session.TLSFailed(err)
		return false
	}
	_ = c.nc.SetDeadline(time.Time{})
	if c.session.Killed() {
		return false
	}
	c.session.LoginByCertificate(commonName(c.tls.ConnectionState()))
	return !c.woken.Load() || c.interrupted()
}

// commonNameOID is the type of a common name among the parts of a subject.
var commonNameOID = asn1.ObjectIdentifier{2, 5, 4, 3}

// commonName returns the common name in the subject of the client's certificate, or nothing if there is no certificate that was verified, or
// not one common name.
func commonName(state tls.ConnectionState) string {
	if len(state.VerifiedChains) == 0 {
		return ""
	}
	var names []string
	for _, part := range state.VerifiedChains[0][0].Subject.Names {
		if name, ok := part.Value.(string); ok && part.Type.Equal(commonNameOID) {
			names = append(names, name)
		}
	}
	if len(names) != 1 {
		return ""
	}
	return names[0]
}

// notifyClose tells a TLS client that nothing more will come, if it can be told.
func (c *netConn) notifyClose() {
	if c.tls != nil && !c.broken && !c.session.Killed() {
		_ = c.tls.CloseWrite() // fails if there was no handshake
	}
}
