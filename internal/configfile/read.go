// Package configfile reads configuration files, which are TOML, and writes them.
//
// The files belong to operators. So a mistake in one is reported with its line:
// each file is read twice, for its values and for the lines of its keys. And
// CONFIG REWRITE puts new values into the text as it is: comments, order and
// layout stay, byte by byte.
package configfile

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
	"github.com/spf13/viper"

	"github.com/redistill/redistill/internal/config"
)

// searchPath lists the files that are looked for when none is named.
var searchPath = []string{"redistill.toml", "/etc/redistill/redistill.toml"}

// Find returns the file that is used where none is named: the first of
// ./redistill.toml and /etc/redistill/redistill.toml that exists, or nothing.
func Find() string {
	for _, name := range searchPath {
		if _, err := os.Stat(name); err == nil {
			return name
		}
	}
	return ""
}

// Read reads a file and returns what it assigns, in its order. Errors are one
// line and name the file and, but for a file that cannot be read, the line.
func Read(name string) ([]config.Assignment, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("configuration file: %w", err)
	}
	return parse(name, data)
}

// parse is Read for what was read of the file.
func parse(name string, data []byte) ([]config.Assignment, error) {
	v, err := decode(data)
	if err != nil {
		return nil, syntaxError(name, data, err)
	}
	entries, err := scanKeys(data)
	if err != nil {
		return nil, syntaxError(name, data, err)
	}
	return assignmentsOf(name, v, entries)
}

