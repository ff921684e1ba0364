package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/redistill/redistill/tools/bench"
)

// The exit codes of bench besides exitOK and exitError.
const (
	exitPartial   = 2 // it ended early, with partial results
	exitRegressed = 3 // it found worse figures than the baseline's
)

// benchOptions are the flags of bench, as far as bench.Config has another form.
type benchOptions struct {
	config       bench.Config
	tls          tlsOptions
	profile      string
	profileFile  string
	keys         int
	scale        float64
	valueSize    string
	readRatio    float64
	distribution string
	repeat       int
	spawn        bool
	compare      string
	output       string
	html         string
	baseline     string
	failOver     string
}

const benchHelp = `Measure a server that speaks Redis's protocol.

The target is host:port, redis://[[user]:password@]host[:port][/db], rediss:// for
TLS, the path of a Unix socket (/run/s, ./s or unix:s), or the command of a server
with {port} where its port belongs. With none, this program is started as a server
on a free port and ended afterwards. The password of a target without one is taken
from REDISCLI_AUTH.

The profile's keys are written first (they stay there; use a server whose data may
be lost), then the load runs for the warm-up, and then it is measured. A request is
one command. With --rate, requests are due at fixed times, and latency counts from
the time a request was due.

Profiles:
`

const benchHelpEnd = `
--profile-file reads more of them, in TOML; docs/bench.md shows how.

Exit codes: 0 measured, 1 nothing was measured, 2 the measurement ended early and
the results are partial, 3 worse than the baseline.`

func newBench() *cobra.Command {
	o := &benchOptions{}
	var help strings.Builder
	help.WriteString(benchHelp)
	for _, p := range bench.Profiles() {
		fmt.Fprintf(&help, "  %-9s %s\n", p.Name, p.Summary)
	}
	help.WriteString(benchHelpEnd)
	c := &cobra.Command{
		Use:   "bench [target]",
		Short: "Measure a server: throughput, latency, hit rate, CPU and memory",
		Long:  help.String(),
		Example: `  redistill bench
  redistill bench redis://127.0.0.1:6379 --profile api --duration 30s
  redistill bench --compare 'redis-server --port {port} --save ""' --repeat 5
  redistill bench --rate 50000 --output json > new.json
  redistill bench --repeat 3 --html report.html
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
	fs.StringVar(&o.profileFile, "profile-file", "", "file of profiles in TOML, besides those above")
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
	o.tls.addFlags(fs)
	fs.StringVarP(&o.output, "output", "o", "table", "table, json, csv or gobench")
	completeWords(c, "output", benchOutputs...)
	fs.StringVar(&o.html, "html", "", "file to write a report with charts to, as well")
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
	ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	page, err := createPage(o.html)
	if err != nil {
		return fmt.Errorf("html: %w", err)
	}
	defer page.discard()
	report, err := o.measure(ctx, cfg, args, newProgressBar(c.ErrOrStderr()))
	if report == nil {
		return err
	}
	if werr := writeBench(c.OutOrStdout(), report, o.output); werr != nil {
		return fmt.Errorf("writing the report: %w", werr)
	}
	if werr := page.write(report); werr != nil {
		return fmt.Errorf("html: %w", werr)
	}
	if err != nil {
		return &codeError{exitPartial, fmt.Errorf("the results are partial: %w", err)}
	}
	if old == nil {
		return nil
	}
	if other := report.OtherMachine(old); other != "" {
		fmt.Fprintln(c.ErrOrStderr(), "redistill: "+other)
	}
	return regressed(c.ErrOrStderr(), report.Regressions(old, tolerance))
}

var benchOutputs = []string{"table", "json", "csv", "gobench"}

func writeBench(w io.Writer, r *bench.Report, output string) error {
	switch output {
	case "json":
		return r.WriteJSON(w)
	case "csv":
		return r.WriteCSV(w)
	case "gobench":
		return r.WriteGobench(w)
	}
	return r.WriteText(w)
}

// regressed returns an error for figures that are worse, and tells of those that may be.
func regressed(stderr io.Writer, found []bench.Regression) error {
	var texts []string
	for _, r := range found {
		if r.Unsure != "" {
			fmt.Fprintln(stderr, "redistill: cannot tell: "+r.String())
			continue
		}
		texts = append(texts, r.String())
	}
	if len(texts) == 0 {
		return nil
	}
	return &codeError{exitRegressed, errors.New("worse than the baseline: " + strings.Join(texts, "; "))}
}

// measure starts the servers that have to be, and ends them.
func (o *benchOptions) measure(ctx context.Context, cfg bench.Config, args []string, bar *progressBar) (*bench.Report, error) {
	defer bar.close()
	cfg.Progress = bar.show()
	texts := []string{""}
	if len(args) > 0 {
		texts[0] = args[0]
	}
	if o.compare != "" {
		texts = append(texts, o.compare)
	}
	var targets []bench.Named
	for _, text := range texts {
		t, stop, err := o.openTarget(ctx, text, max(cfg.Connections, cfg.Profile.Connections))
		if err != nil {
			return nil, err
		}
		defer stop()
		targets = append(targets, t)
	}
	report, err := bench.Measure(ctx, cfg, o.repeat, targets...)
	return report, explainPassword(err)
}
