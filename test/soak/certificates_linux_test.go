package soak

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/redistill/redistill/internal/certs/certstest"
	"github.com/redistill/redistill/test/await"
)

// certificates are those of a scene. The server's are in the directory "tls" below its own, which is a symbolic link to the newest one.
type certificates struct {
	dir       string
	authority *certstest.Authority // of the server
	clients   *certstest.Authority
	ofClients tls.Certificate   // of one who is no user
	ofUsers   []tls.Certificate // of visitors' users, in the order of their numbers
	roots     *x509.CertPool
	made      int // certificates of the server
}

func newCertificates(t testing.TB, dir string) *certificates {
	c := &certificates{dir: dir, authority: certstest.NewAuthority(t), clients: certstest.NewAuthority(t)}
	c.ofClients, c.roots = c.clients.Issue("client", 24*time.Hour).Certificate(t), c.authority.Pool()
	for i := range visitors {
		c.ofUsers = append(c.ofUsers, c.clients.Issue(userName(i), 24*time.Hour).Certificate(t))
	}
	certstest.WriteFile(t, filepath.Join(dir, "clients.crt"), c.clients.PEM)
	if err := os.Symlink(c.issue(t), filepath.Join(dir, "tls")); err != nil {
		t.Fatal(err)
	}
	return c
}

// issue writes a new certificate and its key into a directory of their own, and returns its name.
func (c *certificates) issue(t testing.TB) string {
	c.made++
	name := fmt.Sprint("tls-", c.made)
	if err := os.Mkdir(filepath.Join(c.dir, name), 0o700); err != nil {
		t.Fatal(err)
	}
	c.authority.Issue(c.shown(), 24*time.Hour).Write(t, filepath.Join(c.dir, name), "server")
	return name
}

// shown is the name on the newest certificate.
func (c *certificates) shown() string { return fmt.Sprint("server ", c.made) }

// client returns what a client needs that speaks TLS 1.3, or 1.2, with certificates of its own or without.
func (c *certificates) client(newer bool, own ...tls.Certificate) *tls.Config {
	config := &tls.Config{
		RootCAs: c.roots, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12, Certificates: own,
	}
	if newer {
		config.MinVersion, config.MaxVersion = tls.VersionTLS13, tls.VersionTLS13
	}
	return config
}

// shake makes a handshake and says PING. It returns the name on the server's certificate.
func (sc *scene) shake(newer, certified bool) (name string, err error) {
	var own []tls.Certificate
	if certified {
		own = append(own, sc.certs.ofClients)
	}
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: await.Limit}, "tcp", sc.tlsAddr, sc.certs.client(newer, own...))
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(await.Deadline())
	return conn.ConnectionState().PeerCertificates[0].Subject.CommonName, pinged(conn, make([]byte, len(pong)))
}

// rotate puts a new certificate in the place of the server's: by exchanging the symbolic link, or by writing over the files, with SIGHUP or
// without. Soon the server shows it.
func (d *director) rotate() error {
	c := d.certs
	if d.r.IntN(2) == 0 {
		name := c.issue(d.t)
		if err := errors.Join(os.Symlink(name, filepath.Join(c.dir, "next")), os.Rename(filepath.Join(c.dir, "next"), filepath.Join(c.dir, "tls"))); err != nil {
			return err
		}
	} else {
		c.made++
		c.authority.Issue(c.shown(), 24*time.Hour).Write(d.t, filepath.Join(c.dir, "tls"), "server")
	}
	if d.r.IntN(2) == 0 {
		if err := d.reload(); err != nil {
			return err
		}
	}
	var err error
	await.True(d.t, "the certificate of "+c.shown()+" is shown", func() bool {
		var name string
		name, err = d.shake(true, true)
		return err != nil || name == c.shown()
	})
	if err != nil {
		return err
	}
	d.tally.rotations.Add(1)
	return nil
}

// narrow refuses TLS 1.2, or clients without a certificate, for a moment.
func (d *director) narrow() error {
	d.narrowed.Add(1)
	defer d.narrowed.Add(1)
	for _, n := range []struct {
		setting, narrow, wide string
		newer, certified      bool // what is refused
	}{
		{"tls-protocols", "TLSv1.3", "TLSv1.2 TLSv1.3", false, true},
		{"tls-protocols", "TLSv1.2", "TLSv1.2 TLSv1.3", true, true},
		{"tls-auth-clients", "yes", "optional", true, false},
		{"tls-auth-clients", "yes", "optional", false, false},
	} {
		if err := d.set(n.setting, n.narrow); err != nil {
			return err
		}
		_, refused := d.shake(n.newer, n.certified)
		others := n.newer == (n.setting != "tls-protocols") // who are not refused speak the other version, or the same with a certificate
		if refused == nil || timedOut(refused) {
			return fmt.Errorf("with %s = %s a client of TLS 1.3 %v, with a certificate %v: %v", n.setting, n.narrow, n.newer, n.certified, refused)
		}
		if _, err := d.shake(others, true); err != nil {
			return fmt.Errorf("with %s = %s: %w", n.setting, n.narrow, err)
		}
		if err := d.set(n.setting, n.wide); err != nil {
			return err
		}
		if name, err := d.shake(n.newer, n.certified); err != nil || name != d.certs.shown() {
			return fmt.Errorf("with %s = %s: %q, %w", n.setting, n.wide, name, err)
		}
	}
	return nil
}
