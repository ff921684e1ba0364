package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/redistill/redistill/internal/config"
	"github.com/redistill/redistill/tools/client"
	"github.com/redistill/redistill/tools/stats"
)

// statsOptions are what 'redistill stats' was asked for.
type statsOptions struct {
	target   string
	interval time.Duration
	timeout  time.Duration
	output   string
	checks   []string
	watch    bool
	tls      tlsOptions
}

const statsHelp = `Print how a Redis-compatible server is: hit rate, operations, memory and the
distance to its limit, evictions and expirations, connections, keyspace, and
the commands that take the most time, from INFO and LATENCY.

The target is host:port, redis://[[user]:password@]host[:port], rediss:// for TLS,
or the path of a Unix socket (/run/s, ./s or unix:s); without one, $REDIS_URL, or
the server that 'redistill serve' runs here with the same environment ($REDIS_PORT
and so on). The password is taken from the target, else from $REDISCLI_AUTH, else
asked for on the terminal. The list of processes does not show one that is in the
target, but shells remember it.

With --watch, the whole terminal shows what happens, every second or --interval,
until q or Ctrl-C; when the server goes away, the last figures stay until it is
back.

With --interval, two samples are taken that far apart, and a second column
shows what happened between them. With --check, only the checks are printed
(or all, with --output json), and the exit code is 2 if one fails; over an
interval, if there is one. A value that is not known, such as the hit rate
before the first read, fails. The metrics that can be checked are the names
that '--output csv' prints.`

func newStats() *cobra.Command {
	o := &statsOptions{}
	c := &cobra.Command{
		Use:   "stats [target]",
		Short: "Print how a server is doing, or check it",
		Long:  statsHelp,
		Example: `  redistill stats --interval 5s
  redistill stats --watch
  redistill stats redis://10.0.0.5:6379 --output json
  redistill stats --check 'hit_rate>85%' --check 'memory<90%'`,
		Args: func(c *cobra.Command, args []string) error { return usage(c, cobra.MaximumNArgs(1)(c, args)) },
	}
	fs := c.Flags()
	fs.SortFlags = false
	fs.BoolVar(&o.watch, "watch", false, "show a live screen")
	fs.DurationVar(&o.interval, "interval", 0, "`time` between two samples, such as 5s; 0 takes one")
	fs.StringArrayVar(&o.checks, "check", nil, "`bound` that a metric has to keep, such as 'memory<90%'; may be repeated")
	fs.StringVar(&o.output, "output", "table", "`form` of the output: table, json or csv")
	fs.DurationVar(&o.timeout, "timeout", 5*time.Second, "`time` to wait for the server at each step")
	o.tls.addFlags(fs)
	completeWords(c, "output", "table", "json", "csv")
	c.ValidArgsFunction = cobra.NoFileCompletions
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			o.target = args[0]
		}
		return runStats(c.Context(), o, c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr())
	}
	return c
}

// runStats asks the server and writes what it says.
func runStats(ctx context.Context, o *statsOptions, stdin io.Reader, stdout, stderr io.Writer) error {
	checks, err := o.parse()
	if err != nil {
		return err
	}
	if o.watch && !isTerminal(stdout) {
		return errors.New("--watch: the output is not a terminal")
	}
	target, err := o.findTarget()
	if err != nil {
		return err
	}
	conn, err := connectStats(ctx, &target, o.timeout, stdin, stderr)
	if err != nil {
		return err
	}
	if o.watch {
		return watchStats(ctx, o, conn, target, stdin, stdout)
	}
	defer conn.Close()
	report, err := sampleStats(ctx, conn, target, o.interval)
	if err != nil {
		return fmt.Errorf("%s: %w", target, err)
	}
	results := make([]stats.Result, len(checks))
	for i, c := range checks {
		results[i] = c.Apply(report)
	}
	if err := writeStats(stdout, o, report, results); err != nil {
		return err
	}
	return failedChecks(results)
}

// parse validates the options and reads the checks.
func (o *statsOptions) parse() ([]stats.Check, error) {
	switch {
	case o.interval < 0:
		return nil, errors.New("--interval: must not be negative")
	case o.timeout <= 0:
		return nil, errors.New("--timeout: must be positive")
	case o.output != "table" && o.output != "json" && o.output != "csv":
		return nil, fmt.Errorf("--output: %q is not table, json or csv", o.output)
	case o.watch && (o.output != "table" || len(o.checks) > 0):
		return nil, errors.New("--watch: excludes --check and other outputs")
	}
	var checks []stats.Check
	for _, text := range o.checks {
		c, err := stats.ParseCheck(text)
		if err != nil {
			return nil, err
		}
		checks = append(checks, c)
	}
	return checks, nil
}

