package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// errNoBase means that there is no earlier commit to compare with.
var errNoBase = errors.New("there is no earlier commit here: HEAD is the first one, or the clone " +
	"is shallow and has to be fetched with --depth 2")

// git runs git in a directory of a repository.
type git struct{ dir string }

// run returns what git prints, without the newline at the end.
func (g git) run(ctx context.Context, env []string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir, cmd.Env = g.dir, append(os.Environ(), env...)
	var failure bytes.Buffer
	cmd.Stderr = &failure
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, &failure)
	}
	return strings.TrimSpace(string(out)), nil
}

// commit returns the hash of a revision, and whether there is one.
func (g git) commit(ctx context.Context, revision string) (hash string, ok bool) {
	revision += "^{commit}"
	hash, err := g.run(ctx, nil, "rev-parse", "--verify", "--quiet", "--end-of-options", revision)
	return hash, err == nil
}

// chooseBase returns the commit to compare with, and why it is that one:
//   - the one that was asked for;
//   - where HEAD left origin/main, for a branch;
//   - HEAD, if it has landed and Go files in the working tree differ from it;
//   - the commit before HEAD, otherwise. So it is in CI, which clones what has landed.
func (g git) chooseBase(ctx context.Context, asked string) (hash, why string, err error) {
	if asked != "" {
		if hash, ok := g.commit(ctx, asked); ok {
			return hash, "as asked", nil
		}
		return "", "", fmt.Errorf("there is no commit %s", asked)
	}
	head, err := g.run(ctx, nil, "rev-parse", "HEAD")
	if err != nil {
		return "", "", err
	}
	// Without origin/main, or where a shallow clone lacks the common commit, git fails.
	fork, err := g.run(ctx, nil, "merge-base", "HEAD", "origin/main")
	if err == nil && fork != head {
		return fork, "the last commit of origin/main that is in HEAD", nil
	}
	if err == nil {
		changes, err := g.run(ctx, nil, "status", "--porcelain", "--",
			":/*.go", ":/go.mod", ":/go.sum")
		if err != nil {
			return "", "", err
		}
		if changes != "" {
			return head, "which is HEAD, because Go files have changed since", nil
		}
	}
	if hash, ok := g.commit(ctx, "HEAD~1"); ok {
		return hash, "the commit before HEAD", nil
	}
	return "", "", errNoBase
}

// export writes the files of a commit into a new directory. Neither the working tree nor its index
// change.
func (g git) export(ctx context.Context, hash, dir string) error {
	index := []string{"GIT_INDEX_FILE=" + filepath.Clean(dir) + ".index"}
	if _, err := g.run(ctx, index, "read-tree", hash); err != nil {
		return err
	}
	_, err := g.run(ctx, index, "checkout-index", "--all", "--prefix="+filepath.Clean(dir)+"/")
	return err
}
