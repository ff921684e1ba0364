package plan

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redistill/redistill/internal/config"
)

// Item is one kind of thing that a cache shall hold.
type Item struct {
	Name    string        `json:"name"`
	Count   int64         `json:"count"`             // how many there are at a time
	Size    int64         `json:"size"`              // bytes of each value, in the mean; of a hash or set, of all its values or members
	Largest int64         `json:"largest,omitempty"` // of values whose sizes are spread evenly around the mean; 0 if all are alike
	Key     int64         `json:"key"`               // bytes of each key, in the mean
	TTL     time.Duration `json:"-"`                 // 0 for none
	Fields  int64         `json:"fields,omitempty"`  // of a hash; 0 for others
	Field   int64         `json:"field,omitempty"`   // bytes of each field's name
	Members int64         `json:"members,omitempty"` // of a set; 0 for others
	Counter bool          `json:"counter,omitempty"` // values are whole numbers

	sample []Shape // what was found in a server; nil for an item that was described
}

// counterSize is what a whole number takes in the engine, and counts as.
const counterSize = 8

// Shape is what decides the memory of one key.
type Shape struct {
	Key, Size     int64 // as in Item, of this one
	Fields, Field int64
	Members       int64
	TTL, Counter  bool
}

// Member returns the length of the members of a set.
func (s *Shape) Member() int64 { return (s.Size + s.Members - 1) / s.Members }

// spreadShapes is how many shapes stand for sizes that are spread.
const spreadShapes = 64

// Shapes returns shapes that each stand for the same share of an item, at least
// one.
func (it *Item) Shapes() []Shape {
	if it.sample != nil {
		return it.sample
	}
	one := Shape{it.Key, it.Size, it.Fields, it.Field, it.Members, it.TTL > 0, it.Counter}
	if it.Largest == 0 {
		return []Shape{one}
	}
	shapes := make([]Shape, spreadShapes)
	smallest := 2*it.Size - it.Largest
	for i := range shapes {
		one.Size = smallest + (it.Largest-smallest)*int64(2*i+1)/(2*spreadShapes)
		shapes[i] = one
	}
	return shapes
}

// SampledItem makes an item of what was found of it in a server, at least one
// shape. Sizes are means.
func SampledItem(name string, count int64, shapes []Shape) Item {
	it := Item{Name: name, Count: count, sample: shapes}
	n := int64(len(shapes))
	for _, s := range shapes {
		it.Key += s.Key
		it.Size += s.Size
		it.Fields += s.Fields
		it.Field += s.Field
		it.Members += s.Members
	}
	for _, mean := range []*int64{&it.Key, &it.Size, &it.Fields, &it.Field, &it.Members} {
		*mean = (*mean + n/2) / n
	}
	return it
}

// mean returns the mean of f over the shapes of an item.
func (it *Item) mean(f func(s *Shape) float64) float64 {
	sum, shapes := 0.0, it.Shapes()
	for i := range shapes {
		sum += f(&shapes[i])
	}
	return sum / float64(len(shapes))
}

// Bounds of an Item, so that no sum overflows: those of the engine, and far
// more than a machine holds.
const (
	maxCount  = 1e12
	maxValue  = 512 << 20
	maxKey    = 32 << 10
	maxFields = 1e8     // or members
	maxTotal  = 1 << 50 // bytes of all of one item
	maxItems  = 1000

	defaultKey   = 32
	defaultField = 8
)

