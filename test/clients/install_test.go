package clients_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/redistill/redistill/test/servertest"
)

// python returns the interpreter of a virtual environment that holds exactly
// the packages of a requirements file. Equal files share an environment.
func python(t *testing.T, requirements string) string {
	t.Helper()
	python3 := servertest.Tool(t, "python3")
	dir := installed(t, "python", python3, []string{requirements}, func(dir string) {
		run(t, dir, python3, "-m", "venv", ".")
		run(t, dir, "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "10",
			"--no-deps", "--requirement", absolute(t, requirements))
		run(t, dir, "bin/python", "-m", "pip", "check", "--disable-pip-version-check")
	})
	return filepath.Join(dir, "bin", "python")
}

// node returns the node program, and the setting with which it finds the
// packages that the lock file of project names.
func node(t *testing.T, project string) (program, nodePath string) {
	t.Helper()
	program, npm := servertest.Tool(t, "node"), servertest.Tool(t, "npm")
	files := []string{filepath.Join(project, "package.json"), filepath.Join(project, "package-lock.json")}
	dir := installed(t, "node", program, files, func(dir string) {
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, filepath.Base(file)), text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		run(t, dir, npm, "ci", "--no-audit", "--no-fund", "--fetch-retries", "5")
	})
	return program, "NODE_PATH=" + filepath.Join(dir, "node_modules")
}

// installed returns the directory under build/clients that belongs to the
// contents of files and to the version of the interpreter, and lets install
// fill it the first time. It gets its name only when it is complete, so an
// interrupted installation is done anew.
func installed(t *testing.T, kind, interpreter string, files []string, install func(dir string)) string {
	t.Helper()
	hash := sha256.New()
	hash.Write(run(t, ".", interpreter, "--version"))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		hash.Write(text)
	}
	base := absolute(t, filepath.Join(repoRoot, "build", "clients"))
	dir := filepath.Join(base, fmt.Sprintf("%s-%x", kind, hash.Sum(nil)[:8]))
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	if err := os.MkdirAll(base, 0o755); err != nil {
		t.Fatal(err)
	}
	partial, err := os.MkdirTemp(base, "partial-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(partial)
	install(partial)
	// Losing the race against another run of the tests is as good as winning.
	if err := os.Rename(partial, dir); err != nil && !os.IsExist(err) {
		t.Fatal(err)
	}
	return dir
}

// run executes a program in dir and returns its stdout; its failure is the
// test's.
func run(t *testing.T, dir, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		var stderr []byte
		if exit, ok := err.(*exec.ExitError); ok {
			stderr = exit.Stderr
		}
		t.Fatalf("%v: %v\n%s%s", cmd.Args, err, out, stderr)
	}
	return out
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}
