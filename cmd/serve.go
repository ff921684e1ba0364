package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/redistill/redistill/command"
	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/config"
	"github.com/redistill/redistill/internal/logwriter"
	"github.com/redistill/redistill/internal/status"
	"github.com/redistill/redistill/netserver"
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
		out := logwriter.New(c.ErrOrStderr())
		defer out.Close()
		log := newLogger(out, cfg.Config)
		out.Tell = func(lost int64) {
			log.Warn("lines are missing here: the log could not be written", "lines", lost)
		}
		for _, warning := range cfg.warnings {
			log.Warn(warning)
		}
		ctx, s := newStopper(c.Context(), cfg.Config, log)
		defer s.release()
		return runServe(ctx, cfg, log, s)
	}
	return c
}

// newLogger logs to w as the settings say, and follows CONFIG SET of the level.
func newLogger(w io.Writer, cfg *config.Config) *slog.Logger {
	level := new(slog.LevelVar)
	level.Set(cfg.Values().LogLevel)
	cfg.OnChange("logging.level", func(next *config.Values) error {
		level.Set(next.LogLevel)
		return nil
	})
	options := &slog.HandlerOptions{Level: level}
	if cfg.Values().LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// logReady writes the one line that says what is served: the addresses as the
// listeners report them, and the name of the I/O path, with the reason if it
// is not the best one.
func logReady(log *slog.Logger, v *config.Values, addresses []string, ioPath, fallback string) {
	limit := "none"
	if v.MaxMemory > 0 {
		limit = config.FormatSize(v.MaxMemory)
	}
	words := []any{"listen", addresses, "max_memory", limit, "eviction_policy", v.EvictionPolicy, "io", ioPath}
	if fallback != "" {
		words = append(words, "io_fallback", fallback)
	}
	log.Info("ready to accept connections", append(words, "version", currentBuild().version)...)
}

// runServe serves until ctx ends, which s brings about. It returns nil after a
// stop, and an error if serving could not start.
func runServe(ctx context.Context, sources *loaded, log *slog.Logger, s *stopper) error {
	cfg := sources.Config
	v := cfg.Values()
	if err := checkSettings(cfg); err != nil {
		return err
	}
	var opened closers
	defer opened.close()
	ioPath, fallback, err := netserver.ChoosePath(v.IO)
	if err != nil {
		return err
	}
	keeper, err := openCertificates(cfg, log)
	if err != nil {
		return err
	}
	if keeper != nil {
		opened.add(keeper.Close)
	}
	checkMemory(log, v)
	store, err := openStore(v)
	if err != nil {
		return err
	}
	commands := command.NewServer(command.Options{
		Store: store, Config: cfg, Log: log, Version: currentBuild().version, IO: ioPath, IOFallback: fallback,
		Shutdown: s.stop, Certificate: certificateStatus(keeper), Rewrite: sources.rewriter(),
	})
	opened.add(func() {
		if !commands.IsCutOff() { // else a command may still look at the memory, which goes with the process
			store.Close()
		}
	})
	opened.add(commands.Close)
	if err := commands.LoadUsers(); err != nil {
		return err
	}
	listeners, err := listen(cfg, keeper, log)
	if err != nil {
		return err
	}
	opened.add(func() { closeListeners(listeners) })
	s.commands.Store(commands)
	observer := status.New(status.Options{Observe: commands.Observe, Log: log, Profiles: v.HTTPProfiles})
	stopStatus, err := serveStatus(observer, v, log)
	if err != nil {
		return err
	}
	opened.add(stopStatus)
	opened.add(onHangup(func() { reload(cfg, sources.again, keeper, log) }))
	server := netserver.New(netserver.Options{Commands: commands, Path: ioPath, Loops: v.Threads, Others: statusFiles(v)})
	if err := server.FitConnections(); err != nil {
		return err
	}
	err = serve(ctx, server, listeners, commands, observer, cfg)
	commands.AwaitReload()
	if err != nil || commands.Loading() || !s.saves() {
		return err
	}
	return commands.SaveAtEnd()
}

// closers close what was opened so far.
type closers []func()

func (c *closers) add(f func()) { *c = append(*c, f) }

// close calls them, the last one first.
func (c *closers) close() {
	for _, f := range slices.Backward(*c) {
		f()
	}
}

// serve loads the snapshot and serves clients until ctx ends. It returns nil after a stop.
func serve(ctx context.Context, server *netserver.Server, listeners []net.Listener, commands *command.Server, observer *status.Server,
	cfg *config.Config) error {
	log, v := commands.Log, cfg.Values()
	addresses := addressesOf(listeners)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listeners...) }()
	if err := load(ctx, commands); err != nil {
		shutDown(server, commands, v.ShutdownGracePeriod)
		if e := <-served; !errors.Is(e, netserver.ErrServerClosed) {
			err = errors.Join(err, e)
		}
		return err
	}
	if ctx.Err() == nil {
		trimProgram() // before anybody looks at the memory
		logReady(log, v, addresses, commands.IO, commands.IOFallback)
		observer.SetState(status.Ready)
		if err := notifyReady(); err != nil {
			log.Warn("the service manager could not be told that the server is ready", "error", err)
		}
	}
	select {
	case <-ctx.Done():
	case err := <-served:
		return err
	}
	observer.SetState(status.Draining)
	shutDown(server, commands, cfg.Values().ShutdownGracePeriod)
	if err := <-served; !errors.Is(err, netserver.ErrServerClosed) {
		return err
	}
	return nil
}

