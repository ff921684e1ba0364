package clients_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redistill/redistill/test/servertest"
)

// TestQuickStart runs what the README shows in each language, as it stands there but for the
// server's address.
func TestQuickStart(t *testing.T) {
	emptyDB(t, target, 0)
	t.Run("python", func(t *testing.T) {
		quickStart(t, "python", "start.py", func(file string) []byte {
			return run(t, ".", python(t, redisPy["redis-py-8"]), file)
		})
	})
	t.Run("node", func(t *testing.T) {
		program, nodePath := node(t, "node")
		quickStart(t, "js", "start.js", func(file string) []byte {
			return run(t, ".", "env", nodePath, program, file)
		})
	})
	t.Run("go", func(t *testing.T) {
		program := servertest.Tool(t, "go")
		quickStart(t, "go", "main.go", func(file string) []byte {
			return run(t, ".", program, "run", file)
		})
	})
}

// quickStart writes the README's block in a language to a file and has it run, which prints the page
// that it has stored.
func quickStart(t *testing.T, language, name string, execute func(file string) []byte) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repoRoot, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, block, found := strings.Cut(string(text), "\n```"+language+"\n")
	block, _, closed := strings.Cut(block, "\n```\n")
	if !found || !closed {
		t.Fatalf("the README has no block in %s", language)
	}
	block = strings.NewReplacer("localhost", target.host, "6379", target.port).Replace(block)
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(block), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := string(execute(file)); got != "<h1>Hello</h1>\n" {
		t.Errorf("it printed %q", got)
	}
	if err := dial(t, target, 0).Del(t.Context(), "page:/").Err(); err != nil {
		t.Fatal(err)
	}
}
