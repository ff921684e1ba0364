package cmd

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/pflag"
)

// tlsOptions are the flags about TLS, named as redis-cli names them.
type tlsOptions struct {
	ca, cert, key string
	insecure      bool
}

func (o *tlsOptions) addFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.ca, "cacert", "", "file of the CAs that a rediss:// target is to be signed by (default the system's)")
	fs.StringVar(&o.cert, "cert", "", "file of the client's certificate, for a rediss:// target")
	fs.StringVar(&o.key, "key", "", "file of the client's private key")
	fs.BoolVar(&o.insecure, "insecure", false, "do not check the certificate of a rediss:// target")
}

// check says whether the flags fit together and to the targets.
func (o *tlsOptions) check(anyTLS bool) error {
	switch {
	case (o.cert == "") != (o.key == ""):
		return errors.New("cert and key need each other")
	case *o != (tlsOptions{}) && !anyTLS:
		return errors.New("cacert, cert, key and insecure need a rediss:// target")
	}
	return nil
}

// apply reads the files into cfg.
func (o *tlsOptions) apply(cfg *tls.Config) error {
	cfg.InsecureSkipVerify = o.insecure
	if o.ca != "" {
		text, err := os.ReadFile(o.ca)
		if err != nil {
			return fmt.Errorf("cacert: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(text) {
			return fmt.Errorf("cacert: %s holds no certificate in PEM", o.ca)
		}
	}
	if o.cert != "" {
		pair, err := tls.LoadX509KeyPair(o.cert, o.key)
		if err != nil {
			return fmt.Errorf("cert and key: %w", err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return nil
}
