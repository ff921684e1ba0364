package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Regression is a figure that is worse than that of the baseline.
type Regression struct {
	Name     string
	Old, New float64
	Worse    float64 // by which share of Old: 0.1 is a tenth
}

func (r Regression) String() string {
	return fmt.Sprintf("%s is %.1f %% worse: %.6g, was %.6g", r.Name, r.Worse*100, r.New, r.Old)
}

// gated are the figures that a baseline is held against.
var gated = []string{"throughput", "p99 µs", "CPU µs per request"}

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
	// They change how exact a result is and not what is measured.
	was.Duration, was.Requests, was.Warmup, was.Seed = is.Duration, is.Requests, is.Warmup, is.Seed
	if was == is {
		return nil
	}
	return errors.New("it was measured with other settings: " + strings.Join(differences(was, is), ", "))
}

func differences(was, is Settings) []string {
	var a, b map[string]any
	for _, side := range []struct {
		s   Settings
		out *map[string]any
	}{{was, &a}, {is, &b}} {
		text, err := json.Marshal(side.s)
		if err == nil {
			err = json.Unmarshal(text, side.out)
		}
		if err != nil {
			return []string{err.Error()}
		}
	}
	var out []string
	for name, value := range a {
		if b[name] != value {
			out = append(out, fmt.Sprintf("%s %v and not %v", name, value, b[name]))
		}
	}
	slices.Sort(out)
	return out
}

// Regressions returns which of throughput, p99 and CPU per request is worse than
// in old by more than the share tolerance, for the first target.
func (r *Report) Regressions(old *Report, tolerance float64) []Regression {
	var out []Regression
	for _, m := range metrics() {
		was, ok1 := old.Targets[0].median(m.name)
		is, ok2 := r.Targets[0].median(m.name)
		if !slices.Contains(gated, m.name) || !ok1 || !ok2 {
			continue
		}
		worse := (is - was) / was
		if m.higherIsBetter {
			worse = -worse
		}
		if worse > tolerance {
			out = append(out, Regression{m.name, was, is, worse})
		}
	}
	return out
}

func (r *Results) median(name string) (float64, bool) {
	for _, m := range r.Medians {
		if m.Name == name {
			return m.Median, true
		}
	}
	return 0, false
}
