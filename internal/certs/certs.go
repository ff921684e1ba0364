// Package certs keeps the certificate that a server shows to its TLS clients, and takes a new one when its files change.
//
// # Rotation
//
// What is in use is a material: certificate, key, and the authorities of client certificates, read together. Each handshake takes the
// material of that moment, so that a new one needs neither a new listener nor the end of any connection.
//
// Files are replaced in many ways: written in place, renamed over the old ones, or by a symbolic link that comes to lead elsewhere, as
// Kubernetes does for all files of a volume at once. So not the files are watched but the directories that they are in, and that their
// links lead to. Any event there only makes the Keeper read the files a moment later, when both certificate and key have arrived; if
// nothing in them is new, nothing happens. Where the system has no events, as on network filesystems, they are read once a minute.
//
// What cannot be used, such as a key of another certificate, is logged once and counted, and the old material stays.
package certs

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Options say what to read and what to ask of clients.
type Options struct {
	Cert, Key      string   // PEM files; Cert holds the server's certificate and those between it and its authority
	ClientCA       string   // PEM file of authorities; empty: clients are asked for no certificate
	ClientRequired bool     // a client without a certificate is refused; needs ClientCA
	MinVersion     uint16   // tls.VersionTLS12 or tls.VersionTLS13
	MaxVersion     uint16   // likewise
	CipherSuites   []uint16 // of TLS 1.2; nil for Go's own choice
}

// material is what one reading of the files gave. It is never changed.
type material struct {
	config *tls.Config
	leaf   *x509.Certificate
	sum    [sha256.Size]byte // of the files and options
}

// Keeper holds the material in use. Its methods may be called from any goroutine.
type Keeper struct {
	log      *slog.Logger
	current  atomic.Pointer[material]
	failures atomic.Uint64

	mu      sync.Mutex        // held while files are read; guards the fields below
	options Options           // of the material in use
	tried   [sha256.Size]byte // what the files were when they were read last, whether they could be used or not
	watch   *watcher

	stop    chan struct{} // closed by Close
	stopped chan struct{} // closed when the files are not watched any more
}

// Check reads the files and says what is wrong with them.
func Check(o Options) error {
	_, err := read(o)
	return err
}

// Open reads the files and watches them until Close. The error says what is wrong with them.
func Open(o Options, log *slog.Logger) (*Keeper, error) { return openWith(o, log, pollPeriod) }

// openWith is Open with another time between two looks at files that no event told of.
func openWith(o Options, log *slog.Logger, poll time.Duration) (*Keeper, error) {
	m, err := read(o)
	if err != nil {
		return nil, err
	}
	k := &Keeper{log: log, options: o, tried: m.sum, watch: newWatcher(log), stop: make(chan struct{}), stopped: make(chan struct{})}
	k.use(m)
	k.watch.add(o.directories())
	go k.follow(poll)
	return k, nil
}

// Close ends the watching of the files. The material stays in use.
func (k *Keeper) Close() {
	close(k.stop)
	<-k.stopped
}

// Config returns a configuration for listeners, which gives each handshake the material of its moment. Replies are written in records as
// large as TLS allows.
func (k *Keeper) Config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return k.current.Load().config, nil
		},
	}
}

// NotAfter returns when the certificate in use expires.
func (k *Keeper) NotAfter() time.Time { return k.current.Load().leaf.NotAfter }

// Failures returns how often files were found that could not be used.
func (k *Keeper) Failures() uint64 { return k.failures.Load() }

// Reload reads the files again. Material that cannot be used is logged, counted and returned as an error; the old one stays then.
func (k *Keeper) Reload() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.reload(k.options)
}

// Set is Reload with other options, which stay as they were if it fails.
func (k *Keeper) Set(o Options) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.reload(o); err != nil {
		return err
	}
	k.options = o
	return nil
}

// check is Reload, unless the files are as they were the last time.
func (k *Keeper) check() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.options.fingerprint() != k.tried {
		_ = k.reload(k.options) // logged there
	}
	k.watch.add(k.options.directories()) // links may lead elsewhere now
}

// reload is Reload for the given options. k.mu is held.
func (k *Keeper) reload(o Options) error {
	k.tried = o.fingerprint()
	m, err := read(o)
	if err != nil {
		k.failures.Add(1)
		k.log.Error("the TLS certificate cannot be used, the one before stays", "error", err, "not_after", k.NotAfter())
		return err
	}
	k.watch.add(o.directories())
	if m.sum != k.current.Load().sum {
		k.use(m)
	}
	return nil
}

// use brings material into use.
func (k *Keeper) use(m *material) {
	k.current.Store(m)
	words := []any{"subject", m.leaf.Subject.String(), "not_after", m.leaf.NotAfter, "serial", m.leaf.SerialNumber.Text(16)}
	if time.Now().After(m.leaf.NotAfter) {
		k.log.Warn("the TLS certificate has expired", words...)
		return
	}
	k.log.Info("TLS certificate in use", words...)
}

// read makes material of the files.
func read(o Options) (*material, error) {
	if o.Cert == "" || o.Key == "" {
		return nil, errors.New("TLS needs a certificate and its key: set security.tls_cert_path and security.tls_key_path")
	}
	sum, files, err := o.readFiles()
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(files[0], files[1])
	if err != nil && bytes.Contains(files[1], []byte("ENCRYPTED")) {
		return nil, fmt.Errorf("%s: the key is encrypted, decrypt it with 'openssl pkey'", o.Key)
	}
	if err != nil {
		return nil, fmt.Errorf("%s and %s: %w", o.Cert, o.Key, err)
	}
	c := &tls.Config{
		Certificates: []tls.Certificate{pair}, MinVersion: o.MinVersion, MaxVersion: o.MaxVersion,
		CipherSuites: o.CipherSuites, DynamicRecordSizingDisabled: true,
	}
	if o.ClientCA != "" {
		c.ClientCAs, c.ClientAuth = x509.NewCertPool(), tls.VerifyClientCertIfGiven
		if o.ClientRequired {
			c.ClientAuth = tls.RequireAndVerifyClientCert
		}
		// A ticket would stand for a certificate whose authority may have been taken back since.
		c.SessionTicketsDisabled = true
		if !c.ClientCAs.AppendCertsFromPEM(files[2]) {
			return nil, fmt.Errorf("%s: no certificate in it", o.ClientCA)
		}
	}
	return &material{config: c, leaf: pair.Leaf, sum: sum}, nil
}

// fingerprint tells states of the files apart.
func (o Options) fingerprint() [sha256.Size]byte {
	sum, _, err := o.readFiles()
	if err != nil {
		return sha256.Sum256([]byte(err.Error()))
	}
	return sum
}

// readFiles returns the bytes of Cert, Key and, if it is set, ClientCA, and a sum of them and of the other options.
func (o Options) readFiles() (sum [sha256.Size]byte, files [][]byte, err error) {
	names := []string{o.Cert, o.Key}
	if o.ClientCA != "" {
		names = append(names, o.ClientCA)
	}
	h := sha256.New()
	fmt.Fprint(h, o.ClientRequired, o.MinVersion, o.MaxVersion, o.CipherSuites)
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			return sum, nil, err
		}
		fmt.Fprintf(h, " %d ", len(b))
		_, _ = h.Write(b) // a hash takes everything
		files = append(files, b)
	}
	h.Sum(sum[:0])
	return sum, files, nil
}
