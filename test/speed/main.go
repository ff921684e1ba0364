// Command speed compares the CPU time and the allocations of six benchmarks (see the package paths) of the working tree with those of the
// last commit that landed. It fails if one became a tenth slower, or allocates more.
//
//	go run ./test/speed              compare with the commit that base.go chooses
//	go run ./test/speed -base v1.2   compare with that one
//
// A busy machine must not make it fail. So it measures CPU time, in many short processes of either side by turns, and looks at the ratios
// of neighbours: a disturbance that lasts hits both. verdict.go judges the ratios, and has two stages: what looks slow is measured once
// more, in other processes. Where the ratios differ too much for a judgement, the check says so and passes.
//
// Both sides run the benchmarks of the working tree, compiled against the code of either commit. Both programs have the same flags, and
// paths of the same length. The order of functions in the program matters less than one percent (measured with six orders that
// the linker's -randlayout made), so there is one program a side.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

// options are the flags.
type options struct {
	base   string        // a revision, or "" to choose
	always bool          // measure even if both sides are the same program
	limit  time.Duration // for everything, building included
}

func main() {
	var o options
	flag.StringVar(&o.base, "base", "", "the `revision` to compare with; the last commit that landed if empty")
	flag.BoolVar(&o.always, "always", false, "measure even if both sides compile to the same program")
	flag.DurationVar(&o.limit, "limit", 170*time.Second, "the time for everything; what is not clear by then passes")
	flag.Parse()
	ok, err := run(context.Background(), os.Stdout, o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "speed:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

// run reports whether the check passes.
func run(ctx context.Context, out io.Writer, o options) (ok bool, err error) {
	began := time.Now()
	ctx, cancel := context.WithDeadline(ctx, began.Add(o.limit))
	defer cancel()
	repo := git{dir: "."}
	base, why, err := repo.chooseBase(ctx, o.base)
	if errors.Is(err, errNoBase) {
		fmt.Fprintln(out, "NOT CHECKED:", err)
		return true, nil
	}
	if err != nil {
		return false, err
	}
	fmt.Fprintf(out, "comparing the working tree with %.12s, %s\n", base, why)
	dir, err := os.MkdirTemp("", "speed")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	sides, err := build(ctx, out, repo, base, dir)
	switch {
	case err != nil && ctx.Err() != nil:
		fmt.Fprintf(out, "CANNOT TELL: building took all of %v\n", o.limit)
		return true, nil
	case errors.Is(err, errBaseBuild):
		fmt.Fprintln(out, "NOT CHECKED:", err)
		return true, nil
	case err != nil:
		return false, err
	}
	if same, err := sides.same(); err != nil {
		return false, err
	} else if same && !o.always {
		fmt.Fprintln(out, "both compile to the same program: there is nothing to measure")
		return true, nil
	}
	built := time.Since(began)
	contests, err := sides.contests(ctx, out)
	if err != nil {
		return false, err
	}
	if err := measure(ctx, sides, contests); err != nil {
		return false, err
	}
	ok = report(out, contests)
	fmt.Fprintf(out, "building took %.0f s, measuring %.0f s\n", built.Seconds(), (time.Since(began) - built).Seconds())
	return ok, nil
}
