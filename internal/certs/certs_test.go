package certs

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/redistill/redistill/internal/certs/certstest"
	"github.com/redistill/redistill/test/await"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lockedBuffer is a log that a test can read while it grows.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// open opens a Keeper until the test ends. What it notices within the limit of waiting, an event has told of.
func open(t *testing.T, o Options) (*Keeper, *lockedBuffer) {
	t.Helper()
	log := &lockedBuffer{}
	k, err := openWith(o, slog.New(slog.NewTextHandler(log, nil)), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k, log
}

func options(cert, key string) Options {
	return Options{Cert: cert, Key: key, MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS13}
}

// shown makes a handshake and returns the name on the certificate that the server showed, and how the server saw the client.
func shown(t *testing.T, k *Keeper, client *tls.Config) (name string, server tls.ConnectionState, err error) {
	t.Helper()
	a, b := net.Pipe()
	defer a.Close()
	s := tls.Server(b, k.Config())
	failed := make(chan error, 1)
	go func() {
		err := s.Handshake()
		if err == nil {
			_, err = s.Write([]byte("x"))
		}
		failed <- err
		_ = b.Close()
	}()
	c := tls.Client(a, client)
	_ = c.SetDeadline(await.Deadline())
	_, err = io.ReadFull(c, make([]byte, 1))
	err = errors.Join(err, <-failed)
	if err != nil {
		return "", server, err
	}
	return c.ConnectionState().PeerCertificates[0].Subject.CommonName, s.ConnectionState(), nil
}

// waitFor waits until a handshake shows a name.
func waitFor(t *testing.T, k *Keeper, client *tls.Config, want string) {
	t.Helper()
	await.True(t, "the certificate is "+want, func() bool {
		got, _, err := shown(t, k, client)
		if err != nil {
			t.Fatal(err)
		}
		return got == want
	})
}

// TestRotation: however the files are replaced, the next handshakes show the new certificate.
func TestRotation(t *testing.T) {
	ca := certstest.NewAuthority(t)
	client := &tls.Config{RootCAs: ca.Pool(), ServerName: "localhost"}
	replace := map[string]func(t *testing.T, dir string, p certstest.Pair){
		"written": func(t *testing.T, dir string, p certstest.Pair) { p.Write(t, dir, "tls") },
		"renamed": func(t *testing.T, dir string, p certstest.Pair) {
			cert, key := p.Write(t, t.TempDir(), "tls")
			for _, name := range []string{cert, key} {
				if err := os.Rename(name, filepath.Join(dir, filepath.Base(name))); err != nil {
					t.Fatal(err)
				}
			}
		},
	}
	for how, replace := range replace {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			k, log := open(t, options(ca.Issue("first", time.Hour).Write(t, dir, "tls")))
			waitFor(t, k, client, "first")
			for _, name := range []string{"second", "third"} {
				replace(t, dir, ca.Issue(name, 2*time.Hour))
				waitFor(t, k, client, name)
			}
			if left := time.Until(k.NotAfter()); left < time.Hour || left > 2*time.Hour {
				t.Errorf("it expires in %v", left)
			}
			// It is in use a moment before the log says so.
			await.True(t, "the log says it", func() bool { return strings.Contains(log.String(), "CN=third") })
		})
	}
}

