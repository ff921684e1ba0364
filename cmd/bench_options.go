package cmd

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/redistill/redistill/tools/bench"
	"github.com/redistill/redistill/tools/client"
)

// check turns flags and arguments into a Config, and the tolerance as a share.
func (o *benchOptions) check(c *cobra.Command, args []string) (cfg bench.Config, tolerance float64, _ error) {
	cfg = o.config
	profile, err := o.findProfile(c.Flags().Changed("profile"))
	if err != nil {
		return cfg, 0, err
	}
	over, err := o.overrides(c)
	if err != nil {
		return cfg, 0, err
	}
	if cfg.Profile, err = profile.With(over); err != nil {
		return cfg, 0, err
	}
	for _, name := range []string{"connections", "pipeline", "requests", "duration", "timeout", "keys", "scale"} {
		if f := c.Flags().Lookup(name); f.Changed && (f.Value.String() == "0" || f.Value.String() == "0s") {
			return cfg, 0, fmt.Errorf("%s must not be 0", name)
		}
	}
	if o.repeat < 1 {
		return cfg, 0, errors.New("repeat must be at least 1")
	}
	if o.spawn && len(args) > 0 {
		return cfg, 0, errors.New("a target and --spawn exclude each other")
	}
	if !slices.Contains(benchOutputs, o.output) {
		return cfg, 0, fmt.Errorf("unknown output %q; there are %s", o.output, strings.Join(benchOutputs, ", "))
	}
	if c.Flags().Changed("fail-over") && o.baseline == "" {
		return cfg, 0, errors.New("fail-over is for --baseline")
	}
	if tolerance, err = parsePercent(o.failOver); err != nil {
		return cfg, 0, err
	}
	if err := o.checkTargets(append([]string{o.compare}, args...)); err != nil {
		return cfg, 0, err
	}
	return cfg, tolerance, cfg.Validate()
}

// checkTargets finds mistakes in targets before any of them is opened.
func (o *benchOptions) checkTargets(targets []string) error {
	anyTLS := false
	for _, target := range targets {
		if isCommand(target) {
			continue
		}
		t, err := client.ParseTarget(target)
		if err != nil {
			return err
		}
		anyTLS = anyTLS || t.TLS != nil
	}
	return o.tls.check(anyTLS)
}

// findProfile returns the profile that is asked for. If none is named and the
// file holds a single one, that is it.
func (o *benchOptions) findProfile(named bool) (bench.Profile, error) {
	profiles := bench.Profiles()
	if o.profileFile == "" {
		return bench.Find(profiles, o.profile)
	}
	own, err := readProfileFile(o.profileFile)
	if err != nil {
		return bench.Profile{}, fmt.Errorf("profile-file %s: %w", o.profileFile, err)
	}
	if !named {
		if len(own) > 1 {
			return bench.Profile{}, fmt.Errorf("profile-file %s holds %d profiles; --profile has to name one", o.profileFile, len(own))
		}
		return own[0], nil
	}
	// A profile of the file hides one of the same name.
	profiles = slices.DeleteFunc(profiles, func(p bench.Profile) bool {
		return slices.ContainsFunc(own, func(o bench.Profile) bool { return o.Name == p.Name })
	})
	return bench.Find(append(own, profiles...), o.profile)
}

func readProfileFile(name string) ([]bench.Profile, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, errors.Unwrap(err) // without the name
	}
	defer func() { _ = f.Close() }() // it is only read
	return bench.ReadProfiles(f)
}

func (o *benchOptions) overrides(c *cobra.Command) (bench.Overrides, error) {
	over := bench.Overrides{Keys: o.keys, Scale: o.scale}
	if c.Flags().Changed("read-ratio") {
		over.ReadRatio = &o.readRatio
	}
	if o.distribution != "" {
		over.Distribution = new(bench.Distribution)
		if err := over.Distribution.UnmarshalText([]byte(o.distribution)); err != nil {
			return over, err
		}
	}
	if o.valueSize != "" {
		if err := over.ValueSize.UnmarshalText([]byte(o.valueSize)); err != nil {
			return over, fmt.Errorf("value-size %w", err)
		}
	}
	return over, nil
}

// parsePercent reads "10%" as 0.1.
func parsePercent(text string) (float64, error) {
	f, err := strconv.ParseFloat(strings.TrimSuffix(text, "%"), 64)
	if err != nil || !strings.HasSuffix(text, "%") || !(f >= 0 && f <= 1000) {
		return 0, fmt.Errorf("fail-over %q is not a percentage such as 10%%", text)
	}
	return f / 100, nil
}

// readBaseline returns nil when none is asked for.
func (o *benchOptions) readBaseline(cfg bench.Config) (*bench.Report, error) {
	if o.baseline == "" {
		return nil, nil
	}
	f, err := os.Open(o.baseline)
	if err != nil {
		return nil, errors.Unwrap(err) // without the name
	}
	defer func() { _ = f.Close() }() // it is only read
	old, err := bench.ReadBaseline(f)
	if err != nil {
		return nil, err
	}
	return old, bench.CheckBaseline(old, cfg)
}
