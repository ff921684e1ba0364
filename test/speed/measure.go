package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"

	"golang.org/x/perf/benchfmt"
)

// rounds is how many rounds a process runs. They take some 30 ms. On a busy machine, many such
// processes gave intervals half as wide as fewer processes of 80 rounds that took as long in all.
const rounds = "25x"

// sample is what one process reports.
type sample struct {
	seconds float64 // of CPU time, for a command
	allocs  float64 // of a round
	bytes   float64 // of a round
}

// pair is two processes that ran one after the other.
type pair struct{ base, head sample }

// measure runs pairs until each contest is decided or the time is over. A benchmark that fails on
// the base says nothing of the head, and ends its contest.
func measure(ctx context.Context, out io.Writer, s sides, contests []*contest) error {
	for n, open := 0, true; open; n++ {
		open = false
		for _, c := range contests {
			if c.decided() {
				continue
			}
			open = true
			p, baseErr, headErr := s.run(ctx, c.name, n%2 == 1)
			switch {
			case ctx.Err() != nil:
				return nil
			case headErr != nil:
				return headErr
			case baseErr != nil:
				fmt.Fprintln(out, baseErr)
				c.verdict = broken
			default:
				c.add(p)
			}
		}
	}
	return nil
}

// run runs a benchmark on both sides, and the head first if it is told so.
func (s sides) run(
	ctx context.Context, name string, headFirst bool,
) (p pair, baseErr, headErr error) {
	if headFirst {
		p.head, headErr = runOne(ctx, s.head, name)
		p.base, baseErr = runOne(ctx, s.base, name)
	} else {
		p.base, baseErr = runOne(ctx, s.base, name)
		p.head, headErr = runOne(ctx, s.head, name)
	}
	return p, baseErr, headErr
}

func runOne(ctx context.Context, program, name string) (sample, error) {
	cmd := exec.CommandContext(ctx, program, "-test.run=^$", "-test.bench=^Benchmark"+name+"$",
		"-test.benchtime="+rounds)
	text, err := cmd.CombinedOutput()
	if err != nil {
		return sample{}, fmt.Errorf("%s %s: %w\n%s", program, name, err, text)
	}
	return parse(text)
}

// parse reads the output of one benchmark.
func parse(text []byte) (sample, error) {
	r := benchfmt.NewReader(bytes.NewReader(text), "the benchmark's output")
	for r.Scan() {
		result, ok := r.Result().(*benchfmt.Result)
		if !ok {
			continue
		}
		seconds, hasTime := result.Value("cpu-sec/command") // as the reader calls what was printed in ns
		allocs, hasAllocs := result.Value("allocs/op")
		size, hasBytes := result.Value("B/op")
		if hasTime && seconds > 0 && hasAllocs && hasBytes {
			return sample{seconds, allocs, size}, nil
		}
	}
	return sample{}, fmt.Errorf("found no measurement in %q", text)
}