// ParseItem reads name=COUNT:SIZE[:ttl=24h][:key=32][:fields=10[:field=8]] or, of a set, [:members=10].
// The count may be rate=50/s, of things that are written once and kept for
// their TTL. The size may be that of the smallest and the largest, 1KB-10KB, or
// int, for counters. Counts and sizes are decimal: 1M is 1,000,000, 5KB is 5,000
// bytes; 5KiB is 5,120.
func ParseItem(text string) (Item, error) {
	name, spec, ok := strings.Cut(text, "=")
	parts := strings.Split(spec, ":")
	if !ok || !IsName(name) {
		return Item{}, fmt.Errorf("item %q: want name=COUNT:SIZE, such as sessions=1M:256B:ttl=24h", text)
	}
	if len(parts) < 2 {
		return Item{}, fmt.Errorf("item %q: want a count and a size, such as %s=1M:256B", text, name)
	}
	options := map[string]string{"count": parts[0], "size": parts[1]}
	if rate, ok := strings.CutPrefix(parts[0], "rate="); ok {
		delete(options, "count")
		options["rate"] = rate
	}
	for _, option := range parts[2:] {
		option, value, _ := strings.Cut(option, "=")
		if _, twice := options[option]; twice {
			return Item{}, fmt.Errorf("item %q: %s is given twice", text, option)
		}
		options[option] = value
	}
	it, err := NewItem(name, options)
	if err != nil {
		return Item{}, fmt.Errorf("item %q: %w", text, err)
	}
	return it, nil
}

// NewItem makes an item of a name and of what ParseItem reads, by option: count
// or rate, size, ttl, key, fields, field, members. Errors do not show the name.
func NewItem(name string, options map[string]string) (Item, error) {
	it := Item{Name: name, Key: defaultKey}
	if !IsName(name) {
		return it, errors.New("a name is letters, digits, hyphens, dots and underscores")
	}
	for _, option := range slices.Sorted(maps.Keys(options)) {
		if err := it.set(option, options[option]); err != nil {
			return it, err
		}
	}
	if it.Size == 0 && options["size"] == "" {
		return it, errors.New("size: is missing")
	}
	if err := it.setCount(options); err != nil {
		return it, err
	}
	return it, it.validate()
}

// setCount applies count or rate, of which the latter needs the TTL.
func (it *Item) setCount(options map[string]string) (err error) {
	count, ok := options["count"]
	rate, byRate := options["rate"]
	switch {
	case ok && byRate:
		return errors.New("count and rate exclude each other")
	case byRate:
		it.Count, err = parseRate(rate, it.TTL)
		return err
	case !ok:
		return errors.New("count: is missing")
	}
	if it.Count, err = parseCount(count, maxCount); err != nil {
		return fmt.Errorf("count: %w", err)
	}
	return nil
}

// IsName reports whether an item may have a name: letters, digits, hyphens, dots
// and underscores.
func IsName(name string) bool {
	for _, r := range name {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-", r) {
			return false
		}
	}
	return name != ""
}

// set applies an option that depends on no other.
func (it *Item) set(option, value string) error {
	var err error
	switch option {
	case "count", "rate":
	case "size":
		err = it.setSize(value)
	case "ttl":
		it.TTL, err = config.ParseDuration(value)
		if err == nil && it.TTL == 0 {
			err = errors.New("must be positive")
		}
	case "key":
		it.Key, err = parseBytes(value, maxKey)
	case "fields":
		it.Fields, err = parseCount(value, maxFields)
	case "members":
		it.Members, err = parseCount(value, maxFields)
	case "field":
		it.Field, err = parseBytes(value, maxKey)
	default:
		return fmt.Errorf("%q is not ttl=, key=, fields=, field= or members=", option)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", option, err)
	}
	return nil
}

// setSize reads one size, two, or int.
func (it *Item) setSize(text string) (err error) {
	if text == "int" {
		it.Size, it.Counter = counterSize, true
		return nil
	}
	low, high, spread := strings.Cut(text, "-")
	if spread && low != "" {
		if it.Largest, err = parseBytes(high, maxValue); err != nil {
			return err
		}
		text = low
	}
	if it.Size, err = parseBytes(text, maxValue); err != nil || it.Largest == 0 {
		return err
	}
	if it.Largest <= it.Size {
		return fmt.Errorf("%q is not the smaller size and the larger one", text+"-"+high)
	}
	it.Size = (it.Size + it.Largest) / 2
	return nil
}

