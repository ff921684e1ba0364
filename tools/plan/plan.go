// Package plan computes the memory that a cache needs from what it shall hold.
// That is arithmetic only: what a key takes is the engine's own cost function.
//
// A Report puts a Plan beside what servers say, which others find out: a Sample
// of the keys that it is for, and a Verification of what items take. It is written
// as text, Markdown, JSON, CSV, or a configuration file.
package plan

import (
	"cmp"
	"errors"
	"fmt"
	"math/bits"

	"github.com/redistill/redistill/engine"
)

// What a process takes beside its data, measured on linux/amd64 with the
// method in docs/plan.md.
const (
	processBytes    = 28 << 20 // at the start 21 MB; the rest is room for the Go runtime
	connectionBytes = 16 << 10 // one that sent a SET and a GET of 1 KB on the portable path, a quarter of that on the others
	memoryShare     = 80       // percent of a machine's memory that max_memory may be, serve's default
)

// Options are what a plan is for.
type Options struct {
	Items       []Item
	Connections int64 // open at a time
	Headroom    int64 // percent on top of everything
	Memory      int64 // bytes that there are, 0 if that is not given
}

// Line is an item with the bytes that all of it takes.
type Line struct {
	Item
	TTLSeconds int64  `json:"ttl_seconds,omitempty"`
	Payload    int64  `json:"payload_bytes"`  // values, and members of sets
	Keys       int64  `json:"keys_bytes"`     // keys, and names of fields
	Overhead   int64  `json:"overhead_bytes"` // headers, padding, index
	Total      int64  `json:"total_bytes"`
	Loaded     int64  `json:"loaded_bytes"` // before compaction of what is left of hashes that grew
	Redis      int64  `json:"redis_7_bytes"`
	Valkey     int64  `json:"valkey_8_bytes"`
	Memcached  *int64 `json:"memcached_bytes"`             // nil if it does not take such items
	Refused    string `json:"memcached_refuses,omitempty"` // why it does not
	Fits       *int64 `json:"fits_count,omitempty"`        // how many fit into Options.Memory, nil without
}

// Plan is the result. All sizes are bytes.
type Plan struct {
	Lines       []Line `json:"items"`
	All         Line   `json:"all"`
	Connections int64  `json:"connections"`
	Buffers     int64  `json:"connection_bytes"`
	Process     int64  `json:"process_bytes"`
	HeadroomPct int64  `json:"headroom_percent"`
	Headroom    int64  `json:"headroom_bytes"`
	Needed      int64  `json:"needed_bytes"`  // everything above
	MaxMemory   int64  `json:"max_memory"`    // recommended: Needed, rounded up
	Machine     int64  `json:"machine_bytes"` // recommended memory of the machine
	Memory      int64  `json:"memory,omitempty"`
}

// New computes a plan. Errors name the item or the option.
func New(o Options) (*Plan, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	p := &Plan{
		All: Line{Item: Item{Name: "all"}}, Connections: o.Connections, Buffers: o.Connections * connectionBytes,
		Process: processBytes, HeadroomPct: o.Headroom, Memory: o.Memory,
	}
	var all tables
	for i := range o.Items {
		all.add(&o.Items[i])
	}
	p.All.Memcached = new(int64)
	for _, it := range o.Items {
		l := newLine(it, &all)
		p.Lines = append(p.Lines, l)
		p.All.add(&l)
	}
	sum := p.All.Loaded + p.Buffers + p.Process
	p.Headroom = sum / 100 * o.Headroom
	p.Needed = sum + p.Headroom
	p.MaxMemory = roundUp(p.Needed)
	p.Machine = roundUp(p.MaxMemory / memoryShare * 100)
	if o.Memory > 0 {
		p.fit()
	}
	return p, nil
}

func (o *Options) validate() error {
	switch {
	case len(o.Items) == 0:
		return errors.New("no items: name what the cache shall hold with --item, such as --item sessions=1M:256B:ttl=24h")
	case len(o.Items) > maxItems:
		return fmt.Errorf("more than %d items", maxItems)
	case o.Connections < 0 || o.Connections > 1e7:
		return errors.New("connections: want 0 to 10000000")
	case o.Headroom < 0 || o.Headroom > 1000:
		return errors.New("headroom: want 0% to 1000%")
	case o.Memory < 0:
		return errors.New("memory: must not be negative")
	}
	seen := map[string]bool{}
	for _, it := range o.Items {
		if seen[it.Name] {
			return fmt.Errorf("item %q is named twice", it.Name)
		}
		seen[it.Name] = true
	}
	return nil
}

// planShards is how many shards the index is computed for: as many as a server
// has on a machine of two processors, up to eight times as many on larger ones.
const planShards = 16

// tables counts what is in the tables of a server.
type tables struct {
	keys, expires float64
	parts         float64 // of values, in this server
}

func (t *tables) add(it *Item) {
	n := float64(it.Count)
	t.keys += n
	t.expires += n * it.mean(func(s *Shape) float64 {
		if s.TTL {
			return 1
		}
		return 0
	})
	t.parts += n * it.cost().Parts
}

// index returns the bytes of the tables of this server.
func (t *tables) index(shards int) float64 {
	return float64(engine.IndexCost(int64(t.keys), shards) + engine.IndexCost(int64(t.parts), shards))
}

// cost returns what each key of an item takes in the engine, in the mean.
func (it *Item) cost() engine.Cost {
	return engine.Cost{
		Bytes: it.mean(func(s *Shape) float64 { return s.Cost().Bytes }),
		Parts: it.mean(func(s *Shape) float64 { return s.Cost().Parts }),
	}
}

