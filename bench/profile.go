package bench

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Profile declares a workload: what is stored, and how it is asked for.
type Profile struct {
	Name    string
	Summary string // one line
	// Connections and Pipeline are what the profile is meant to be run with.
	Connections, Pipeline int
	// Distribution says which keys are asked for, for all populations alike.
	Distribution Distribution
	Populations  []Population
}

// Population is a set of keys of one kind.
type Population struct {
	Name string
	// Weight is the population's share of the requests, relative to the others.
	Weight float64
	Keys   int // number of keys that are preloaded
	// Prefix and Suffix surround 16 hexadecimal digits in every key.
	Prefix, Suffix string
	Value          ValueKind
	// MinSize and MaxSize bound the values, in bytes. Four out of five lie
	// between MostMin and MostMax if these are given.
	MinSize, MaxSize, MostMin, MostMax int
	TTL                                time.Duration // of every key; 0 is none
	Access                             Access
	// ReadRatio is the share of reads, for the access ReadWrite.
	ReadRatio float64
	// HitRate is the share of reads that find their key, for CacheAside. The
	// others ask for a key that nobody has asked for before.
	HitRate float64
}

// Access is how the keys of a population are used.
type Access int

const (
	// ReadWrite is GET and SET in the proportion of ReadRatio.
	ReadWrite Access = iota
	// CacheAside is GET, and after a miss SET of the same key.
	CacheAside
	// Counter is INCR and EXPIRE in one batch: a rate limiter.
	Counter
)

func sessions(keys int) Population {
	return Population{
		Name: "session", Weight: 1, Keys: keys, Prefix: "session:", Suffix: ":web-app",
		Value: SessionValue, MinSize: 32, MaxSize: 256, TTL: 24 * time.Hour, ReadRatio: 20. / 21,
	}
}

func apiResponses(keys int) Population {
	return Population{
		Name: "api", Weight: 1, Keys: keys, Prefix: "api:v2:users:", Suffix: ":profile?fields=id,name,email,about",
		Value: JSONValue, MinSize: 1000, MaxSize: 10_000, MostMin: 2000, MostMax: 5000,
		TTL: 5 * time.Minute, Access: CacheAside, HitRate: 0.95,
	}
}

func pages(keys int) Population {
	return Population{
		Name: "html", Weight: 1, Keys: keys, Prefix: "page:/products/", Value: HTMLValue,
		Suffix:  "/reviews-and-questions/most-helpful-first?language=en&currency=EUR&device=desktop&page=1&of=12:v2",
		MinSize: 50_000, MaxSize: 200_000, TTL: time.Hour, ReadRatio: 0.9,
	}
}

// Profiles returns the profiles that there are.
func Profiles() []Profile {
	return []Profile{
		{"session", "sessions: keys of 32 B, values of 32-256 B, TTL 24 h, 20 reads a write", 50, 1, Zipf, []Population{sessions(100_000)}},
		{"api", "JSON of 1-10 KB, TTL 5 min, GET and after a miss SET, hit rate 95 %", 50, 1, Zipf, []Population{apiResponses(10_000)}},
		{"html", "pages of 50-200 KB, TTL 1 h, 9 reads a write", 50, 1, Zipf, []Population{pages(1000)}},
		{"counter", "rate limiter: INCR and EXPIRE in one batch", 50, 1, Zipf, []Population{{
			Name: "counter", Weight: 1, Keys: 10_000, Prefix: "ratelimit:", Suffix: ":2026-01-31T12",
			Value: NumberValue, MinSize: 1, MaxSize: 5, TTL: time.Hour, Access: Counter,
		}}},
		{"mixed", "1 M sessions, 100 K JSON responses and 10 K pages of 50 KB: 1.3 GB", 50, 1, Zipf, mixed()},
		{"headline", "256 B, as many reads as writes, 160 connections, pipeline 30", 160, 30, Uniform, []Population{{
			Name: "headline", Weight: 1, Keys: 1_000_000, Prefix: "memtier-",
			Value: SessionValue, MinSize: 256, MaxSize: 256, ReadRatio: 0.5,
		}}},
	}
}

// mixed has the sizes of the table for planning memory. Of 100 requests, 80 are
// for sessions, 15 for JSON and 5 for pages.
func mixed() []Population {
	s, a, p := sessions(1_000_000), apiResponses(100_000), pages(10_000)
	s.Weight, s.MinSize, s.MaxSize = 80, 256, 256
	a.Weight, a.MinSize, a.MaxSize, a.MostMin, a.MostMax = 15, 5000, 5000, 0, 0
	p.Weight, p.MinSize, p.MaxSize = 5, 50_000, 50_000
	return []Population{s, a, p}
}

// FindProfile returns the profile of a name.
func FindProfile(name string) (Profile, error) {
	var names []string
	for _, p := range Profiles() {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return Profile{}, fmt.Errorf("unknown profile %q; there are %s", name, strings.Join(names, ", "))
}

// Overrides changes what a profile declares. Zero values change nothing.
type Overrides struct {
	Keys             int     // in all; populations keep their proportions
	Scale            float64 // multiplies the number of keys
	MinSize, MaxSize int     // of every value, in bytes
	ReadRatio        *float64
	Distribution     *Distribution
}

// With returns p changed by o. A read ratio makes every population ReadWrite.
func (p Profile) With(o Overrides) (Profile, error) {
	populations := append([]Population(nil), p.Populations...)
	total := 0
	for _, pop := range populations {
		total += pop.Keys
	}
	factor := 1.0
	if o.Keys > 0 {
		factor = float64(o.Keys) / float64(total)
	}
	if o.Scale > 0 {
		factor *= o.Scale
	}
	for i := range populations {
		pop := &populations[i]
		pop.Keys = max(1, int(math.Round(float64(pop.Keys)*factor)))
		if o.MinSize > 0 && pop.Access != Counter {
			pop.MinSize, pop.MaxSize, pop.MostMin, pop.MostMax = o.MinSize, o.MaxSize, 0, 0
		}
		if o.ReadRatio == nil {
			continue
		}
		if pop.Access == Counter {
			return p, fmt.Errorf("profile %s only counts, it has no read ratio", p.Name)
		}
		pop.Access, pop.ReadRatio, pop.HitRate = ReadWrite, *o.ReadRatio, 0
	}
	p.Populations = populations
	if o.Distribution != nil {
		p.Distribution = *o.Distribution
	}
	return p, nil
}
