package cmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/redistill/redistill/bench"
	"github.com/redistill/redistill/internal/spawn"
)

// The exit codes of bench besides exitOK and exitError.
const (
	exitPartial   = 2 // it ended early, with partial results
	exitRegressed = 3 // it found worse figures than the baseline's
)

// benchOptions are the flags of bench, as far as bench.Config has another form.
type benchOptions struct {
	config       bench.Config
	profile      string
	keys         int
	scale        float64
	valueSize    string
	readRatio    float64
	distribution string
	repeat       int
	spawn        bool
	compare      string
	output       string
	baseline     string
	failOver     string
}

const benchHelp = `Measure a server that speaks Redis's protocol.

The target is redis://[[user]:password@]host[:port][/db], host:port, a path of a
unix socket, or the command of a server with {port} where its port belongs. With
none, this program is started as a server on a free port and ended afterwards. The
password of a target without one is taken from REDISCLI_AUTH.

The profile's keys are written first (they stay there; use a server whose data may
be lost), then the load runs for the warm-up, and then it is measured. A request is
one command. With --rate, requests are due at fixed times, and latency counts from
the time a request was due.

Profiles:
`

func newBench() *cobra.Command {
	o := &benchOptions{}
	var help strings.Builder
	help.WriteString(benchHelp)
	for _, p := range bench.Profiles() {
		fmt.Fprintf(&help, "  %-9s %s\n", p.Name, p.Summary)
	}
	help.WriteString(`
Exit codes: 0 measured, 1 nothing was measured, 2 the measurement ended early and
the results are partial, 3 worse than the baseline.`)
	c := &cobra.Command{
		Use:   "bench [target]",
		Short: "Measure a server: throughput, latency, hit rate, CPU and memory",
		Long:  help.String(),
		Example: `  redistill bench
  redistill bench redis://127.0.0.1:6379 --profile api --duration 30s
  redistill bench --compare 'redis-server --port {port} --save ""' --repeat 5
  redistill bench --rate 50000 --output json > new.json
  redistill bench --baseline old.json --fail-over 10%`,
		Args: func(c *cobra.Command, args []string) error { return usage(c, cobra.MaximumNArgs(1)(c, args)) },
		RunE: func(c *cobra.Command, args []string) error { return o.run(c, args) },
	}
	o.addFlags(c)
	return c
}

func (o *benchOptions) addFlags(c *cobra.Command) {
	fs := c.Flags()
	fs.SortFlags = false
	fs.StringVar(&o.profile, "profile", "session", "what is stored and asked for")
	fs.IntVarP(&o.config.Connections, "connections", "c", 0, "number of connections (default that of the profile)")
	fs.IntVarP(&o.config.Pipeline, "pipeline", "P", 0, "requests of a connection without a reply (default that of the profile)")
	fs.DurationVar(&o.config.Duration, "duration", 0, "how long is measured (default 10s, if --requests is not given)")
	fs.Int64VarP(&o.config.Requests, "requests", "n", 0, "end after so many requests")
	fs.DurationVar(&o.config.Warmup, "warmup", time.Second, "how long the load runs before it is measured")
	fs.Float64Var(&o.config.Rate, "rate", 0, "requests due in a second, 0 for as many as the server answers")
	fs.IntVar(&o.repeat, "repeat", 1, "number of measurements, for median and spread")
	fs.IntVar(&o.config.Threads, "threads", 0, "CPUs that bench itself uses, 0 for all")
	fs.IntVar(&o.keys, "keys", 0, "number of keys (default that of the profile)")
	fs.Float64Var(&o.scale, "scale", 1, "multiplies the profile's number of keys")
	fs.StringVar(&o.valueSize, "value-size", "", "size of values, such as 256, 2KB or 32-256 (default that of the profile)")
	fs.Float64Var(&o.readRatio, "read-ratio", 0, "share of GETs, from 0 to 1; the others are SETs (default that of the profile)")
	fs.StringVar(&o.distribution, "distribution", "", "which keys are asked for: uniform, zipf, hotset (default that of the profile)")
	fs.Uint64Var(&o.config.Seed, "seed", 1, "makes the sequence of requests, a different one for every connection")
	fs.DurationVar(&o.config.Timeout, "timeout", bench.DefaultTimeout, "how long to wait for a reply")
	fs.BoolVar(&o.config.SkipPreload, "no-preload", false, "leave the server's data as it is")
	fs.BoolVar(&o.config.KeepGoing, "keep-going", false, "count error replies and go on")
	fs.BoolVar(&o.spawn, "spawn", false, "start this program as the server, as without a target")
	fs.StringVar(&o.compare, "compare", "", "second target, measured in turn with the first")
	fs.StringVarP(&o.output, "output", "o", "table", "table, json, csv or gobench")
	fs.StringVar(&o.baseline, "baseline", "", "report in JSON to hold the result against")
	fs.StringVar(&o.failOver, "fail-over", "10%", "by how much a median may be worse than in the baseline")
}

