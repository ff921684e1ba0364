package plan

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

func items(t *testing.T, texts ...string) []Item {
	t.Helper()
	var out []Item
	for _, text := range texts {
		it, err := ParseItem(text)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, it)
	}
	return out
}

func TestParseItem(t *testing.T) {
	for text, want := range map[string]Item{
		"sessions=1M:256B:ttl=24h":         {Name: "sessions", Count: 1_000_000, Size: 256, Key: 32, TTL: 24 * time.Hour},
		"api=100K:5KB:key=64":              {Name: "api", Count: 100_000, Size: 5_000, Key: 64},
		"a=1.5k:1.5KiB":                    {Name: "a", Count: 1_500, Size: 1_536, Key: 32},
		"s=rate=50/s:256:ttl=1h":           {Name: "s", Count: 180_000, Size: 256, Key: 32, TTL: time.Hour},
		"s=rate=1/m:256B:ttl=90s":          {Name: "s", Count: 2, Size: 256, Key: 32, TTL: 90 * time.Second},
		"u=10:400B:fields=8:field=5:key=4": {Name: "u", Count: 10, Size: 400, Key: 4, Fields: 8, Field: 5},
		"t=1K:2KB:members=100:ttl=1m":      {Name: "t", Count: 1_000, Size: 2_000, Key: 32, TTL: time.Minute, Members: 100},
		"c=1M:int:ttl=60":                  {Name: "c", Count: 1_000_000, Size: 8, Key: 32, TTL: time.Minute, Counter: true},
		"api=1K:1KB-10KB":                  {Name: "api", Count: 1_000, Size: 5_500, Largest: 10_000, Key: 32},
		"u=1:8B:fields=8":                  {Name: "u", Count: 1, Size: 8, Key: 32, Fields: 8, Field: 8},
		"s=rate=0.5/s:256B:ttl=1h":         {Name: "s", Count: 1_800, Size: 256, Key: 32, TTL: time.Hour},
		"a=1.001k:5B":                      {Name: "a", Count: 1_001, Size: 5, Key: 32},
	} {
		if got, err := ParseItem(text); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "a", "a=", "=1:2", "a=1", "a b=1:2", "a=x:2", "a=-1:2", "a=1:-2", "a=1:2XB", "a=1:", "a=:1", "a=1:1GB", "a=2T:1", "a=1e9:5", "a=1:0x10", "a=1..2:5",
		"a=999999999999999999999999:1", "a=1:999999999999999999999999B", "a=1:NaN", "a=1:Inf", "a=1000000000000:512MiB", "a=1:2:ttl=0", "a=1:2:ttl=-1s", "a=1:2:ttl=x",
		"a=1:2:key=40KB", "a=1:2:fields=0", "a=1:2:fields=3", "a=1:2:field=3", "a=1:2:what=3", "a=1:2:", "a=rate=5/s:2", "a=rate=5:2:ttl=1h",
		"a=rate=5/y:2:ttl=1h", "a=rate=1000000000000/s:1:ttl=1h", "a=1:2:ttl=9999999999999999d", "a=1:2:ttl=5:ttl=6", "a=1:2:count=3", "a=1:2:rate=3/s", "a=1:10-5", "a=1:5-5", "a=1:5-", "a=1:-5-9", "a=1:1-9:fields=1", "a=1:int:fields=2",
		"a=1:9:members=0", "a=1:9:members=x", "a=1:9:members=10", "a=1:9:members=3:fields=3", "a=1:9:members=3:field=3", "a=1:int:members=2",
		"a=1:1-9:members=1", "a=1:100KB:members=3", "a=1:1GB:members=2G",
		"a=1:Int", "a=0:5B", "a=1.5:5B", "a=1.0005k:5B", "a=1:9B:fields=1.5", "a=rate=0/s:5B:ttl=1h",
	} {
		if got, err := ParseItem(text); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: got %+v, error %v", text, got, err)
		}
	}
}

