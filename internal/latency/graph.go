package latency

import (
	"fmt"
	"slices"
	"strings"
)

// The graph of LATENCY GRAPH is drawn as Redis does: a column for each sample, and under it how long ago it was, from top to bottom.
const (
	graphColumns = 80
	graphRows    = 4
	graphMarks   = "_o#" // the heights of a column within a row
)

// Graph draws the samples, of which there is at least one, as of a time in Unix seconds.
func (s *Series) Graph(now int64) []byte {
	low, high := s.Samples[0].Millis, s.Samples[0].Millis
	for _, sample := range s.Samples {
		low, high = min(low, sample.Millis), max(high, sample.Millis)
	}
	out := fmt.Appendf(nil, "%s - high %d ms, low %d ms (all time high %d ms)\n", s.Event, high, low, s.Max)
	out = append(out, strings.Repeat("-", graphColumns)...)
	out = append(out, '\n')
	for i, line := range slices.Collect(slices.Chunk(s.Samples, graphColumns)) {
		if i > 0 {
			out = append(out, '\n')
		}
		for row := graphRows - 1; row >= 0; row-- {
			for _, sample := range line {
				out = append(out, mark(sample.Millis-low, high-low, row))
			}
			out = append(out, '\n')
		}
		out = appendLabels(out, line, now)
	}
	return out
}

// appendLabels appends an empty line, and under each column how long ago it was.
func appendLabels(out []byte, line []Sample, now int64) []byte {
	labels := make([]string, len(line))
	longest := 0
	for i, sample := range line {
		labels[i] = ago(now - sample.At)
		longest = max(longest, len(labels[i]))
	}
	for i := -1; i < longest; i++ {
		for _, label := range labels {
			out = append(out, letter(label, i))
		}
		out = append(out, '\n')
	}
	return out
}

// mark returns what a column shows in a row, counted from the bottom, whose height is so much of the highest.
func mark(height, highest int64, row int) byte {
	const steps = graphRows * len(graphMarks)
	step := min(int(float64(height)*float64(steps)/float64(max(highest, 1))), steps-1) - row*len(graphMarks)
	switch {
	case step < 0:
		return ' '
	case step < len(graphMarks):
		return graphMarks[step]
	}
	return '|'
}

// letter returns a letter of a label, or a space where it has none.
func letter(label string, i int) byte {
	if i < 0 || i >= len(label) {
		return ' '
	}
	return label[i]
}

// ago writes a number of seconds in the largest unit of which there is one.
func ago(seconds int64) string {
	switch {
	case seconds < 60:
		return fmt.Sprintf("%ds", seconds)
	case seconds < 3600:
		return fmt.Sprintf("%dm", seconds/60)
	case seconds < 24*3600:
		return fmt.Sprintf("%dh", seconds/3600)
	}
	return fmt.Sprintf("%dd", seconds/(24*3600))
}
