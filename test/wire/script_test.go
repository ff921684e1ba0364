package wire

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// script is one data file.
type script struct {
	name     string // file name without directory
	password string // what the servers require, empty for none
	blocks   []*block
	lines    []string // the file as read, for rewriting
}

// block is a run of steps that starts with an empty server.
type block struct {
	name  string
	steps []*step
}

// step is one line that acts on a connection, with the reply it expects.
type step struct {
	line int    // 1-based, in the file
	conn string // name of the connection, empty for the first one
	text string // the command as written, without connection and sign
	send []byte // bytes to write, nil to only read
	// reads tells whether a reply is read.
	reads bool
	// want is indexed by the RESP version, 2 or 3.
	want [4]expectation
	// wantEnd is the index in script.lines after the expectation, which begins
	// at index line (the line after the command).
	wantEnd int
}

var stepLine = regexp.MustCompile(`^([a-z][a-z0-9]*)?(>>|>|<)(?: (.*))?$`)

// protocols returns the RESP versions under which the script runs.
func (s *script) protocols() []int {
	if s.password != "" {
		return []int{2}
	}
	return []int{2, 3}
}

// readScripts reads every data file, in the order of their names.
func readScripts(dir string) ([]*script, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil {
		return nil, err
	}
	var scripts []*script
	for _, path := range paths {
		if filepath.Base(path) == differencesFile {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		s, err := parseScript(filepath.Base(path), string(text))
		if err != nil {
			return nil, err
		}
		scripts = append(scripts, s)
	}
	if len(scripts) == 0 {
		return nil, fmt.Errorf("no data files in %s", dir)
	}
	return scripts, nil
}

// parseScript reads the text of a data file.
func parseScript(name, text string) (*script, error) {
	s := &script{name: name, lines: strings.Split(strings.TrimSuffix(text, "\n"), "\n")}
	var last *step // the step that takes the expectation lines
	for i, line := range s.lines {
		if err := s.parseLine(i, line, &last); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, i+1, err)
		}
	}
	return s, nil
}

func (s *script) parseLine(i int, line string, last **step) error {
	m := stepLine.FindStringSubmatch(line)
	switch {
	case m != nil:
		if len(s.blocks) == 0 {
			return fmt.Errorf("command before the first block")
		}
		st, err := newStep(m[1], m[2], m[3])
		if err != nil {
			return err
		}
		st.line, st.wantEnd = i+1, i+1
		b := s.blocks[len(s.blocks)-1]
		b.steps = append(b.steps, st)
		*last = st
		return nil
	case line == "" || strings.HasPrefix(line, "#"):
		*last = nil
		return nil
	case strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]"):
		*last = nil
		return s.addBlock(line[1 : len(line)-1])
	case len(s.blocks) == 0 && strings.HasPrefix(line, "password "):
		s.password = strings.TrimPrefix(line, "password ")
		return nil
	case *last == nil || !(*last).reads:
		return fmt.Errorf("expectation without a command: %s", line)
	}
	(*last).wantEnd = i + 1
	return (*last).addWant(line)
}

func (s *script) addBlock(name string) error {
	for _, b := range s.blocks {
		if b.name == name {
			return fmt.Errorf("second block named %q", name)
		}
	}
	s.blocks = append(s.blocks, &block{name: name})
	return nil
}

func newStep(conn, sign, text string) (*step, error) {
	args, err := splitArgs(text)
	if err != nil {
		return nil, err
	}
	st := &step{conn: conn, text: text, reads: sign != ">>"}
	switch {
	case sign == "<" && text != "":
		return nil, fmt.Errorf("nothing may follow %q", sign)
	case sign != "<" && len(args) == 0:
		return nil, fmt.Errorf("nothing to send")
	case sign == ">":
		st.send = appendCommand(nil, args)
	case sign == ">>":
		st.send = []byte(strings.Join(args, ""))
	}
	return st, nil
}

// addWant takes one expectation line, for one RESP version or for both.
func (st *step) addWant(line string) error {
	versions := []int{2, 3}
	if rest, ok := strings.CutPrefix(line, "2 "); ok {
		versions, line = []int{2}, rest
	} else if rest, ok := strings.CutPrefix(line, "3 "); ok {
		versions, line = []int{3}, rest
	}
	e, err := parseExpectation(line)
	if err != nil {
		return err
	}
	for _, v := range versions {
		if st.want[v].kind != wantUnset {
			return fmt.Errorf("second expectation for RESP%d", v)
		}
		st.want[v] = e
	}
	return nil
}

// splitArgs cuts a command line into arguments.
func splitArgs(text string) ([]string, error) {
	var args []string
	for text = strings.TrimLeft(text, " "); text != ""; text = strings.TrimLeft(text, " ") {
		if text[0] != '"' {
			word, rest, _ := strings.Cut(text, " ")
			args, text = append(args, word), rest
			continue
		}
		arg, rest, err := cutLiteral(text)
		if err != nil {
			return nil, err
		}
		args, text = append(args, arg), rest
	}
	return args, nil
}

// cutLiteral takes a string literal, perhaps repeated, from the start of text.
func cutLiteral(text string) (arg, rest string, err error) {
	quoted, err := strconv.QuotedPrefix(text)
	if err != nil {
		return "", "", fmt.Errorf("bad string literal: %s", text)
	}
	arg, err = strconv.Unquote(quoted)
	if err != nil {
		return "", "", fmt.Errorf("bad string literal: %s", quoted)
	}
	suffix, rest, _ := strings.Cut(text[len(quoted):], " ")
	if suffix == "" {
		return arg, rest, nil
	}
	times, err := strconv.Atoi(strings.TrimPrefix(suffix, "*"))
	if err != nil || !strings.HasPrefix(suffix, "*") {
		return "", "", fmt.Errorf("%q after a string literal", suffix)
	}
	return strings.Repeat(arg, times), rest, nil
}

// rewritten returns the file's text with every step's expectation as it is now.
func (s *script) rewritten() []byte {
	var out bytes.Buffer
	next := 0
	for _, b := range s.blocks {
		for _, st := range b.steps {
			for ; next < st.line; next++ {
				fmt.Fprintln(&out, s.lines[next])
			}
			for _, line := range st.wantLines(s.protocols()) {
				fmt.Fprintln(&out, line)
			}
			next = st.wantEnd
		}
	}
	for ; next < len(s.lines); next++ {
		fmt.Fprintln(&out, s.lines[next])
	}
	return out.Bytes()
}

// wantLines formats the step's expectation, one line if the protocols agree.
func (st *step) wantLines(protocols []int) []string {
	var lines []string
	for _, v := range protocols {
		if st.want[v].kind != wantUnset {
			lines = append(lines, st.want[v].String())
		}
	}
	if len(lines) == 2 && lines[0] == lines[1] {
		return lines[:1]
	}
	if len(lines) == 2 {
		lines[0], lines[1] = "2 "+lines[0], "3 "+lines[1]
	}
	return lines
}
