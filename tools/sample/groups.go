package sample

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/redistill/redistill/tools/client"
	"github.com/redistill/redistill/tools/plan"
)

const (
	maxGroups  = 20      // groups of the most keys; the others are one
	othersName = "other" // of those, and of keys without a prefix
	confidence = 1.96    // standard errors on each side that 95 of 100 samples are within
)

// plannedKinds are the types of keys that are planned for.
var plannedKinds = []string{"string", "hash", "set"}

// newSample groups the keys of a sample out of total.
func newSample(keys []found, total int64, whole bool, separator string, connections int64) *plan.Sample {
	if whole {
		total = int64(len(keys)) // some may have gone or come meanwhile
	}
	s := &plan.Sample{Keys: max(total, int64(len(keys))), Sampled: len(keys), Whole: whole, Connections: connections}
	groups, kinds := map[[2]string][]*found{}, map[string][]*found{}
	for i := range keys {
		k := &keys[i]
		switch {
		case len(k.name) > longestKey:
			kinds["key too long"] = append(kinds["key too long"], k)
		case !slices.Contains(plannedKinds, k.kind):
			kinds[k.kind] = append(kinds[k.kind], k)
		default:
			id := [2]string{prefixOf(k.name, separator), k.kind}
			groups[id] = append(groups[id], k)
		}
	}
	mergeSingles(groups)
	for _, id := range largest(groups) {
		s.Groups = append(s.Groups, newGroup(s, id[0], id[1], groups[id]))
	}
	nameGroups(s.Groups, separator)
	for kind, list := range kinds {
		count, _ := estimate(s, list, func(*found) float64 { return 1 })
		there, _ := estimate(s, list, func(k *found) float64 { return float64(k.usage) })
		s.Other = append(s.Other, plan.Kind{Type: client.Printable(kind), Count: int64(math.Round(count)), There: int64(there)})
	}
	slices.SortFunc(s.Other, func(a, b plan.Kind) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Type, b.Type)) })
	return s
}

// tableEntry is what Redis and Valkey count of each key as overhead and not as data, although MEMORY
// USAGE has it: an entry of the table of keys, and the head of the value.
const tableEntry = 24 + 16

// addGap holds a sample of keys against the bytes of all data, of which MEMORY USAGE counts so many
// for each key beside it.
func addGap(s *plan.Sample, keys []found, dataset, beside int64) {
	all := make([]*found, len(keys))
	for i := range keys {
		all[i] = &keys[i]
	}
	sum, bound := estimate(s, all, func(k *found) float64 { return float64(max(k.usage-beside, 0)) })
	s.Gap = &plan.Gap{
		Dataset: dataset, Sampled: int64(sum), Bound: int64(bound), Bytes: dataset - int64(sum),
	}
}

// anyID stands for IDs in a prefix.
const anyID = "*"

// prefixOf returns what says what a key is for: what comes before the first separator, or of
// "42:profile", where that is an ID, "*:profile". It is "" if there is no such thing.
func prefixOf(name, separator string) string {
	prefix, rest, found := strings.Cut(name, separator)
	if !found || !isID(prefix) {
		if !found {
			return ""
		}
		return prefix
	}
	for word := range strings.SplitSeq(rest, separator) {
		if word != "" && !isID(word) {
			return anyID + separator + word
		}
	}
	return ""
}

// isID reports whether a part of a key is a number, or hexadecimal digits with a decimal one among
// them, as hashes and UUIDs are.
func isID(word string) bool {
	return strings.ContainsAny(word, "0123456789") && strings.Trim(word, "0123456789abcdefABCDEF-") == ""
}

// mergeSingles puts the key of a prefix that no other key of a large sample has into those without a
// prefix: an ID of some other form, for which a group would be as wrong as for each ID.
func mergeSingles(groups map[[2]string][]*found) {
	if len(groups) <= maxGroups {
		return
	}
	for id, keys := range groups {
		if id[0] != "" && len(keys) == 1 {
			rest := [2]string{"", id[1]}
			groups[rest] = append(groups[rest], keys...)
			delete(groups, id)
		}
	}
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
	for _, kind := range plannedKinds {
		if id := [2]string{"", kind}; len(groups[id]) > 0 {
			ids = append(ids, id)
		}
	}
	return ids
}

// newGroup makes an item of keys.
func newGroup(s *plan.Sample, prefix, kind string, keys []*found) plan.Group {
	count, bound := estimate(s, keys, func(*found) float64 { return 1 })
	g := plan.Group{
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
	bytes, bytesBound := estimate(s, keys, func(k *found) float64 { return k.shape.Cost().Bytes })
	there, _ := estimate(s, keys, func(k *found) float64 { return float64(k.usage) })
	g.Bytes, g.BytesBound, g.There = int64(bytes), int64(bytesBound), int64(there)
	g.Item = plan.SampledItem("", g.Count, shapes)
	g.Item.TTL = (time.Duration(longest)*time.Millisecond + time.Second - 1).Truncate(time.Second)
	return g
}

// estimate returns the sum of a quantity over the whole database, if these keys of
// the sample have it and the others have none, and by how much the true one may
// differ.
func estimate(s *plan.Sample, keys []*found, quantity func(*found) float64) (sum, bound float64) {
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

// nameGroups names each group after its prefix, and its type where another one has
// that already.
func nameGroups(groups []plan.Group, separator string) {
	taken := map[string]bool{}
	for i := range groups {
		g := &groups[i]
		name := strings.Map(func(r rune) rune {
			if plan.IsName(string(r)) {
				return r
			}
			return '_'
		}, strings.TrimPrefix(g.Prefix, anyID+separator))
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
