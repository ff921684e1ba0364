package cmd

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	prompted = regexp.MustCompile(`(?m)^ *\$ (redistill .*)$`)                          // as a screen shows it
	scripted = regexp.MustCompile("(?s)```sh\n(.*?)```")                                // lines of a script
	inline   = regexp.MustCompile("`(redistill [^`\n]+)`")                              // in a sentence
	word     = regexp.MustCompile(`(?:'[^']*'|"[^"]*"|[^\s'"#;|&<>])+`)                 // of a shell's command
	end      = regexp.MustCompile(`(?:^|\s)#|[;|&<>]`)                                  // of a shell's command, outside of quotes
	quotes   = regexp.MustCompile(`'[^']*'|"[^"]*"`)                                    // parts in which nothing ends
	lacking  = regexp.MustCompile(`^flag needs an argument|^accepts \d|help requested`) // a sentence may name a flag without its value
)

// commandsIn returns the commands of redistill that a document shows.
func commandsIn(text string) []string {
	var found []string
	for _, m := range prompted.FindAllStringSubmatch(text, -1) {
		found = append(found, m[1])
	}
	for _, m := range inline.FindAllStringSubmatch(text, -1) {
		found = append(found, m[1])
	}
	for _, m := range scripted.FindAllStringSubmatch(text, -1) {
		for line := range strings.Lines(strings.ReplaceAll(m[1], "\\\n", " ")) {
			if strings.HasPrefix(line, "redistill ") {
				found = append(found, strings.TrimSpace(line))
			}
		}
	}
	return found
}

// shellWords splits the first command of a line.
func shellWords(line string) []string {
	masked := quotes.ReplaceAllStringFunc(line, func(s string) string { return strings.Repeat("x", len(s)) })
	if at := end.FindStringIndex(masked); at != nil {
		line = line[:at[0]]
	}
	words := word.FindAllString(line, -1)
	for i, w := range words {
		words[i] = quotes.ReplaceAllStringFunc(w, func(s string) string { return s[1 : len(s)-1] })
	}
	return words
}

func TestShellWords(t *testing.T) {
	for line, want := range map[string]string{
		"redistill bench   # how fast: it's":                  "redistill|bench",
		"redistill stats --check 'hit_rate>85%'; echo $?":     "redistill|stats|--check|hit_rate>85%",
		`redistill bench --compare "redis-server --port {p}"`: "redistill|bench|--compare|redis-server --port {p}",
		"redistill plan --output=toml > redistill.toml":       "redistill|plan|--output=toml",
	} {
		if got := strings.Join(shellWords(line), "|"); got != want {
			t.Errorf("%s: got %s", line, got)
		}
	}
}

// TestDocumentsShowWhatExists: every command of redistill in README.md and docs
// has the subcommand and the flags that it is shown with.
func TestDocumentsShowWhatExists(t *testing.T) {
	documents, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, document := range append(documents, "../README.md") {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range commandsIn(string(text)) {
			count++
			if strings.Contains(line, "...") {
				continue // not all of it
			}
			c, args, err := newRoot().Find(shellWords(line)[1:])
			if err == nil {
				err = c.ParseFlags(args)
			}
			if err == nil {
				err = c.ValidateArgs(c.Flags().Args())
			}
			if err != nil && !lacking.MatchString(err.Error()) {
				t.Errorf("%s: %s: %v", document, line, err)
			}
		}
	}
	if count < 30 {
		t.Errorf("found only %d commands", count)
	}
}
