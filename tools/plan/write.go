package plan

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/redistill/redistill/internal/config"
	"github.com/redistill/redistill/tools/terminal"
)

// Schema is the version of the JSON. Fields may be added to it.
const Schema = "redistill.plan/1"

// WriteJSON writes a report, in the layout that Schema names.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(struct {
		Schema string `json:"schema"`
		*Report
	}{Schema, r})
}

// WriteCSV writes a line for each item and one for all, with all sizes in bytes.
func (r *Report) WriteCSV(w io.Writer) error {
	lines := [][]string{{"item", "count", "values", "keys", "overhead", "total", "redis_7", "valkey_8", "memcached", "fits",
		"verified_count", "verified_predicted", "verified_measured", "verified_loaded", "loaded"}}
	for i, l := range append(r.Lines[:len(r.Lines):len(r.Lines)], r.All) {
		numbers := []*int64{&l.Count, &l.Payload, &l.Keys, &l.Overhead, &l.Total, &l.Redis, &l.Valkey, l.Memcached, l.Fits, nil, nil, nil, nil}
		if r.Verified != nil {
			m := append(r.Verified.Items[:len(r.Verified.Items):len(r.Verified.Items)], r.Verified.All)[i]
			numbers = append(numbers[:9], &m.Count, &m.Predicted, &m.Measured, &m.Loaded)
		}
		line := []string{l.Name}
		for _, n := range append(numbers, &l.Loaded) {
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

// WriteTOML writes a configuration file, with the plan as comments.
func (r *Report) WriteTOML(w io.Writer) error {
	var b strings.Builder
	b.WriteString("# Written by 'redistill plan' for:\n")
	if r.Sample != nil {
		fmt.Fprintf(&b, "# what %d of %d keys of %s are like,\n", r.Sample.Sampled, r.Sample.Keys, r.Sample.Target)
	}
	for _, l := range r.Lines {
		fmt.Fprintf(&b, "#   %s: %d of %s, %s in all\n", l.Name, l.Count, decimalSize(l.Size), decimalSize(l.Total))
	}
	fmt.Fprintf(&b, "# and %d connections, with headroom of %d%%. The machine should have %s.\n\n",
		r.Connections, r.HeadroomPct, config.FormatSize(r.Machine))
	if r.Verified != nil {
		m := r.Verified.All
		fmt.Fprintf(&b, "# Verified with %g of it: predicted %s, measured %s.\n\n", r.Scale, terminal.Megabytes(m.Predicted), terminal.Megabytes(m.Measured))
	}
	fmt.Fprintf(&b, "[memory]\nmax_memory = %q\neviction_policy = \"allkeys-lru\"\n", binarySize(r.MaxMemory))
	_, err := io.WriteString(w, b.String())
	return err
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
