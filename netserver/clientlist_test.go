package netserver

import "testing"

// TestClientSeesItsInput: as in Redis, a client that asks about itself sees the request in its
// buffer and among the bytes read.
func TestClientSeesItsInput(t *testing.T) { eachPath(t, testClientSeesItsInput) }

func testClientSeesItsInput(t *testing.T, path string) {
	c := startServer(t, path).dial()
	size, out := len(encode("CLIENT", "INFO")), 0
	for i := range 3 {
		line := c.do("CLIENT", "INFO")
		for _, want := range []struct {
			name string
			n    int
		}{{"qbuf", size}, {"tot-net-in", (i + 1) * size}, {"tot-net-out", out}, {"tot-cmds", i}} {
			if got := field(t, line, want.name); got != want.n {
				t.Errorf("request %d: %s=%d, want %d", i+1, want.name, got, want.n)
			}
		}
		out += len(line)
	}
}