// load loads the snapshot, while clients are told so, until ctx ends. It returns an error
// if the server must not go on.
func load(ctx context.Context, commands *command.Server) error {
	var err error
	loaded := make(chan struct{})
	go func() {
		defer close(loaded)
		err = commands.Load()
	}()
	select {
	case <-loaded:
	case <-ctx.Done():
		commands.StopLoading()
		<-loaded
		return nil
	}
	if err != nil {
		return fmt.Errorf("the snapshot was refused, and left as it is: %w", err)
	}
	return nil
}

// checkMemory warns of a limit that is above what the machine or its cgroup has.
func checkMemory(log *slog.Logger, v *config.Values) {
	if v.MaxMemory > v.Memory.Bytes && v.Memory.Bytes > 0 {
		log.Warn("max_memory is more than there is: the system may end the process before the limit is reached",
			"max_memory", config.FormatSize(v.MaxMemory), "memory", config.FormatSize(v.Memory.Bytes), "from", v.Memory.From)
	}
}

func openStore(v *config.Values) (*engine.Store, error) {
	policy, ok := engine.ParsePolicy(v.EvictionPolicy)
	if !ok {
		return nil, fmt.Errorf("unknown eviction policy %q", v.EvictionPolicy)
	}
	weight, ok := engine.ParseWeight(v.EvictionWeight)
	if !ok {
		return nil, fmt.Errorf("unknown eviction weight %q", v.EvictionWeight)
	}
	return engine.Open(engine.Options{MaxMemory: v.MaxMemory, Policy: policy, Weight: weight})
}

func addressesOf(listeners []net.Listener) []string {
	var addresses []string
	for _, l := range listeners {
		addresses = append(addresses, netserver.Address(l))
	}
	return addresses
}

// closeListeners closes those that are open. The others were served, and are
// closed by the server.
func closeListeners(listeners []net.Listener) {
	for _, l := range listeners {
		_ = l.Close() // it says so if it is closed already
	}
}

// shutDown stops the server. Commands that take longer than the grace period
// are cut off, which is no failure of the stop.
func shutDown(server *netserver.Server, commands *command.Server, grace time.Duration) {
	log := commands.Log
	log.Info("shutting down", "grace_period", grace)
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		commands.CutOff()
		log.Warn("the grace period is over: connections were closed while commands ran")
	}
	log.Info("stopped")
}
