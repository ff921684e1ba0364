// Command gendocs writes docs/commands.md from the command table, and docs/differences.md from it and from the wire tests' list of
// intended differences. A test fails when a file is out of date.
package main

//go:generate go run . ../../docs

import (
	"fmt"
	"os"
	"path/filepath"
)

// differencesList is read from the directory of this package, where go generate and go test run.
const differencesList = "../wiretest/testdata/differences.txt"

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

// write writes all pages into dir.
func write(dir string) error {
	all, err := pages()
	if err != nil {
		return err
	}
	for name, text := range all {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// pages returns the text of every page by its file's name.
func pages() (map[string][]byte, error) {
	list, err := os.ReadFile(differencesList)
	if err != nil {
		return nil, err
	}
	differences, err := differencesPage(string(list))
	return map[string][]byte{"commands.md": commandsPage(), "differences.md": differences}, err
}
