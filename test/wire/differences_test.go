package wire

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// differencesFile lists the commands whose expected reply is ours and not
// redis-server's. Each entry is a line "why REASON" followed by lines
// "FILE: COMMAND" or, for all commands of a block, "FILE: [BLOCK]".
const differencesFile = "differences.txt"

// difference is one line of the list.
type difference struct {
	why   string
	file  string
	about string // a command as written, or a block's name in square brackets
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
		file, about, ok := strings.Cut(line, ": ")
		if !ok || why == "" {
			return nil, fmt.Errorf("%s:%d: want a reason, then FILE: COMMAND or FILE: [BLOCK]", differencesFile, i+1)
		}
		list = append(list, &difference{why: why, file: file, about: about})
	}
	return list, nil
}

// find returns the entry for a step of the file, or nil.
func (list differences) find(file string, b *block, st *step) *difference {
	for _, d := range list {
		if d.file == file && (d.about == st.text || d.about == "["+b.name+"]") {
			return d
		}
	}
	return nil
}

// stale returns what is wrong with the entries that were reached and never
// differed.
func (list differences) stale() []string {
	var out []string
	for _, d := range list {
		if d.ran > 0 && d.differed == 0 {
			out = append(out, fmt.Sprintf("%s: %q in %s answers as redis-server does, remove the entry", differencesFile, d.about, d.file))
		}
	}
	return out
}
