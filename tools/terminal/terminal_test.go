package terminal

import (
	"errors"
	"io"
	"strings"
	"testing"
)

var sizes = Table{
	Title:  "Sizes of things",
	Header: []string{"", "count", "total"},
	Rows:   [][]string{{"first", "10", "1.5 MB"}, {"second", "7", "23 KB"}},
}

func TestTable(t *testing.T) {
	const want = `Sizes of things
         count   total 
───────────────────────
 first      10  1.5 MB 
 second      7   23 KB 

`
	var b strings.Builder
	if err := sizes.Draw(&b); err != nil || b.String() != want {
		t.Errorf("%v, got\n%s", err, b.String())
	}
}

func TestMarkdown(t *testing.T) {
	const want = `**Sizes of things**

|        | count |  total |
|:-------|------:|-------:|
| first  |    10 | 1.5 MB |
| second |     7 |  23 KB |

`
	var b strings.Builder
	if err := sizes.Markdown(&b); err != nil || b.String() != want {
		t.Errorf("%v, got\n%s", err, b.String())
	}
}

// TestNarrow: a line is broken between words, and a table becomes a list.
func TestNarrow(t *testing.T) {
	const want = `the first of two
lines
averylongword is
not broken
Sizes of things
first
 count 10
 total 1.5 MB
second
 count 7
 total 23 KB

`
	var b strings.Builder
	p := &Printer{out: &b, width: 16}
	p.Line("the %s of two lines", "first")
	p.Line("averylongword is not broken")
	p.Table(&sizes)
	if err := p.Flush(); err != nil || b.String() != want {
		t.Errorf("%v, got\n%s", err, b.String())
	}
}

// TestNoTerminal: what is no terminal has no width.
func TestNoTerminal(t *testing.T) {
	long := strings.Repeat("word ", 100) + "end"
	var got, table strings.Builder
	p := NewPrinter(&got)
	p.Line("%s", long)
	p.Table(&sizes)
	if got.Len() > 0 {
		t.Error("the printer wrote before Flush")
	}
	err := errors.Join(p.Flush(), sizes.Draw(&table))
	if want := long + "\n" + table.String(); err != nil || got.String() != want {
		t.Errorf("%v, got\n%s", err, got.String())
	}
}

// TestFlushFails: the error of the writer is returned.
func TestFlushFails(t *testing.T) {
	reader, writer := io.Pipe()
	_ = reader.Close()
	p := NewPrinter(writer)
	p.Line("text")
	if err := p.Flush(); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v", err)
	}
}

func TestMegabytes(t *testing.T) {
	if got := Megabytes(1_250_000); got != "1.2 MB" {
		t.Errorf("got %s", got)
	}
}