// validate checks what depends on several parts, and fills in the length of
// field names.
func (it *Item) validate() error {
	switch {
	case it.Fields == 0 && it.Field != 0:
		return errors.New("field= is for hashes, which have fields=")
	case it.Fields > 0 && it.Members > 0:
		return errors.New("fields= is for hashes and members= for sets")
	case it.Fields > 0 && it.Counter:
		return errors.New("a hash keeps numbers as text: give the bytes of the digits of all of them")
	case it.Members > 0 && it.Counter:
		return errors.New("numbers are planned as other members: give the bytes of the digits of all of them")
	case it.Fields > 0 && it.Largest > 0:
		return errors.New("the values of a hash have one size, that of all of them")
	case it.Members > 0 && it.Largest > 0:
		return errors.New("the members of a set have one size, that of all of them")
	case it.Fields > 0 && it.Size < it.Fields:
		return errors.New("the size is that of all values of the hash, and less than a byte a field")
	case it.Members > 0 && it.Size < it.Members:
		return errors.New("the size is that of all members of the set, and less than a byte a member")
	case it.Members > 0 && it.Size > it.Members*maxKey:
		return errors.New("the members of the set have more than 32 KB each")
	}
	if it.Fields > 0 && it.Field == 0 {
		it.Field = defaultField
	}
	each := float64(max(it.Size, it.Largest)) + float64(it.Key) + float64(it.Fields)*(float64(it.Field)+128) +
		float64(it.Members)*128 + 1024
	if each > math.MaxInt { // of 32 bits
		return errors.New("a single one is too large")
	}
	if float64(it.Count)*each > maxTotal {
		return errors.New("more than 1,000 TB")
	}
	return nil
}

// parseRate reads how many things are written in a time, and returns how many
// there are of them if each is kept for ttl.
func parseRate(rate string, ttl time.Duration) (int64, error) {
	number, unit, _ := strings.Cut(rate, "/")
	per, ok := map[string]float64{"s": 1, "m": 60, "h": 3600, "d": 86400}[unit]
	if !ok {
		return 0, fmt.Errorf("rate: %q is not a number by time such as 50/s, 50/m, 50/h or 50/d", rate)
	}
	if ttl == 0 {
		return 0, errors.New("a rate needs a ttl= for how long each is kept")
	}
	n, err := parseNumber(number, countUnits, maxCount)
	if err == nil && n == 0 {
		err = errors.New("must be positive")
	}
	if err != nil {
		return 0, fmt.Errorf("rate: %w", err)
	}
	count := math.Ceil(n / per * ttl.Seconds())
	if count > maxCount {
		return 0, errors.New("rate: too many at a time")
	}
	return int64(count), nil
}

var countUnits = map[string]float64{"": 1, "k": 1e3, "m": 1e6, "g": 1e9, "b": 1e9}

var byteUnits = map[string]float64{
	"": 1, "b": 1,
	"kb": 1e3, "mb": 1e6, "gb": 1e9,
	"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30,
}

// parseBytes reads a size, and rounds it to whole bytes.
func parseBytes(text string, limit float64) (int64, error) {
	n, err := parseNumber(text, byteUnits, limit)
	return int64(math.Round(n)), err
}

// parseCount reads how many there are of something: a whole number from 1 on.
func parseCount(text string, limit float64) (int64, error) {
	n, err := parseNumber(text, countUnits, limit)
	whole := math.Round(n)
	switch {
	case err != nil:
		return 0, err
	case math.Abs(n-whole) > 1e-6: // 1.1k is whole, although floating point does not have it
		return 0, fmt.Errorf("%q is not a whole number", text)
	case whole == 0:
		return 0, errors.New("must be positive")
	}
	return int64(whole), nil
}

// parseNumber reads a number, which may have a fraction, with a unit in any
// case.
func parseNumber(text string, units map[string]float64, limit float64) (float64, error) {
	digits := strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
	unit, ok := units[strings.ToLower(strings.TrimSpace(text[len(digits):]))]
	if !ok || digits == "" || strings.Trim(digits, "0123456789.") != "" {
		return 0, fmt.Errorf("%q is not a number with a unit", text)
	}
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number with a unit", text)
	}
	if n *= unit; n > limit {
		return 0, fmt.Errorf("%q is above the limit of %s", text, strconv.FormatFloat(limit, 'f', 0, 64))
	}
	return n, nil
}
