// Package terminal writes what the tools show to people: lines and tables, no
// wider than the terminal that they are for.
package terminal

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// Printer gathers text for a writer. If that is a terminal, no line is wider.
type Printer struct {
	out   io.Writer
	width int // columns; 0 if there is no terminal
	text  strings.Builder
	err   error // the first one
}

// NewPrinter returns a printer for w, which Flush writes to.
func NewPrinter(w io.Writer) *Printer { return &Printer{out: w, width: widthOf(w)} }

// widthOf returns the number of columns of a terminal, or 0 if w is none.
func widthOf(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			return width
		}
	}
	return 0
}

// Flush writes all that was gathered, or nothing if that failed.
func (p *Printer) Flush() error {
	if p.err != nil {
		return p.err
	}
	_, err := io.WriteString(p.out, p.text.String())
	return err
}

// Line adds a line, or as many as its words need.
func (p *Printer) Line(format string, args ...any) {
	column := 0
	for i, word := range strings.Split(fmt.Sprintf(format, args...), " ") {
		n := len([]rune(word))
		switch {
		case i == 0:
		case p.width > 0 && column+1+n > p.width:
			p.text.WriteByte('\n')
			column = 0
		default:
			p.text.WriteByte(' ')
			column++
		}
		p.text.WriteString(word)
		column += n
	}
	p.text.WriteByte('\n')
}

// Table adds a table, or a list of what is in it if it is too wide.
func (p *Printer) Table(t *Table) {
	var b strings.Builder
	if err := t.Draw(&b); err != nil && p.err == nil {
		p.err = err
	}
	if p.width > 0 && widest(b.String()) > p.width {
		p.Line("%s", t.Title)
		b.Reset()
		t.list(&b)
	}
	p.text.WriteString(b.String())
}

func widest(text string) int {
	n := 0
	for line := range strings.Lines(text) {
		n = max(n, len([]rune(strings.TrimRight(line, "\n"))))
	}
	return n
}

// Megabytes shows a number of bytes in decimal megabytes.
func Megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
