package command

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/redistill/redistill/internal/resp"
	"github.com/redistill/redistill/internal/resp/resptest"
)

func TestTable(t *testing.T) {
	corpus := wireCorpus(t)
	seen := map[string]bool{}
	for _, row := range newTable(Commands()).list {
		name := row.FullName()
		if seen[name] {
			t.Errorf("%s: is in the table twice", name)
		}
		seen[name] = true
		if row.Summary == "" || row.Since == "" || row.Group == "" || row.Arity == 0 {
			t.Errorf("%s: has no summary, version, group or arity", name)
		}
		if row.Run == nil && row.Sub == nil {
			t.Errorf("%s: has neither handler nor subcommands", name)
		}
		if row.Name != strings.ToLower(row.Name) {
			t.Errorf("%s: is not in lower case", name)
		}
		args, ok := parseSyntax(row.Syntax)
		if !ok {
			t.Errorf("%s: cannot parse the syntax %q", name, row.Syntax)
		}
		words := 1 + strings.Count(name, "|")
		if needsArguments := row.Arity > words || -row.Arity > words; needsArguments && row.Sub == nil && len(args) == 0 {
			t.Errorf("%s: needs arguments, but has no syntax", name)
		}
		if row.Run != nil && !corpus[name] {
			t.Errorf("%s: no line of the wire corpus runs it", name)
		}
	}
}

// wireCorpus returns the full names of the commands that the wire tests run. A subcommand's line counts for its container too.
func wireCorpus(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("../test/wire/testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no wire corpus: %v", err)
	}
	names := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			_, command, found := strings.Cut(line, "> ")
			if words := strings.Fields(strings.ToLower(command)); found && len(words) > 0 {
				names[words[0]] = true
				if len(words) > 1 {
					names[words[0]+"|"+words[1]] = true
				}
			}
		}
	}
	return names
}

// otherArguments are rows whose arguments redis-server 7.0 does not list, or not all of them, or as
// a block of one.
var otherArguments = map[string]bool{
	"command|getkeys": true, "command|getkeysandflags": true, "config|get": true, "client|list": true, "cluster": true, "debug": true, "hscan": true,
}

// newerThanOracle are rows that redis-server 7.0 does not have.
var newerThanOracle = map[string]bool{"client|setinfo": true, "client|no-touch": true}

// waitForDisk are rows that have the flag no_multi here alone.
var waitForDisk = map[string]bool{"acl|load": true, "acl|save": true, "config|rewrite": true}

func TestCommandInfoIsRedis(t *testing.T) {
	o := startOracle(t)
	table := newTable(Commands())
	for _, row := range table.list {
		name := row.FullName()
		if newerThanOracle[name] {
			continue
		}
		want, _ := o.do("COMMAND", "INFO", name).([]any)[0].([]any)
		if want == nil {
			t.Errorf("%s: redis-server does not have it", name)
			continue
		}
		if waitForDisk[name] {
			want[2] = append(want[2].([]any), "no_multi")
		}
		got := ownReply(t, row.appendInfo).([]any)
		for i, part := range []string{"name", "arity", "flags", "first key", "last key", "step", "categories", "tips", "key specifications"} {
			if g, w := unordered(got[i]), unordered(want[i]); !reflect.DeepEqual(g, w) {
				t.Errorf("%s: %s: got %v, want %v", name, part, g, w)
			}
		}
	}
}

// TestAbsentCommandsAreRedis: rules know every command of redis-server, by its categories there, and no others but those of later releases.
func TestAbsentCommandsAreRedis(t *testing.T) {
	o := startOracle(t)
	theirs := map[string][]any{} // by full name, the categories
	var add func(row []any)
	add = func(row []any) {
		theirs[row[0].(string)] = row[6].([]any)
		for _, sub := range row[9].([]any) {
			add(sub.([]any))
		}
	}
	for _, row := range o.do("COMMAND").([]any) {
		add(row.([]any))
	}
	for _, row := range newTable(Commands()).list {
		delete(theirs, row.FullName())
	}
	later := []string{"cluster|myshardid", "waitaof"}
	for _, c := range absentCommands() {
		var got []any
		for i, name := range categoryNames {
			if c.Categories&(1<<i) != 0 {
				got = append(got, "@"+name)
			}
		}
		want, known := theirs[c.Name]
		if known == slices.Contains(later, c.Name) || known && !reflect.DeepEqual(unordered(got), unordered(want)) {
			t.Errorf("%s: got %v, want %v", c.Name, got, want)
		}
		delete(theirs, c.Name)
	}
	if len(theirs) > 0 {
		t.Errorf("rules do not know %v", slices.Sorted(maps.Keys(theirs)))
	}
}

// ownWords are the groups whose summaries are in words of our own.
var ownWords = map[Group]bool{Sets: true}

