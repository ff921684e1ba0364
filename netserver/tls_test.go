package netserver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redistill/redistill/internal/certs/certstest"
)

// testTLS is TLS as the two ends of a test speak it.
type testTLS struct{ server, client *tls.Config }

var madeTLS struct {
	once sync.Once
	testTLS
}

func makeTLS(t testing.TB) testTLS {
	madeTLS.once.Do(func() {
		ca := certstest.NewAuthority(t)
		pair := ca.Issue("server", time.Hour).Certificate(t)
		madeTLS.server = &tls.Config{Certificates: []tls.Certificate{pair}, DynamicRecordSizingDisabled: true}
		madeTLS.client = &tls.Config{RootCAs: ca.Pool(), ServerName: "localhost"}
	})
	return madeTLS.testTLS
}

// TestTLSBeside: TLS and plain text are served beside each other, on whatever path plain text goes.
func TestTLSBeside(t *testing.T) { eachPath(t, testTLSBeside) }

func testTLSBeside(t *testing.T, path string) {
	listeners, err := Listen(Endpoints{Addresses: []string{"127.0.0.1", "127.0.0.2"}, TLS: makeTLS(t).server, Backlog: 100})
	if err != nil {
		t.Fatal(err)
	}
	s := startOn(t, path, listeners)
	s.dial().do("SET", "k", strings.Repeat("x", 300_000))
	for i, l := range listeners {
		s.addr, s.tls = l.Addr().String(), nil
		if i >= 2 {
			s.tls = makeTLS(t).client
		}
		if got := s.dial().do("GET", "k"); got != bulk(strings.Repeat("x", 300_000)) {
			t.Errorf("%v: got %.100q", l.Addr(), got)
		}
	}
}

// raw returns a connection to the server on which nothing was said, and which is read as it is.
func (s *testServer) raw() *client {
	s.t.Helper()
	nc, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	return newClient(s.t, nc)
}

// unfinished opens two connections whose TLS handshake does not come to an end.
func (s *testServer) unfinished() []*client {
	s.t.Helper()
	silent, hello := s.raw(), s.raw()
	hello.send("\x16\x03\x01\x02\x00\x01\x00") // the first bytes of a hello
	return []*client{silent, hello}
}

// TestHandshakeTimeout: who does not finish the handshake is closed in time, and disturbs nobody.
func TestHandshakeTimeout(t *testing.T) {
	s := startServer(t, hastyTLS)
	var c *client
	s.eventually("a handshake comes to its end in time", func() bool {
		c = s.dial()
		_, err := c.Write([]byte(encode("INFO", "stats")))
		if err == nil {
			_, err = c.r.Peek(1)
		}
		return err == nil
	})
	_, rest, _ := strings.Cut(c.reply(), "\r\nredistill_tls_handshake_failures:")
	failed, _, _ := strings.Cut(rest, "\r\n")
	before, err := strconv.Atoi(failed)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range s.unfinished() {
		c.expectClosed()
	}
	s.eventually("their connections end", func() bool { return s.connections() == 1 })
	// One that did finish it is there for longer.
	if got := c.do("INFO", "stats"); !strings.Contains(got, fmt.Sprintf("redistill_tls_handshake_failures:%d\r\n", before+2)) {
		t.Errorf("%d failures before, then %s", before, got)
	}
}

