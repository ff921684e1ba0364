package arch

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// policy says which packages of the module, and which modules of others, a
// package may import, and which of the standard library it may not.
//
//	a, b < c     c may import a and b; nothing follows from it for what
//	             imports c
//	a, b !< c    c may not import a or b
//
// Packages of the standard library need no line to be imported. Only files of
// the product are looked at, not tests. What a package may import and does not
// is an error too: who reads the policy sees what depends on what.
//
// It is a statement of policy. A change of it is a change of design: the build
// is not to be mended here.
const policy = `
	# The engine knows no protocol, no network and no settings.
	internal/invariants, golang.org/x/sys/unix < engine;
	net, net/http, net/netip, log, log/slog, flag, os/exec, reflect, regexp, encoding/json
		!< engine;

	# Bytes in and out, without a socket or a formatter.
	fmt, log, log/slog, net, os, reflect, regexp, encoding/json, encoding/binary
		!< internal/resp, internal/glob;

	# Settings: CONFIG GET takes patterns.
	internal/glob < internal/config;

	# The settings' files: nothing else parses TOML that has settings in it.
	internal/atomicfile, internal/config, github.com/pelletier/go-toml/v2,
	github.com/pelletier/go-toml/v2/unstable, github.com/spf13/viper < internal/configfile;

	# Users and what they may do: no clients, no files.
	internal/glob < internal/acl;
	fmt, log, log/slog, net, os, reflect, regexp !< internal/acl;

	# Commands: no sockets, and nothing that formats.
	engine, internal/acl, internal/atomicfile, internal/config, internal/glob, internal/info, internal/invariants, internal/latency, internal/rdb,
	internal/resp, internal/snapshot < command;
	fmt, net, net/http, os/exec, reflect, regexp, text/template, encoding/json
		!< command;

	# The keyspace in a file: the engine and the format meet here.
	engine, internal/atomicfile, internal/rdb, golang.org/x/sys/unix < internal/snapshot;

	# The network knows no command by name, and not the engine.
	command, internal/config, internal/invariants, internal/resp < netserver;
	net/http, reflect, regexp !< netserver;

	# Certificates are files; who serves with them gets a tls.Config.
	github.com/fsnotify/fsnotify < internal/certs;

	# What monitoring is told.
	engine, command, github.com/prometheus/client_golang/prometheus, github.com/prometheus/client_golang/prometheus/collectors,
	github.com/prometheus/client_golang/prometheus/promhttp < internal/status;

	# One client for the tools and the tests. It reads RESP2 with redcon, and lets it see whole replies only.
	internal/resp, github.com/tidwall/redcon < tools/client;

	# The load generator and the observer treat any Redis alike, so they may not know ours.
	tools/client, tools/terminal, github.com/HdrHistogram/hdrhistogram-go,
	github.com/cespare/xxhash/v2, github.com/pelletier/go-toml/v2, github.com/tidwall/redcon,
	golang.org/x/sys/unix < tools/bench;
	tools/client, internal/config, tools/terminal, github.com/tidwall/redcon < tools/stats;

	# Text for people: nothing else draws tables.
	github.com/olekukonko/tablewriter, github.com/olekukonko/tablewriter/renderer,
	github.com/olekukonko/tablewriter/tw, golang.org/x/term < tools/terminal;

	# The live screen: nothing else may take over the terminal.
	internal/config, tools/stats, charm.land/bubbletea/v2, charm.land/lipgloss/v2, github.com/charmbracelet/x/ansi
		< tools/watch;

	# A server that was started is asked whether it is ready.
	tools/client < tools/spawn;

	# Sizing is arithmetic on the engine's own costs.
	engine, internal/config, tools/terminal, github.com/pelletier/go-toml/v2 < tools/plan;

	# Plans are made from what a server holds, and held against what one takes.
	tools/client, tools/plan, github.com/tidwall/redcon < tools/sample;
	tools/client, tools/plan < tools/verify;

	# The command line fills the options of everything else.
	command, engine, internal/certs, internal/config, internal/configfile,
	internal/logwriter, internal/status, netserver, tools/bench, tools/client, tools/plan,
	tools/sample, tools/spawn, tools/stats, tools/verify, tools/watch, charm.land/bubbletea/v2,
	github.com/spf13/cobra, github.com/spf13/pflag, github.com/vbauerster/mpb/v8, github.com/vbauerster/mpb/v8/decor,
	golang.org/x/term < cmd;
	cmd < .;

	# Benchmarks read traces; the product does not.
	github.com/ulikunitz/xz < test/traces;

	# Tests start the whole server, and speak to it as the tools do.
	tools/client, internal/resp, github.com/tidwall/redcon < internal/resp/resptest;
	cmd, tools/client, internal/resp/resptest, tools/spawn, test/await, github.com/tidwall/redcon
		< test/servertest;

	# The speed check: intervals, and the output of benchmarks.
	golang.org/x/perf/benchfmt, golang.org/x/perf/benchmath < test/speed;

	# Programs that write documentation.
	cmd, command, internal/configfile, internal/info, github.com/spf13/cobra, github.com/spf13/cobra/doc, github.com/spf13/pflag
		< internal/gendocs;
`