// TestSeedExample is the example of the first design: 256 MB, 500 MB and 500
// MB, about 1.3 GB, to which 2 GB were recommended.
func TestSeedExample(t *testing.T) {
	p, err := New(Options{Items: items(t, "sessions=1M:256B:ttl=24h", "api=100K:5KB:ttl=5m", "html=10K:50KB:ttl=1h"), Connections: 100, Headroom: 30})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int64{256e6, 500e6, 500e6} {
		if got := p.Lines[i].Payload; got != want {
			t.Errorf("%s: got %d bytes of payload, want %d", p.Lines[i].Name, got, want)
		}
	}
	if gb := float64(p.All.Payload) / 1e9; math.Round(gb*10) != 13 {
		t.Errorf("payload of all: %.2f GB, want about 1.3", gb)
	}
	if gb := float64(p.All.Total) / 1e9; math.Round(gb*10) != 13 {
		t.Errorf("all: %.2f GB, want about 1.3", gb)
	}
	if p.MaxMemory != 2<<30 {
		t.Errorf("recommended: %d, want 2 GB", p.MaxMemory)
	}
	if p.All.Payload+p.All.Keys+p.All.Overhead != p.All.Total || p.All.Total+p.Buffers+p.Process+p.Headroom != p.Needed || p.Needed > p.MaxMemory {
		t.Errorf("the parts do not add up: %+v", p)
	}
}

