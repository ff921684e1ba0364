package stats

import (
	"errors"
	"iter"
	"slices"
	"strconv"

	"github.com/tidwall/redcon"

	"github.com/redistill/redistill/tools/client"
)

// histogram is how many calls took up to so many microseconds, in ascending
// order of both.
type histogram []bucket

type bucket struct{ usec, calls int64 }

// takeHistograms asks for the histograms of all commands. A server that has
// none, or does not show them to us, is not at fault.
func (s *Sample) takeHistograms(c *client.Conn) error {
	r, err := c.Do("LATENCY", "HISTOGRAM")
	var refused client.ServerError
	if errors.As(err, &refused) {
		return nil
	}
	if err != nil {
		return err
	}
	s.histograms = map[string]histogram{}
	for command, h := range pairsOf(r) {
		s.histograms[client.Printable(command)] = parseHistogram(h)
	}
	return nil
}

// pairsOf returns the elements of an array two by two, the first one as its text.
// What is no array has none.
func pairsOf(r redcon.RESP) iter.Seq2[string, redcon.RESP] {
	return func(yield func(string, redcon.RESP) bool) {
		var name string
		second := false
		r.ForEach(func(r redcon.RESP) bool {
			if second = !second; second {
				name = r.String()
				return true
			}
			return yield(name, r)
		})
	}
}

// parseHistogram reads calls, n, histogram_usec, (usec, calls ...). What it
// does not understand it leaves out.
func parseHistogram(r redcon.RESP) histogram {
	var h histogram
	for name, steps := range pairsOf(r) {
		if name != "histogram_usec" {
			continue
		}
		for least, number := range pairsOf(steps) {
			usec, err1 := strconv.ParseInt(least, 10, 64)
			calls, err2 := strconv.ParseInt(number.String(), 10, 64)
			if err1 == nil && err2 == nil {
				h = append(h, bucket{usec, calls})
			}
		}
	}
	return h
}

// upTo returns how many calls took up to usec.
func (h histogram) upTo(usec int64) int64 {
	n := int64(0)
	for _, b := range h {
		if b.usec > usec {
			break
		}
		n = b.calls
	}
	return n
}

// since returns the histogram of the calls after an earlier one.
func (h histogram) since(earlier histogram) histogram {
	var grown histogram
	for _, b := range h {
		if n := b.calls - earlier.upTo(b.usec); n > 0 {
			grown = append(grown, bucket{b.usec, n})
		}
	}
	return grown
}

// percentiles returns the times within which a share of the calls ended, as
// upper bounds; histograms have steps of about a factor of two.
func (h histogram) percentiles() map[string]float64 {
	if len(h) == 0 {
		return nil
	}
	all := float64(h[len(h)-1].calls)
	m := map[string]float64{}
	for _, p := range []struct {
		name  string
		share float64
	}{{"p50", .5}, {"p99", .99}, {"p99.9", .999}} {
		at := slices.IndexFunc(h, func(b bucket) bool { return float64(b.calls) >= p.share*all })
		m[p.name] = float64(h[at].usec)
	}
	return m
}

// recent returns what was called between two samples of one process. Calls,
// failures and times are those of the interval, and percentiles are upper bounds.
func recent(before, now *Sample) []Command {
	earlier := map[string]*Command{}
	for i := range before.Commands {
		earlier[before.Commands[i].Name] = &before.Commands[i]
	}
	var list []Command
	for _, c := range now.Commands {
		e := earlier[c.Name]
		if e == nil {
			e = &Command{}
		}
		grown := Command{
			Name: c.Name, Calls: c.Calls - e.Calls, Failed: c.Failed - e.Failed, Usec: c.Usec - e.Usec,
			Percentiles: now.histograms[c.Name].since(before.histograms[c.Name]).percentiles(),
		}
		if grown.Calls <= 0 && grown.Failed <= 0 {
			continue
		}
		if grown.Calls > 0 {
			grown.UsecPerCall = float64(grown.Usec) / float64(grown.Calls)
		}
		list = append(list, grown)
	}
	slices.SortFunc(list, byTimeSpent)
	return list
}
