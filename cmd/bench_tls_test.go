package cmd

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redistill/redistill/test/await"
)

// certificate makes a certificate that is its own CA, for a server at 127.0.0.1
// and for clients, and writes it and its key to files in PEM.
func certificate(t *testing.T) (pair tls.Certificate, cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if pair, err = tls.LoadX509KeyPair(cert, key); err != nil {
		t.Fatal(err)
	}
	return pair, cert, key
}

// TestBenchTLS: certificates are checked unless that is refused, and a server that
// asks for one gets the client's.
func TestBenchTLS(t *testing.T) {
	pair, cert, key := certificate(t)
	_, other, otherKey := certificate(t)
	server := &tls.Config{Certificates: []tls.Certificate{pair}}
	address := serveUntil(t, 1<<30, nil, server)
	strict := server.Clone()
	strict.ClientAuth, strict.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
	text, err := os.ReadFile(cert)
	if err != nil || !strict.ClientCAs.AppendCertsFromPEM(text) {
		t.Fatal(err)
	}
	strictAddress := serveUntil(t, 1<<30, nil, strict)
	missing := filepath.Join(t.TempDir(), "none.pem")
	for _, test := range []struct {
		target string
		flags  []string
		want   string // an error, or nothing
	}{
		{"rediss://" + address, []string{"--cacert", cert}, ""},
		{"rediss://" + address, []string{"--insecure"}, ""},
		{"rediss://" + address, nil, "certificate signed by unknown authority"},
		{"rediss://" + address, []string{"--cacert", other}, "failed to verify certificate"},
		{"rediss://" + address, []string{"--cacert", key}, "holds no certificate in PEM"},
		{"rediss://" + address, []string{"--cacert", missing}, "cacert: open "},
		{"rediss://" + address, []string{"--insecure", "--cert", cert}, "cert and key need each other"},
		{"rediss://" + address, []string{"--insecure", "--cert", cert, "--key", otherKey}, "cert and key: "},
		{"redis://" + address, []string{"--cacert", cert}, "need a rediss:// target"},
		{"redis://" + address, nil, "redistill: connecting to redis://" + address},
		{"rediss://" + strictAddress, []string{"--cacert", cert, "--cert", cert, "--key", key}, ""},
		{"rediss://" + strictAddress, []string{"--cacert", cert}, "certificate required"},
		{"rediss://" + serveUntil(t, 0, nil, nil), []string{"--insecure", "--timeout", "50ms"}, "redistill: connecting to rediss://"}, // which never answers
	} {
		var stdout, stderr bytes.Buffer
		args := append([]string{"bench", test.target, "--keys", "10", "--requests", "100", "--warmup", "0s", "--connections", "2", "--timeout", await.Limit.String()}, test.flags...)
		code := run(context.Background(), args, nil, &stdout, &stderr)
		if test.want == "" {
			if code != exitOK || !strings.Contains(stdout.String(), "100 in ") {
				t.Errorf("%v: got exit code %d, %s", args, code, stderr.String())
			}
		} else if code != exitError || !strings.Contains(stderr.String(), test.want) || strings.Count(stderr.String(), "\n") != 1 {
			t.Errorf("%v: got exit code %d, %s", args, code, stderr.String())
		}
	}
}