// run measures and reports. The servers it started have ended when it writes.
func (o *benchOptions) run(c *cobra.Command, args []string) error {
	cfg, tolerance, err := o.check(c, args)
	if err != nil {
		return usage(c, err)
	}
	old, err := o.readBaseline(cfg)
	if err != nil {
		return fmt.Errorf("baseline %s: %w", o.baseline, err)
	}
	ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	bar := newProgressBar(c.ErrOrStderr())
	cfg.Progress = bar.show()
	report, err := o.measure(ctx, cfg, args)
	bar.clear()
	if report == nil {
		return err
	}
	if werr := writeBench(c.OutOrStdout(), report, o.output); werr != nil {
		return werr
	}
	if err != nil {
		return &codeError{exitPartial, fmt.Errorf("the results are partial: %w", err)}
	}
	if old == nil {
		return nil
	}
	return regressed(report.Regressions(old, tolerance))
}

func regressed(found []bench.Regression) error {
	var texts []string
	for _, r := range found {
		texts = append(texts, r.String())
	}
	if len(texts) == 0 {
		return nil
	}
	return &codeError{exitRegressed, errors.New("worse than the baseline: " + strings.Join(texts, "; "))}
}

// measure starts the servers that have to be, and ends them.
func (o *benchOptions) measure(ctx context.Context, cfg bench.Config, args []string) (*bench.Report, error) {
	target := ""
	if len(args) > 0 {
		target = args[0]
	}
	texts := []string{target}
	if o.compare != "" {
		texts = append(texts, o.compare)
	}
	var targets []bench.Named
	for _, text := range texts {
		t, stop, err := openTarget(ctx, text)
		if err != nil {
			return nil, err
		}
		defer stop()
		targets = append(targets, t)
	}
	return bench.Measure(ctx, cfg, o.repeat, targets...)
}

// openTarget finds or starts the server that text means; see benchHelp.
func openTarget(ctx context.Context, text string) (_ bench.Named, stop func(), _ error) {
	if text != "" && !strings.Contains(text, spawn.PortMark) {
		t, err := bench.ParseTarget(text)
		if t.Password == "" {
			t.Password = os.Getenv("REDISCLI_AUTH")
		}
		return bench.Named{Name: t.String(), Target: t}, func() {}, err
	}
	name, command := text, fields(text)
	if text == "" {
		self, err := os.Executable()
		if err != nil {
			return bench.Named{}, nil, err
		}
		name, command = "redistill", []string{self, "serve", "--bind", "127.0.0.1", "--port", spawn.PortMark, "--password", ""}
	}
	s, err := spawn.Start(ctx, nil, command...)
	if err != nil {
		return bench.Named{}, nil, err
	}
	return bench.Named{Name: name, Target: bench.Target{Network: "tcp", Address: s.Address}}, s.Stop, nil
}

// fields splits a command at spaces. A word of two quotes is an empty argument;
// there is no other quoting.
func fields(text string) []string {
	words := strings.Fields(text)
	for i, w := range words {
		if w == `''` || w == `""` {
			words[i] = ""
		}
	}
	return words
}

