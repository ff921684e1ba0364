package cmd

import (
	"fmt"
	"io"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// table is what a command shows: rows under a header, the first column text and
// the others mostly numbers.
type table struct {
	title  string
	header []string
	rows   [][]string
}

// draw writes a table with its title for a terminal.
func (t *table) draw(w io.Writer) error {
	symbols := tw.NewSymbols(tw.StyleLight)
	blueprint := renderer.NewBlueprint(tw.Rendition{
		Borders: tw.BorderNone,
		Symbols: symbols,
		Settings: tw.Settings{
			Separators: tw.Separators{BetweenColumns: tw.Off},
			Lines:      tw.Lines{ShowHeaderLine: tw.On},
		},
	})
	if _, err := fmt.Fprintln(w, t.title); err != nil {
		return err
	}
	return t.render(w, blueprint)
}

// list writes what is in the table, without its title, row by row: for a terminal
// that is narrower than the table.
func (t *table) list(w io.Writer) {
	longest := 0
	for _, name := range t.header[1:] {
		longest = max(longest, len([]rune(name)))
	}
	for _, row := range t.rows {
		fmt.Fprintln(w, strings.TrimSpace(row[0]+" "+t.header[0]))
		for i, cell := range row[1:] {
			fmt.Fprintf(w, " %-*s %s\n", longest, t.header[i+1], cell)
		}
	}
	fmt.Fprintln(w)
}

// markdown writes a table with its title as Markdown.
func (t *table) markdown(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "**%s**\n\n", t.title); err != nil {
		return err
	}
	return t.render(w, renderer.NewMarkdown())
}

func (t *table) render(w io.Writer, r tw.Renderer) error {
	align := make([]tw.Align, len(t.header))
	for i := range align {
		align[i] = tw.AlignRight
	}
	align[0] = tw.AlignLeft
	out := tablewriter.NewTable(w, tablewriter.WithRenderer(r), tablewriter.WithConfig(tablewriter.Config{
		Header: tw.CellConfig{Alignment: tw.CellAlignment{PerColumn: align}, Formatting: tw.CellFormatting{AutoFormat: tw.Off}},
		Row:    tw.CellConfig{Alignment: tw.CellAlignment{PerColumn: align}, Formatting: tw.CellFormatting{AutoWrap: tw.WrapNone}},
	}))
	out.Header(t.header)
	if err := out.Bulk(t.rows); err != nil {
		return err
	}
	if err := out.Render(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w)
	return err
}
