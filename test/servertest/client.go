package servertest

import (
	"net"
	"testing"

	"github.com/tidwall/redcon"

	"github.com/redistill/redistill/internal/resp/resptest"
	"github.com/redistill/redistill/test/await"
	"github.com/redistill/redistill/tools/client"
)

// Client is a connection to a server, in RESP2.
type Client struct {
	tb   testing.TB
	conn *client.Conn
}

// Dial connects to the server until the test ends. It returns when the server has loaded its data.
func (s *Server) Dial() *Client {
	s.tb.Helper()
	nc, err := net.Dial("tcp", s.Addr)
	if err != nil {
		s.tb.Fatal(err)
	}
	c := &Client{s.tb, client.New(nc, client.Options{Timeout: await.Limit})}
	s.tb.Cleanup(c.conn.Close)
	s.Eventually("it serves", func() bool { _, failed := c.Try("PING").(error); return !failed })
	return c
}

// Try sends a command and returns its reply: a string, an int64, nil, a []any, or an error.
func (c *Client) Try(args ...string) any {
	c.tb.Helper()
	var v any
	c.conn.Add(args...)
	err := c.conn.Send(func(r redcon.RESP) error {
		v = resptest.Value(r)
		return nil
	})
	if err != nil {
		c.tb.Fatal(err)
	}
	return v
}

// Do is Try for a command that must succeed.
func (c *Client) Do(args ...string) any {
	c.tb.Helper()
	v := c.Try(args...)
	if err, failed := v.(error); failed {
		c.tb.Fatalf("%.60q: %v", args, err)
	}
	return v
}

// Hash returns the fields of a hash.
func (c *Client) Hash(key string) map[string]string {
	c.tb.Helper()
	list := c.Do("HGETALL", key).([]any)
	m := map[string]string{}
	for i := 0; i < len(list); i += 2 {
		m[list[i].(string)] = list[i+1].(string)
	}
	return m
}