func TestFits(t *testing.T) {
	o := Options{Items: items(t, "a=1M:1KB", "b=10K:10KB"), Headroom: 30}
	for _, test := range []struct {
		memory    int64
		low, high int64 // bounds of what fits of a
	}{{4 << 30, 1e6, 1e6}, {1 << 30, 600_000, 750_000}, {1 << 20, 0, 0}} {
		o.Memory = test.memory
		p, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		if n := *p.Lines[0].Fits; n < test.low || n > test.high {
			t.Errorf("%d bytes: %d of a fit, want %d to %d", test.memory, n, test.low, test.high)
		}
		// What fits, planned by itself, needs no more than there is.
		if test.memory != 1<<30 {
			continue
		}
		again := o
		again.Items = append([]Item{}, o.Items...)
		for i := range again.Items {
			again.Items[i].Count = *p.Lines[i].Fits
		}
		if q, err := New(again); err != nil || q.Needed > test.memory || q.Needed < test.memory/100*99 {
			t.Errorf("what fits into %d needs %d, error %v", test.memory, q.Needed, err)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	one := items(t, "a=1:1B")
	for name, o := range map[string]Options{
		"no items": {}, "twice": {Items: append(one, one...)}, "headroom": {Items: one, Headroom: -1}, "much headroom": {Items: one, Headroom: 1001},
		"connections": {Items: one, Connections: -1}, "memory": {Items: one, Memory: -1}, "many": {Items: make([]Item, maxItems+1)},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

// TestNothingOverflows plans the most that ParseItem lets through.
func TestNothingOverflows(t *testing.T) {
	p, err := New(Options{Items: items(t, "a=1000G:1B", "b=2M:512MiB", "c=100M:10MB:fields=1"), Connections: 1e7, Headroom: 1000})
	if err == nil && (p.MaxMemory < p.All.Payload || p.All.Redis < p.All.Payload || p.Machine < p.MaxMemory) {
		t.Errorf("%+v", p)
	}
	if err != nil {
		t.Error(err)
	}
}

func TestRoundUp(t *testing.T) {
	for n, want := range map[int64]int64{
		0: 0, 1: 1 << 20, 1 << 30: 1 << 30, 1<<30 + 1: 3 << 29, 1_730_000_000: 2 << 30, 2<<30 + 5: 3 << 30, 100 << 20: 128 << 20,
	} {
		if got := roundUp(n); got != want {
			t.Errorf("%d: got %d, want %d", n, got, want)
		}
	}
}

// TestPeersAgreeWithMeasurements compares the layouts with the growth of
// resident memory that was measured with two million keys (200,000 of the last
// shape); see docs/plan.md.
func TestPeersAgreeWithMeasurements(t *testing.T) {
	for _, test := range []struct {
		item                     string
		redis, valkey, memcached int64 // bytes for each key beyond key and value
	}{
		{"a=2M:16B:key=16", 93, 60, 73},
		{"a=2M:128B:key=32:ttl=24h", 150, 120, 89},
		{"a=2M:256B:key=32:ttl=24h", 184, 149, 105},
		{"a=200K:5KB:key=64:ttl=24h", 284, 259, 668},
	} {
		p, err := New(Options{Items: items(t, test.item)})
		if err != nil {
			t.Fatal(err)
		}
		l := p.Lines[0]
		for server, pair := range map[string][2]int64{"redis": {l.Redis, test.redis}, "valkey": {l.Valkey, test.valkey}, "memcached": {*l.Memcached, test.memcached}} {
			got, want := float64(pair[0])/float64(l.Count), float64(l.Key+l.Size+pair[1])
			if math.Abs(got/want-1) > .03 {
				t.Errorf("%s, %s: computed %.0f bytes a key, measured %.0f", test.item, server, got, want)
			}
		}
	}
	for item, want := range map[string]float64{
		"a=200K:400B:fields=8": 644, "a=200K:800B:fields=8": 1541,
		// Bytes by used_memory, of 1,000 to 4,000 keys.
		"a=4K:6450B:fields=129": 8_307, "a=3K:15KB:fields=300": 20_618, "a=2K:12800B:fields=200": 16_505,
		"a=1K:10240B:fields=512": 20_620, "a=1K:10260B:fields=513": 49_439,
		"a=200K:100B:members=10": 876, "a=200K:200B:members=10": 1041, "a=200K:1KB:members=10": 1835, "a=200K:1800B:members=50": 5057,
		"a=200K:20KB:members=1K": 74_820, "a=200K:2MB:members=100K": 8_231_526,
	} {
		p, err := New(Options{Items: items(t, item)})
		if err != nil {
			t.Fatal(err)
		}
		if got := float64(p.All.Redis) / float64(p.All.Count); math.Abs(got/want-1) > .03 {
			t.Errorf("redis, %s: computed %.0f bytes a key, measured %.0f", item, got, want)
		}
	}
	for item, refused := range map[string]string{
		"a=10:2MB": "item>1MB", "a=10:2KB:key=251": "key>250B", "a=10:2KB:key=250": "",
	} {
		p, err := New(Options{Items: items(t, "b=10:1KB", item)})
		if err != nil {
			t.Fatal(err)
		}
		l := p.Lines[1]
		if l.Refused != refused || p.All.Refused != refused || (l.Memcached == nil) != (refused != "") {
			t.Errorf("memcached refuses %s because of %q, all because of %q, want %q",
				item, l.Refused, p.All.Refused, refused)
		}
	}
}

// TestLoadedHashes compares with what used_memory grew by in 'redistill serve', of hashes that were
// written field by field, hash after hash and in turn, and a hundred fields at a time.
func TestLoadedHashes(t *testing.T) {
	for item, measured := range map[string][]float64{
		"a=2K:18400B:fields=200": {40_210, 43_510, 44_804},
		"a=100:1MB:fields=10K":   {1_784_177, 1_771_397, 1_785_815},
		"a=10:2MB:fields=100K":   {6_112_051, 6_291_456, 6_205_030},
		"a=4K:8KB:fields=80":     {18_715, 17_569, 21_251},
		"a=520:200KB:fields=10":  {208_000}, // by resident memory
		"a=850K:15B:fields=5":    nil,       // a packed hash has nothing left over
		"a=350K:256B:ttl=24h":    nil,
	} {
		p, err := New(Options{Items: items(t, item)})
		if err != nil {
			t.Fatal(err)
		}
		l := p.Lines[0]
		if measured == nil && l.Loaded != l.Total {
			t.Errorf("%s: %d bytes as loaded, %d after compaction", item, l.Loaded, l.Total)
		}
		if p.Needed < l.Loaded+p.Process || p.All.Loaded != l.Loaded {
			t.Errorf("%s: %d needed, although %d are loaded", item, p.Needed, l.Loaded)
		}
		for _, want := range measured {
			if got := float64(l.Loaded) / float64(l.Count); math.Abs(got/want-1) > .2 {
				t.Errorf("%s: computed %.0f bytes as loaded, measured %.0f", item, got, want)
			}
		}
	}
}
