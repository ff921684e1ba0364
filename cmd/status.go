package cmd

import (
	"log/slog"
	"net"
	"net/netip"

	"github.com/redistill/redistill/internal/config"
	"github.com/redistill/redistill/internal/status"
)

// statusFiles is how many files serveStatus may keep open.
func statusFiles(v *config.Values) int {
	if v.HTTPBind == "" {
		return 0
	}
	return status.Files
}

// serveStatus lets server answer HTTP requests, if the settings ask for that, until stop is called.
func serveStatus(server *status.Server, v *config.Values, log *slog.Logger) (stop func(), err error) {
	if v.HTTPBind == "" {
		return func() {}, nil
	}
	l, err := net.Listen("tcp", v.HTTPBind)
	if err != nil {
		return nil, err
	}
	if a, err := netip.ParseAddrPort(l.Addr().String()); err == nil && !a.Addr().IsLoopback() {
		log.Warn("health and metrics are served to other machines, without a password", "address", l.Addr().String(), "pprof", v.HTTPProfiles)
	}
	log.Info("serving health and metrics over HTTP", "address", l.Addr().String(), "pprof", v.HTTPProfiles)
	served := make(chan struct{})
	go func() {
		defer close(served)
		if err := server.Serve(l); err != nil {
			log.Error("serving HTTP ended", "error", err)
		}
	}()
	return func() {
		server.Close()
		<-served
	}, nil
}
