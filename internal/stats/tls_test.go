package stats

import (
	"crypto/tls"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/redistill/redistill/internal/certs/certstest"
)

// TestTLS: a certificate is checked, and a server that does not speak TLS is no
// reason to go on without.
func TestTLS(t *testing.T) {
	authority := certstest.NewAuthority(t)
	pair := authority.Issue("localhost", time.Hour)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair.Certificate(t)}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, "+PONG\r\n") // fails where the handshake does
			_, _ = io.Copy(io.Discard, c)
			c.Close()
		}
	}()
	target, err := ParseTarget("rediss://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	target.TLS.ServerName = "localhost"
	if _, err := Connect(t.Context(), target, time.Minute); err == nil || !strings.Contains(err.Error(), "rediss://127.0.0.1:") || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("an unknown authority: got error %v", err)
	}
	target.TLS.RootCAs = authority.Pool()
	c, err := Connect(t.Context(), target, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()

	plain := answer(t, "-ERR unknown command\r\n")
	plain.TLS = target.TLS
	if _, err := Connect(t.Context(), plain, time.Minute); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("a server without TLS: got error %v", err)
	}
}
