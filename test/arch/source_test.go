package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/redistill/redistill"

// source is a Go file of the module.
type source struct {
	path  string // from the module's root, with slashes
	test  bool   // a _test.go file
	fset  *token.FileSet
	file  *ast.File
	lines int
}

// dir is the directory of the file's package, "." for the root.
func (s *source) dir() string { return path.Dir(s.path) }

// imports returns the imported paths. Those inside the module are relative to it.
func (s *source) imports() []string {
	var list []string
	for _, spec := range s.file.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			panic(err) // the parser accepted it
		}
		if name == module {
			name = "."
		}
		list = append(list, strings.TrimPrefix(name, module+"/"))
	}
	return list
}

// sources parses every Go file of the module, for whatever system and build
// tags it is: go list would show those of this machine alone.
func sources(t *testing.T) []*source {
	t.Helper()
	const root = "../.."
	var list []*source
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && name != root && skipped(entry.Name()) {
			return filepath.SkipDir
		}
		if entry.IsDir() || filepath.Ext(name) != ".go" {
			return nil
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		s, err := parse(filepath.ToSlash(rel), name, nil)
		list = append(list, s)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 50 {
		t.Fatalf("found only %d Go files", len(list))
	}
	return list
}

// skipped reports whether no directory of this name holds source of the module.
func skipped(dir string) bool {
	switch dir {
	case "build", "dist", "node_modules", "testdata":
		return true
	}
	return strings.HasPrefix(dir, ".")
}

// parse reads a file. text, if not nil, stands for its content.
func parse(rel, name string, text any) (*source, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	return &source{
		path:  rel,
		test:  strings.HasSuffix(rel, "_test.go"),
		fset:  fset,
		file:  file,
		lines: fset.File(file.FileStart).LineCount(),
	}, nil
}

func parseText(t *testing.T, rel, text string) *source {
	t.Helper()
	s, err := parse(rel, rel, text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
