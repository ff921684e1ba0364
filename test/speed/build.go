package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// paths is the package of the benchmarks, from the module's root.
const paths = "test/speed/paths"

// errBaseBuild means that the benchmarks do not compile against the base.
var errBaseBuild = errors.New("the earlier commit compiles neither with the benchmarks of the " +
	"working tree nor with its own")

// sides are the two programs that are compared.
type sides struct{ base, head string }

// build compiles both programs into a directory.
func build(ctx context.Context, out io.Writer, repo git, base, dir string) (s sides, err error) {
	s = sides{filepath.Join(dir, "base.test"), filepath.Join(dir, "head.test")}
	root, err := repo.run(ctx, nil, "rev-parse", "--show-toplevel")
	if err != nil {
		return s, err
	}
	tree := filepath.Join(dir, "tree")
	if err := repo.export(ctx, base, tree); err != nil {
		return s, err
	}
	if err := compile(ctx, root, s.head); err != nil {
		return s, err
	}
	// The base's own benchmarks may do other work. They serve where ours need what the base lacks.
	own, ours := filepath.Join(tree, paths), filepath.Join(root, paths)
	kept := filepath.Join(dir, "own")
	if err := os.Rename(own, kept); err != nil && !errors.Is(err, os.ErrNotExist) {
		return s, err
	}
	if err := os.CopyFS(own, os.DirFS(ours)); err != nil {
		return s, err
	}
	err = compile(ctx, tree, s.base)
	if err == nil || ctx.Err() != nil {
		return s, err
	}
	fmt.Fprintf(out, "the base runs its own benchmarks, because it lacks what ours use:\n%v\n", err)
	if err := os.RemoveAll(own); err != nil {
		return s, err
	}
	if os.Rename(kept, own) != nil || compile(ctx, tree, s.base) != nil {
		return s, errBaseBuild
	}
	return s, nil
}

// compile builds the test program of the benchmarks in a tree. With -trimpath, what the trees have
// in common is compiled once.
func compile(ctx context.Context, tree, to string) error {
	cmd := exec.CommandContext(ctx, "go", "test", "-c", "-trimpath", "-o", to, "./"+paths)
	cmd.Dir = tree
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go test -c in %s: %w\n%s", tree, err, bytes.TrimSpace(out))
	}
	return nil
}

// same reports whether both sides are the same program.
func (s sides) same() (bool, error) {
	base, err := os.ReadFile(s.base)
	if err != nil {
		return false, err
	}
	head, err := os.ReadFile(s.head)
	return bytes.Equal(base, head), err
}

// contests returns one for each benchmark that both sides have, and prints which are missing where.
func (s sides) contests(ctx context.Context, out io.Writer) ([]*contest, error) {
	base, err := list(ctx, s.base)
	if err != nil {
		return nil, err
	}
	head, err := list(ctx, s.head)
	if err != nil {
		return nil, err
	}
	var both []*contest
	for _, name := range head {
		if slices.Contains(base, name) {
			both = append(both, newContest(name))
		} else {
			fmt.Fprintf(out, "%s is skipped: the base lacks it\n", name)
		}
	}
	for _, name := range base {
		if !slices.Contains(head, name) {
			fmt.Fprintf(out, "%s is skipped: the working tree lacks it\n", name)
		}
	}
	return both, nil
}

// list returns the names of a program's benchmarks, without "Benchmark".
func list(ctx context.Context, program string) ([]string, error) {
	text, err := exec.CommandContext(ctx, program, "-test.list", "^Benchmark").Output()
	if err != nil {
		return nil, fmt.Errorf("listing benchmarks: %w", err)
	}
	var names []string
	for line := range strings.Lines(string(text)) {
		names = append(names, strings.TrimPrefix(strings.TrimSpace(line), "Benchmark"))
	}
	return names, nil
}
