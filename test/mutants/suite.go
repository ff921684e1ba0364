package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// What becomes of a mutant.
const (
	killed      = "killed"
	hung        = "hung" // killed, too
	survived    = "SURVIVED"
	notCompiled = "not-compiled"
)

// quickTest is how long a test takes at most that is run before those that take longer.
const quickTest = 4 * time.Second

// A mutant is given slack and then patience times as long as the tests took without one: the machine may have other work.
const (
	slack    = 30 * time.Second
	patience = 3
)

// goFlags are the GOFLAGS before the name of the list. Linking takes less time without what a debugger needs.
const goFlags = "-tags=invariants -ldflags=-s -overlay="

// runner runs tests with mutants.
type runner struct {
	work   string // directory for what is compiled
	list   string // of the files with mutants
	slow   bool
	suites map[string]*suite // by package, those that were compiled and measured
}

// suite is the compiled tests of a package.
type suite struct {
	quick, slow group
}

// group is tests that are run together, as a pattern for -test.run, and how long they take.
type group struct {
	names []string
	took  time.Duration
}

func (g *group) add(name string, took time.Duration) {
	g.names = append(g.names, regexp.QuoteMeta(name))
	g.took += took
}

// try runs tests with a mutant until one fails. It returns what became of it, and which test killed it.
func (r *runner) try(number int, m mutant) (verdict, by string, err error) {
	dir := path.Dir(m.file)
	for _, tests := range layers[dir] {
		if err := r.measure(tests); err != nil {
			return "", "", err
		}
		if verdict, by := r.test(number, tests, r.suites[tests].quick); verdict != survived {
			return verdict, by, nil
		}
	}
	for _, tests := range layers[dir] {
		if g := r.suites[tests].slow; r.slow && len(g.names) > 0 {
			if verdict, by := r.test(number, tests, g); verdict != survived {
				return verdict, by, nil
			}
		}
	}
	return survived, "", nil
}

var failure = regexp.MustCompile(`(?m)^--- FAIL: (\S+)|^(panic: .*|fatal error: .*|SIG.*)`)

// test runs compiled tests with a mutant until one fails.
func (r *runner) test(number int, tests string, g group) (verdict, by string) {
	limit := slack + patience*g.took
	out, err := r.exec(number, tests, "-test.failfast", "-test.timeout="+limit.String(), "-test.run=^("+strings.Join(g.names, "|")+")$")
	if err == nil {
		return survived, ""
	}
	if bytes.Contains(out, []byte("panic: test timed out")) {
		return hung, tests
	}
	return killed, strings.TrimSpace(tests + " " + string(failure.Find(out)))
}

// exec runs the compiled tests of a package. Servers that tests compile have the mutants in them too.
func (r *runner) exec(number int, tests string, args ...string) ([]byte, error) {
	temporary, err := os.MkdirTemp(r.work, "tests-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(temporary) }()
	cmd := exec.Command(r.binary(tests), args...)
	cmd.Dir = filepath.FromSlash(tests)
	cmd.Env = append(os.Environ(), "GOFLAGS="+goFlags+r.list, "TMPDIR="+temporary, aliveKey+"="+strconv.Itoa(number))
	cmd.WaitDelay = slack
	return cmd.CombinedOutput()
}

func (r *runner) binary(tests string) string {
	return filepath.Join(r.work, strings.ReplaceAll(tests, "/", "-")+".test")
}

var passed = regexp.MustCompile(`(?m)^--- (?:PASS|SKIP): (\S+) \(([0-9.]+)s\)$`)

// measure compiles the tests of a package, once, and runs them while no mutant is alive, to tell the quick from the slow.
func (r *runner) measure(tests string) error {
	if r.suites[tests] != nil {
		return nil
	}
	cmd := exec.Command("go", "test", "-c", "-vet=off", "-o", r.binary(tests), "./"+tests)
	cmd.Env = append(os.Environ(), "GOFLAGS="+goFlags+r.list)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go test -c ./%s: %w\n%s", tests, err, out)
	}
	out, err := r.exec(0, tests, "-test.v", "-test.timeout=30m")
	if err != nil {
		return fmt.Errorf("the tests of %s fail without a mutant: %w\n%s", tests, err, out)
	}
	s := &suite{}
	for _, match := range passed.FindAllSubmatch(out, -1) {
		seconds, err := strconv.ParseFloat(string(match[2]), 64)
		if err != nil {
			return err
		}
		g := &s.quick
		took := time.Duration(seconds * float64(time.Second))
		if took > quickTest {
			g = &s.slow
		}
		g.add(string(match[1]), took)
	}
	r.suites[tests] = s
	return nil
}
