package netserver

import (
	"net"
	"sync"
	"testing"
	"time"

	"github.com/redistill/redistill/test/await"
)

// TestShutdownSlowCommand: what arrives during the shutdown while a command runs is answered, however long that takes.
func TestShutdownSlowCommand(t *testing.T) { eachPath(t, testShutdownSlowCommand) }

func testShutdownSlowCommand(t *testing.T, path string) {
	s := startServer(t, path)
	s.drainMost = await.Limit
	began, end := s.longCommands()
	c := s.dial()
	fd := field(t, c.do("CLIENT", "INFO"), "fd")
	c.send(encode("CONFIG", "SET", "maxclients", "5000"))
	<-began
	done := s.shutdown(await.Context(t))
	c.send(encode("CONFIG", "SET", "maxclients", "5001"))
	end <- struct{}{}
	<-began
	switch conn := s.connOf(c).(type) { // it has been quiet for long enough, as far as it knows; its goroutine or loop waits for end
	case *loopConn:
		conn.quietFrom = past
	case *netConn:
		_ = conn.nc.SetReadDeadline(past)
	}
	c.send(encode("PING"))
	await.True(t, "the command has arrived", func() bool { return unreceived(fd) > 0 })
	end <- struct{}{}
	c.expect("+OK\r\n+OK\r\n+PONG\r\n")
	c.expectClosed()
	if err := <-done; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

// stalling is a listener whose connections belong to goroutines that get no processor for a while: once, from when they have said for how
// long they will read until that is over.
type stalling struct {
	net.Listener
	once       sync.Once
	began, end chan struct{}
}

func (l *stalling) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &stallingConn{nc.(*net.TCPConn), l}, nil
}

type stallingConn struct {
	*net.TCPConn
	listener *stalling
}

func (c *stallingConn) SetReadDeadline(t time.Time) error {
	err := c.TCPConn.SetReadDeadline(t)
	if time.Now().Before(t) {
		c.listener.once.Do(func() {
			close(c.listener.began)
			<-c.listener.end
			err = c.TCPConn.SetReadDeadline(past) // it passed meanwhile
		})
	}
	return err
}

// TestShutdownStall: what arrives while a connection's goroutine gets no processor is answered, though the time to wait for it is over.
func TestShutdownStall(t *testing.T) {
	listeners, err := Listen(Endpoints{Addresses: []string{"127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	stalls := &stalling{Listener: listeners[0], began: make(chan struct{}), end: make(chan struct{})}
	s := startOn(t, Portable, []net.Listener{stalls})
	s.drainMost = await.Limit
	c := s.dial()
	fd := field(t, c.do("CLIENT", "INFO"), "fd")
	done := s.shutdown(await.Context(t))
	<-stalls.began
	c.send(encode("PING"))
	await.True(t, "the command has arrived", func() bool { return unreceived(fd) > 0 })
	close(stalls.end)
	c.expect("+PONG\r\n")
	c.expectClosed()
	if err := <-done; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}