// TestHandshakeEnds: those in the handshake can be killed, count as clients, and do not hold up the shutdown.
func TestHandshakeEnds(t *testing.T) {
	s := startServer(t, overTLS, "server.max_connections", "3")
	for _, c := range s.unfinished() {
		defer c.expectClosed()
	}
	s.eventually("both are connected", func() bool { return s.connections() == 2 })
	admin := s.dial()
	admin.do("PING")
	s.raw().expectClosed() // a fourth
	if got := admin.do("CLIENT", "KILL", "TYPE", "normal"); got != ":2\r\n" {
		t.Errorf("got %q", got)
	}
	s.eventually("they are gone", func() bool { return s.connections() == 1 })
	_ = admin.Close()
	s.eventually("all are gone", func() bool { return s.connections() == 0 })

	for _, c := range s.unfinished() {
		defer c.expectClosed()
	}
	s.eventually("both are connected again", func() bool { return s.connections() == 2 })
	ctx, cancel := context.WithTimeout(context.Background(), patience) // which is less than a handshake may take
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

// TestPlainTextOnTLS: a client that does not speak TLS is closed, and nothing of what it says runs.
func TestPlainTextOnTLS(t *testing.T) {
	s := startServer(t, overTLS)
	c := s.raw()
	c.send(encode("SET", "k", "v"))
	c.expectClosed()
	if got := s.dial().do("EXISTS", "k"); got != ":0\r\n" {
		t.Errorf("got %q", got)
	}
}

// TestCloseNotify: a client can tell the end of its connection from one that was cut off.
func TestCloseNotify(t *testing.T) {
	s := startServer(t, overTLS)
	c, idle := s.dial(), s.dial()
	idle.do("PING")
	c.send(encode("QUIT"))
	c.expect("+OK\r\n")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	for _, c := range []*client{c, idle} {
		if b, err := c.r.ReadByte(); err == nil || err.Error() != "EOF" {
			t.Errorf("got %q, %v", b, err)
		}
	}
}

// TestCertificateUser: a client is the user whom its verified certificate names.
func TestCertificateUser(t *testing.T) {
	ca, stranger := certstest.NewAuthority(t), certstest.NewAuthority(t)
	listeners, err := Listen(Endpoints{Addresses: []string{"127.0.0.1"}, Port: NoPort, TLS: &tls.Config{
		Certificates: []tls.Certificate{ca.Issue("server", time.Hour).Certificate(t)}, ClientCAs: ca.Pool(), ClientAuth: tls.VerifyClientCertIfGiven,
	}})
	if err != nil {
		t.Fatal(err)
	}
	s := startOn(t, overTLS, listeners, "security.tls_client_user", "common_name")
	with := func(certificates ...tls.Certificate) *client {
		s.tls = &tls.Config{RootCAs: ca.Pool(), ServerName: "localhost", GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if len(certificates) > 0 {
				return &certificates[0], nil
			}
			return &tls.Certificate{}, nil
		}}
		return s.dial()
	}
	app := ca.Issue("app", time.Hour).Certificate(t)
	admin := with()
	if got := admin.do("ACL", "SETUSER", "app", "on", "+acl|whoami"); got != "+OK\r\n" {
		t.Fatalf("got %q", got)
	}
	for _, test := range []struct {
		c    *client
		want string
	}{{admin, "default"}, {with(app), "app"}, {with(ca.Issue("other", time.Hour).Certificate(t)), "default"}} {
		if got := test.c.do("ACL", "WHOAMI"); got != bulk(test.want) {
			t.Errorf("got %q, want %s", got, test.want)
		}
	}
	with(stranger.Issue("app", time.Hour).Certificate(t)).expectClosed()
	s.set("tls-auth-clients-user", "off")
	if got := with(app).do("ACL", "WHOAMI"); got != bulk("default") {
		t.Errorf("with certificates that stand for nobody: got %q", got)
	}
}

// TestCommonName: only a certificate that was verified names somebody, and only one.
func TestCommonName(t *testing.T) {
	certificate := func(names ...any) *x509.Certificate {
		c := &x509.Certificate{}
		for _, name := range names {
			c.Subject.Names = append(c.Subject.Names, pkix.AttributeTypeAndValue{Type: commonNameOID, Value: name})
		}
		c.Subject.Names = append(c.Subject.Names, pkix.AttributeTypeAndValue{Type: asn1.ObjectIdentifier{2, 5, 4, 10}, Value: "an organisation"})
		return c
	}
	verified := func(c *x509.Certificate) tls.ConnectionState {
		return tls.ConnectionState{PeerCertificates: []*x509.Certificate{c}, VerifiedChains: [][]*x509.Certificate{{c}}}
	}
	for _, test := range []struct {
		state tls.ConnectionState
		want  string
	}{
		{tls.ConnectionState{}, ""}, {verified(certificate()), ""}, {verified(certificate("app")), "app"}, {verified(certificate("app", "root")), ""},
		{verified(certificate(7)), ""}, {tls.ConnectionState{PeerCertificates: []*x509.Certificate{certificate("app")}}, ""},
	} {
		if got := commonName(test.state); got != test.want {
			t.Errorf("%v: got %q, want %q", test.state.PeerCertificates, got, test.want)
		}
	}
}
