package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// Regression is a figure whose median is worse than that of the baseline.
type Regression struct {
	Name     string
	Old, New float64 // New is NaN if only the baseline has it
	Worse    float64 // by which share of Old: 0.1 is a tenth
	Unsure   string  // why the runs do not tell whether it is worse; empty if they do
}

func (r Regression) String() string {
	if math.IsNaN(r.New) {
		return fmt.Sprintf("%s is not known, was %.6g", r.Name, r.Old)
	}
	text := fmt.Sprintf("%s is %.1f %% worse: %.6g, was %.6g", r.Name, r.Worse*100, r.New, r.Old)
	if r.Unsure != "" {
		text += "; " + r.Unsure
	}
	return text
}

// tail is the figure that a few slow requests decide. It differs from run to run of one server by
// more than any tolerance that is of use, so that it takes several runs to tell.
const tail = "p99 µs"

// gated are the figures that a baseline is held against.
var gated = []string{"throughput", tail, "CPU µs per request"}

// enoughRuns is how many runs it takes on each side. If the server did not change, all of three are
// worse than all of three others once in twenty times.
const enoughRuns = 3

// unsure says why runs do not tell that a figure is worse than it was, or nothing if they do: then
// each of them is worse than each of the baseline's.
func unsure(old, now *Results, was, is Metric) string {
	runs, oldRuns := now.complete(), old.complete()
	switch {
	case min(runs, oldRuns) < enoughRuns:
		return fmt.Sprintf("it takes %d runs each to tell (--repeat), there are %d and %d",
			enoughRuns, runs, oldRuns)
	case is.Min <= was.Max:
		return fmt.Sprintf("the runs overlap: %.6g to %.6g, were %.6g to %.6g",
			is.Min, is.Max, was.Min, was.Max)
	}
	return ""
}

// complete counts the runs that did not end early.
func (r *Results) complete() (n int) {
	for i := range r.Runs {
		if r.Runs[i].Problem == "" {
			n++
		}
	}
	return n
}

// OtherMachine says how the machine of the baseline differs from the one that measured r, or
// nothing if it does not. The version of Go is no part of a machine.
func (r *Report) OtherMachine(old *Report) string {
	was, is := old.Machine, r.Machine
	was.Go = is.Go
	if was == is {
		return ""
	}
	return fmt.Sprintf("the baseline is of another machine: %s, this one is %s", was, is)
}

// ReadBaseline reads a Report that WriteJSON wrote.
func ReadBaseline(r io.Reader) (*Report, error) {
	var head struct {
		Schema string `json:"schema"`
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return nil, fmt.Errorf("not a report in JSON: %w", err)
	}
	if head.Schema != Schema {
		return nil, fmt.Errorf("its schema is %q, this program's is %q", head.Schema, Schema)
	}
	report := new(Report)
	if err := json.Unmarshal(text, report); err != nil {
		return nil, fmt.Errorf("not a report in JSON: %w", err)
	}
	if report.Problem != "" {
		return nil, fmt.Errorf("it is of a measurement that ended early: %s", report.Problem)
	}
	if len(report.Targets) == 0 || len(report.Targets[0].Medians) == 0 {
		return nil, errors.New("it holds no result")
	}
	return report, nil
}

// CheckBaseline refuses a baseline that was measured with other settings than
// cfg has, and says which.
func CheckBaseline(old *Report, cfg Config) error {
	was, is := old.Settings, cfg.settings()
	if was.Profile.Name != is.Profile.Name {
		return fmt.Errorf("it was measured with the profile %s and not %s", was.Profile.Name, is.Profile.Name)
	}
	// They change how exact a result is and not what is measured.
	was.Duration, was.Requests, was.Warmup, was.Seed = is.Duration, is.Requests, is.Warmup, is.Seed
	differing, err := differences(was, is)
	if err != nil || len(differing) == 0 {
		return err
	}
	return errors.New("it was measured with other settings: " + strings.Join(differing, ", "))
}

// differences names the values in which two settings differ.
func differences(was, is Settings) ([]string, error) {
	a, err1 := flatten(was)
	b, err2 := flatten(is)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	var out []string
	for name, value := range a {
		if other, ok := b[name]; !ok {
			out = append(out, name+" is new")
		} else if other != value {
			out = append(out, fmt.Sprintf("%s %v and not %v", name, value, other))
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			out = append(out, name+" is missing")
		}
	}
	slices.Sort(out)
	return out, nil
}

// flatten returns the values of s by the names that they have in JSON. Those of a
// population have its name in front.
func flatten(s Settings) (map[string]any, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	var tree map[string]any
	if err := json.Unmarshal(text, &tree); err != nil {
		return nil, err
	}
	out := map[string]any{}
	var walk func(prefix string, node map[string]any)
	walk = func(prefix string, node map[string]any) {
		for name, value := range node {
			switch value := value.(type) {
			case map[string]any:
				walk(prefix, value)
			case []any:
				for _, element := range value {
					population := element.(map[string]any)
					walk(population["name"].(string)+" ", population)
				}
			default:
				out[prefix+name] = value
			}
		}
	}
	walk("", tree)
	return out, nil
}

// Regressions returns which of throughput, p99 and CPU per request is worse than
// in old by more than the share tolerance, for the first target. For p99 it also
// says whether the runs tell that.
func (r *Report) Regressions(old *Report, tolerance float64) []Regression {
	var out []Regression
	for _, m := range metrics() {
		was, ok1 := old.Targets[0].median(m.name)
		is, ok2 := r.Targets[0].median(m.name)
		if !slices.Contains(gated, m.name) || !ok1 {
			continue
		}
		if !ok2 {
			out = append(out, Regression{Name: m.name, Old: was.Median, New: math.NaN(), Worse: math.NaN()})
			continue
		}
		worse := (is.Median - was.Median) / was.Median
		if m.higherIsBetter {
			worse = -worse
		}
		if worse <= tolerance {
			continue
		}
		found := Regression{Name: m.name, Old: was.Median, New: is.Median, Worse: worse}
		if m.name == tail {
			found.Unsure = unsure(&old.Targets[0], &r.Targets[0], was, is)
		}
		out = append(out, found)
	}
	return out
}

func (r *Results) median(name string) (Metric, bool) {
	for _, m := range r.Medians {
		if m.Name == name {
			return m, true
		}
	}
	return Metric{}, false
}