// rules is a parsed policy: by importer, the paths that a rule names.
type rules struct {
	allowed, forbidden map[string][]string
}

func parsePolicy(text string) (rules, error) {
	r := rules{map[string][]string{}, map[string][]string{}}
	var plain strings.Builder
	for line := range strings.Lines(text) {
		code, _, _ := strings.Cut(line, "#")
		plain.WriteString(code)
		plain.WriteByte(' ')
	}
	statements := strings.Split(plain.String(), ";")
	for _, statement := range statements[:len(statements)-1] {
		set, sign := r.allowed, "<"
		if strings.Contains(statement, "!<") {
			set, sign = r.forbidden, "!<"
		}
		imports, importers, ok := strings.Cut(statement, sign)
		if !ok || strings.Contains(importers, "<") {
			return r, fmt.Errorf("want 'a, b < c' in %q", statement)
		}
		for _, importer := range names(importers) {
			set[importer] = append(set[importer], names(imports)...)
		}
	}
	if rest := strings.TrimSpace(statements[len(statements)-1]); rest != "" {
		return r, fmt.Errorf("no semicolon after %q", rest)
	}
	return r, nil
}

func names(list string) []string {
	var out []string
	for name := range strings.SplitSeq(list, ",") {
		out = append(out, strings.TrimSpace(name))
	}
	return out
}

// violations returns what a file imports against the rules.
func (r rules) violations(s *source) []string {
	var out []string
	for _, name := range s.imports() {
		switch {
		case isStandard(name) && slices.Contains(r.forbidden[s.dir()], name):
			out = append(out, fmt.Sprintf("%s imports %s, which the policy forbids", s.path, name))
		case !isStandard(name) && !slices.Contains(r.allowed[s.dir()], name):
			out = append(out, fmt.Sprintf("%s imports %s, which the policy does not allow", s.path, name))
		}
	}
	return out
}

// unused returns what packages are allowed to import and no file does.
func (r rules) unused(all []*source) []string {
	used := map[[2]string]bool{}
	for _, s := range all {
		if s.test {
			continue
		}
		for _, name := range s.imports() {
			used[[2]string{s.dir(), name}] = true
		}
	}
	var out []string
	for importer, list := range r.allowed {
		for _, name := range list {
			if !used[[2]string{importer, name}] {
				out = append(out, fmt.Sprintf("the policy allows %s to import %s, which it does not",
					importer, name))
			}
		}
	}
	slices.Sort(out)
	return out
}

// isStandard reports whether a path, as source.imports gives it, is one of the
// standard library.
func isStandard(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	switch first {
	case ".", "cmd", "command", "engine", "internal", "netserver", "test", "tools":
		return false
	}
	return !strings.Contains(first, ".")
}

func TestImports(t *testing.T) {
	r, err := parsePolicy(policy)
	if err != nil {
		t.Fatal(err)
	}
	all := sources(t)
	for _, s := range all {
		if s.test {
			continue
		}
		for _, v := range r.violations(s) {
			t.Error(v)
		}
	}
	for _, v := range r.unused(all) {
		t.Error(v)
	}
}

func TestPolicyIsEnforced(t *testing.T) {
	r, err := parsePolicy("x, # why\n example.com/y < engine; net, fmt !< engine; engine < cmd;")
	if err != nil {
		t.Fatal(err)
	}
	const head = "package p\nimport "
	for _, test := range []struct {
		path, imported string
		ok             bool
	}{
		{"engine/a.go", "bytes", true},
		{"engine/a.go", "net", false},
		{"engine/a.go", "fmt", false},
		{"engine/a.go", "net/netip", true},
		{"engine/a.go", "example.com/y", true},
		{"engine/a.go", "example.com/y/z", false},
		{"engine/a.go", module + "/cmd", false},
		{"engine/deeper/a.go", "net", true},
		{"engine/deeper/a.go", module + "/engine", false},
		{"cmd/a.go", module + "/engine", true},
		{"cmd/a.go", module, false},
		{"cmd/a.go", "net", true},
	} {
		s := parseText(t, test.path, head+`"`+test.imported+`"`)
		if got := r.violations(s); (len(got) == 0) != test.ok {
			t.Errorf("%s importing %s: got %q", test.path, test.imported, got)
		}
	}
	for _, text := range []string{"a < b < c;", "a, b;", "a < b; b < c", "a !< b < c;"} {
		if _, err := parsePolicy(text); err == nil {
			t.Errorf("%q: got no error", text)
		}
	}
}

func TestUnusedPermissions(t *testing.T) {
	r, err := parsePolicy("engine, internal/resp < cmd; engine, net !< tools/bench; cmd < .;")
	if err != nil {
		t.Fatal(err)
	}
	const resp = "package p\nimport " + `"` + module + `/internal/resp"`
	all := []*source{
		parseText(t, "cmd/a.go", "package p\nimport "+`"`+module+`/engine"`),
		parseText(t, "cmd/a_test.go", resp), // a test, and another package
		parseText(t, "bench/a.go", resp),
	}
	got := r.unused(all)
	want := []string{
		"the policy allows . to import cmd, which it does not",
		"the policy allows cmd to import internal/resp, which it does not",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
