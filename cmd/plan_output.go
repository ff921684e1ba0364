package cmd

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/redistill/redistill/internal/config"
	"github.com/redistill/redistill/internal/plan"
	"github.com/redistill/redistill/internal/population"
	"github.com/redistill/redistill/internal/terminal"
)

// planReport is what 'redistill plan' shows.
type planReport struct {
	*plan.Plan
	Sample   *sampleReport            `json:"sample,omitempty"`   // nil unless it was asked for
	Verified *population.Verification `json:"verified,omitempty"` // the same
	Scale    float64                  `json:"verified_scale,omitempty"`
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
func planned(p *planReport) []*terminal.Table {
	items := &terminal.Table{Title: "What it takes", Header: []string{"item", "count", "value", "values", "keys", "overhead", "total"}}
	peers := &terminal.Table{Title: "The same data elsewhere", Header: []string{"item", "Redistill", "Redis 7", "Valkey 8", "memcached"}}
	for _, l := range append(p.Lines[:len(p.Lines):len(p.Lines)], p.All) {
		size := ""
		if l.Name != p.All.Name || l.Size > 0 {
			size = decimalSize(l.Size)
		}
		items.Rows = append(items.Rows, []string{l.Name, strconv.FormatInt(l.Count, 10), size,
			decimalSize(l.Payload), decimalSize(l.Keys), decimalSize(l.Overhead), decimalSize(l.Total)})
		memcached := "too large"
		if l.Memcached != nil {
			memcached = decimalSize(*l.Memcached)
		}
		peers.Rows = append(peers.Rows, []string{l.Name, decimalSize(l.Total), decimalSize(l.Redis), decimalSize(l.Valkey), memcached})
	}
	var tables []*terminal.Table
	if p.Sample != nil {
		tables = p.Sample.tables()
	}
	tables = append(tables, items, recommendation(p), peers)
	if p.Memory > 0 {
		tables = append(tables, fitting(p))
	}
	if p.Verified != nil {
		tables = append(tables, verified(p))
	}
	return tables
}

// verified is what was predicted beside what was measured.
func verified(p *planReport) *terminal.Table {
	title := "Verified"
	if p.Scale != 1 {
		title = fmt.Sprintf("Verified with %g of it", p.Scale)
	}
	t := &terminal.Table{Title: title, Header: []string{"item", "count", "predicted", "measured", "difference", "as loaded"}}
	for _, m := range append(p.Verified.Items[:len(p.Verified.Items):len(p.Verified.Items)], p.Verified.All) {
		t.Rows = append(t.Rows, []string{m.Name, strconv.FormatInt(m.Count, 10), terminal.Megabytes(m.Predicted), terminal.Megabytes(m.Measured),
			fmt.Sprintf("%+.1f %%", 100*m.Off()), terminal.Megabytes(m.Loaded)})
	}
	return t
}

func recommendation(p *planReport) *terminal.Table {
	return &terminal.Table{Title: "Recommendation", Header: []string{"", "size"}, Rows: [][]string{
		{"data", decimalSize(p.All.Total)},
		{fmt.Sprintf("%d connections", p.Connections), decimalSize(p.Buffers)},
		{"process", decimalSize(p.Process)},
		{fmt.Sprintf("headroom %d%%", p.HeadroomPct), decimalSize(p.Headroom)},
		{"needed", decimalSize(p.Needed)},
		{"max_memory", config.FormatSize(p.MaxMemory)},
		{"machine", config.FormatSize(p.Machine)},
	}}
}

func fitting(p *planReport) *terminal.Table {
	t := &terminal.Table{Title: "What fits into " + config.FormatSize(p.Memory), Header: []string{"item", "wanted", "fit"}}
	for _, l := range p.Lines {
		t.Rows = append(t.Rows, []string{l.Name, strconv.FormatInt(l.Count, 10), strconv.FormatInt(*l.Fits, 10)})
	}
	return t
}

func planTables(w io.Writer, p *planReport) error {
	text := terminal.NewPrinter(w)
	for _, t := range planned(p) {
		text.Table(t)
	}
	return text.Flush()
}

func planMarkdown(w io.Writer, p *planReport) error {
	for _, t := range planned(p) {
		if err := t.Markdown(w); err != nil {
			return err
		}
	}
	return nil
}

// planSchema is the version of the JSON. Fields may be added to it.
const planSchema = "redistill.plan/1"

func planJSON(w io.Writer, p *planReport) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(struct {
		Schema string `json:"schema"`
		*planReport
	}{planSchema, p})
}

// planCSV writes a line for each item and one for all, with all sizes in bytes.
func planCSV(w io.Writer, p *planReport) error {
	lines := [][]string{{"item", "count", "values", "keys", "overhead", "total", "redis_7", "valkey_8", "memcached", "fits",
		"verified_count", "verified_predicted", "verified_measured", "verified_loaded"}}
	for i, l := range append(p.Lines[:len(p.Lines):len(p.Lines)], p.All) {
		numbers := []*int64{&l.Count, &l.Payload, &l.Keys, &l.Overhead, &l.Total, &l.Redis, &l.Valkey, l.Memcached, l.Fits, nil, nil, nil, nil}
		if p.Verified != nil {
			m := append(p.Verified.Items[:len(p.Verified.Items):len(p.Verified.Items)], p.Verified.All)[i]
			numbers = append(numbers[:9], &m.Count, &m.Predicted, &m.Measured, &m.Loaded)
		}
		line := []string{l.Name}
		for _, n := range numbers {
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
func planTOML(w io.Writer, p *planReport) error {
	var b strings.Builder
	b.WriteString("# Written by 'redistill plan' for:\n")
	if p.Sample != nil {
		fmt.Fprintf(&b, "# what %d of %d keys of %s are like,\n", p.Sample.Sampled, p.Sample.Keys, p.Sample.Target)
	}
	for _, l := range p.Lines {
		fmt.Fprintf(&b, "#   %s: %d of %s, %s in all\n", l.Name, l.Count, decimalSize(l.Size), decimalSize(l.Total))
	}
	fmt.Fprintf(&b, "# and %d connections, with headroom of %d%%. The machine should have %s.\n\n",
		p.Connections, p.HeadroomPct, config.FormatSize(p.Machine))
	if p.Verified != nil {
		m := p.Verified.All
		fmt.Fprintf(&b, "# Verified with %g of it: predicted %s, measured %s.\n\n", p.Scale, terminal.Megabytes(m.Predicted), terminal.Megabytes(m.Measured))
	}
	fmt.Fprintf(&b, "[memory]\nmax_memory = %q\neviction_policy = \"allkeys-lru\"\n", binarySize(p.MaxMemory))
	_, err := io.WriteString(w, b.String())
	return err
}
