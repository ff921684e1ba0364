package plan

import (
	"fmt"
	"io"
	"strconv"

	"github.com/redistill/redistill/internal/config"
	"github.com/redistill/redistill/tools/terminal"
)

// WriteText writes a report for people, in tables.
func (r *Report) WriteText(w io.Writer) error {
	p := terminal.NewPrinter(w)
	for _, t := range r.tables() {
		p.Table(t)
	}
	return p.Flush()
}

// WriteMarkdown writes the tables of a report as Markdown.
func (r *Report) WriteMarkdown(w io.Writer) error {
	for _, t := range r.tables() {
		if err := t.Markdown(w); err != nil {
			return err
		}
	}
	return nil
}

// tables returns all tables of a report.
func (r *Report) tables() []*terminal.Table {
	items := &terminal.Table{
		Title:  "What it takes",
		Header: []string{"item", "count", "value", "values", "keys", "overhead", "total"},
	}
	peers := &terminal.Table{
		Title:  "The same data elsewhere",
		Header: []string{"item", "Redistill", "as loaded", "Redis 7.0", "Valkey 8.0", "memcached"},
	}
	for _, l := range append(r.Lines[:len(r.Lines):len(r.Lines)], r.All) {
		size := ""
		if l.Name != r.All.Name || l.Size > 0 {
			size = decimalSize(l.Size)
		}
		items.Rows = append(items.Rows, []string{l.Name, strconv.FormatInt(l.Count, 10), size,
			decimalSize(l.Payload), decimalSize(l.Keys), decimalSize(l.Overhead), decimalSize(l.Total)})
		memcached := l.Refused
		if l.Memcached != nil {
			memcached = decimalSize(*l.Memcached)
		}
		peers.Rows = append(peers.Rows, []string{
			l.Name, decimalSize(l.Total), decimalSize(l.Loaded),
			decimalSize(l.Redis), decimalSize(l.Valkey), memcached,
		})
	}
	var all []*terminal.Table
	if r.Sample != nil {
		all = r.Sample.tables()
	}
	all = append(all, items, r.recommendation(), peers)
	if r.Memory > 0 {
		all = append(all, r.fitting())
	}
	if r.Verified != nil {
		all = append(all, r.verified())
	}
	return all
}

// verified is what was predicted beside what was measured.
func (r *Report) verified() *terminal.Table {
	title := "Verified"
	if r.Scale != 1 {
		title = fmt.Sprintf("Verified with %g of it", r.Scale)
	}
	t := &terminal.Table{
		Title:  title,
		Header: []string{"item", "count", "predicted", "measured", "difference", "as loaded"},
	}
	for _, m := range append(r.Verified.Items[:len(r.Verified.Items):len(r.Verified.Items)], r.Verified.All) {
		t.Rows = append(t.Rows, []string{
			m.Name, strconv.FormatInt(m.Count, 10), terminal.Megabytes(m.Predicted), terminal.Megabytes(m.Measured),
			fmt.Sprintf("%+.1f %%", 100*m.Off()), terminal.Megabytes(m.Loaded),
		})
	}
	return t
}

func (r *Report) recommendation() *terminal.Table {
	return &terminal.Table{Title: "Recommendation", Header: []string{"", "size"}, Rows: [][]string{
		{"data as loaded", decimalSize(r.All.Loaded)},
		{fmt.Sprintf("%d connections", r.Connections), decimalSize(r.Buffers)},
		{"process", decimalSize(r.Process)},
		{fmt.Sprintf("headroom %d%%", r.HeadroomPct), decimalSize(r.Headroom)},
		{"needed", decimalSize(r.Needed)},
		{"max_memory", config.FormatSize(r.MaxMemory)},
		{"machine", config.FormatSize(r.Machine)},
	}}
}

func (r *Report) fitting() *terminal.Table {
	t := &terminal.Table{
		Title:  "What fits into " + config.FormatSize(r.Memory),
		Header: []string{"item", "wanted", "fit"},
	}
	for _, l := range r.Lines {
		t.Rows = append(t.Rows, []string{l.Name, strconv.FormatInt(l.Count, 10), strconv.FormatInt(*l.Fits, 10)})
	}
	return t
}

// tables shows what was found, and how sure that is.
func (s *Sample) tables() []*terminal.Table {
	title := fmt.Sprintf("%d of %d keys of %s, with what 95 of 100 samples are within", s.Sampled, s.Keys, s.Target)
	if s.Whole {
		title = fmt.Sprintf("All %d keys of %s", s.Keys, s.Target)
	}
	groups := &terminal.Table{
		Title:  title,
		Header: []string{"item", "type", "sampled", "keys", "±", "with TTL", "memory", "±", "there"},
	}
	for i := range s.Groups {
		g := &s.Groups[i]
		groups.Rows = append(groups.Rows, []string{
			g.Name, g.Type, strconv.Itoa(g.Sampled),
			strconv.FormatInt(g.Count, 10), strconv.FormatInt(g.CountBound, 10), fmt.Sprintf("%.0f %%", 100*g.WithTTL),
			decimalSize(g.Bytes), decimalSize(g.BytesBound), knownSize(g.There),
		})
	}
	all := []*terminal.Table{groups}
	if len(s.Other) > 0 {
		other := &terminal.Table{
			Title:  "Not planned for, because Redistill does not store it",
			Header: []string{"type", "keys", "there"},
		}
		for _, k := range s.Other {
			other.Rows = append(other.Rows, []string{k.Type, strconv.FormatInt(k.Count, 10), knownSize(k.There)})
		}
		all = append(all, other)
	}
	if s.Gap != nil {
		all = append(all, s.Gap.table())
	}
	return all
}

// table holds the sample against what INFO says.
func (g *Gap) table() *terminal.Table {
	title := "The sample beside INFO"
	if g.misses() {
		title = "THE SAMPLE MISSES LARGE KEYS: add the gap, or raise --sample"
	}
	return &terminal.Table{Title: title, Header: []string{"there", "size", "±"}, Rows: [][]string{
		{"data, by INFO", decimalSize(g.Dataset), ""},
		{"by the sample", decimalSize(g.Sampled), decimalSize(g.Bound)},
		{"gap", decimalSize(g.Bytes), decimalSize(g.Bound)},
	}}
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

// knownSize is decimalSize for a size that is 0 if it is not known.
func knownSize(n int64) string {
	if n == 0 {
		return ""
	}
	return decimalSize(n)
}
