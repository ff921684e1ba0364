package cmd

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/redistill/redistill/internal/config"
	"github.com/redistill/redistill/internal/plan"
)

// planOptions are what 'redistill plan' was asked for, as text.
type planOptions struct {
	items       []string
	connections int64
	headroom    string
	memory      string
	output      string
}

const planHelp = `Compute the memory that a cache needs from what it shall hold: for each item
the bytes of values and keys and the server's own overhead, then connections,
headroom, the max_memory and the machine to choose, and what the same data takes
in Redis 7, Valkey 8 and memcached.

An item is name=COUNT:SIZE and, each after a colon, ttl=24h for a time to live,
key=32 for the bytes of a key, fields=10 for a hash of which SIZE is all values
together, field=8 for the bytes of a field's name. COUNT may be rate=50/s, of
things that are written once and kept for their ttl.

Counts and sizes of things are decimal (1M is 1,000,000, 5KB is 5,000 bytes, 5KiB
is 5,120). Limits of memory are as in Redis (2gb is 2,147,483,648 bytes).`

func newPlan() *cobra.Command {
	o := &planOptions{}
	c := &cobra.Command{
		Use:   "plan",
		Short: "Compute the memory that a cache needs",
		Long:  planHelp,
		Example: `  redistill plan --item sessions=1M:256B:ttl=24h --item api=100K:5KB --item html=10K:50KB
  redistill plan --item sessions=rate=50/s:256B:ttl=24h --memory 1gb
  redistill plan --item users=1M:400B:fields=8 --output toml > redistill.toml`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runPlan(o, c.OutOrStdout()) },
	}
	fs := c.Flags()
	fs.SortFlags = false
	fs.StringArrayVar(&o.items, "item", nil, "`name=COUNT:SIZE` of a kind of things, see above; may be repeated")
	fs.Int64Var(&o.connections, "connections", 100, "`number` of connections at a time")
	fs.StringVar(&o.headroom, "headroom", "30%", "`share` to add for growth and peaks")
	fs.StringVar(&o.memory, "memory", "", "`size` of the memory that there is: show how many of each item fit")
	fs.StringVar(&o.output, "output", "table", "`form` of the output: table, json, csv, markdown, or toml for a configuration file")
	return c
}

// runPlan computes the plan and writes it.
func runPlan(o *planOptions, w io.Writer) error {
	write, ok := map[string]func(io.Writer, *plan.Plan) error{
		"table": planTables, "json": planJSON, "csv": planCSV, "markdown": planMarkdown, "toml": planTOML,
	}[o.output]
	if !ok {
		return fmt.Errorf("--output: %q is not table, json, csv, markdown or toml", o.output)
	}
	options := plan.Options{Connections: o.connections}
	for _, text := range o.items {
		it, err := plan.ParseItem(text)
		if err != nil {
			return err
		}
		options.Items = append(options.Items, it)
	}
	var err error
	if options.Headroom, err = strconv.ParseInt(strings.TrimSuffix(o.headroom, "%"), 10, 64); err != nil {
		return fmt.Errorf("--headroom: %q is not a whole percentage such as 30%%", o.headroom)
	}
	if o.memory != "" {
		if options.Memory, err = config.ParseSize(o.memory); err != nil || options.Memory == 0 {
			return fmt.Errorf("--memory: %q is not a size such as 2gb", o.memory)
		}
	}
	p, err := plan.New(options)
	if err != nil {
		return err
	}
	return write(w, p)
}

// decimalSize shows bytes in decimal units with about two digits: 256 MB,
// 1.3 GB.
func decimalSize(n int64) string {
	units, value, unit := []string{"B", "KB", "MB", "GB", "TB"}, float64(n), 0
	for (value >= 999.5 || value <= -999.5) && unit < len(units)-1 {
		value, unit = value/1000, unit+1
	}
	digits := 0
	if unit > 0 && value < 9.95 {
		digits = 1
	}
	return strconv.FormatFloat(value, 'f', digits, 64) + " " + units[unit]
}