func TestCommandDocsAreRedis(t *testing.T) {
	o := startOracle(t)
	for _, row := range newTable(Commands()).list {
		name := row.FullName()
		want, _ := o.do("COMMAND", "DOCS", name).([]any)
		if len(want) == 0 {
			continue // TestCommandInfoIsRedis tells
		}
		got := asMap(ownReply(t, func(out *resp.Out) { out.Array(2); row.appendDocs(out) }).([]any)[1])
		theirs := asMap(want[1])
		for _, field := range []string{"summary", "since", "group", "complexity"} {
			if got[field] != theirs[field] && (field != "summary" || !ownWords[row.Group]) {
				t.Errorf("%s: %s: got %q, want %q", name, field, got[field], theirs[field])
			}
		}
		if g, w := topArguments(got["arguments"]), topArguments(theirs["arguments"]); !reflect.DeepEqual(g, w) && !otherArguments[name] {
			t.Errorf("%s: arguments: got %v, want %v", name, g, w)
		}
	}
}

// topArguments shows the arguments of COMMAND DOCS without what is inside them: token, or else kind, and flags.
func topArguments(list any) (shown []string) {
	args, _ := list.([]any)
	for _, a := range args {
		m := asMap(a)
		what := m["type"]
		if m["token"] != nil {
			what = m["token"]
		}
		shown = append(shown, fmt.Sprint(what, m["flags"]))
	}
	return shown
}

func ownReply(t *testing.T, write func(*resp.Out)) any {
	t.Helper()
	out := resp.Out{Proto: 2}
	write(&out)
	v, err := resptest.Parse(out.B)
	if err != nil {
		t.Fatalf("%v in %q", err, out.B)
	}
	return v
}

// unordered sorts a list of strings, which in RESP3 is a set.
func unordered(v any) any {
	list, ok := v.([]any)
	if !ok {
		return v
	}
	list = slices.Clone(list)
	for i := range list {
		list[i] = unordered(list[i])
	}
	if !slices.ContainsFunc(list, func(e any) bool { _, isString := e.(string); return !isString }) {
		slices.SortFunc(list, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
	}
	return list
}

func asMap(v any) map[string]any {
	m := map[string]any{}
	list, _ := v.([]any)
	for i := 0; i+1 < len(list); i += 2 {
		m[list[i].(string)] = list[i+1]
	}
	return m
}

func TestLookup(t *testing.T) {
	rows := Commands()
	table := newTable(rows)
	for i := range rows {
		for _, spelling := range []string{rows[i].Name, strings.ToUpper(rows[i].Name), strings.ToUpper(rows[i].Name[:1]) + rows[i].Name[1:]} {
			if got := table.lookup([]byte(spelling)); got != &rows[i] {
				t.Errorf("lookup(%q) = %v", spelling, got)
			}
		}
		for j := range rows[i].Sub {
			sub := &rows[i].Sub[j]
			if got := table.find(strings.ToUpper(rows[i].Name) + "|" + sub.Name); got != sub {
				t.Errorf("find(%s|%s) = %v", rows[i].Name, sub.Name, got)
			}
		}
		// A bit of a name changed is another name, also where letters become other bytes.
		name := []byte(rows[i].Name)
		for at := range name {
			for bit := range 8 {
				name[at] ^= 1 << bit
				want := table.scan(name)
				if got := table.lookup(name); got != want {
					t.Errorf("lookup(%q) = %v, want %v", name, got, want)
				}
				name[at] ^= 1 << bit
			}
		}
	}
	for _, name := range []string{"", "g", "ge", "gett", "get ", "nope", "get\x00", strings.Repeat("get", 40), "config|get"} {
		if got := table.lookup([]byte(name)); got != nil {
			t.Errorf("lookup(%q) = %s", name, got.FullName())
		}
	}
	for _, name := range []string{"get|x", "config|", "|get", "config|get|x", "nope|get"} {
		if got := table.find(name); got != nil {
			t.Errorf("find(%q) = %s", name, got.FullName())
		}
	}
}

// scan is lookup in its simplest form.
func (t *table) scan(name []byte) *Command {
	for _, row := range t.rows {
		if is(name, row.Name) {
			return row
		}
	}
	return nil
}

func TestLookupOfUnusualNames(t *testing.T) {
	table := newTable([]Command{{Name: "eval_ro"}, {Name: "georadiusbymember_ro"}})
	for name, want := range map[string]string{
		"EVAL_RO": "eval_ro", "eval\x7fro": "", "GeoRadiusByMember_RO": "georadiusbymember_ro", "georadiuxbymember_ro": "",
	} {
		switch got := table.lookup([]byte(name)); {
		case want == "" && got != nil, want != "" && (got == nil || got.Name != want):
			t.Errorf("lookup(%q) = %v, want %q", name, got, want)
		}
	}
}

func TestLookupDoesNotAllocate(t *testing.T) {
	table, name := newTable(Commands()), []byte("HGETALL")
	if n := testing.AllocsPerRun(100, func() { table.lookup(name) }); n != 0 {
		t.Errorf("lookup allocates %v times", n)
	}
}

func BenchmarkLookup(b *testing.B) {
	table := newTable(Commands())
	for _, name := range []string{"GET", "set", "HGETALL", "hincrbyfloat"} {
		b.Run(name, func(b *testing.B) {
			word := []byte(name)
			for b.Loop() {
				if table.lookup(word) == nil && name == "GET" {
					b.Fatal("not found")
				}
			}
		})
	}
}
