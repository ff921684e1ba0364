package wiretest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// differencesFile lists the commands whose expected reply is ours and not
// redis-server's. Each entry is a line "why REASON" followed by one line
// "FILE: COMMAND" for each command; a COMMAND that ends in * stands for every
// command that begins so.
const differencesFile = "differences.txt"

// difference is one line of the list.
type difference struct {
	why     string
	file    string
	command string
	// ran and differed count the replies seen for it, to find entries that are
	// no longer true.
	ran, differed int
}

type differences []*difference

func readDifferences(dir string) (differences, error) {
	text, err := os.ReadFile(filepath.Join(dir, differencesFile))
	if err != nil {
		return nil, err
	}
	return parseDifferences(string(text))
}

func parseDifferences(text string) (differences, error) {
	var list differences
	why := ""
	for i, line := range strings.Split(text, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if reason, ok := strings.CutPrefix(line, "why "); ok {
			why = reason
			continue
		}
		file, command, ok := strings.Cut(line, ": ")
		if !ok || why == "" {
			return nil, fmt.Errorf("%s:%d: want a reason, then FILE: COMMAND", differencesFile, i+1)
		}
		list = append(list, &difference{why: why, file: file, command: command})
	}
	return list, nil
}

// find returns the entry for a step of the file, or nil.
func (list differences) find(file string, st *step) *difference {
	for _, d := range list {
		if d.file == file && d.matches(st.text) {
			return d
		}
	}
	return nil
}

func (d *difference) matches(text string) bool {
	if prefix, ok := strings.CutSuffix(d.command, "*"); ok {
		return strings.HasPrefix(text, prefix)
	}
	return text == d.command
}

// stale returns what is wrong with the entries that were reached and never
// differed.
func (list differences) stale() []string {
	var out []string
	for _, d := range list {
		if d.ran > 0 && d.differed == 0 {
			out = append(out, fmt.Sprintf("%s: %q in %s answers as redis-server does, remove the entry", differencesFile, d.command, d.file))
		}
	}
	return out
}
