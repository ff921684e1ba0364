package bench

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

//go:embed profiles.toml
var builtinProfiles []byte

// Profiles returns the profiles that the program brings with it.
func Profiles() []Profile {
	profiles, err := readProfiles(bytes.NewReader(builtinProfiles), nil)
	if err != nil {
		panic("bench: profiles.toml: " + err.Error()) // a test reads it too
	}
	return profiles
}

// ReadProfiles reads profiles in TOML, in the form of profiles.toml. One may have
// the name of another as its base, from the program or from before it in the
// file, and declare what differs. It returns those of the file, of which there is
// at least one, all of them valid.
func ReadProfiles(r io.Reader) ([]Profile, error) { return readProfiles(r, Profiles()) }

// profileText is a profile as it is in a file. What it does not say comes from
// its base; populations replace those of the base.
type profileText struct {
	Name        string           `toml:"name"`
	Base        string           `toml:"base"`
	Summary     string           `toml:"summary"`
	Connections int              `toml:"connections"`
	Pipeline    int              `toml:"pipeline"`
	Populations []populationText `toml:"population"`
	Overrides
}

// populationText tells what is 0 from what is not there.
type populationText struct {
	Population
	Weight    *float64 `toml:"weight"`
	ReadRatio *float64 `toml:"read_ratio"`
	HitRate   *float64 `toml:"hit_rate"`
}

func readProfiles(r io.Reader, known []Profile) ([]Profile, error) {
	var file struct {
		Profiles []profileText `toml:"profile"`
	}
	if err := toml.NewDecoder(r).DisallowUnknownFields().Decode(&file); err != nil {
		return nil, tomlError(err)
	}
	if len(file.Profiles) == 0 {
		return nil, errors.New("it holds no [[profile]]")
	}
	var out []Profile
	for _, text := range file.Profiles {
		p, err := text.profile(append(slices.Clone(out), known...))
		if err != nil {
			return nil, fmt.Errorf("profile %q: %w", text.Name, err)
		}
		if _, err := Find(out, p.Name); err == nil {
			return nil, fmt.Errorf("two profiles are named %q", p.Name)
		}
		out = append(out, p)
	}
	return out, nil
}

// profile makes the profile that t declares, with the base from known.
func (t *profileText) profile(known []Profile) (Profile, error) {
	p := Profile{Connections: 50, Pipeline: 1, Distribution: Zipf}
	if t.Base != "" {
		base, err := Find(known, t.Base)
		if err != nil {
			return p, fmt.Errorf("base: %w", err)
		}
		p = base
	}
	if t.Name == "" {
		return p, errors.New("it needs a name")
	}
	p.Name = t.Name
	if t.Summary != "" {
		p.Summary = t.Summary
	}
	if t.Connections != 0 {
		p.Connections = t.Connections
	}
	if t.Pipeline != 0 {
		p.Pipeline = t.Pipeline
	}
	if len(t.Populations) > 0 {
		p.Populations = nil
	}
	for i := range t.Populations {
		pop, err := t.Populations[i].population()
		if err != nil {
			return p, fmt.Errorf("population %q: %w", pop.Name, err)
		}
		p.Populations = append(p.Populations, pop)
	}
	if len(p.Populations) == 0 {
		return p, errors.New("it needs a base or a [[profile.population]]")
	}
	if err := p.validate(); err != nil {
		return p, err
	}
	p, err := p.With(t.Overrides)
	if err != nil {
		return p, err
	}
	return p, Config{Profile: p}.Validate()
}

func (t *populationText) population() (Population, error) {
	p := t.Population
	p.Weight = 1
	if t.Weight != nil {
		p.Weight = *t.Weight
	}
	for _, share := range []struct {
		name   string
		needed bool
		value  *float64
		out    *float64
	}{
		{"read_ratio", p.Access == ReadWrite || p.Access == Membership, t.ReadRatio, &p.ReadRatio},
		{"hit_rate", p.Access == CacheAside, t.HitRate, &p.HitRate},
	} {
		switch {
		case share.needed && share.value == nil:
			return p, fmt.Errorf("the access %s needs a %s", p.Access, share.name)
		case !share.needed && share.value != nil:
			return p, fmt.Errorf("the access %s has no %s", p.Access, share.name)
		case share.value != nil:
			*share.out = *share.value
		}
	}
	return p, nil
}

// tomlError makes one line of a decoder's error, with the line in the file.
func tomlError(err error) error {
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) && len(strict.Errors) > 0 {
		line, _ := strict.Errors[0].Position()
		return fmt.Errorf("line %d: unknown key %s", line, strings.Join(strict.Errors[0].Key(), "."))
	}
	var decode *toml.DecodeError
	if errors.As(err, &decode) {
		line, _ := decode.Position()
		return fmt.Errorf("line %d: %s", line, strings.TrimPrefix(decode.Error(), "toml: "))
	}
	return err
}
