// Command mutants asks whether the tests notice what breaks. It makes random small changes of the source, one after the other, and says
// which of them no test fails for. Files stay as they are: the compiler is given each change as an overlay.
//
//	go run ./test/mutants -seed 1 -count 200 [PACKAGE ...]
//
// Run it from the root of the repository. The same seed, packages and source give the same mutants. It takes half a minute for a mutant that
// the tests find, and minutes for one that survives. A mutant may allocate without end, so set a limit (ulimit -d) as `make mutants` does.
package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// layers has the packages whose tests are run for a mutant of a package, the cheapest first.
var layers = map[string][]string{
	"engine":           {"engine", "internal/command", "internal/wiretest"},
	"internal/command": {"internal/command", "internal/wiretest", "netserver"},
	"netserver":        {"netserver", "internal/wiretest"},
}

// excluded are files whose mutants say nothing about the tests, and why.
var excluded = map[string]string{
	"engine/check.go":        "the checker of tests, which has tests of its own for what it must find",
	"engine/check_table.go":  "likewise",
	"engine/check_value.go":  "likewise",
	"engine/hashprefetch.go": "hints for the processor, without which all is the same but slower",
	"engine/prefetch.go":     "likewise",
}

func main() {
	seed := flag.Uint64("seed", 1, "`number` that says which mutants are taken")
	from := flag.Int("from", 1, "`number` of the first mutant to try, to go on or to repeat one")
	count := flag.Int("count", 200, "try so `many` mutants, with those that do not compile")
	slow := flag.Bool("slow", true, "run the tests that take many seconds, too")
	list := flag.Bool("list", false, "print the mutants and try none")
	flag.Parse()
	packages := flag.Args()
	if len(packages) == 0 {
		packages = []string{"engine", "internal/command", "netserver"}
	}
	err := run(packages, *seed, *from, *count, *slow, *list)
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(packages []string, seed uint64, from, count int, slow, list bool) error {
	all, err := sample(packages, seed)
	if err != nil {
		return err
	}
	first := min(max(from-1, 0), len(all))
	chosen := all[first:min(first+count, len(all))]
	fmt.Printf("%d of %d mutants, seed %d\n", len(chosen), len(all), seed)
	if list {
		for i, m := range chosen {
			fmt.Println(first+i+1, m)
		}
		return nil
	}
	work, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	r := runner{work: work, slow: slow, suites: map[string]*suite{}}
	results := map[string]int{}
	var survivors []string
	for i, m := range chosen {
		verdict, by, err := r.try(m)
		if err != nil {
			return err
		}
		results[verdict]++
		line := fmt.Sprintf("%d %s %s", first+i+1, verdict, m)
		if verdict == survived {
			survivors = append(survivors, line)
		}
		fmt.Println(strings.TrimSpace(line + " " + by))
	}
	fmt.Printf("\n%v\n%s\n", results, strings.Join(survivors, "\n"))
	return nil
}

// sample returns the mutants of packages in a random order.
func sample(packages []string, seed uint64) ([]mutant, error) {
	var all []mutant
	for _, dir := range packages {
		if layers[dir] == nil {
			return nil, fmt.Errorf("which tests to run for %s? want engine, internal/command or netserver", dir)
		}
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
