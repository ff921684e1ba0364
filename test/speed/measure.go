package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"

	"golang.org/x/perf/benchfmt"
)

// rounds is how many rounds a process runs. They take some 30 ms. At the same total, many short processes gave intervals half as wide as
// fewer long ones on a busy machine.
const rounds = "25x"

// sample is what one process reports.
type sample struct {
	seconds float64 // of CPU time, for a command
	allocs  float64 // of a round
	bytes   float64 // of a round
}

// pair is two processes that ran one after the other.
type pair struct{ base, head sample }

// measure runs pairs until each contest is decided or the time is over.
func measure(ctx context.Context, s sides, contests []*contest) error {
	for n := 0; ; n++ {
		open := false
		for _, c := range contests {
			if c.decided() {
				continue
			}
			p, err := s.run(ctx, c.name, n%2 == 1)
			if ctx.Err() != nil {
				return nil
			}
			if err != nil {
				return err
			}
			c.add(p)
			open = true
		}
		if !open {
			return nil
		}
	}
}

// run runs a benchmark on both sides, and the head first if it is told so.
func (s sides) run(ctx context.Context, name string, headFirst bool) (p pair, err error) {
	if headFirst {
		if p.head, err = runOne(ctx, s.head, name); err != nil {
			return p, err
		}
		p.base, err = runOne(ctx, s.base, name)
		return p, err
	}
	if p.base, err = runOne(ctx, s.base, name); err != nil {
		return p, err
	}
	p.head, err = runOne(ctx, s.head, name)
	return p, err
}

func runOne(ctx context.Context, program, name string) (sample, error) {
	text, err := exec.CommandContext(ctx, program, "-test.run=^$", "-test.bench=^Benchmark"+name+"$", "-test.benchtime="+rounds).CombinedOutput()
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
