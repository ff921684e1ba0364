package cmd

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/redistill/redistill/internal/config"
	"github.com/redistill/redistill/tools/plan"
	"github.com/redistill/redistill/tools/sample"
)

// planOptions are what 'redistill plan' was asked for, as text.
type planOptions struct {
	items       []string
	file        string
	from        string
	sample      sample.Options
	tls         tlsOptions // for from
	connections int64
	headroom    string
	memory      string
	output      string
	verify      bool
	scale       float64
}

const planHelp = `Compute the memory that a cache needs from what it shall hold: for each item
the bytes of values and keys and the server's own overhead, then connections,
headroom, the max_memory and the machine to choose, and what the same data takes
in Redis 7.0, Valkey 8.0 and memcached.

An item is name=COUNT:SIZE and, each after a colon, ttl=24h for a time to live,
key=32 for the bytes of a key, fields=10 for a hash of which SIZE is all values
together, field=8 for the bytes of a field's name, or members=10 for a set of
which SIZE is all members together. COUNT may be rate=50/s, of things that are
written once and kept for their ttl. SIZE may be 1KB-10KB, of things whose sizes
are spread evenly, or int, for counters.

Counts and sizes of things are decimal (1M is 1,000,000, 5KB is 5,000 bytes, 5KiB
is 5,120). Limits of memory are as in Redis (2gb is 2,147,483,648 bytes).

--items reads the same from a file in TOML, of which each item is

  [[item]]
  name = "sessions"
  count = "1M"        # or rate = "50/s"
  size = "256B"
  ttl = "24h"

--from looks at keys of a live Redis, Valkey or Redistill and plans for what it
finds, grouped by prefix and type, with error bounds. It sends SCAN, TYPE, PTTL,
STRLEN, HLEN, HRANDFIELD, HSTRLEN, SCARD, SRANDMEMBER, OBJECT ENCODING and MEMORY
USAGE, for no more than --sample-rate keys a second, and holds the sum against INFO.
Its user needs +@read +ping, and +info for the latter. The target is host:port, a
URL or the path of a socket, as for 'redistill stats'. The password is taken from
the URL, else from $REDISCLI_AUTH.

--verify starts this program as a server on a free port, loads the items, and
shows beside each how much the resident memory grew when the server had compacted
it. It takes the memory that the plan is for, and with --scale 0.1 a tenth of
it.`

func newPlan() *cobra.Command {
	o := &planOptions{}
	c := &cobra.Command{
		Use:   "plan",
		Short: "Compute the memory that a cache needs",
		Long:  planHelp,
		Example: `  redistill plan --item sessions=1M:256B:ttl=24h --item api=100K:5KB --item html=10K:50KB
  redistill plan --item sessions=rate=50/s:256B:ttl=24h --memory 1gb
  redistill plan --item users=1M:400B:fields=8 --output toml > redistill.toml
  redistill plan --items cache.toml --verify --scale 0.1
  redistill plan --from redis://127.0.0.1:6379 --output markdown`,
		Args: noArgs,
	}
	fs := c.Flags()
	fs.SortFlags = false
	fs.StringArrayVar(&o.items, "item", nil, "`name=COUNT:SIZE` of a kind of things, see above; may be repeated")
	fs.StringVar(&o.file, "items", "", "`file` of items in TOML, see above")
	fs.StringVar(&o.from, "from", "", "`target` such as redis://host:port whose keys are to be planned for, see above")
	fs.IntVar(&o.sample.Keys, "sample", 10_000, "`number` of keys that --from looks at")
	fs.IntVar(&o.sample.Rate, "sample-rate", 1_000, "`number` of keys a second that --from looks at, at most")
	fs.StringVar(&o.sample.Separator, "separator", ":", "`text` that ends the prefix by which --from groups keys")
	fs.Int64Var(&o.connections, "connections", 100, "`number` of connections at a time")
	fs.StringVar(&o.headroom, "headroom", "30%", "`share` to add for growth and peaks")
	fs.StringVar(&o.memory, "memory", "", "`size` of the memory that there is: show how many of each item fit")
	fs.StringVar(&o.output, "output", "table", "`form` of the output: table, json, csv, markdown, or toml for a configuration file")
	completeWords(c, "output", "table", "json", "csv", "markdown", "toml")
	o.tls.addFlags(fs)
	fs.BoolVar(&o.verify, "verify", false, "load the items into a server and measure them")
	fs.Float64Var(&o.scale, "scale", 1, "`share` of the items that --verify loads")
	c.RunE = func(c *cobra.Command, _ []string) error { return o.run(c) }
	return c
}

// run computes the plan and writes it. The server that it started has ended then.
func (o *planOptions) run(c *cobra.Command) error {
	write, ok := map[string]func(*plan.Report, io.Writer) error{
		"table": (*plan.Report).WriteText, "json": (*plan.Report).WriteJSON, "csv": (*plan.Report).WriteCSV,
		"markdown": (*plan.Report).WriteMarkdown, "toml": (*plan.Report).WriteTOML,
	}[o.output]
	if !ok {
		return fmt.Errorf("--output: %q is not table, json, csv, markdown or toml", o.output)
	}
	if err := o.check(c); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	options, err := o.parse()
	if err != nil {
		return err
	}
	report := &plan.Report{}
	if o.from != "" {
		if report.Sample, err = takeSample(ctx, o.from, o.sample, &o.tls, c.ErrOrStderr()); err != nil {
			return fmt.Errorf("--from: %w", err)
		}
		options.Items = append(options.Items, report.Sample.Items()...)
		if there := report.Sample.Connections; there > 0 && !c.Flags().Changed("connections") {
			options.Connections = there
		}
	}
	if report.Plan, err = plan.New(options); err != nil {
		return err
	}
	if o.verify {
		if err := verifyPlan(ctx, report, options, o.scale, c.ErrOrStderr()); err != nil {
			return fmt.Errorf("--verify: %w", err)
		}
	}
	return write(report, c.OutOrStdout())
}

// check refuses flags of something that was not asked for.
func (o *planOptions) check(c *cobra.Command) error {
	if c.Flags().Changed("scale") && !o.verify {
		return errors.New("--scale: is for --verify")
	}
	for _, name := range []string{"sample", "sample-rate", "separator"} {
		if c.Flags().Changed(name) && o.from == "" {
			return fmt.Errorf("--%s: is for --from", name)
		}
	}
	if o.from == "" {
		return o.tls.check(false)
	}
	return o.sample.Validate()
}

// parse reads what the plan is for.
func (o *planOptions) parse() (plan.Options, error) {
	options := plan.Options{Connections: o.connections}
	if o.file != "" {
		data, err := os.ReadFile(o.file)
		if err != nil {
			return options, fmt.Errorf("--items: %w", err)
		}
		if options.Items, err = plan.ParseItems(o.file, data); err != nil {
			return options, err
		}
	}
	for _, text := range o.items {
		it, err := plan.ParseItem(text)
		if err != nil {
			return options, err
		}
		options.Items = append(options.Items, it)
	}
	var err error
	if options.Headroom, err = strconv.ParseInt(strings.TrimSuffix(o.headroom, "%"), 10, 64); err != nil {
		return options, fmt.Errorf("--headroom: %q is not a whole percentage such as 30%%", o.headroom)
	}
	if o.memory != "" {
		if options.Memory, err = config.ParseSize(o.memory); err != nil || options.Memory == 0 {
			return options, fmt.Errorf("--memory: %q is not a size such as 2gb", o.memory)
		}
	}
	return options, nil
}
