package population

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/redistill/redistill/internal/client"
	"github.com/redistill/redistill/internal/plan"
)

// Sample is what was found in a live server.
type Sample struct {
	Keys        int64   `json:"keys"`    // in the database
	Sampled     int     `json:"sampled"` // of them
	Whole       bool    `json:"whole"`   // all were looked at, so that nothing is estimated
	Groups      []Group `json:"groups"`
	Other       []Kind  `json:"unsupported,omitempty"` // types that this server does not have, and keys that are too long for it
	Connections int64   `json:"connections,omitempty"`
}

// Group is the keys with one prefix and type, as an item to plan with. Bounds hold
// for 95 of 100 samples.
type Group struct {
	plan.Item  `json:"-"`
	Name       string  `json:"name"`
	Prefix     string  `json:"prefix"`
	Type       string  `json:"type"`
	Sampled    int     `json:"sampled"`
	Count      int64   `json:"count"` // estimated
	CountBound int64   `json:"count_bound"`
	Bytes      int64   `json:"bytes"` // estimated, in this server, without the index
	BytesBound int64   `json:"bytes_bound"`
	There      int64   `json:"bytes_there,omitempty"` // estimated, what the server that was asked says that they take there
	WithTTL    float64 `json:"with_ttl"`              // share
}

// Kind is keys that cannot be planned for.
type Kind struct {
	Type  string `json:"type"`
	Count int64  `json:"count"` // estimated
	There int64  `json:"bytes_there,omitempty"`
}

const (
	maxGroups  = 20      // groups of the most keys; the others are one
	othersName = "other" // of those, and of keys without a prefix
	confidence = 1.96    // standard errors on each side that 95 of 100 samples are within
)

// newSample groups the keys of a sample out of total.
func newSample(keys []found, total int64, whole bool, separator string, connections int64) *Sample {
	if whole {
		total = int64(len(keys)) // some may have gone or come meanwhile
	}
	s := &Sample{Keys: max(total, int64(len(keys))), Sampled: len(keys), Whole: whole, Connections: connections}
	groups, kinds := map[[2]string][]*found{}, map[string][]*found{}
	for i := range keys {
		k := &keys[i]
		switch {
		case len(k.name) > longestKey:
			kinds["key too long"] = append(kinds["key too long"], k)
		case k.kind != "string" && k.kind != "hash":
			kinds[k.kind] = append(kinds[k.kind], k)
		default:
			id := [2]string{prefixOf(k.name, separator), k.kind}
			groups[id] = append(groups[id], k)
		}
	}
	for _, id := range largest(groups) {
		s.Groups = append(s.Groups, s.group(id[0], id[1], groups[id]))
	}
	s.nameGroups()
	for kind, list := range kinds {
		count, _ := s.estimate(list, func(*found) float64 { return 1 })
		there, _ := s.estimate(list, func(k *found) float64 { return float64(k.usage) })
		s.Other = append(s.Other, Kind{client.Printable(kind), int64(math.Round(count)), int64(there)})
	}
	slices.SortFunc(s.Other, func(a, b Kind) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Type, b.Type)) })
	return s
}

// prefixOf returns what comes before the first separator, "" if there is none.
func prefixOf(name, separator string) string {
	prefix, _, found := strings.Cut(name, separator)
	if !found {
		return ""
	}
	return prefix
}

// largest returns the groups with the most keys, having put the keys of the others
// into those without a prefix.
func largest(groups map[[2]string][]*found) [][2]string {
	var ids [][2]string
	for id := range groups {
		if id[0] != "" {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b [2]string) int {
		return cmp.Or(cmp.Compare(len(groups[b]), len(groups[a])), strings.Compare(a[0], b[0]), strings.Compare(a[1], b[1]))
	})
	for len(ids) > maxGroups {
		id := ids[len(ids)-1]
		ids = ids[:len(ids)-1]
		rest := [2]string{"", id[1]}
		groups[rest] = append(groups[rest], groups[id]...)
	}
	for _, kind := range []string{"string", "hash"} {
		if id := [2]string{"", kind}; len(groups[id]) > 0 {
			ids = append(ids, id)
		}
	}
	return ids
}

// group makes an item of keys.
func (s *Sample) group(prefix, kind string, keys []*found) Group {
	count, bound := s.estimate(keys, func(*found) float64 { return 1 })
	g := Group{
		Prefix: client.Printable(prefix), Type: kind, Sampled: len(keys), Count: int64(math.Round(count)), CountBound: int64(math.Round(bound)),
	}
	shapes := make([]plan.Shape, len(keys))
	longest := int64(0)
	for i, k := range keys {
		shapes[i] = k.shape
		if k.shape.TTL {
			g.WithTTL += 1 / float64(len(keys))
			longest = max(longest, k.left)
		}
	}
	bytes, bytesBound := s.estimate(keys, func(k *found) float64 { return k.shape.Cost().Bytes })
	there, _ := s.estimate(keys, func(k *found) float64 { return float64(k.usage) })
	g.Bytes, g.BytesBound, g.There = int64(bytes), int64(bytesBound), int64(there)
	g.Item = plan.SampledItem("", g.Count, shapes)
	g.Item.TTL = (time.Duration(longest)*time.Millisecond + time.Second - 1).Truncate(time.Second)
	return g
}

// estimate returns the sum of a quantity over the whole database, if these keys of
// the sample have it and the others have none, and by how much the true one may
// differ.
func (s *Sample) estimate(keys []*found, quantity func(*found) float64) (sum, bound float64) {
	n, all := float64(s.Sampled), float64(s.Keys)
	squares := 0.0
	for _, k := range keys {
		q := quantity(k)
		sum += q
		squares += q * q
	}
	mean := sum / n
	if s.Sampled < 2 {
		return all * mean, all * mean
	}
	variance := max((squares-n*mean*mean)/(n-1), 0)
	// The sample is without repetition: of the whole there is no doubt.
	return all * mean, confidence * all * math.Sqrt(variance/n*max(1-n/all, 0))
}

// Items returns the groups as items.
func (s *Sample) Items() []plan.Item {
	items := make([]plan.Item, len(s.Groups))
	for i := range s.Groups {
		items[i] = s.Groups[i].Item
		items[i].Name = s.Groups[i].Name
	}
	return items
}

// nameGroups names each group after its prefix, and its type where another one has
// that already.
func (s *Sample) nameGroups() {
	taken := map[string]bool{}
	for i := range s.Groups {
		g := &s.Groups[i]
		name := strings.Map(func(r rune) rune {
			if plan.IsName(string(r)) {
				return r
			}
			return '_'
		}, g.Prefix)
		if name == "" {
			name = othersName
		}
		for taken[name] {
			name += "." + g.Type
		}
		taken[name] = true
		g.Name = name
	}
}
