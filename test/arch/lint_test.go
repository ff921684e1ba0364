package arch

import (
	"fmt"
	"go/ast"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
)

const (
	maxFileLines     = 500
	maxFunctionLines = 80
)

// exceptions are violations, as the checks print them, that stay, and why.
// There shall be few, and an entry that no longer applies is an error.
var exceptions = map[string]string{
	"engine/check.go: imports fmt":        "the checker describes what it found, in tests and on request",
	"engine/check_table.go: imports fmt":  "likewise",
	"engine/check_value.go: imports fmt":  "likewise",
	"engine/hash_check.go: imports fmt":   "likewise",
	"engine/set_check.go: imports fmt":    "likewise",
	"engine/string_check.go: imports fmt": "likewise",
	"engine/store.go: imports fmt":        "Open says what is wrong with its options; nothing after it does",
}

func TestSource(t *testing.T) {
	var found []string
	for _, s := range sources(t) {
		found = append(found, check(s)...)
	}
	expect(t, found, exceptions)
}

// expect reports the violations that are no exceptions, and the exceptions that
// are not needed.
func expect(t *testing.T, found []string, exceptions map[string]string) {
	t.Helper()
	unused := maps.Clone(exceptions)
	for _, v := range found {
		if _, ok := exceptions[v]; !ok {
			t.Error(v)
		}
		delete(unused, v)
	}
	for v := range unused {
		t.Errorf("the exception %q is not needed any more", v)
	}
}

// check returns what is wrong with a file. The texts hold no line numbers, so
// that exceptions stay valid.
func check(s *source) []string {
	var out []string
	report := func(format string, args ...any) {
		out = append(out, s.path+": "+fmt.Sprintf(format, args...))
	}
	if s.lines > maxFileLines {
		report("more than %d lines", maxFileLines)
	}
	for _, dir := range strings.Split(s.dir(), "/") {
		if slices.Contains([]string{"base", "common", "helper", "helpers", "lib", "misc", "pkg", "shared", "util", "utils"}, dir) {
			report("a directory named %s says nothing about what is in it", dir)
		}
	}
	if s.test {
		return out
	}
	if slices.Contains([]string{"engine", "internal/resp", "command"}, s.dir()) && slices.Contains(s.imports(), "fmt") {
		report("imports fmt")
	}
	for _, decl := range s.file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok {
			checkFunction(s, f, report)
		}
	}
	return out
}

func checkFunction(s *source, f *ast.FuncDecl, report func(format string, args ...any)) {
	if n := s.fset.Position(f.End()).Line - s.fset.Position(f.Pos()).Line + 1; n > maxFunctionLines {
		report("%s has more than %d lines", f.Name.Name, maxFunctionLines)
	}
	if f.Recv == nil && f.Name.Name == "init" {
		report("init runs without being called")
	}
	if s.file.Name.Name == "main" {
		return
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if selector, ok := n.(*ast.SelectorExpr); ok {
			if name, ends := endsProcess(s, selector); ends {
				report("%s calls %s", f.Name.Name, name)
			}
		}
		return true
	})
}

// endsProcess reports whether a selector is a function that ends the process.
func endsProcess(s *source, selector *ast.SelectorExpr) (name string, ends bool) {
	qualifier, ok := selector.X.(*ast.Ident)
	if !ok {
		return "", false
	}
	name = qualifier.Name + "." + selector.Sel.Name
	switch name {
	case "os.Exit", "syscall.Exit", "log.Fatal", "log.Fatalf", "log.Fatalln", "log.Panic", "log.Panicf", "log.Panicln":
		return name, importsAs(s, qualifier.Name)
	}
	return "", false
}

// importsAs reports whether a name stands for the imported package of that name,
// and not for a variable.
func importsAs(s *source, name string) bool {
	return slices.ContainsFunc(s.imports(), func(p string) bool { return path.Base(p) == name })
}

func TestChecksFindViolations(t *testing.T) {
	long := strings.Repeat("\n", 600)
	for _, test := range []struct{ path, text, want string }{
		{"engine/a.go", "package engine", ""},
		{"engine/a.go", "package engine" + long, "engine/a.go: more than 500 lines"},
		{"engine/a_test.go", "package engine" + long, "engine/a_test.go: more than 500 lines"},
		{"engine/a.go", "package engine\nfunc f() {" + long[:79] + "}", ""},
		{"engine/a.go", "package engine\nfunc f() {" + long[:80] + "}", "engine/a.go: f has more than 80 lines"},
		{"engine/a_test.go", "package engine\nfunc f() {" + long[:80] + "}", ""},
		{"engine/a.go", "package engine\nimport \"fmt\"", "engine/a.go: imports fmt"},
		{"engine/a_test.go", "package engine\nimport \"fmt\"", ""},
		{"cmd/a.go", "package cmd\nimport \"fmt\"", ""},
		{"cmd/a.go", "package cmd\nfunc init() {}", "cmd/a.go: init runs without being called"},
		{"cmd/a.go", "package cmd\nimport \"os\"\nfunc f() { func() { os.Exit(1) }() }", "cmd/a.go: f calls os.Exit"},
		{"cmd/a.go", "package cmd\nimport \"log\"\nfunc f() { log.Fatal(1) }", "cmd/a.go: f calls log.Fatal"},
		{"cmd/a.go", "package cmd\nfunc f(log logger) { log.Fatal(1) }", ""},
		{"main.go", "package main\nimport \"os\"\nfunc f() { os.Exit(1) }", ""},
		{"internal/util/a.go", "package util", "internal/util/a.go: a directory named util says nothing about what is in it"},
	} {
		if got := strings.Join(check(parseText(t, test.path, test.text)), "\n"); got != test.want {
			t.Errorf("%s %.60q: got %q, want %q", test.path, test.text, got, test.want)
		}
	}
}
