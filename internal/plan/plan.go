// Package plan computes the memory that a cache needs from what it shall hold.
// It is arithmetic only: what a key takes is the engine's own cost function.
package plan

import (
	"errors"
	"fmt"
	"math/bits"

	"github.com/redistill/redistill/engine"
)

// What a process takes beside its data, measured on linux/amd64 with the
// method in docs/plan.md.
const (
	processBytes    = 24 << 20 // at the start 12 MB; the rest is room for the Go runtime
	connectionBytes = 16 << 10 // one that sent a SET and a GET of 1 KB: 15.2 KB
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
	Payload    int64  `json:"payload_bytes"`  // values
	Keys       int64  `json:"keys_bytes"`     // keys, and names of fields
	Overhead   int64  `json:"overhead_bytes"` // headers, padding, index
	Total      int64  `json:"total_bytes"`
	Redis      int64  `json:"redis_7_bytes"`
	Valkey     int64  `json:"valkey_8_bytes"`
	Memcached  *int64 `json:"memcached_bytes"`      // nil if it does not take such items
	Fits       *int64 `json:"fits_count,omitempty"` // how many fit into Options.Memory, nil without
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
	var keys, expires int64
	for _, it := range o.Items {
		keys += it.Count
		if it.TTL > 0 {
			expires += it.Count
		}
	}
	p.All.Memcached = new(int64)
	for _, it := range o.Items {
		l := newLine(it, keys, expires)
		p.Lines = append(p.Lines, l)
		p.All.add(&l)
	}
	sum := p.All.Total + p.Buffers + p.Process
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

func newLine(it Item, keys, expires int64) Line {
	each := engine.RecordCost(int(it.Key), int(it.Size), it.TTL > 0)
	if it.Fields > 0 {
		each = engine.HashCost(int(it.Key), int(it.Fields), int(it.Field), int((it.Size+it.Fields-1)/it.Fields), it.TTL > 0)
	}
	l := Line{
		Item: it, TTLSeconds: int64(it.TTL.Seconds()),
		Payload: it.Count * it.Size, Keys: it.Count * (it.Key + it.Fields*it.Field), Total: it.Count * int64(each),
		Redis: redis7.total(&it, keys, expires), Valkey: valkey8.total(&it, keys, expires), Memcached: memcachedTotal(&it),
	}
	l.Overhead = l.Total - l.Payload - l.Keys
	return l
}

// add adds another line's bytes.
func (l *Line) add(other *Line) {
	l.Count += other.Count
	l.Payload += other.Payload
	l.Keys += other.Keys
	l.Overhead += other.Overhead
	l.Total += other.Total
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
	share := 1.0
	if room < p.All.Total {
		share = max(float64(room)/float64(p.All.Total), 0)
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
