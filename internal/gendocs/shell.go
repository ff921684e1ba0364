package main

import (
	"bytes"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"

	"github.com/redistill/redistill/cmd"
)

// addCompletions adds the completions of every shell that cobra knows.
func addCompletions(all map[string][]byte) error {
	for name, generate := range map[string]func(*cobra.Command, *bytes.Buffer) error{
		"redistill.bash": func(c *cobra.Command, w *bytes.Buffer) error { return c.GenBashCompletionV2(w, true) },
		"_redistill":     func(c *cobra.Command, w *bytes.Buffer) error { return c.GenZshCompletion(w) },
		"redistill.fish": func(c *cobra.Command, w *bytes.Buffer) error { return c.GenFishCompletion(w, true) },
		"redistill.ps1":  func(c *cobra.Command, w *bytes.Buffer) error { return c.GenPowerShellCompletionWithDesc(w) },
	} {
		var text bytes.Buffer
		if err := generate(cmd.Command(), &text); err != nil {
			return err
		}
		all["completions/"+name] = text.Bytes()
	}
	return nil
}

// manualDate stands on every page of the manual. It is fixed, so that the pages change with their text alone.
var manualDate = time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)

// addManual adds the page of every command.
func addManual(all map[string][]byte) error {
	root := cmd.Command()
	root.DisableAutoGenTag = true
	return addPages(all, root)
}

func addPages(all map[string][]byte, c *cobra.Command) error {
	for _, sub := range c.Commands() {
		if err := addPages(all, sub); err != nil {
			return err
		}
	}
	c.Long = markdown(c.Long)
	c.Flags().VisitAll(func(f *pflag.Flag) {
		_, usage := pflag.UnquoteUsage(f)
		f.Usage = escape(usage)
	})
	var text bytes.Buffer
	err := doc.GenMan(c, &doc.GenManHeader{Section: "1", Date: &manualDate, Source: "Redistill", Manual: "Redistill"}, &text)
	all["man/"+strings.ReplaceAll(c.CommandPath(), " ", "-")+".1"] = text.Bytes()
	return err
}

// markdown turns a help text, which is laid out for terminals, into what cobra takes for the manual: lines that begin with spaces stay as
// they are, others are paragraphs.
func markdown(help string) string {
	var out strings.Builder
	indented := false
	for line := range strings.Lines(help) {
		if i := strings.HasPrefix(line, " "); i != indented && strings.TrimSpace(line) != "" {
			indented = i
			out.WriteByte('\n')
		}
		if indented {
			out.WriteString("    " + line)
		} else {
			out.WriteString(escape(line))
		}
	}
	return out.String()
}

var special = regexp.MustCompile("[*_<>\\[\\]`#]")

// escape takes the special meaning from characters.
func escape(text string) string { return special.ReplaceAllString(text, `\$0`) }
