package cmd

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/redistill/redistill/internal/config"
)

func newServe() *cobra.Command {
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the server",
		Long:  "Run the server until SIGINT or SIGTERM.\n" + settingsHelp,
		Args:  noArgs,
	}
	flags := addSettingFlags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := flags.load()
		if err != nil {
			return err
		}
		log := newLogger(c.ErrOrStderr(), cfg.Config)
		for _, warning := range cfg.warnings {
			log.Warn(warning)
		}
		ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		return runServe(ctx, cfg.Config, log)
	}
	return c
}

// newLogger logs to w as the settings say, and follows CONFIG SET of the level.
func newLogger(w io.Writer, cfg *config.Config) *slog.Logger {
	level := new(slog.LevelVar)
	level.Set(cfg.Snapshot().LogLevel)
	cfg.OnChange("logging.level", func(next *config.Values) error {
		level.Set(next.LogLevel)
		return nil
	})
	options := &slog.HandlerOptions{Level: level}
	if cfg.Snapshot().LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// logReady writes the one line that says what is served: the addresses as the
// listeners report them, and the name of the I/O path.
func logReady(log *slog.Logger, v *config.Values, addresses []string, ioPath string) {
	limit := "none"
	if v.MaxMemory > 0 {
		limit = config.FormatSize(v.MaxMemory)
	}
	log.Info("ready to accept connections", "listen", addresses, "max_memory", limit,
		"eviction_policy", v.EvictionPolicy, "io", ioPath, "version", currentBuild().version)
}

// runServe serves until ctx ends. It returns nil after an orderly stop, and an
// error if serving could not start.
func runServe(ctx context.Context, cfg *config.Config, log *slog.Logger) error {
	return errors.New("this build has no network server")
}
