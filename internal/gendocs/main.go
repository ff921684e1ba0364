// Command gendocs writes docs/commands.md from the command table, docs/differences.md from it and from the wire tests' list of
// intended differences, from the settings deploy/redistill.toml, and from the command line's tree of commands completions/ for shells and
// man/, the manual. A test fails when a file is out of date.
package main

//go:generate go run . ../..

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/redistill/redistill/internal/configfile"
)

// differencesList is read from the directory of this package, where go generate and go test run.
const differencesList = "../../test/wire/testdata/differences.txt"

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: gendocs DIRECTORY")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// write writes all files into the repository whose root is dir, and removes those of whole directories that are generated no more.
func write(dir string) error {
	all, err := files()
	if err != nil {
		return err
	}
	for _, name := range wholeDirectories {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	for name, text := range all {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// wholeDirectories are those that hold nothing else than generated files.
var wholeDirectories = []string{"completions", "man"}

// files returns the text of every generated file by its path from the root, with slashes.
func files() (map[string][]byte, error) {
	list, err := os.ReadFile(differencesList)
	if err != nil {
		return nil, err
	}
	differences, err := differencesPage(string(list))
	if err != nil {
		return nil, err
	}
	all := map[string][]byte{"docs/commands.md": commandsPage(), "docs/differences.md": differences}
	var configuration bytes.Buffer
	if err := configfile.WriteDefaults(&configuration); err != nil {
		return nil, err
	}
	all["deploy/redistill.toml"] = configuration.Bytes()
	if err := addCompletions(all); err != nil {
		return nil, err
	}
	return all, addManual(all)
}
