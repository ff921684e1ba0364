package netserver

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redistill/redistill/internal/certs/certstest"
	"github.com/redistill/redistill/test/await"
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
	portOf := func(i int) int { return listeners[i].Addr().(*net.TCPAddr).Port }
	if plain, secure := Ports(listeners); plain != portOf(0) || secure != portOf(2) {
		t.Errorf("the ports are %d and %d of %v", plain, secure, listeners)
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

// limitedListener remembers its connections.
type limitedListener struct {
	net.Listener
	accepted chan *limitedConn
}

func (l *limitedListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &limitedConn{TCPConn: nc.(*net.TCPConn), limits: make(chan time.Time, 10)}
	l.accepted <- c
	return c, nil
}

// limitedConn remembers for how long the server wanted to wait.
type limitedConn struct {
	*net.TCPConn
	limits chan time.Time
}

func (c *limitedConn) SetDeadline(t time.Time) error {
	c.limits <- t
	return c.TCPConn.SetDeadline(t)
}

// TestHandshakeTimeout: who does not finish the handshake is closed in time, and disturbs nobody.
func TestHandshakeTimeout(t *testing.T) {
	listeners, err := Listen(Endpoints{Addresses: []string{"127.0.0.1"}, Port: NoPort, TLS: makeTLS(t).server})
	if err != nil {
		t.Fatal(err)
	}
	limited := &limitedListener{listeners[0].(*tlsListener).Listener, make(chan *limitedConn, 3)}
	listeners[0].(*tlsListener).Listener = limited
	s := startOn(t, overTLS, listeners)
	began := time.Now()
	c := s.dial()
	c.do("PING")
	unfinished := s.unfinished()
	for i := range 3 {
		conn := await.Receive(t, "a connection is accepted", limited.accepted)
		limit := await.Receive(t, "the handshake is limited", conn.limits)
		if earliest := began.Add(testHandshakeTimeout); limit.Before(earliest) || limit.After(time.Now().Add(testHandshakeTimeout)) {
			t.Errorf("a handshake has until %v, want %v or a little later", limit, earliest)
		}
		if i == 0 { // who did finish it is there for longer
			if limit = await.Receive(t, "the limit is lifted", conn.limits); !limit.IsZero() {
				t.Errorf("behind the handshake the client has until %v", limit)
			}
			continue
		}
		_ = conn.TCPConn.SetDeadline(past) // the time is over
	}
	for _, c := range unfinished {
		c.expectClosed()
	}
	await.True(t, "the other connections end", func() bool { return s.connections() == 1 })
	if got := c.do("INFO", "stats"); !strings.Contains(got, "redistill_tls_handshake_failures:2\r\n") {
		t.Errorf("not 2 failures: %s", got)
	}
}

// TestHandshakeEnds: those in the handshake can be killed, count as clients, and do not hold up the shutdown.
func TestHandshakeEnds(t *testing.T) {
	s := startServer(t, overTLS, "server.max_connections", "3")
	for _, c := range s.unfinished() {
		defer c.expectClosed()
	}
	await.True(t, "both are connected", func() bool { return s.connections() == 2 })
	admin := s.dial()
	admin.do("PING")
	s.raw().expectClosed() // a fourth
	if got := admin.do("CLIENT", "KILL", "TYPE", "normal"); got != ":2\r\n" {
		t.Errorf("got %q", got)
	}
	await.True(t, "they are gone", func() bool { return s.connections() == 1 })
	_ = admin.Close()
	await.True(t, "all are gone", func() bool { return s.connections() == 0 })

	for _, c := range s.unfinished() {
		defer c.expectClosed()
	}
	await.True(t, "both are connected again", func() bool { return s.connections() == 2 })
	if err := s.Shutdown(await.Context(t)); err != nil {
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
	if err := s.Shutdown(await.Context(t)); err != nil {
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
