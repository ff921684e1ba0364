package cmd

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/redistill/redistill/test/await"
)

// replyOnce listens, and answers whatever comes with a text.
func replyOnce(t *testing.T, text string) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if n, _ := c.Read(make([]byte, 1000)); n > 0 {
				_, _ = io.WriteString(c, text)
				_ = c.(*net.TCPConn).CloseWrite()
				_, _ = io.Copy(io.Discard, c)
			}
			_ = c.Close()
		}
	}()
	return l.Addr().String()
}

// TestOneWording: the tools say the same of the same fault.
func TestOneWording(t *testing.T) {
	clearEnvironment(t)
	t.Setenv("REDISCLI_AUTH", "")
	for _, test := range []struct{ target, want string }{
		{"127.0.0.1:1", "connect: connection refused"}, // nobody gets this port
		{"./none.sock", "connect: no such file or directory"},
		{replyOnce(t, "-NOAUTH no\r\n"), "the server wants a password; set REDISCLI_AUTH"},
		{"redis://:pw@" + replyOnce(t, "-WRONGPASS \x1b[2J\r\n"), "the server replied: WRONGPASS ?[2J"},
		{replyOnce(t, "HTTP/1.1 400 Bad Request\r\n\r\n"), "the server does not speak Redis's protocol"},
		{replyOnce(t, "$99999999999\r\n"), "the server does not speak Redis's protocol"},
		{replyOnce(t, ""), "the server closed the connection"},
	} {
		_, shown, found := strings.Cut(test.target, "@")
		if !found {
			shown = test.target
		}
		if shown[0] == '.' {
			shown = "unix:" + shown
		} else {
			shown = "redis://" + shown
		}
		for _, tool := range [][]string{
			{"stats", test.target, "--timeout", await.Limit.String()},
			{"bench", test.target, "--timeout", await.Limit.String()},
			{"plan", "--from", test.target},
		} {
			var stdout, stderr bytes.Buffer
			code := Main(tool, strings.NewReader(""), &stdout, &stderr)
			want := "connecting to " + shown + ": " + test.want + "\n"
			got, _ := strings.CutPrefix(stderr.String(), "redistill: ")
			if got, _ = strings.CutPrefix(got, "--from: "); code != exitError || got != want || stdout.Len() > 0 {
				t.Errorf("%q: got exit code %d, %s, want %s", tool, code, got, want)
			}
		}
	}
}
