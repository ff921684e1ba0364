package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redistill/redistill/test/await"
)

// repository is a git repository in a directory of its own.
type repository struct {
	t *testing.T
	git
}

func newRepository(t *testing.T) *repository {
	for _, name := range []string{"AUTHOR", "COMMITTER"} {
		t.Setenv("GIT_"+name+"_NAME", "Ada")
		t.Setenv("GIT_"+name+"_EMAIL", "ada@example.com")
	}
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	r := &repository{t, git{t.TempDir()}}
	r.do("init", "--quiet", "--initial-branch=main")
	return r
}

func (r *repository) do(args ...string) string {
	r.t.Helper()
	out, err := r.run(await.Context(r.t), nil, args...)
	if err != nil {
		r.t.Fatal(err)
	}
	return out
}

func (r *repository) write(name, text string) {
	r.t.Helper()
	name = filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

// commit commits everything, and returns the commit's hash.
func (r *repository) commit(message string) string {
	r.t.Helper()
	r.do("add", "--all")
	r.do("commit", "--quiet", "--allow-empty", "--message", message)
	return r.do("rev-parse", "HEAD")
}

// landed makes origin/main a commit.
func (r *repository) landed(hash string) { r.do("update-ref", "refs/remotes/origin/main", hash) }

// expect compares what chooseBase returns. An empty hash is errNoBase.
func (r *repository) expect(asked, hash, why string) {
	r.t.Helper()
	got, because, err := r.chooseBase(await.Context(r.t), asked)
	if hash == "" {
		if !errors.Is(err, errNoBase) {
			r.t.Errorf("got %q, %q, %v, want no base", got, because, err)
		}
		return
	}
	if got != hash || err != nil || !strings.Contains(because, why) {
		r.t.Errorf("got %q, %q, %v, want %q, %q", got, because, err, hash, why)
	}
}

func TestChooseBase(t *testing.T) {
	r := newRepository(t)
	r.write("a.go", "package a")
	root := r.commit("root")
	r.expect("", "", "")
	second := r.commit("second")
	r.expect("", root, "before HEAD")
	r.landed(second)
	r.expect("", root, "before HEAD")
	r.write("notes.txt", "no Go")
	r.expect("", root, "before HEAD")
	r.write("deep/b.go", "package b")
	r.expect("", second, "which is HEAD")
	r.commit("third")
	r.commit("fourth")
	r.expect("", second, "origin/main")
	r.expect("HEAD~3", root, "as asked")
	for asked, r := range map[string]git{"nowhere": r.git, "": {t.TempDir()}} {
		_, _, err := r.chooseBase(await.Context(t), asked)
		if err == nil || errors.Is(err, errNoBase) {
			t.Errorf("%q in %s: got %v", asked, r.dir, err)
		}
	}
	r.landed(r.do("commit-tree", "-m", "of no common history", "HEAD^{tree}"))
	r.expect("", r.do("rev-parse", "HEAD~1"), "before HEAD")
}

func TestShallow(t *testing.T) {
	r := newRepository(t)
	r.commit("root")
	second := r.commit("second")
	clone := &repository{t, git{t.TempDir()}}
	clone.do("clone", "--quiet", "--depth=1", "file://"+r.dir, ".")
	clone.expect("", "", "")
	clone.do("fetch", "--quiet", "--depth=2")
	clone.expect("", clone.do("rev-parse", second+"~1"), "before HEAD")
}

// small is a module whose benchmark reports a constant as its CPU time.
const small = `package paths

import (
	"testing"

	"example.com/small/cost"
)

func BenchmarkGET(b *testing.B) {
	for b.Loop() {
	}
	b.ReportAllocs()
	b.ReportMetric(cost.Of(), "cpu-ns/command")
}
`

// newModule makes a repository with a module that small is part of.
func newModule(t *testing.T, cost string) *repository {
	r := newRepository(t)
	t.Chdir(r.dir)
	r.write("go.mod", "module example.com/small\n\ngo 1.26.0\n")
	r.write("test/speed/paths/doc.go", "package paths\n")
	r.write("test/speed/paths/paths_test.go", small)
	r.cost(cost)
	r.commit("the base")
	return r
}

func (r *repository) cost(body string) { r.write("cost/cost.go", "package cost\n\n"+body+"\n") }

// expectRun runs the check on the working tree against HEAD.
func expectRun(t *testing.T, passes bool, prints string) {
	t.Helper()
	var out bytes.Buffer
	ok, err := run(await.Context(t), &out, options{base: "HEAD", limit: time.Hour})
	if ok != passes || err != nil || !strings.Contains(out.String(), prints) {
		t.Errorf("passes: %v, want %v; error: %v; want %q in:\n%s", ok, passes, err, prints, &out)
	}
}

const hundred = "func Of() float64 { return 100 }"

func TestRun(t *testing.T) {
	r := newModule(t, hundred)
	expectRun(t, true, "the same program")
	r.cost("func Of() float64 { return 109 }")
	expectRun(t, false, "FAILED: GET")
}

// TestBenchmarkFails makes benchmarks fail that find what they do not expect.
func TestBenchmarkFails(t *testing.T) {
	r := newModule(t, hundred)
	check := "for b.Loop() {\n\t\tif cost.Of() != 101 {\n\t\t\tb.Fatal()\n\t\t}\n"
	r.write("test/speed/paths/paths_test.go", strings.Replace(small, "for b.Loop() {\n", check, 1))
	r.cost("func Of() float64 { return 101 }")
	expectRun(t, true, "the benchmark fails on the base")
	r.cost("func Of() float64 { return 102 }")
	var out bytes.Buffer
	ok, err := run(await.Context(t), &out, options{base: "HEAD", limit: time.Hour})
	if ok || err == nil {
		t.Errorf("passed:\n%s", &out)
	}
}

// The working tree's benchmarks measure both sides where they compile.
func TestBenchmarksOfTheWorkingTree(t *testing.T) {
	r := newModule(t, hundred)
	r.write("test/speed/paths/paths_test.go", strings.Replace(small, "cost.Of()", "2*cost.Of()", 1))
	r.write("test/speed/paths/new_test.go", strings.ReplaceAll(small, "GET", "SET"))
	r.cost("func Of() float64 { return 90 }")
	expectRun(t, true, "200.0 ns  180.0 ns")
}

func TestBenchmarksOfTheBase(t *testing.T) {
	r := newModule(t, hundred)
	other := strings.NewReplacer("GET", "SET", "Of()", "New()").Replace(small)
	r.write("test/speed/paths/new_test.go", other)
	r.cost(hundred + "\n\nfunc New() float64 { return 1 }")
	expectRun(t, true, "SET is skipped: the base lacks it")
	r.do("rm", "-r", "--quiet", "--cached", "test")
	r.do("commit", "--quiet", "--message", "without benchmarks")
	expectRun(t, true, "NOT CHECKED")
}