// TestLinks: Kubernetes keeps the files of a volume in a directory, to which ..data leads, to which the files lead, and renames a new ..data
// over the old one.
func TestLinks(t *testing.T) {
	ca := certstest.NewAuthority(t)
	client := &tls.Config{RootCAs: ca.Pool(), ServerName: "localhost"}
	dir := t.TempDir()
	publish := func(name string) {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		ca.Issue(name, time.Hour).Write(t, filepath.Join(dir, name), "tls")
		if err := os.Symlink(name, filepath.Join(dir, "..new")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, "..new"), filepath.Join(dir, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	publish("first")
	for _, name := range []string{"tls.crt", "tls.key"} {
		if err := os.Symlink(filepath.Join("..data", name), filepath.Join(dir, name)); err != nil {
			t.Skip("skipped, because there are no symbolic links: ", err)
		}
	}
	k, _ := open(t, options(filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")))
	for _, name := range []string{"second", "third"} {
		publish(name)
		waitFor(t, k, client, name)
	}
	if err := os.RemoveAll(filepath.Join(dir, "first")); err != nil {
		t.Fatal(err)
	}
	ca.Issue("in place", time.Hour).Write(t, filepath.Join(dir, "third"), "tls") // where the links have led since
	waitFor(t, k, client, "in place")
}

// TestBadFiles: what cannot be used is refused at the start; later it is logged once, and the old certificate stays.
func TestBadFiles(t *testing.T) {
	ca := certstest.NewAuthority(t)
	client := &tls.Config{RootCAs: ca.Pool(), ServerName: "localhost"}
	dir := t.TempDir()
	cert, key := ca.Issue("good", time.Hour).Write(t, dir, "tls")
	other, _ := ca.Issue("other", time.Hour).Write(t, dir, "other")
	for _, o := range []Options{
		{}, {Cert: cert}, options(other, key), options(cert, filepath.Join(dir, "none")), options(key, cert),
		{Cert: cert, Key: key, ClientCA: key},
	} {
		if _, err := Open(o, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%+v: no error", o)
		} else if strings.Contains(err.Error(), "PRIVATE") {
			t.Errorf("the error shows the key: %v", err)
		}
	}

	k, log := open(t, options(cert, key))
	nonsense := filepath.Join(t.TempDir(), "nonsense")
	certstest.WriteFile(t, nonsense, []byte("nonsense"))
	if err := os.Rename(nonsense, cert); err != nil { // at once, for the empty file that is there before its bytes would be a failure of its own
		t.Fatal(err)
	}
	for range 2 {
		k.check()
	}
	if n := strings.Count(log.String(), "level=ERROR"); n != 1 || k.Failures() != 1 {
		t.Errorf("%d lines and %d failures for one: %s", n, k.Failures(), log)
	}
	if err := k.Reload(); err == nil || k.Failures() != 2 {
		t.Errorf("Reload: %v, and %d failures", err, k.Failures())
	}
	if err := k.Set(options(other, key)); err == nil {
		t.Error("Set: no error")
	}
	waitFor(t, k, client, "good")
	ca.Issue("mended", time.Hour).Write(t, dir, "tls")
	if err := k.Reload(); err != nil {
		t.Error(err)
	}
	waitFor(t, k, client, "mended")
}

func TestExpired(t *testing.T) {
	ca := certstest.NewAuthority(t)
	_, log := open(t, options(ca.Issue("old", -time.Minute).Write(t, t.TempDir(), "tls")))
	if !strings.Contains(log.String(), `level=WARN msg="the TLS certificate has expired"`) {
		t.Errorf("the log is %s", log)
	}
}

// TestClients: clients have to show a certificate of the right authority, or may.
func TestClients(t *testing.T) {
	ca, stranger := certstest.NewAuthority(t), certstest.NewAuthority(t)
	dir := t.TempDir()
	o := options(ca.Issue("server", time.Hour).Write(t, dir, "tls"))
	o.ClientCA = filepath.Join(dir, "ca.crt")
	certstest.WriteFile(t, o.ClientCA, ca.PEM)
	k, _ := open(t, o)
	for _, test := range []struct {
		required bool
		from     *certstest.Authority
		valid    time.Duration
		ok       bool
	}{
		{true, ca, time.Hour, true}, {true, nil, 0, false}, {true, stranger, time.Hour, false}, {true, ca, -time.Minute, false},
		{false, ca, time.Hour, true}, {false, nil, 0, true}, {false, stranger, time.Hour, false},
	} {
		o.ClientRequired = test.required
		if err := k.Set(o); err != nil {
			t.Fatal(err)
		}
		client := &tls.Config{RootCAs: ca.Pool(), ServerName: "localhost"}
		if test.from != nil {
			// Whatever the server asks for, as a client would that was told to.
			pair := test.from.Issue("client", test.valid).Certificate(t)
			client.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
		}
		_, server, err := shown(t, k, client)
		if (err == nil) != test.ok {
			t.Errorf("%+v: %v", test, err)
		}
		if test.ok && test.from != nil && (len(server.VerifiedChains) == 0 || server.PeerCertificates[0].Subject.CommonName != "client") {
			t.Errorf("%+v: the server does not know the client", test)
		}
	}
}

// TestClientAuthority: a client whose authority is taken back cannot go on with an old session.
func TestClientAuthority(t *testing.T) {
	ca, stranger := certstest.NewAuthority(t), certstest.NewAuthority(t)
	dir := t.TempDir()
	o := options(ca.Issue("server", time.Hour).Write(t, dir, "tls"))
	o.ClientCA, o.ClientRequired = filepath.Join(dir, "ca.crt"), true
	certstest.WriteFile(t, o.ClientCA, ca.PEM)
	k, _ := open(t, o)
	client := &tls.Config{
		RootCAs: ca.Pool(), ServerName: "localhost", Certificates: []tls.Certificate{ca.Issue("client", time.Hour).Certificate(t)},
		ClientSessionCache: tls.NewLRUClientSessionCache(0),
	}
	if _, _, err := shown(t, k, client); err != nil {
		t.Fatal(err)
	}
	certstest.WriteFile(t, o.ClientCA, stranger.PEM)
	if err := k.Reload(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := shown(t, k, client); err == nil {
		t.Error("the client was let in")
	}
}

func TestVersions(t *testing.T) {
	ca := certstest.NewAuthority(t)
	o := options(ca.Issue("server", time.Hour).Write(t, t.TempDir(), "tls"))
	k, _ := open(t, o)
	for _, test := range []struct {
		low, high, client uint16
		ok                bool
	}{
		{tls.VersionTLS12, tls.VersionTLS13, tls.VersionTLS12, true}, {tls.VersionTLS12, tls.VersionTLS13, tls.VersionTLS13, true},
		{tls.VersionTLS12, tls.VersionTLS13, tls.VersionTLS11, false}, {tls.VersionTLS13, tls.VersionTLS13, tls.VersionTLS12, false},
		{tls.VersionTLS12, tls.VersionTLS12, tls.VersionTLS13, false},
	} {
		o.MinVersion, o.MaxVersion = test.low, test.high
		if err := k.Set(o); err != nil {
			t.Fatal(err)
		}
		client := &tls.Config{RootCAs: ca.Pool(), ServerName: "localhost", MinVersion: test.client, MaxVersion: test.client}
		_, server, err := shown(t, k, client)
		if (err == nil) != test.ok || test.ok && server.Version != test.client {
			t.Errorf("%+v: version %x, %v", test, server.Version, err)
		}
	}
}

// TestCipherSuites: only what is allowed is spoken under TLS 1.2. TLS 1.3 has suites of its own.
func TestCipherSuites(t *testing.T) {
	ca := certstest.NewAuthority(t)
	o := options(ca.Issue("server", time.Hour).Write(t, t.TempDir(), "tls"))
	k, _ := open(t, o)
	o.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384}
	if err := k.Set(o); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		version, suite uint16
		ok             bool
	}{
		{tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, true},
		{tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, false},
		{tls.VersionTLS13, 0, true},
	} {
		client := &tls.Config{RootCAs: ca.Pool(), ServerName: "localhost", MinVersion: test.version, MaxVersion: test.version}
		if test.suite != 0 {
			client.CipherSuites = []uint16{test.suite}
		}
		if _, _, err := shown(t, k, client); (err == nil) != test.ok {
			t.Errorf("%+v: %v", test, err)
		}
	}
}

// TestEncryptedKey: Go's TLS reads no encrypted keys, and the error says what to do.
func TestEncryptedKey(t *testing.T) {
	o := options(certstest.NewAuthority(t).Issue("server", time.Hour).Write(t, t.TempDir(), "tls"))
	certstest.WriteFile(t, o.Key, []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"))
	if _, err := read(o); err == nil || !strings.Contains(err.Error(), "openssl pkey") {
		t.Errorf("got %v", err)
	}
}
