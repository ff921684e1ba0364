package cmd

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"strings"
	"testing"

	"github.com/redistill/redistill/internal/resp"
	"github.com/redistill/redistill/test/await"
)

// serveUntil answers commands on a loopback address until it has seen so many
// GETs, and then calls end for each further one. It returns the address.
func serveUntil(t *testing.T, gets int, end func(c net.Conn), secure *tls.Config) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if secure != nil {
		l = tls.NewListener(l, secure)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go answerGets(c, gets, end)
		}
	}()
	return l.Addr().String()
}

func answerGets(c net.Conn, gets int, end func(c net.Conn)) {
	defer c.Close()
	p := &resp.Parser{Limits: resp.Limits{Authenticated: true}}
	var buf []byte
	chunk := make([]byte, 16<<10)
	for {
		n, err := c.Read(chunk)
		if err != nil {
			return
		}
		buf = append(buf, chunk[:n]...)
		var out []byte
		for len(buf) > 0 {
			n, args, err := p.Next(buf, nil)
			if err != nil || n == 0 {
				break
			}
			if buf = buf[n:]; string(args[0]) == "GET" {
				if gets--; gets < 0 {
					end(c)
				}
			}
			out = append(out, "+OK\r\n"...)
		}
		if _, err := c.Write(out); err != nil {
			return
		}
	}
}

// TestBenchEndsEarly: results until then are shown and marked, and the exit code
// says so.
func TestBenchEndsEarly(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for _, test := range []struct {
		want string
		end  func(c net.Conn)
	}{
		{"the server closed the connection", func(c net.Conn) { _ = c.(*net.TCPConn).CloseWrite() }},
		{"interrupted", func(net.Conn) { cancel() }},
	} {
		address := serveUntil(t, 500, test.end, nil)
		var stdout, stderr bytes.Buffer
		args := []string{"bench", address, "--keys", "10", "--warmup", "0s", "--duration", "1h", "--timeout", await.Limit.String(), "--connections", "1"}
		code := run(ctx, args, nil, &stdout, &stderr)
		if code != exitPartial || !strings.Contains(stdout.String(), "\nPARTIAL RESULTS: "+test.want) ||
			stderr.String() != "redistill: the results are partial: "+test.want+"\n" {
			t.Errorf("got exit code %d\n%s%s", code, stdout.String(), stderr.String())
		}
	}
}

func TestFields(t *testing.T) {
	if got := fields(` a  "" b ''`); len(got) != 4 || got[0] != "a" || got[1] != "" || got[2] != "b" || got[3] != "" {
		t.Errorf("got %q", got)
	}
}
