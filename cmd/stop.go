package cmd

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"

	"github.com/redistill/redistill/command"
	"github.com/redistill/redistill/internal/config"
)

// stopper has the server end when a signal or a client says so.
type stopper struct {
	log      *slog.Logger
	config   *config.Config
	cancel   context.CancelFunc             // ends the server
	commands atomic.Pointer[command.Server] // nil before there are clients
	asked    atomic.Pointer[bool]           // whether a snapshot is wanted; nil if that is for the settings to say
	signals  chan os.Signal
	heeded   atomic.Bool // a signal ends the server
}

// newStopper returns a stopper, and a context that ends when the server has to. Its method release
// must be called when it has ended.
func newStopper(ctx context.Context, cfg *config.Config, log *slog.Logger) (context.Context, *stopper) {
	ctx, cancel := context.WithCancel(ctx)
	s := &stopper{log: log, config: cfg, cancel: cancel, signals: make(chan os.Signal, 1)}
	signal.Notify(s.signals, syscall.SIGINT, syscall.SIGTERM)
	go s.follow(ctx)
	return ctx, s
}

// follow waits for signals until the server ends. While it stops, SIGINT ends the process at once,
// as in Redis. SIGTERM may come again until the process has ended, because supervisors send it to
// the process and to its group: the snapshot at the end must not be lost by that.
func (s *stopper) follow(ctx context.Context) {
	for {
		select {
		case sig := <-s.signals:
			signal.Reset(syscall.SIGINT)
			s.heeded.Store(true)
			err := s.heed(sig)
			if err == nil {
				return
			}
			s.heeded.Store(false)
			s.log.Error("the server was told to stop, and goes on, because the snapshot cannot be written; "+
				"SHUTDOWN NOSAVE stops it without one", "signal", sig.String(), "error", err)
			signal.Notify(s.signals, syscall.SIGINT)
		case <-ctx.Done():
			signal.Reset(syscall.SIGINT)
			return
		}
	}
}

// heed does what a signal asks for. An error says why the server goes on.
func (s *stopper) heed(sig os.Signal) error {
	commands := s.commands.Load()
	if commands == nil {
		// There is nothing to lose, and the start may hang: the next signal ends the process.
		signal.Stop(s.signals)
		s.cancel()
		return nil
	}
	s.log.Info("told to stop", "signal", sig.String())
	v := s.config.Values()
	if sig == syscall.SIGINT {
		return commands.Stop(v.ShutdownOnSIGINT)
	}
	return commands.Stop(v.ShutdownOnSIGTERM)
}

// stop ends the server, with a snapshot or without.
func (s *stopper) stop(save bool) {
	s.asked.Store(&save)
	s.cancel()
}

// saves reports whether there is to be a snapshot in the end.
func (s *stopper) saves() bool {
	if p := s.asked.Load(); p != nil {
		return *p
	}
	v := s.config.Values()
	return v.Persistence && v.SaveOnShutdown
}

// release gives the signals back to the system, unless one of them has ended the server: that one
// may come again until the process has ended.
func (s *stopper) release() {
	s.cancel()
	if !s.heeded.Load() {
		signal.Stop(s.signals)
	}
}
