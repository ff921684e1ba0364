// Command speed compares the CPU time and the allocations of six benchmarks of the working tree
// with those of the last commit that landed. It fails if one became a tenth slower, or allocates
// more. The benchmarks are in the package paths.
//
//	go run ./test/speed              compare with the commit that chooseBase finds
//	go run ./test/speed -base v1.2   compare with another one
//
// A busy machine must not make it fail. So it measures CPU time, in many short processes of both
// programs by turns, and looks at the ratios of neighbours: a disturbance that lasts hits both.
// Then verdict.go judges the ratios, in two stages: what looks slow is measured again in other
// processes. Where the ratios differ too much for a judgement, the check says so and passes.
//
// Both programs have the benchmarks of the working tree, compiled against the code of either
// commit. They have the same flags, and names of the same length. The order of functions in a
// program matters by a few percent at most: six orders that the linker's -randlayout made differed
// by one percent, the snapshot by four. So each commit gets one program.
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
	always bool          // measure even if both programs are the same
	limit  time.Duration // for everything, building included
}

func main() {
	var o options
	flag.StringVar(&o.base, "base", "", "the `revision` to compare with, if not the last that landed")
	flag.BoolVar(&o.always, "always", false, "measure even if both programs are the same")
	flag.DurationVar(&o.limit, "limit", 170*time.Second, "the time for everything")
	flag.Parse()
	ok, err := run(context.Background(), os.Stdout, o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "speed:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

// run reports whether the check passes, as it does where nothing can be measured.
func run(ctx context.Context, out io.Writer, o options) (ok bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, o.limit)
	defer cancel()
	dir, err := os.MkdirTemp("", "speed")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	ok, err = compare(ctx, out, o, dir)
	switch {
	case errors.Is(err, errNoBase), errors.Is(err, errBaseBuild):
		fmt.Fprintln(out, "NOT CHECKED:", err)
		return true, nil
	case err != nil && ctx.Err() != nil:
		fmt.Fprintf(out, "CANNOT TELL: building took all of the %v that there are\n", o.limit)
		return true, nil
	}
	return ok, err
}

// compare builds, measures and reports. dir is for files that are needed meanwhile.
func compare(ctx context.Context, out io.Writer, o options, dir string) (ok bool, err error) {
	began := time.Now()
	repo := git{dir: "."}
	base, why, err := repo.chooseBase(ctx, o.base)
	if err != nil {
		return false, err
	}
	fmt.Fprintf(out, "comparing the working tree with %.12s, %s\n", base, why)
	sides, err := build(ctx, out, repo, base, dir)
	if err != nil {
		return false, err
	}
	same, err := sides.same()
	if err != nil {
		return false, err
	}
	if same && !o.always {
		fmt.Fprintln(out, "both compile to the same program: there is nothing to measure")
		return true, nil
	}
	built := time.Since(began)
	contests, err := sides.contests(ctx, out)
	if err != nil {
		return false, err
	}
	if err := measure(ctx, out, sides, contests); err != nil {
		return false, err
	}
	ok = report(out, contests)
	measured := time.Since(began) - built
	fmt.Fprintf(out, "building took %.0f s, measuring %.0f s\n", built.Seconds(), measured.Seconds())
	return ok, nil
}
