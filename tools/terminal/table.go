package terminal

import (
	"fmt"
	"io"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// Table is rows under a header, the first column text and the others mostly
// numbers.
type Table struct {
	Title  string
	Header []string
	Rows   [][]string
}

// Draw writes a table with its title for a terminal.
func (t *Table) Draw(w io.Writer) error {
	symbols := tw.NewSymbols(tw.StyleLight)
	blueprint := renderer.NewBlueprint(tw.Rendition{
		Borders: tw.BorderNone,
		Symbols: symbols,
		Settings: tw.Settings{
			Separators: tw.Separators{BetweenColumns: tw.Off},
			Lines:      tw.Lines{ShowHeaderLine: tw.On},
		},
	})
	if _, err := fmt.Fprintln(w, t.Title); err != nil {
		return err
	}
	return t.render(w, blueprint)
}

// list writes what is in the table, without its title, row by row: for a terminal
// that is narrower than the table.
func (t *Table) list(w io.Writer) {
	longest := 0
	for _, name := range t.Header[1:] {
		longest = max(longest, len([]rune(name)))
	}
	for _, row := range t.Rows {
		fmt.Fprintln(w, strings.TrimSpace(row[0]+" "+t.Header[0]))
		for i, cell := range row[1:] {
			fmt.Fprintf(w, " %-*s %s\n", longest, t.Header[i+1], cell)
		}
	}
	fmt.Fprintln(w)
}

// Markdown writes a table with its title as Markdown.
func (t *Table) Markdown(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "**%s**\n\n", t.Title); err != nil {
		return err
	}
	return t.render(w, renderer.NewMarkdown())
}

func (t *Table) render(w io.Writer, r tw.Renderer) error {
	align := make([]tw.Align, len(t.Header))
	for i := range align {
		align[i] = tw.AlignRight
	}
	align[0] = tw.AlignLeft
	out := tablewriter.NewTable(w, tablewriter.WithRenderer(r), tablewriter.WithConfig(tablewriter.Config{
		Header: tw.CellConfig{Alignment: tw.CellAlignment{PerColumn: align}, Formatting: tw.CellFormatting{AutoFormat: tw.Off}},
		Row:    tw.CellConfig{Alignment: tw.CellAlignment{PerColumn: align}, Formatting: tw.CellFormatting{AutoWrap: tw.WrapNone}},
	}))
	out.Header(t.Header)
	if err := out.Bulk(t.Rows); err != nil {
		return err
	}
	if err := out.Render(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w)
	return err
}
