package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// typeFiles are the prefixes of the files of engine that may know a type of values: those of the
// type itself, and the table of descriptors.
var typeFiles = []string{"string", "hash", "set", "types"}

// knownTypes is where a mechanism names a type nevertheless, and why.
var knownTypes = map[string]string{
	"engine/prefetch.go: prefetchFields": "it guesses without a lock, so that it cannot ask a descriptor",
}

// TestMechanismsKnowNoType: eviction, expiry, snapshots, tables and the like ask the descriptor of a
// type for what they have to know, so that a new type is a new file.
func TestMechanismsKnowNoType(t *testing.T) {
	files, err := filepath.Glob("../../engine/*.go")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]any{}
	for _, name := range files {
		if base := filepath.Base(name); !strings.HasSuffix(base, "_test.go") {
			texts["engine/"+base] = nil
		}
	}
	expect(t, namedTypes(t, "../../", texts), knownTypes)
}

// TestMechanismsKnowNoTypeFinds: a constant, a function, a method and a type of a type's file are found,
// a method of an interface is not.
func TestMechanismsKnowNoTypeFinds(t *testing.T) {
	found := namedTypes(t, "", map[string]any{
		"engine/types.go": `package engine
type Type uint8
const (None Type = iota; Hash)
type view struct{}
type valueType interface{ size() int }
var types = [...]valueType{Hash: hashType{}}`,
		"engine/hash_type.go": `package engine
type hashType struct{}
func (hashType) size() int { return 1 }
func (v *view) fields() int { return 2 }
func hashLimit() int { return 3 }`,
		"engine/evict.go": `package engine
func weigh(t Type, v *view) int {
	if t == None { return types[t].size() }
	if t == Hash { return v.fields() + hashLimit() }
	return hashType{}.size()
}`,
	})
	slices.Sort(found)
	want := []string{"engine/evict.go: Hash", "engine/evict.go: fields", "engine/evict.go: hashLimit",
		"engine/evict.go: hashType", "engine/evict.go: size"}
	if !slices.Equal(found, want) {
		t.Errorf("found %q, want %q", found, want)
	}
}

// namedTypes returns which files of a package, that are not a type's own, use what a type's file
// declares, or a constant that is a type. texts are the files, by their paths below root; those
// without a text are read.
func namedTypes(t *testing.T, root string, texts map[string]any) []string {
	t.Helper()
	fset := token.NewFileSet()
	var files []*ast.File
	for name, text := range texts {
		f, err := parser.ParseFile(fset, root+name, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	info := types.Info{Uses: map[*ast.Ident]types.Object{}}
	// What it imports need not be known, and files for several systems declare the same.
	config := types.Config{Error: func(error) {}, Importer: noImports{}, Sizes: types.SizesFor("gc", runtime.GOARCH)}
	pkg, _ := config.Check("engine", fset, files, &info)
	file := func(pos token.Pos) string { return filepath.Base(fset.Position(pos).Filename) }
	var found []string
	for ident, obj := range info.Uses {
		from, to := file(ident.Pos()), file(obj.Pos())
		if obj.Pkg() != pkg || isTypeFile(from) || !isTypeFile(to) || to == "types.go" && !isTypeConstant(obj) {
			continue
		}
		if v, ok := obj.(*types.Var); ok && v.IsField() {
			continue // of something that the file has already
		}
		if v := fmt.Sprintf("engine/%s: %s", from, ident.Name); !slices.Contains(found, v) {
			found = append(found, v)
		}
	}
	return found
}

func isTypeFile(name string) bool {
	return slices.ContainsFunc(typeFiles, func(prefix string) bool {
		base := strings.TrimSuffix(name, ".go")
		return base == prefix || strings.HasPrefix(base, prefix+"_")
	})
}

// isTypeConstant reports whether an object is one of the types of keys, but None.
func isTypeConstant(obj types.Object) bool {
	c, ok := obj.(*types.Const)
	if !ok || c.Name() == "None" {
		return false
	}
	named, ok := c.Type().(*types.Named)
	return ok && named.Obj().Name() == "Type"
}

// noImports knows no package.
type noImports struct{}

func (noImports) Import(path string) (*types.Package, error) {
	return nil, fmt.Errorf("%s is not looked at", path)
}
