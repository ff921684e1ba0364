package cmd

import (
	"crypto/tls"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/redistill/redistill/internal/certs"
	"github.com/redistill/redistill/internal/config"
	"github.com/redistill/redistill/netserver"
	"github.com/redistill/redistill/tools/spawn"
)

// openCertificates reads the certificate that the settings name, and follows CONFIG SET of them. It returns nil if TLS is off.
func openCertificates(cfg *config.Config, log *slog.Logger) (*certs.Keeper, error) {
	v := cfg.Values()
	if !v.TLS() {
		return nil, nil
	}
	keeper, err := certs.Open(certOptions(v), log)
	if err != nil {
		return nil, noTLS(err)
	}
	for _, s := range config.Settings() {
		if s.Mutable && strings.HasPrefix(s.Key, "security.tls_") {
			cfg.OnChangeRead(s.Key, func(next *config.Values) error { return keeper.Set(certOptions(next)) })
		}
	}
	return keeper, nil
}

func certOptions(v *config.Values) certs.Options {
	o := certs.Options{
		Cert: v.TLSCertPath, Key: v.TLSKeyPath, ClientRequired: v.TLSClientAuth == "required",
		MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS13, CipherSuites: v.CipherSuites(),
	}
	if v.TLSClientAuth != "off" {
		o.ClientCA = v.TLSClientCA
	}
	switch v.TLSProtocols {
	case "TLSv1.2":
		o.MaxVersion = tls.VersionTLS12
	case "TLSv1.3":
		o.MinVersion = tls.VersionTLS13
	}
	return o
}

// certificateStatus returns what command.Options.Certificate is to be.
func certificateStatus(keeper *certs.Keeper) func() (time.Time, uint64) {
	if keeper == nil {
		return nil
	}
	return func() (time.Time, uint64) { return keeper.NotAfter(), keeper.Failures() }
}

// endpoints returns where to listen. keeper is nil without TLS.
func endpoints(v *config.Values, keeper *certs.Keeper) netserver.Endpoints {
	at := netserver.Endpoints{
		Addresses: v.Bind, Unix: v.UnixSocket, UnixMode: v.UnixSocketMode, Backlog: v.TCPBacklog,
	}
	if keeper != nil {
		at.TLS = keeper.Config()
	}
	plain, secure := v.Ports()
	at.Port, at.TLSPort = portToBind(plain), portToBind(secure)
	return at
}

// portToBind writes a port of the settings as netserver does.
func portToBind(port int) int {
	switch port {
	case 0:
		return netserver.NoPort
	case config.AutoPort:
		return 0
	}
	return port
}

// listen binds the ports and the Unix socket, and says which ports the system chose.
func listen(cfg *config.Config, keeper *certs.Keeper, log *slog.Logger) ([]net.Listener, error) {
	listeners, err := netserver.Listen(endpoints(cfg.Values(), keeper))
	if err != nil {
		return nil, err
	}
	port, tlsPort := cfg.Listening(netserver.Ports(listeners))
	var words []any
	if port > 0 {
		words = append(words, "port", port)
	}
	if tlsPort > 0 {
		words = append(words, "tls_port", tlsPort)
	}
	if len(words) > 0 {
		log.Info(spawn.ChosenPort, words...)
	}
	return listeners, nil
}
