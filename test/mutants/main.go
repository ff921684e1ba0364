// Command mutants asks whether the tests notice what breaks. It makes random small changes of functions and says which of them no test fails
// for. Files stay as they are: go is given the changed ones as an overlay.
//
//	go run ./test/mutants -seed 1 -count 200 [PACKAGE ...]
//
// Run it from the root of the repository. The same seed and source give the same mutants; of these only those of the named packages are tried,
// if there are names. A mutant may allocate without end, so set a limit
// (ulimit -d), as `make mutants` does.
package main

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// packages are those that are changed.
var packages = []string{"engine", "command", "netserver"}

// layers has the packages whose tests are run for a mutant of a package, one after the other.
var layers = map[string][]string{
	"engine":    {"engine", "command", "test/wire"},
	"command":   {"command", "test/wire"},
	"netserver": {"netserver", "test/wire"},
}

// excluded are files whose mutants say nothing about the tests, and why.
var excluded = map[string]string{
	"engine/check.go":         "the checker of tests, which has tests of its own for what it must find",
	"engine/check_table.go":   "likewise",
	"engine/check_value.go":   "likewise",
	"engine/hash_prefetch.go": "hints for the processor, without which all is the same but slower",
	"engine/prefetch.go":      "likewise",
}

// options are the command line's.
type options struct {
	seed        uint64
	from, count int
	slow, list  bool
	only        []string // packages
}

func main() {
	var o options
	flag.Uint64Var(&o.seed, "seed", 1, "`number` that says which mutants are taken")
	flag.IntVar(&o.from, "from", 1, "`number` of the first mutant to try, to go on or to repeat one")
	flag.IntVar(&o.count, "count", 200, "try so `many` mutants")
	flag.BoolVar(&o.slow, "slow", true, "run the tests that take many seconds, too")
	flag.BoolVar(&o.list, "list", false, "print the mutants and try none")
	flag.Parse()
	o.only = flag.Args()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(o options) error {
	all, err := sample(o.seed)
	if err != nil {
		return err
	}
	chosen := map[int]mutant{}
	for number := max(o.from, 1); number < o.from+o.count && number <= len(all); number++ {
		if m := all[number-1]; len(o.only) == 0 || slices.Contains(o.only, path.Dir(m.file)) {
			chosen[number] = m
		}
	}
	fmt.Printf("%d of %d mutants, seed %d\n", len(chosen), len(all), o.seed)
	if o.list {
		for _, number := range slices.Sorted(maps.Keys(chosen)) {
			fmt.Println(number, chosen[number])
		}
		return nil
	}
	work, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	return tryAll(chosen, o, work)
}

// tryAll tries mutants and prints what becomes of each, and in the end how many became what, and those that survived.
func tryAll(chosen map[int]mutant, o options, work string) error {
	list, dead, err := weaveAll(chosen, work)
	if err != nil {
		return err
	}
	r := runner{work: work, list: list, slow: o.slow, suites: map[string]*suite{}}
	slices.Sort(dead)
	fmt.Println("do not compile:", dead)
	results := map[string]int{notCompiled: len(dead)}
	var survivors []string
	for _, number := range slices.Sorted(maps.Keys(chosen)) {
		m := chosen[number]
		verdict, by, err := r.try(number, m)
		if err != nil {
			return err
		}
		results[verdict]++
		line := strings.TrimSpace(fmt.Sprintf("%d %s %s %s", number, verdict, m, by))
		if verdict == survived {
			survivors = append(survivors, line)
		}
		fmt.Println(line)
	}
	fmt.Printf("\n%v\n%s\n", results, strings.Join(survivors, "\n"))
	return nil
}

// sample returns all mutants in a random order.
func sample(seed uint64) ([]mutant, error) {
	var all []mutant
	for _, dir := range packages {
		out, err := exec.Command("go", "list", "-tags", "invariants", "-f", `{{join .GoFiles "\n"}}`, "./"+dir).Output()
		if err != nil {
			return nil, fmt.Errorf("go list ./%s: %w", dir, err)
		}
		for _, name := range strings.Fields(string(out)) {
			name = dir + "/" + name
			if excluded[name] != "" {
				continue
			}
			src, err := os.ReadFile(filepath.FromSlash(name))
			if err != nil {
				return nil, err
			}
			found, err := mutants(name, src)
			if err != nil {
				return nil, err
			}
			all = append(all, found...)
		}
	}
	slices.SortFunc(all, func(a, b mutant) int { return strings.Compare(a.String(), b.String()) })
	rand.New(rand.NewPCG(seed, 0)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all, nil
}
