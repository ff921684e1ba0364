package clients_test

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redistill/redistill/internal/certs/certstest"
	"github.com/redistill/redistill/test/await"
	"github.com/redistill/redistill/test/servertest"
)

// tlsConfig returns what a client needs to trust the server, or nil for plain
// text.
func (e endpoint) tlsConfig(t *testing.T) *tls.Config {
	t.Helper()
	if e.ca == "" {
		return nil
	}
	pem, err := os.ReadFile(e.ca)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	config := &tls.Config{RootCAs: pool, ServerName: e.host}
	if e.cert != "" {
		pair, err := tls.LoadX509KeyPair(e.cert, e.key)
		if err != nil {
			t.Fatal(err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config
}

// tlsServer is a server whose certificate is in dir. Its clients have the
// authority that is in there too.
type tlsServer struct {
	*server
	dir string
}

// startTLS starts a server that speaks TLS, until the test ends.
func startTLS(t *testing.T, args ...string) *tlsServer {
	t.Helper()
	if builtServer == "" {
		t.Skip("skipped, because REDISTILL_TEST_ADDR names a server, and this needs one of its own")
	}
	dir := t.TempDir()
	issue(t, dir)
	s, err := startServer("", append([]string{
		"--tls", "--tls-cert-path", filepath.Join(dir, "tls.crt"), "--tls-key-path", filepath.Join(dir, "tls.key"),
	}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stopServer(s); err != nil {
			t.Error(err)
		}
	})
	s.ca = filepath.Join(dir, "ca.crt")
	return &tlsServer{s, dir}
}

// issue puts a certificate for the server, and one for a client, of a new
// authority into dir.
func issue(t *testing.T, dir string) {
	t.Helper()
	ca := certstest.NewAuthority(t)
	ca.Issue("server", time.Hour).Write(t, dir, "tls")
	ca.Issue("client", time.Hour).Write(t, dir, "client")
	certstest.WriteFile(t, filepath.Join(dir, "ca.crt"), ca.PEM)
}

// runClients drives the server with every client: all of their checks, or the
// named ones.
func (s *tlsServer) runClients(t *testing.T, checks ...string) {
	t.Helper()
	program, nodePath := node(t, "node")
	for _, client := range nodeClients {
		t.Run(client.name, func(t *testing.T) {
			runDriver(t, s.endpoint, client.db, tool(t, program, append([]string{client.script}, checks...)...), nodePath)
		})
	}
	for name, requirements := range redisPy {
		t.Run(name, func(t *testing.T) {
			python := python(t, requirements)
			runDriver(t, s.endpoint, dbRedisPy, tool(t, python, append([]string{"python/driver.py"}, checks...)...))
		})
	}
	t.Run("redis-cli", func(t *testing.T) {
		emptyDB(t, s.endpoint, dbRedisCLI)
		requireOutput(t, redisCLI(t, s.endpoint, "SET k v\nGET k\n"), "OK\nv\n")
	})
}

// TestTLS: clients work over TLS as they do without, and again when the server
// has a certificate of another authority, which they alone trust then.
// Connections from before go on.
func TestTLS(t *testing.T) {
	s := startTLS(t)
	s.runClients(t)
	before, err := tls.Dial("tcp", s.addr(), s.tlsConfig(t))
	if err != nil {
		t.Fatal(err)
	}
	defer before.Close()
	ping(t, before)

	issue(t, s.dir)
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	config := s.tlsConfig(t)
	await.True(t, "the new certificate is there", func() bool {
		conn, err := tls.Dial("tcp", s.addr(), config)
		return err == nil && conn.Close() == nil
	})
	ping(t, before)
	s.runClients(t, "connection", "set_and_get")
}

// ping says PING over a connection.
func ping(t *testing.T, conn *tls.Conn) {
	t.Helper()
	reply := make([]byte, 7)
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(reply); err != nil || string(reply) != "+PONG\r\n" {
		t.Fatalf("got %q, %v", reply, err)
	}
}

// TestTLSClientCertificate: a client needs a certificate where the server asks
// for one, and every client can show one.
func TestTLSClientCertificate(t *testing.T) {
	dir := t.TempDir()
	issue(t, dir)
	s := startTLS(t, "--tls-client-ca", filepath.Join(dir, "ca.crt"))
	e := s.endpoint
	e.cert, e.key = filepath.Join(dir, "client.crt"), filepath.Join(dir, "client.key")
	requireOutput(t, redisCLI(t, e, "", "PING"), "PONG\n")

	for name, requirements := range redisPy {
		t.Run(name, func(t *testing.T) {
			runDriver(t, e, dbRedisPy, tool(t, python(t, requirements), "python/driver.py", "connection", "set_and_get"))
		})
	}
	program, nodePath := node(t, "node")
	for _, client := range nodeClients {
		t.Run(client.name, func(t *testing.T) {
			runDriver(t, e, client.db, tool(t, program, client.script, "connection", "set_and_get"), nodePath)
		})
	}

	withoutCertificate := func() (string, error) {
		out, err := tool(t, servertest.Tool(t, "redis-cli"), "-h", s.host, "-p", s.port, "--tls", "--cacert", s.ca, "PING").CombinedOutput()
		return string(out), err
	}
	if out, err := withoutCertificate(); err == nil || strings.Contains(out, "PONG") {
		t.Errorf("redis-cli without a certificate printed %q: %v", out, err)
	}
	// From now on a client may have one.
	requireOutput(t, redisCLI(t, e, "", "CONFIG", "SET", "tls-auth-clients", "optional"), "OK\n")
	out, err := withoutCertificate()
	requireOutput(t, out, "PONG\n")
	if err != nil {
		t.Error(err)
	}
	requireOutput(t, redisCLI(t, e, "", "PING"), "PONG\n")
}

// TestTLSUser: a client with a certificate is the user whom it names, without a
// password.
func TestTLSUser(t *testing.T) {
	dir := t.TempDir()
	ca := certstest.NewAuthority(t)
	ca.Issue("server", time.Hour).Write(t, dir, "tls")
	ca.Issue("nobody", time.Hour).Write(t, dir, "nobody")
	cert, key := ca.Issue("shop", time.Hour).Write(t, dir, "shop")
	authority, users := filepath.Join(dir, "ca.crt"), filepath.Join(dir, "users.acl")
	certstest.WriteFile(t, authority, ca.PEM)
	certstest.WriteFile(t, users, []byte("user default off\nuser shop on resetchannels ~* +@all -@admin +config|get\n"))
	s, err := startServer("", "--tls", "--tls-cert-path", filepath.Join(dir, "tls.crt"), "--tls-key-path", filepath.Join(dir, "tls.key"),
		"--tls-client-ca", authority, "--tls-client-user", "common_name", "--acl-file", users)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stopServer(s); err != nil {
			t.Error(err)
		}
	})
	s.ca, s.cert, s.key = authority, cert, key
	for name, requirements := range redisPy {
		t.Run(name, func(t *testing.T) {
			runDriver(t, s.endpoint, dbRedisPy, tool(t, python(t, requirements), "python/driver.py", "connection", "set_and_get", "transaction"))
		})
	}
	requireOutput(t, redisCLI(t, s.endpoint, "ACL WHOAMI\nSET k v\nCONFIG GET tls-auth-clients-user\n"), "shop\nOK\ntls-auth-clients-user\nCN\n")
	requireOutput(t, redisCLI(t, s.endpoint, "ACL WHOAMI\n", "-3"), "shop\n")
	requireOutput(t, redisCLI(t, s.endpoint, "RESET\nPING\n"), "RESET\nNOAUTH Authentication required.\n\n")
	out, err := tool(t, servertest.Tool(t, "redis-cli"), "-h", s.host, "-p", s.port, "--tls", "--cacert", s.ca,
		"--cert", filepath.Join(dir, "nobody.crt"), "--key", filepath.Join(dir, "nobody.key"), "ACL", "WHOAMI").CombinedOutput()
	requireOutput(t, string(out), "NOAUTH Authentication required.\n\n")
	if !strings.Contains(s.output(), "login failed") || !strings.Contains(s.output(), "user=nobody") {
		t.Errorf("%v, and the server's log does not tell of it:\n%s", err, s.output())
	}
}
