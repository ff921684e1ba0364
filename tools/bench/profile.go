package bench

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Profile declares a workload: what is stored, and how it is asked for.
type Profile struct {
	Name    string `toml:"name" json:"name"`
	Summary string `toml:"summary" json:"-"` // one line
	// Connections and Pipeline are what the profile is meant to be run with.
	Connections int `toml:"connections" json:"-"`
	Pipeline    int `toml:"pipeline" json:"-"`
	// Distribution says which keys are asked for, for all populations alike.
	Distribution Distribution `toml:"distribution" json:"distribution"`
	Populations  []Population `toml:"population" json:"populations"`
}

// Population is a set of keys of one kind.
type Population struct {
	Name string `toml:"name" json:"name"`
	// Weight is the population's share of the requests, relative to the others.
	Weight float64   `toml:"weight" json:"weight"`
	Keys   int       `toml:"keys" json:"keys"` // number of keys that are preloaded
	Key    string    `toml:"key" json:"key"`   // with KeyMark
	Value  ValueKind `toml:"value" json:"value"`
	// Size bounds the values. Four out of five are within MostSize, if it is given.
	Size     Sizes  `toml:"size" json:"size"`
	MostSize Sizes  `toml:"most_size,omitempty" json:"most_size,omitzero"`
	TTL      TTL    `toml:"ttl" json:"ttl"` // of every key; 0 is none
	Access   Access `toml:"access" json:"access"`
	// ReadRatio is the share of reads, for the accesses ReadWrite and Membership.
	ReadRatio float64 `toml:"read_ratio" json:"read_ratio"`
	// HitRate is the share of reads that find their key, for CacheAside. The
	// others ask for a key that nobody has asked for before.
	HitRate float64 `toml:"hit_rate" json:"hit_rate"`
}

// KeyMark is what becomes the number of the key, as 16 hexadecimal digits, in
// Population.Key.
const KeyMark = "{id}"

// Limits of a population, against slips of the hand.
const (
	maxPopulations = 100
	maxKeys        = 1_000_000_000
	maxKeySize     = 1 << 20
	maxValueSize   = 64 << 20
)

func (p *Profile) validate() error {
	if len(p.Populations) == 0 || len(p.Populations) > maxPopulations {
		return fmt.Errorf("a profile needs from 1 to %d populations", maxPopulations)
	}
	for i := range p.Populations {
		pop := &p.Populations[i]
		if err := pop.validate(); err != nil {
			return fmt.Errorf("population %s: %w", pop.Name, err)
		}
		if slices.ContainsFunc(p.Populations[:i], func(other Population) bool { return other.Name == pop.Name }) {
			return fmt.Errorf("two populations are named %q", pop.Name)
		}
	}
	return nil
}

func (p *Population) validate() error {
	switch {
	case p.Name == "":
		return errors.New("it needs a name")
	case p.Keys < 1 || p.Keys > maxKeys:
		return fmt.Errorf("keys must be from 1 to %d", maxKeys)
	case strings.Count(p.Key, KeyMark) != 1 || len(p.Key) > maxKeySize:
		return fmt.Errorf("key must hold %s once, and have no more than %d B", KeyMark, maxKeySize)
	case !(p.Weight > 0 && p.Weight < math.MaxInt32):
		return errors.New("weight must be more than 0")
	case p.Size.Min < 1 || p.Size.Max < p.Size.Min || p.Size.Max > maxValueSize:
		return fmt.Errorf("value sizes must be from 1 B to %d B, the smaller one first", maxValueSize)
	case p.MostSize != Sizes{} && (p.MostSize.Min < p.Size.Min || p.MostSize.Max < p.MostSize.Min || p.MostSize.Max > p.Size.Max):
		return errors.New("most_size must lie within size, the smaller one first")
	case p.Value == NumberValue && p.Size.Max > maxNumberSize:
		return fmt.Errorf("numbers have at most %d digits", maxNumberSize)
	case p.Access == Counter && p.Value != NumberValue:
		return errors.New("what a counter counts are values of the kind number")
	case p.TTL < 0 || p.TTL%TTL(time.Second) != 0:
		return errors.New("ttl must be whole seconds")
	case p.TTL == 0 && p.Access == Counter:
		return errors.New("a counter needs a ttl")
	case p.TTL > 0 && p.Access == Membership:
		return errors.New("sets are given no ttl")
	case !(p.ReadRatio >= 0 && p.ReadRatio <= 1):
		return errors.New("read-ratio must be from 0 to 1")
	case !(p.HitRate >= 0 && p.HitRate <= 1):
		return errors.New("hit_rate must be from 0 to 1")
	}
	return nil
}

// Find returns the profile of a name among several.
func Find(profiles []Profile, name string) (Profile, error) {
	var names []string
	for _, p := range profiles {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return Profile{}, fmt.Errorf("unknown profile %q; there are %s", name, strings.Join(names, ", "))
}

// Overrides changes what a profile declares. Zero values change nothing.
type Overrides struct {
	Keys         int           `toml:"keys"`       // in all; populations keep their proportions
	Scale        float64       `toml:"scale"`      // multiplies the number of keys
	ValueSize    Sizes         `toml:"value_size"` // of every value
	ReadRatio    *float64      `toml:"read_ratio"`
	Distribution *Distribution `toml:"distribution"`
}

// maxScale bounds Overrides.Scale.
const maxScale = 1e6

// With returns p changed by o. A read ratio makes every population ReadWrite, but
// those of sets.
func (p Profile) With(o Overrides) (Profile, error) {
	populations := slices.Clone(p.Populations)
	total := 0
	for _, pop := range populations {
		total += pop.Keys
	}
	factor := 1.0
	switch {
	case o.Keys < 0 || o.Keys > maxKeys:
		return p, fmt.Errorf("keys must be from 1 to %d", maxKeys)
	case !(o.Scale >= 0 && o.Scale <= maxScale):
		return p, errors.New("scale must be more than 0")
	case o.Keys > 0:
		factor = float64(o.Keys) / float64(total)
	}
	if o.Scale > 0 {
		factor *= o.Scale
	}
	for i := range populations {
		pop := &populations[i]
		pop.Keys = max(1, int(math.Round(float64(pop.Keys)*factor)))
		if o.ValueSize.Min > 0 && pop.Access != Counter {
			pop.Size, pop.MostSize = o.ValueSize, Sizes{}
		}
		if o.ReadRatio == nil {
			continue
		}
		if pop.Access == Counter {
			return p, fmt.Errorf("profile %s only counts, it has no read ratio", p.Name)
		}
		pop.ReadRatio, pop.HitRate = *o.ReadRatio, 0
		if pop.Access != Membership {
			pop.Access = ReadWrite
		}
	}
	p.Populations = populations
	if o.Distribution != nil {
		p.Distribution = *o.Distribution
	}
	return p, nil
}
