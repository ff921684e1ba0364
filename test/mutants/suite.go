package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
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

// A mutant is given slack and then patience times as long as the tests took without it: the machine may have other work.
const (
	slack    = 30 * time.Second
	patience = 3
)

// runner tries mutants.
type runner struct {
	work   string // directory for what is compiled
	slow   bool
	suites map[string]*suite // by package, those that were measured
}

// suite is the tests of a package, which are the same with and without a mutant.
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
func (r *runner) try(m mutant) (verdict, by string, err error) {
	dir := filepath.ToSlash(filepath.Dir(m.file))
	for _, tests := range layers[dir] {
		if err := r.measure(tests); err != nil {
			return "", "", err
		}
	}
	flags, err := r.overlay(m)
	if err != nil {
		return "", "", err
	}
	for _, tests := range layers[dir] {
		if err := r.compile(tests, flags); err == errNotCompiled {
			return notCompiled, "", nil
		} else if err != nil {
			return "", "", err
		}
		if verdict, by := r.test(tests, flags, r.suites[tests].quick); verdict != survived {
			return verdict, by, nil
		}
	}
	for _, tests := range layers[dir] {
		if g := r.suites[tests].slow; r.slow && len(g.names) > 0 {
			if verdict, by := r.test(tests, flags, g); verdict != survived {
				return verdict, by, nil
			}
		}
	}
	return survived, "", nil
}

// overlay writes a mutant beside the source and returns the GOFLAGS with which go takes it instead.
func (r *runner) overlay(m mutant) (flags string, err error) {
	src, err := os.ReadFile(filepath.FromSlash(m.file))
	if err != nil {
		return "", err
	}
	original, err := filepath.Abs(filepath.FromSlash(m.file))
	if err != nil {
		return "", err
	}
	changed, list := filepath.Join(r.work, "mutant.go"), filepath.Join(r.work, "overlay.json")
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{original: changed}})
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(changed, m.apply(src), 0o600); err != nil {
		return "", err
	}
	return plainFlags + " -overlay=" + list, os.WriteFile(list, text, 0o600)
}

// plainFlags are the GOFLAGS without a mutant. Linking takes less time without what a debugger needs.
const plainFlags = "-tags=invariants -ldflags=-s"

func (r *runner) binary(tests string) string {
	return filepath.Join(r.work, strings.ReplaceAll(tests, "/", "-")+".test")
}

var errNotCompiled = errors.New("does not compile")

// compile compiles the tests of a package.
func (r *runner) compile(tests, flags string) error {
	cmd := exec.Command("go", "test", "-c", "-vet=off", "-o", r.binary(tests), "./"+tests)
	cmd.Env = append(os.Environ(), "GOFLAGS="+flags)
	if out, err := cmd.CombinedOutput(); bytes.Contains(out, []byte("[build failed]")) || bytes.Contains(out, []byte("# github.com/")) {
		return errNotCompiled
	} else if err != nil {
		return fmt.Errorf("go test -c ./%s: %w\n%s", tests, err, out)
	}
	return nil
}

var failure = regexp.MustCompile(`(?m)^--- FAIL: (\S+)|^(panic: .*|fatal error: .*|SIG.*)`)

// test runs compiled tests until one fails.
func (r *runner) test(tests, flags string, g group) (verdict, by string) {
	limit := slack + patience*g.took
	out, err := r.exec(tests, flags, "-test.failfast", "-test.timeout="+limit.String(), "-test.run=^("+strings.Join(g.names, "|")+")$")
	if err == nil {
		return survived, ""
	}
	if bytes.Contains(out, []byte("panic: test timed out")) {
		return hung, tests
	}
	return killed, strings.TrimSpace(tests + " " + string(failure.Find(out)))
}

func (r *runner) exec(tests, flags string, args ...string) ([]byte, error) {
	temporary, err := os.MkdirTemp(r.work, "tests-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(temporary) }()
	cmd := exec.Command(r.binary(tests), args...)
	cmd.Dir = filepath.FromSlash(tests)
	cmd.Env = append(os.Environ(), "GOFLAGS="+flags, "TMPDIR="+temporary)
	cmd.WaitDelay = slack
	return cmd.CombinedOutput()
}

var passed = regexp.MustCompile(`(?m)^--- (?:PASS|SKIP): (\S+) \(([0-9.]+)s\)$`)

// measure runs the tests of a package without a mutant, once, to tell the quick from the slow.
func (r *runner) measure(tests string) error {
	if r.suites[tests] != nil {
		return nil
	}
	if err := r.compile(tests, plainFlags); err != nil {
		return fmt.Errorf("%s without a mutant: %w", tests, err)
	}
	out, err := r.exec(tests, plainFlags, "-test.v", "-test.timeout=30m")
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
