package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redistill/redistill/command"
)

func TestFilesAreUpToDate(t *testing.T) {
	all, err := files()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range all {
		written, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil {
			t.Error(err)
		} else if !bytes.Equal(written, text) {
			t.Errorf("%s is out of date: run go generate ./internal/gendocs", name)
		}
	}
	for _, dir := range wholeDirectories {
		entries, err := os.ReadDir(filepath.Join("../..", dir))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if all[dir+"/"+e.Name()] == nil {
				t.Errorf("%s/%s is generated no more: run go generate ./internal/gendocs", dir, e.Name())
			}
		}
	}
}

func TestDifferences(t *testing.T) {
	page, err := differencesPage("# comment\nwhy Because\nclient.txt: CLIENT X*\nclient.txt: [a block]\nkeys.txt: KEYS *x\n")
	if err != nil || !strings.HasSuffix(string(page), "\n- Because.\n  - `CLIENT X ...`\n  - a block (in client.txt)\n  - `KEYS *x`\n") {
		t.Errorf("got %q and error %v", page, err)
	}
	for _, list := range []string{"why Because\nCLIENT X", "client.txt: CLIENT X"} {
		if _, err := differencesPage(list); err == nil {
			t.Errorf("%q: got no error", list)
		}
	}
}

func TestEveryCommandIsOnThePage(t *testing.T) {
	page := string(commandsPage())
	for _, c := range command.Commands() {
		name := "**`" + strings.ToUpper(c.Name)
		if !strings.Contains(page, name+" ") && !strings.Contains(page, name+"`") {
			t.Errorf("%s is missing: is its group in the list of families?", c.Name)
		}
	}
}
