package cmd

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// terminalWidth returns the number of columns of a terminal, or 0 if w is none.
func terminalWidth(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			return width
		}
	}
	return 0
}

// textPrinter gathers text, no wider than width if that is not 0.
type textPrinter struct {
	text  strings.Builder
	width int
	err   error // the first one
}

func newTextPrinter(w io.Writer) textPrinter { return textPrinter{width: terminalWidth(w)} }

// writeTo writes all that was gathered, or nothing if that failed.
func (p *textPrinter) writeTo(w io.Writer) error {
	if p.err != nil {
		return p.err
	}
	_, err := io.WriteString(w, p.text.String())
	return err
}

// line writes a line, or as many as its words need.
func (p *textPrinter) line(format string, args ...any) {
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

// table writes a table, or a list of what is in it if it is too wide.
func (p *textPrinter) table(t table) {
	var b strings.Builder
	if err := t.draw(&b); err != nil && p.err == nil {
		p.err = err
	}
	if p.width > 0 && widest(b.String()) > p.width {
		p.line("%s", t.title)
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