// findTarget returns the target with all that flags and environment say of it.
func (o *statsOptions) findTarget() (t client.Target, err error) {
	if text := cmp.Or(o.target, os.Getenv("REDIS_URL")); text != "" {
		t, err = client.ParseTarget(text)
	} else {
		t, err = localServer()
	}
	if err == nil {
		err = o.tls.check(t.TLS != nil)
	}
	if err != nil {
		return t, err
	}
	t.DB = 0 // INFO tells of the whole server
	err = completeTarget(&t, &o.tls)
	return t, err
}

// localServer is the one that 'redistill serve' runs with the same environment.
func localServer() (client.Target, error) {
	cfg, err := config.Load(config.DetectMemory(), config.ParseEnvironment(os.Environ()).Assignments())
	if err != nil {
		return client.Target{}, err
	}
	v := cfg.Values()
	address, err := localURL(v)
	if err != nil {
		return client.Target{}, err
	}
	t, err := client.ParseTarget(address)
	t.Password = cmp.Or(os.Getenv("REDISCLI_AUTH"), v.Password)
	return t, err
}

// localURL is where a server with these settings is found from this machine.
func localURL(v *config.Values) (string, error) {
	at := func(port int) string { return net.JoinHostPort(reachable(v.Bind), strconv.Itoa(port)) }
	plain, secure := v.Ports()
	switch {
	case plain > 0:
		return "redis://" + at(plain), nil
	case secure > 0:
		return "rediss://" + at(secure), nil
	case v.UnixSocket != "":
		path, err := filepath.Abs(v.UnixSocket)
		return (&url.URL{Scheme: "unix", Path: path}).String(), err
	case plain == 0 && secure == 0:
		return "", errNowhere
	}
	return "", errors.New("the server chooses its port: name it, as in 'redistill stats 127.0.0.1:6379'")
}

// reachable is the address at which a program on the same machine finds a server
// that listens on these.
func reachable(addresses []string) string {
	for _, a := range addresses {
		switch a {
		case "0.0.0.0":
			return "127.0.0.1"
		case "::":
			return "::1"
		}
	}
	return addresses[0]
}

// connectStats connects, and asks for a password if one is wanted and there is
// a terminal to ask on. It enters the password into the target.
func connectStats(ctx context.Context, t *client.Target, timeout time.Duration, stdin io.Reader, stderr io.Writer) (*client.Conn, error) {
	conn, err := stats.Connect(ctx, *t, timeout)
	if !errors.Is(err, client.ErrPassword) {
		return conn, err
	}
	if !isTerminal(stdin) {
		return nil, explainPassword(err)
	}
	if t.Password, err = askPassword(int(stdin.(*os.File).Fd()), stdin, stderr, "Password for "+t.String()+": "); err != nil {
		return nil, fmt.Errorf("reading the password: %w", err)
	}
	return stats.Connect(ctx, *t, timeout)
}

// askPassword reads a line from a terminal, which shows nothing of it: not even
// what is typed the moment that the prompt appears.
func askPassword(fd int, stdin io.Reader, stderr io.Writer, prompt string) (string, error) {
	before, err := term.MakeRaw(fd)
	if err != nil {
		return "", err
	}
	defer func() { _ = term.Restore(fd, before) }() // nothing is left to do about it
	return term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{stdin, stderr}, "").ReadPassword(prompt)
}

// sampleStats takes one sample, or two that are interval apart.
func sampleStats(ctx context.Context, conn *client.Conn, t client.Target, interval time.Duration) (*stats.Report, error) {
	now, err := stats.Take(conn)
	if err != nil || interval == 0 {
		if err != nil {
			return nil, err
		}
		return stats.NewReport(t.String(), nil, now)
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(interval):
	}
	before := now
	if now, err = stats.Take(conn); err != nil {
		return nil, err
	}
	return stats.NewReport(t.String(), before, now)
}

// writeStats writes a report, or, to a terminal, only the checks if there are
// any.
func writeStats(w io.Writer, o *statsOptions, r *stats.Report, results []stats.Result) error {
	switch {
	case o.output == "json":
		return r.WriteJSON(w, results)
	case o.output == "csv":
		return r.WriteCSV(w)
	case len(results) > 0:
		return stats.WriteResults(w, results)
	}
	return r.WriteText(w)
}

// failedChecks is the error of the checks that failed, if any.
func failedChecks(results []stats.Result) error {
	var failed []string
	for _, r := range results {
		if !r.OK {
			failed = append(failed, fmt.Sprintf("%s (is %s)", r.Check, r.Actual))
		}
	}
	if len(failed) == 0 {
		return nil
	}
	return &codeError{exitCheck, fmt.Errorf("failed: %s", strings.Join(failed, ", "))}
}