// decode returns the values of a document, whose names may be in any case. A
// section that is written in several ways is one.
func decode(data []byte) (*viper.Viper, error) {
	var tree map[string]any
	if err := toml.Unmarshal(data, &tree); err != nil {
		return nil, err
	}
	v := viper.New()
	for _, name := range slices.Sorted(maps.Keys(tree)) {
		if err := v.MergeConfigMap(map[string]any{name: tree[name]}); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// syntaxError adds the line to an error of the TOML decoder, which knows it for
// bad syntax but not for a key that is defined twice.
func syntaxError(name string, data []byte, err error) error {
	line := 0
	var syntax *toml.DecodeError
	if errors.As(err, &syntax) {
		line, _ = syntax.Position()
	} else if entries, parseErr := scanKeys(data); parseErr == nil {
		line = conflictLine(entries)
	}
	if line == 0 {
		return fmt.Errorf("%s: %s", name, oneLine(err))
	}
	return fmt.Errorf("%s:%d: %s", name, line, oneLine(err))
}

// oneLine returns the text of an error, which may show characters of the file as they are.
func oneLine(err error) string {
	if text := err.Error(); strings.ContainsFunc(text, unicode.IsControl) {
		return strings.Trim(strconv.Quote(text), `"`)
	}
	return err.Error()
}

// conflictLine returns the line of the first entry that gives a second meaning
// to an earlier one's key, or 0.
func conflictLine(entries []entry) int {
	for i, e := range entries {
		for _, earlier := range entries[:i] {
			same := earlier.key == e.key
			inside := !earlier.table && strings.HasPrefix(e.key, earlier.key+".")
			around := !e.table && strings.HasPrefix(earlier.key, e.key+".")
			if same || inside || around {
				return e.line
			}
		}
	}
	return 0
}

// assignmentsOf pairs viper's values with the lines of entries.
func assignmentsOf(name string, v *viper.Viper, entries []entry) ([]config.Assignment, error) {
	var list []config.Assignment
	lines := make(map[string]int)
	for _, e := range entries {
		source := config.Source{Origin: config.FromFile, Name: name, Line: e.line}
		if e.table {
			if !slices.Contains(sections(), strings.ToLower(e.key)) {
				return nil, fmt.Errorf("%s: unknown section [%s]; sections are %s", source, e.key, strings.Join(sections(), ", "))
			}
			continue
		}
		setting := config.Lookup(e.key)
		if setting == nil {
			return nil, fmt.Errorf("%s: unknown key %s; %s", source, e.key, acceptedKeys(e.key))
		}
		if line := lines[setting.Key]; line > 0 {
			return nil, fmt.Errorf("%s: %s is already set on line %d", source, setting.Key, line)
		}
		lines[setting.Key] = e.line
		text, err := textOf(setting, v.Get(setting.Key))
		if err != nil {
			return nil, &config.Error{Source: source, Key: setting.Key, Reason: err.Error()}
		}
		list = append(list, config.Assignment{Key: setting.Key, Text: text, Source: source})
	}
	return list, nil
}

// sections returns the sections of the table in its order.
func sections() []string {
	var list []string
	for _, s := range config.Settings() {
		if s.Key != "" && !slices.Contains(list, s.Section()) {
			list = append(list, s.Section())
		}
	}
	return list
}

// acceptedKeys says what may stand where the unknown key stands.
func acceptedKeys(key string) string {
	section, _, inSection := strings.Cut(strings.ToLower(key), ".")
	var names []string
	for _, s := range config.Settings() {
		if s.Key != "" && s.Section() == section {
			names = append(names, s.Name())
		}
	}
	switch {
	case len(names) == 0:
		return "sections are " + strings.Join(sections(), ", ")
	case !inSection:
		return section + " is a section with " + strings.Join(names, ", ")
	}
	return "keys of [" + section + "] are " + strings.Join(names, ", ")
}

// textOf turns a value of the file into the text that config.Load takes.
func textOf(s *config.Setting, value any) (string, error) {
	switch value := value.(type) {
	case string:
		return value, nil
	case int64:
		if s.Type() != "string" {
			return strconv.FormatInt(value, 10), nil
		}
	case bool:
		if s.Type() == "bool" {
			return strconv.FormatBool(value), nil
		}
	case []any:
		if s.Type() == "list" {
			return joinList(s, value)
		}
	}
	if s.Type() == "string" {
		return "", errors.New("must be text in quotes")
	}
	return "", errors.New("must be " + s.Accepts())
}

func joinList(s *config.Setting, values []any) (string, error) {
	words := make([]string, len(values))
	for i, value := range values {
		word, ok := value.(string)
		if !ok {
			return "", errors.New("must be " + s.Accepts())
		}
		words[i] = word
	}
	return strings.Join(words, " "), nil
}

// entry is a table's heading or a key with a value.
type entry struct {
	key   string // dotted, with the tables that it is in
	line  int    // from 1
	end   int    // offset behind the key, or behind its last quote
	table bool
}

// scanKeys lists the headings and keys of a document with their lines, which
// viper does not tell.
func scanKeys(data []byte) ([]entry, error) {
	var p unstable.Parser
	p.Reset(data)
	var entries []entry
	table := ""
	for p.NextExpression() {
		node := p.Expression()
		switch node.Kind {
		case unstable.Table, unstable.ArrayTable:
			e := entryOf(&p, "", node)
			e.table = true
			table = e.key
			if node.Kind == unstable.ArrayTable {
				e.key = "[" + e.key + "]" // no setting is in a list of tables
			}
			entries = append(entries, e)
		case unstable.KeyValue:
			entries = appendKeyValue(entries, &p, table, node)
		}
	}
	return entries, p.Error()
}

// appendKeyValue adds a key, or the keys inside its inline table.
func appendKeyValue(entries []entry, p *unstable.Parser, table string, node *unstable.Node) []entry {
	e := entryOf(p, table, node)
	if node.Value().Kind != unstable.InlineTable {
		return append(entries, e)
	}
	for it := node.Value().Children(); it.Next(); {
		entries = appendKeyValue(entries, p, e.key, it.Node())
	}
	return entries
}

func entryOf(p *unstable.Parser, table string, node *unstable.Node) entry {
	var e entry
	var parts []string
	if table != "" {
		parts = append(parts, table)
	}
	for it := node.Key(); it.Next(); {
		part := string(it.Node().Data)
		if strings.ContainsAny(part, ". \"\n") {
			part = strconv.Quote(part) // so that "server.port" is not server.port
		}
		parts = append(parts, part)
		shape := p.Shape(it.Node().Raw)
		e.line, e.end = shape.Start.Line, shape.End.Offset
	}
	e.key = strings.Join(parts, ".")
	return e
}
