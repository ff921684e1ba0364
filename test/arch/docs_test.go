package arch

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	quoted = regexp.MustCompile("`([^`\n]+)`")
	goFile = regexp.MustCompile(`^[\w./-]+\.go$`)
	goName = regexp.MustCompile(`^(\w+\.)*\w+$`)
	goTest = regexp.MustCompile(`\b(Test|Fuzz)[A-Z]\w+`)
)

// TestDocumentsNameWhatExists: every file and every test that the documents name is there, so that a rename does not leave them behind,
// and so is every name of the code that the first three put in backquotes.
func TestDocumentsNameWhatExists(t *testing.T) {
	files, idents := map[string]bool{}, map[string]bool{}
	for _, s := range sources(t) {
		files[s.path], files[s.dir()] = true, true
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				idents[n.Name] = true
			case *ast.BasicLit: // the key of a setting
				idents[strings.Trim(n.Value, `"`)] = true
			}
			return true
		})
	}
	documents, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(documents) == 0 {
		t.Fatalf("found no documents: %v", err)
	}
	for i, document := range append([]string{"../../ARCHITECTURE.md", "../../CONTRIBUTING.md", "../../README.md"}, documents...) {
		bytes, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		text := withoutFences(string(bytes))
		for _, match := range quoted.FindAllStringSubmatch(text, -1) {
			if word := match[1]; (i < 3 || goFile.MatchString(word)) && isMissing(word, files, idents) {
				t.Errorf("%s names %s, which does not exist", document, word)
			}
		}
		for _, name := range goTest.FindAllString(text, -1) {
			if !idents[name] {
				t.Errorf("%s names the test %s, which does not exist", document, name)
			}
		}
	}
}

// isMissing reports whether a word that looks like a Go file, or like a name of
// Go code, is none. Words that may be either, or something else, pass.
func isMissing(word string, files, idents map[string]bool) bool {
	if goFile.MatchString(word) {
		if !strings.Contains(word, "/") {
			for name := range files {
				if strings.HasSuffix(name, "/"+word) {
					return false
				}
			}
		}
		return !files[word]
	}
	if !goName.MatchString(word) || strings.Contains(word, "_") || strings.ToUpper(word) == word {
		return false // a path, a setting, an environment variable, a command
	}
	if idents[word] || strings.ToLower(word) == word && !strings.Contains(word, ".") {
		return false // any word
	}
	for part := range strings.SplitSeq(word, ".") {
		if !idents[part] && !files[part] {
			return true
		}
	}
	return false
}

// withoutFences leaves out code blocks.
func withoutFences(text string) string {
	var out strings.Builder
	for i, part := range strings.Split(text, "```") {
		if i%2 == 0 {
			out.WriteString(part)
		}
	}
	return out.String()
}

func TestIsMissing(t *testing.T) {
	files := map[string]bool{"engine/hash.go": true, "engine": true}
	idents := map[string]bool{"Tx": true, "HSet": true, "engine": true}
	for word, want := range map[string]bool{
		"engine/hash.go": false, "hash.go": false, "engine/list.go": true, "list.go": true,
		"Tx.HSet": false, "engine.Tx": false, "Tx.HGet": true, "LockKey": true, "OK": false, "make test": false, "engine.find": true, "wake": false,
	} {
		if got := isMissing(word, files, idents); got != want {
			t.Errorf("%s: got %v, want %v", word, got, want)
		}
	}
}
