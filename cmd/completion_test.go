package cmd

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// free are flags that take anything, so that there is nothing to offer.
var free = []string{"password"}

// TestShellsOfferValues asks for the completion of every flag, as shells do.
func TestShellsOfferValues(t *testing.T) {
	for _, c := range newRoot().Commands() {
		if c.Name() == "completion" {
			continue
		}
		c.Flags().VisitAll(func(f *pflag.Flag) {
			question := []string{c.Name(), "--" + f.Name, ""}
			if f.NoOptDefVal != "" {
				question = []string{c.Name(), "--" + f.Name + "="}
			}
			out := offeredFor(t, question...)
			switch {
			case slices.Contains(fileFlags, f.Name):
				if out != ":0\n" {
					t.Errorf("%s --%s: got %q, want files", c.Name(), f.Name, out)
				}
			case slices.Contains(free, f.Name):
			case !strings.HasSuffix(out, "\n:4\n"):
				t.Errorf("%s --%s: got %q, want values and no files", c.Name(), f.Name, out)
			}
		})
	}
}

// offeredFor returns what shells are told to offer for the last word of a command line, and the
// directive.
func offeredFor(t *testing.T, words ...string) string {
	t.Helper()
	var out bytes.Buffer
	args := append([]string{cobra.ShellCompRequestCmd}, words...)
	if code := Main(args, strings.NewReader(""), &out, new(bytes.Buffer)); code != exitOK {
		t.Errorf("%q: exit code %d", words, code)
	}
	return out.String()
}

// TestOfferedValuesAreTaken: what is offered for a setting is a value that it takes.
func TestOfferedValuesAreTaken(t *testing.T) {
	clearEnvironment(t)
	flags := &cobra.Command{Use: "test"}
	addSettingFlags(flags)
	for name, values := range offered() {
		if flags.Flags().Lookup(name) == nil {
			continue
		}
		for _, value := range values {
			if _, err := loadWith(t, "--"+name+"="+value); err != nil {
				t.Error(err)
			}
		}
	}
}