// check turns flags and arguments into a Config, and the tolerance as a share.
func (o *benchOptions) check(c *cobra.Command, args []string) (cfg bench.Config, tolerance float64, _ error) {
	cfg = o.config
	profile, err := bench.FindProfile(o.profile)
	if err != nil {
		return cfg, 0, err
	}
	over, err := o.overrides(c)
	if err != nil {
		return cfg, 0, err
	}
	if cfg.Profile, err = profile.With(over); err != nil {
		return cfg, 0, err
	}
	for _, name := range []string{"connections", "pipeline", "requests", "duration", "timeout"} {
		if f := c.Flags().Lookup(name); f.Changed && (f.Value.String() == "0" || f.Value.String() == "0s") {
			return cfg, 0, fmt.Errorf("%s must not be 0", name)
		}
	}
	if o.repeat < 1 {
		return cfg, 0, errors.New("repeat must be at least 1")
	}
	if o.spawn && len(args) > 0 {
		return cfg, 0, errors.New("a target and --spawn exclude each other")
	}
	if !slices.Contains(benchOutputs, o.output) {
		return cfg, 0, fmt.Errorf("unknown output %q; there are %s", o.output, strings.Join(benchOutputs, ", "))
	}
	if tolerance, err = parsePercent(o.failOver); err != nil {
		return cfg, 0, err
	}
	for _, target := range append([]string{o.compare}, args...) {
		if target == "" || strings.Contains(target, spawn.PortMark) {
			continue
		}
		if _, err := bench.ParseTarget(target); err != nil {
			return cfg, 0, err
		}
	}
	return cfg, tolerance, cfg.Validate()
}

func (o *benchOptions) overrides(c *cobra.Command) (bench.Overrides, error) {
	over := bench.Overrides{Keys: o.keys, Scale: o.scale}
	if c.Flags().Changed("keys") && o.keys < 1 {
		return over, errors.New("keys must be at least 1")
	}
	if !(o.scale > 0 && o.scale <= 1e6) {
		return over, errors.New("scale must be more than 0")
	}
	if c.Flags().Changed("read-ratio") {
		over.ReadRatio = &o.readRatio
	}
	if o.distribution != "" {
		d, err := bench.ParseDistribution(o.distribution)
		if err != nil {
			return over, err
		}
		over.Distribution = &d
	}
	if o.valueSize == "" {
		return over, nil
	}
	low, high, isRange := strings.Cut(o.valueSize, "-")
	if !isRange {
		high = low
	}
	var ok1, ok2 bool
	over.MinSize, ok1 = parseBytes(low)
	over.MaxSize, ok2 = parseBytes(high)
	if !ok1 || !ok2 || over.MinSize < 1 {
		return over, fmt.Errorf("value-size %q is not a size such as 256, 2KB or 32-256", o.valueSize)
	}
	return over, nil
}

// parseBytes reads a size of a thing, whose KB are 1000 bytes and KiB 1024.
func parseBytes(text string) (int, bool) {
	unit := 1
	for _, u := range []struct {
		suffix string
		bytes  int
	}{{"MiB", 1 << 20}, {"KiB", 1 << 10}, {"MB", 1e6}, {"KB", 1e3}, {"B", 1}} {
		if number, ok := strings.CutSuffix(text, u.suffix); ok {
			text, unit = number, u.bytes
			break
		}
	}
	n, err := strconv.ParseUint(text, 10, 31)
	return int(n) * unit, err == nil
}

// parsePercent reads "10%" as 0.1.
func parsePercent(text string) (float64, error) {
	f, err := strconv.ParseFloat(strings.TrimSuffix(text, "%"), 64)
	if err != nil || !strings.HasSuffix(text, "%") || !(f >= 0 && f <= 1000) {
		return 0, fmt.Errorf("fail-over %q is not a percentage such as 10%%", text)
	}
	return f / 100, nil
}

// readBaseline returns nil when none is asked for.
func (o *benchOptions) readBaseline(cfg bench.Config) (*bench.Report, error) {
	if o.baseline == "" {
		return nil, nil
	}
	f, err := os.Open(o.baseline)
	if err != nil {
		return nil, errors.Unwrap(err) // without the name
	}
	defer func() { _ = f.Close() }() // it is only read
	old, err := bench.ReadBaseline(f)
	if err != nil {
		return nil, err
	}
	return old, bench.CheckBaseline(old, cfg)
}