// Cost returns what a key of this shape takes in the engine, without the index.
func (s *Shape) Cost() engine.Cost {
	switch {
	case s.Counter:
		return engine.IntCost(int(s.Key), s.TTL)
	case s.Members > 0:
		return engine.SetCost(int(s.Key), int(s.Members), int(s.Member()), s.TTL)
	case s.Fields > 0:
		return engine.HashCost(int(s.Key), int(s.Fields), int(s.Field), int((s.Size+s.Fields-1)/s.Fields), s.TTL)
	}
	return engine.StringCost(int(s.Key), int(s.Size), s.TTL)
}

// What large hashes take before the server has compacted what was left behind when they grew, as a
// multiple of what they take after, and the longest value of a field that moves when they grow.
// From 1.45 to 2 was measured; see TestLoadedHashes and docs/plan.md.
const (
	grownHash  = 1.7
	movedValue = 2 << 10
)

// loaded returns what a key of this shape takes when it has just been written.
func (s *Shape) loaded() float64 {
	c := s.Cost()
	if s.Fields == 0 || c.Parts == 0 {
		return c.Bytes
	}
	moved := c.Bytes
	if value := s.Size / s.Fields; value > movedValue {
		moved = max(moved-float64(s.Fields*value), 0)
	}
	return c.Bytes + (grownHash-1)*moved
}

func newLine(it Item, all *tables) Line {
	own := tables{}
	own.add(&it)
	total := float64(it.Count) * it.cost().Bytes
	left := float64(it.Count)*it.mean((*Shape).loaded) - total
	if records := all.keys + all.parts; records > 0 {
		total += all.index(planShards) * (own.keys + own.parts) / records
	}
	memcached, refused := memcachedTotal(&it)
	l := Line{
		Item: it, TTLSeconds: int64(it.TTL.Seconds()),
		Payload: it.Count * it.Size, Keys: it.Count * (it.Key + it.Fields*it.Field), Total: int64(total),
		Loaded: int64(total) + int64(left), Memcached: memcached, Refused: refused,
		Redis: redis7.total(&it, all.keys, all.expires), Valkey: valkey8.total(&it, all.keys, all.expires),
	}
	l.Overhead = l.Total - l.Payload - l.Keys
	return l
}

// longPart is the size from which values are kept in parts that have blocks of
// their own.
const longPart = 16 << 10

// blockClasses adds the classes of blocks that keys of this shape are kept in to a
// set.
func (s *Shape) blockClasses(classes map[string]bool) {
	if s.TTL {
		classes["keys with a deadline"] = true
	} else {
		classes["keys"] = true
	}
	if s.Size/max(s.Fields, s.Members, 1) > longPart {
		classes["parts"] = true
	}
}

// Growth returns, for each item, by how many bytes the resident memory of a
// server of so many shards grows when the items are loaded one after the other.
func Growth(items []Item, shards int) []int64 {
	growth := make([]int64, len(items))
	var all tables
	blocks, before, classes := 0.0, 0.0, map[string]bool{}
	for i := range items {
		it := &items[i]
		all.add(it)
		blocks += float64(it.Count) * it.cost().Bytes
		for _, s := range it.Shapes() {
			s.blockClasses(classes)
		}
		now := blocks + all.index(shards) + float64(engine.OpenCost(shards, len(classes)))
		growth[i] = int64(now - before)
		before = now
	}
	return growth
}

// add adds another line's bytes.
func (l *Line) add(other *Line) {
	l.Count += other.Count
	l.Payload += other.Payload
	l.Keys += other.Keys
	l.Overhead += other.Overhead
	l.Total += other.Total
	l.Loaded += other.Loaded
	l.Refused = cmp.Or(l.Refused, other.Refused)
	l.Redis += other.Redis
	l.Valkey += other.Valkey
	if l.Memcached == nil || other.Memcached == nil {
		l.Memcached = nil
		return
	}
	*l.Memcached += *other.Memcached
}

// fit computes how many of each item there is room for, the same share of each.
func (p *Plan) fit() {
	room := p.Memory/(100+p.HeadroomPct)*100 - p.Buffers - p.Process
	costs := make([]engine.Cost, len(p.Lines))
	for i := range p.Lines {
		costs[i] = p.Lines[i].cost()
		costs[i].Bytes = p.Lines[i].mean((*Shape).loaded)
	}
	takes := func(share float64) float64 {
		var all tables
		bytes := 0.0
		for i, c := range costs {
			n := share * float64(p.Lines[i].Count)
			all.keys += n
			all.parts += n * c.Parts
			bytes += n * c.Bytes
		}
		return bytes + all.index(planShards)
	}
	share := 1.0
	if takes(1) > float64(room) {
		low, high := 0.0, 1.0
		for range 50 {
			if share = (low + high) / 2; takes(share) > float64(room) {
				high = share
			} else {
				low = share
			}
		}
		share = low
	}
	p.All.Fits = new(int64)
	for i := range p.Lines {
		n := int64(share * float64(p.Lines[i].Count))
		p.Lines[i].Fits = &n
		*p.All.Fits += n
	}
}

// roundUp rounds to a quarter of the power of two that is not below n, at least
// a megabyte: 1.6 GB to 2 GB, 2.1 GB to 3 GB.
func roundUp(n int64) int64 {
	step := max(int64(1)<<bits.Len64(uint64(max(n, 1)-1))/4, 1<<20)
	return (n + step - 1) / step * step
}
