package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// All mutants are compiled into the same program, and a variable of the environment says which of them is alive. So compiling takes no more
// time than for one. A function with a mutant begins with a copy of itself:
//
//	func (b *box) less(n int) bool {
//		if mutantAlive == 17 {
//			return b.n <= n
//			panic("unreachable")
//		}
//		return b.n < n
//	}

// aliveKey is the name of the variable of the environment. Tests keep from servers what begins with REDIS.
const aliveKey = "MUTANT_ALIVE"

// alive is the file that each package with mutants gets.
const alive = `package %s

import (
	"os"
	"strconv"
)

var mutantAlive, _ = strconv.Atoi(os.Getenv(%q))
`

// woven is a file with the copies, and which lines belong to a mutant.
type woven struct {
	text  []byte
	lines []span
}

// span is a mutant's lines, the last one included.
type span struct{ number, first, last int }

// weave puts mutants of one file into it, under their numbers.
func weave(src []byte, chosen map[int]mutant) woven {
	var w woven
	at := 0
	for _, number := range numbersInOrder(chosen) {
		m := chosen[number]
		f := m.function
		if f.start > at { // the next function
			w.text = append(w.text, src[at:f.start]...)
			at = f.start
		}
		first := 1 + bytes.Count(w.text, []byte("\n"))
		w.text = fmt.Appendf(w.text, "\nif mutantAlive == %d {%s%s%s\n", number, src[f.start:m.start], m.text, src[m.end:f.end])
		if f.naked {
			w.text = append(w.text, "return\n}\n"...)
		} else {
			w.text = append(w.text, "panic(\"unreachable\")\n}\n"...)
		}
		w.lines = append(w.lines, span{number, first, bytes.Count(w.text, []byte("\n"))})
	}
	w.text = append(w.text, src[at:]...)
	return w
}

// numbersInOrder returns the numbers of mutants in the order of their functions.
func numbersInOrder(chosen map[int]mutant) (numbers []int) {
	for number := range chosen {
		numbers = append(numbers, number)
	}
	slices.SortFunc(numbers, func(a, b int) int {
		if d := chosen[a].function.start - chosen[b].function.start; d != 0 {
			return d
		}
		return a - b
	})
	return numbers
}

// weaveAll writes the files with mutants into a directory, and beside them the list with which go takes them instead of the originals. It
// takes out the mutants that do not compile, and returns them. Their numbers begin with 1.
func weaveAll(all map[int]mutant, work string) (list string, dead []int, err error) {
	list = filepath.Join(work, "overlay.json")
	for {
		files := map[string]map[int]mutant{}
		for number, m := range all {
			if files[m.file] == nil {
				files[m.file] = map[int]mutant{}
			}
			files[m.file][number] = m
		}
		lines, err := writeWoven(files, work, list)
		if err != nil {
			return "", nil, err
		}
		out, err := compile(list)
		if err == nil {
			return list, dead, nil
		}
		found := false
		for number := range blamed(out, lines) {
			delete(all, number)
			dead, found = append(dead, number), true
		}
		if !found {
			return "", nil, fmt.Errorf("the mutants do not compile, and none is to blame: %w\n%s", err, out)
		}
	}
}

// compile compiles the packages with mutants, with all errors.
func compile(list string) (out []byte, err error) {
	args := []string{"build", "-gcflags=-e"}
	for _, dir := range packages {
		args = append(args, "./"+dir)
	}
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "GOFLAGS="+goFlags+list)
	return cmd.CombinedOutput()
}

// writeWoven writes the files with mutants, and returns which lines of them belong to a mutant.
func writeWoven(files map[string]map[int]mutant, work, list string) (lines map[string][]span, err error) {
	lines = map[string][]span{}
	replace := map[string]string{}
	write := func(name string, text []byte) error {
		original, errPath := filepath.Abs(filepath.FromSlash(name))
		changed := filepath.Join(work, filepath.FromSlash(name))
		replace[original] = changed
		return errors.Join(errPath, os.MkdirAll(filepath.Dir(changed), 0o700), os.WriteFile(changed, text, 0o600))
	}
	for name, chosen := range files {
		src, err := os.ReadFile(filepath.FromSlash(name))
		if err != nil {
			return nil, err
		}
		w := weave(src, chosen)
		lines[name] = w.lines
		if err := write(name, w.text); err != nil {
			return nil, err
		}
		dir := path.Dir(name)
		if err := write(dir+"/mutant_alive.go", fmt.Appendf(nil, alive, path.Base(dir), aliveKey)); err != nil {
			return nil, err
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return nil, err
	}
	return lines, os.WriteFile(list, text, 0o600)
}

var compileError = regexp.MustCompile(`(?m)^(\S+\.go):(\d+):\d+: `)

// blamed returns the mutants in whose lines go found errors.
func blamed(out []byte, lines map[string][]span) map[int]bool {
	numbers := map[int]bool{}
	for _, match := range compileError.FindAllSubmatch(out, -1) {
		line, _ := strconv.Atoi(string(match[2]))
		for name, spans := range lines {
			if !strings.HasSuffix(filepath.ToSlash(string(match[1])), name) {
				continue
			}
			for _, s := range spans {
				if s.first <= line && line <= s.last {
					numbers[s.number] = true
				}
			}
		}
	}
	return numbers
}
