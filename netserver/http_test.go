package netserver

import "testing"

// TestHTTPGetsNothing: a browser that is led to the port learns nothing, not even the replies to
// what came before its Host header.
func TestHTTPGetsNothing(t *testing.T) { eachPath(t, testHTTPGetsNothing) }

func testHTTPGetsNothing(t *testing.T, path string) {
	s := startServer(t, path)
	for _, request := range []string{
		"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "PING\r\nPOST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nPING",
	} {
		c := s.dial()
		c.send(request)
		c.expectClosed()
	}
}
