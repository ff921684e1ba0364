package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/redistill/redistill/internal/command"
)

func TestCommandsPageIsUpToDate(t *testing.T) {
	written, err := os.ReadFile("../../docs/commands.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(written, commandsPage()) {
		t.Error("docs/commands.md is out of date: run go generate ./internal/gendocs")
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
