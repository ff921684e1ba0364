package configfile

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/redistill/redistill/internal/atomicfile"
	"github.com/redistill/redistill/internal/config"
)

// Rewrite answers CONFIG REWRITE: it brings the values that CONFIG SET changed
// into a file and leaves every other byte of it as it is. Values that came from
// flags and variables are not written: they come from there the next time too.
func Rewrite(name string, cfg *config.Config) error {
	name, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	if err := atomicfile.Check(name); err != nil {
		return err
	}
	old, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	text, err := rewritten(name, old, cfg.Changed())
	if err != nil || bytes.Equal(text, old) {
		return err
	}
	return replaceFile(name, text)
}

// rewritten returns the text of a file with other values in it. What it returns
// was read again, and gives each setting its value.
func rewritten(name string, text []byte, values []config.Assignment) ([]byte, error) {
	if _, err := parse(name, text); err != nil {
		return nil, err
	}
	for _, a := range values {
		entries, err := scanKeys(text)
		if err != nil {
			return nil, syntaxError(name, text, err)
		}
		text = assign(text, entries, config.Lookup(a.Key), a.Text)
	}
	assignments, err := parse(name, text)
	if err != nil {
		return nil, fmt.Errorf("the file has a form that cannot be rewritten: %w", err)
	}
	got := make(map[string]string)
	for _, a := range assignments {
		got[a.Key] = a.Text
	}
	for _, a := range values {
		if got[a.Key] != a.Text {
			return nil, fmt.Errorf("%s: the value of %s cannot be written", name, a.Key)
		}
	}
	return text, nil
}

// assign gives a setting a value: in its place if it has one, else at the end
// of its section, or in a new section at the end of the file.
func assign(text []byte, entries []entry, s *config.Setting, value string) []byte {
	literal := literalOf(s, value)
	last, dotted := -1, true // the last entry of the section, and whether the section has no heading
	table := ""
	for i, e := range entries {
		if e.table {
			table = strings.ToLower(e.key)
		}
		switch {
		case e.table && table == s.Section():
			last, dotted = i, false
		case !e.table && config.Lookup(e.key) == s:
			from := valueStart(text, e.end)
			return splice(text, from, valueEnd(text, from), literal)
		case !e.table && table == s.Section(), !e.table && table == "" && strings.HasPrefix(strings.ToLower(e.key), s.Section()+"."):
			last = i
		}
	}
	newline := "\n"
	if bytes.Contains(text, []byte("\r\n")) {
		newline = "\r\n"
	}
	line := s.Name() + " = " + literal + newline
	if last < 0 {
		return splice(endLine(text, newline), -1, -1, newline+"["+s.Section()+"]"+newline+line)
	}
	if dotted {
		line = s.Section() + "." + line
	}
	at := entries[last].end
	if !entries[last].table {
		at = valueEnd(text, valueStart(text, at))
	}
	if n := bytes.IndexByte(text[at:], '\n'); n >= 0 {
		return splice(text, at+n+1, at+n+1, line)
	}
	return splice(endLine(text, newline), -1, -1, line)
}

// endLine ends the last line.
func endLine(text []byte, newline string) []byte {
	if len(text) == 0 || text[len(text)-1] == '\n' {
		return text
	}
	return append(bytes.Clone(text), newline...)
}

// splice returns text with what lies between two offsets replaced. Negative
// offsets are its end.
func splice(text []byte, from, to int, by string) []byte {
	if from < 0 {
		from, to = len(text), len(text)
	}
	out := make([]byte, 0, len(text)+len(by))
	return append(append(append(out, text[:from]...), by...), text[to:]...)
}

// valueStart returns the offset of the value whose key ends at an offset.
func valueStart(text []byte, at int) int {
	for at < len(text) && text[at] != '=' {
		at++
	}
	at = min(at+1, len(text))
	for at < len(text) && (text[at] == ' ' || text[at] == '\t') {
		at++
	}
	return at
}

// valueEnd returns the offset behind the value that begins at an offset.
func valueEnd(text []byte, at int) int {
	if at >= len(text) {
		return len(text)
	}
	switch c := text[at]; c {
	case '"', '\'':
		return stringEnd(text, at, c)
	case '[', '{':
		return listEnd(text, at)
	}
	if n := bytes.IndexAny(text[at:], " \t\r\n,#]}"); n >= 0 {
		return at + n
	}
	return len(text)
}

// stringEnd is valueEnd for a string in such quotes.
func stringEnd(text []byte, at int, quote byte) int {
	mark := []byte{quote}
	if long := bytes.Repeat(mark, 3); bytes.HasPrefix(text[at:], long) {
		mark = long
	}
	for i := at + len(mark); i < len(text); i++ {
		switch {
		case quote == '"' && text[i] == '\\':
			i++
		case bytes.HasPrefix(text[i:], mark):
			end := i + len(mark)
			for len(mark) > 1 && end < len(text) && text[end] == quote {
				end++ // a long string may end with one or two of its quotes
			}
			return end
		}
	}
	return len(text)
}

// listEnd is valueEnd for a list or an inline table.
func listEnd(text []byte, at int) int {
	depth := 0
	for i := at; i < len(text); {
		switch text[i] {
		case '"', '\'':
			i = stringEnd(text, i, text[i])
			continue
		case '#':
			n := bytes.IndexByte(text[i:], '\n')
			if n < 0 {
				return len(text)
			}
			i += n
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
		i++
	}
	return len(text)
}

// replaceFile puts text in the place of a file, which keeps its permissions.
func replaceFile(name string, text []byte) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	return atomicfile.Write(name, text, info.Mode().Perm())
}
