package plan

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/redistill/redistill/internal/config"
)

// Item is one kind of thing that a cache shall hold.
type Item struct {
	Name   string        `json:"name"`
	Count  int64         `json:"count"`            // how many there are at a time
	Size   int64         `json:"size"`             // bytes of each value; of a hash, of all its values
	Key    int64         `json:"key"`              // bytes of each key
	TTL    time.Duration `json:"-"`                // 0 for none
	Fields int64         `json:"fields,omitempty"` // of a hash; 0 for a string
	Field  int64         `json:"field,omitempty"`  // bytes of each field's name
}

// Bounds of an Item, so that no sum overflows: those of the engine, and far
// more than a machine holds.
const (
	maxCount  = 1e12
	maxValue  = 512 << 20
	maxKey    = 32 << 10
	maxFields = 1e8
	maxTotal  = 1 << 50 // bytes of all of one item
	maxItems  = 1000

	defaultKey   = 32
	defaultField = 8
)

// ParseItem reads name=COUNT:SIZE[:ttl=24h][:key=32][:fields=10[:field=8]].
// The count may be rate=50/s, of things that are written once and kept for
// their TTL. Counts and sizes are decimal: 1M is 1,000,000, 5KB is 5,000 bytes;
// 5KiB is 5,120.
func ParseItem(text string) (Item, error) {
	name, spec, ok := strings.Cut(text, "=")
	fail := func(format string, args ...any) (Item, error) {
		return Item{}, fmt.Errorf("item %q: "+format, append([]any{text}, args...)...)
	}
	if !ok || !isName(name) {
		return fail("want name=COUNT:SIZE, such as sessions=1M:256B:ttl=24h")
	}
	parts := strings.Split(spec, ":")
	if len(parts) < 2 {
		return fail("want a count and a size, such as %s=1M:256B", name)
	}
	it := Item{Name: name, Key: defaultKey}
	for _, option := range parts[2:] {
		if err := it.set(option); err != nil {
			return fail("%w", err)
		}
	}
	var err error
	if it.Size, err = parseBytes(parts[1], maxValue); err != nil {
		return fail("size: %w", err)
	}
	if it.Count, err = parseCount(parts[0], it.TTL); err != nil {
		return fail("%w", err)
	}
	if err := it.validate(); err != nil {
		return fail("%w", err)
	}
	return it, nil
}

func isName(name string) bool {
	for _, r := range name {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-", r) {
			return false
		}
	}
	return name != ""
}

// set applies one of the options after the size.
func (it *Item) set(option string) error {
	name, value, _ := strings.Cut(option, "=")
	var err error
	switch name {
	case "ttl":
		it.TTL, err = config.ParseDuration(value)
		if err == nil && it.TTL == 0 {
			err = errors.New("must be positive")
		}
	case "key":
		it.Key, err = parseBytes(value, maxKey)
	case "fields":
		it.Fields, err = parseNumber(value, countUnits, maxFields)
		if err == nil && it.Fields == 0 {
			err = errors.New("must be positive")
		}
	case "field":
		it.Field, err = parseBytes(value, maxKey)
	default:
		return fmt.Errorf("%q is not ttl=, key=, fields= or field=", option)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// validate checks what depends on several parts, and fills in the length of
// field names.
func (it *Item) validate() error {
	switch {
	case it.Fields == 0 && it.Field != 0:
		return errors.New("field= is for hashes, which have fields=")
	case it.Fields > 0 && it.Size < it.Fields:
		return errors.New("the size is that of all values of the hash, and less than a byte a field")
	case it.Fields > 0 && it.Field == 0:
		it.Field = defaultField
	}
	each := float64(it.Size) + float64(it.Key) + float64(it.Fields)*(float64(it.Field)+128) + 1024
	if each > math.MaxInt { // of 32 bits
		return errors.New("a single one is too large")
	}
	if float64(it.Count)*each > maxTotal {
		return errors.New("more than 1,000 TB")
	}
	return nil
}

// parseCount reads a number of things, or a rate, which with a TTL makes one.
func parseCount(text string, ttl time.Duration) (int64, error) {
	rate, ok := strings.CutPrefix(text, "rate=")
	if !ok {
		n, err := parseNumber(text, countUnits, maxCount)
		if err != nil {
			return 0, fmt.Errorf("count: %w", err)
		}
		return n, nil
	}
	number, unit, _ := strings.Cut(rate, "/")
	per, ok := map[string]float64{"s": 1, "m": 60, "h": 3600, "d": 86400}[unit]
	if !ok {
		return 0, fmt.Errorf("rate: %q is not a number by time such as 50/s, 50/m, 50/h or 50/d", rate)
	}
	if ttl == 0 {
		return 0, errors.New("a rate needs a ttl= for how long each is kept")
	}
	n, err := parseNumber(number, countUnits, maxCount)
	if err != nil {
		return 0, fmt.Errorf("rate: %w", err)
	}
	count := math.Ceil(float64(n) / per * ttl.Seconds())
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

func parseBytes(text string, limit float64) (int64, error) {
	return parseNumber(text, byteUnits, limit)
}

// parseNumber reads a number, which may have a fraction, with a unit in any
// case. The result is rounded to a whole.
func parseNumber(text string, units map[string]float64, limit float64) (int64, error) {
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
	return int64(math.Round(n)), nil
}