// binarySize shows bytes exactly as the configuration file takes them.
func binarySize(n int64) string {
	for _, u := range []struct {
		name string
		size int64
	}{{"gb", 1 << 30}, {"mb", 1 << 20}, {"kb", 1 << 10}} {
		if n%u.size == 0 {
			return strconv.FormatInt(n/u.size, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10)
}

// planned is all tables of a plan.
func planned(p *plan.Plan) []*table {
	items := &table{title: "What it takes", header: []string{"item", "count", "value", "values", "keys", "overhead", "total"}}
	peers := &table{title: "The same data elsewhere", header: []string{"item", "Redistill", "Redis 7", "Valkey 8", "memcached"}}
	for _, l := range append(p.Lines[:len(p.Lines):len(p.Lines)], p.All) {
		size := ""
		if l.Name != p.All.Name || l.Size > 0 {
			size = decimalSize(l.Size)
		}
		items.rows = append(items.rows, []string{l.Name, strconv.FormatInt(l.Count, 10), size,
			decimalSize(l.Payload), decimalSize(l.Keys), decimalSize(l.Overhead), decimalSize(l.Total)})
		memcached := "too large"
		if l.Memcached != nil {
			memcached = decimalSize(*l.Memcached)
		}
		peers.rows = append(peers.rows, []string{l.Name, decimalSize(l.Total), decimalSize(l.Redis), decimalSize(l.Valkey), memcached})
	}
	tables := []*table{items, recommendation(p), peers}
	if p.Memory > 0 {
		tables = append(tables, fitting(p))
	}
	return tables
}

func recommendation(p *plan.Plan) *table {
	return &table{title: "Recommendation", header: []string{"", "size"}, rows: [][]string{
		{"data", decimalSize(p.All.Total)},
		{fmt.Sprintf("%d connections", p.Connections), decimalSize(p.Buffers)},
		{"process", decimalSize(p.Process)},
		{fmt.Sprintf("headroom %d%%", p.HeadroomPct), decimalSize(p.Headroom)},
		{"needed", decimalSize(p.Needed)},
		{"max_memory", config.FormatSize(p.MaxMemory)},
		{"machine", config.FormatSize(p.Machine)},
	}}
}

func fitting(p *plan.Plan) *table {
	t := &table{title: "What fits into " + config.FormatSize(p.Memory), header: []string{"item", "wanted", "fit"}}
	for _, l := range p.Lines {
		t.rows = append(t.rows, []string{l.Name, strconv.FormatInt(l.Count, 10), strconv.FormatInt(*l.Fits, 10)})
	}
	return t
}

func planTables(w io.Writer, p *plan.Plan) error {
	for _, t := range planned(p) {
		if err := t.draw(w); err != nil {
			return err
		}
	}
	return nil
}

func planMarkdown(w io.Writer, p *plan.Plan) error {
	for _, t := range planned(p) {
		if err := t.markdown(w); err != nil {
			return err
		}
	}
	return nil
}

// planSchema is the version of the JSON. Fields may be added to it.
const planSchema = "redistill.plan/1"

func planJSON(w io.Writer, p *plan.Plan) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(struct {
		Schema string `json:"schema"`
		*plan.Plan
	}{planSchema, p})
}

// planCSV writes a line for each item and one for all, with all sizes in bytes.
func planCSV(w io.Writer, p *plan.Plan) error {
	lines := [][]string{{"item", "count", "values", "keys", "overhead", "total", "redis_7", "valkey_8", "memcached", "fits"}}
	for _, l := range append(p.Lines[:len(p.Lines):len(p.Lines)], p.All) {
		line := []string{l.Name}
		for _, n := range []*int64{&l.Count, &l.Payload, &l.Keys, &l.Overhead, &l.Total, &l.Redis, &l.Valkey, l.Memcached, l.Fits} {
			text := ""
			if n != nil {
				text = strconv.FormatInt(*n, 10)
			}
			line = append(line, text)
		}
		lines = append(lines, line)
	}
	return csv.NewWriter(w).WriteAll(lines)
}

// planTOML writes a configuration file, with the plan as comments.
func planTOML(w io.Writer, p *plan.Plan) error {
	var b strings.Builder
	b.WriteString("# Written by 'redistill plan' for:\n")
	for _, l := range p.Lines {
		fmt.Fprintf(&b, "#   %s: %d of %s, %s in all\n", l.Name, l.Count, decimalSize(l.Size), decimalSize(l.Total))
	}
	fmt.Fprintf(&b, "# and %d connections, with headroom of %d%%. The machine should have %s.\n\n",
		p.Connections, p.HeadroomPct, config.FormatSize(p.Machine))
	fmt.Fprintf(&b, "[memory]\nmax_memory = %q\neviction_policy = \"allkeys-lru\"\n", binarySize(p.MaxMemory))
	_, err := io.WriteString(w, b.String())
	return err
}
