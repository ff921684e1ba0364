package bench

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/redistill/redistill/internal/resp"
)

// TestCommandsAreWellFormed reads what the profiles send with the server's own
// parser, and checks keys, values and times to live.
func TestCommandsAreWellFormed(t *testing.T) {
	keyLen := map[string]int{"session": 32, "api": 64, "html": 128, "counter": 40, "set": 30, "headline": 24}
	for _, p := range Profiles() {
		pops := prepare(p, 1)
		g := newGenerator(pops, 1, 1<<60, 0)
		var b batch
		for i := range 200 {
			g.next(&b, 0)
			pop := uint8(i % len(pops))
			g.append(&b, pops[pop].write(), pop, uint64(i), 0)
		}
		parser := &resp.Parser{Limits: resp.Limits{Authenticated: true}}
		var args [][]byte
		buf := b.buf
		for _, o := range b.ops {
			n, next, err := parser.Next(buf, args)
			if err != nil || n == 0 {
				t.Fatalf("%s: %v", p.Name, err)
			}
			args, buf = next, buf[n:]
			pop := pops[o.pop].Population
			if string(args[0]) != opNames[o.kind] || len(args[1]) != keyLen[pop.Name] {
				t.Fatalf("%s: got %.100q", p.Name, args)
			}
			if o.kind == opSet || pop.Access == Membership {
				checkValue(t, pop, args)
			}
		}
		if len(buf) != 0 {
			t.Errorf("%s: %d bytes too many", p.Name, len(buf))
		}
	}
}

func checkValue(t *testing.T, p Population, args [][]byte) {
	t.Helper()
	value := args[2]
	if len(value) < p.Size.Min || len(value) > p.Size.Max {
		t.Errorf("%s: %d bytes", p.Name, len(value))
	}
	if p.TTL > 0 && (len(args) != 5 || string(args[3]) != "EX") || p.TTL == 0 && len(args) != 3 {
		t.Errorf("%s: got %d arguments", p.Name, len(args))
	}
	switch p.Value {
	case JSONValue:
		if !json.Valid(value) {
			t.Errorf("%s: not JSON: %.100s", p.Name, value)
		}
	case HTMLValue:
		if !bytes.HasPrefix(value, []byte("<!DOCTYPE html>")) || !endsWith(value, "</html>\n") {
			t.Errorf("%s: not a page: %.100s", p.Name, value)
		}
	}
}

// TestKeyNames: they are those that other versions have stored, as another program
// computes XXH64.
func TestKeyNames(t *testing.T) {
	g := newGenerator(prepare(builtin(t, "headline"), 1), 1, 1<<60, 0)
	for key, want := range map[uint64]string{0: "34c96acdcadb1bbb", 1: "9f29cb17a2a49995", 1 << 60: "56785e4c40a81832"} {
		var b batch
		g.append(&b, opGet, 0, key, 0)
		if !bytes.Contains(b.buf, []byte(want)) {
			t.Errorf("key %d: got %q, want %s", key, b.buf, want)
		}
	}
}

func TestValueSizes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for kind := SessionValue; kind <= NumberValue; kind++ {
		for size := 1; size < 1200; size++ {
			if got := len(appendValue([]byte("x"), kind, size, r)) - 1; got != size {
				t.Fatalf("kind %d: got %d bytes, want %d", kind, got, size)
			}
		}
	}
}

// TestConnectionsDiffer: no two connections ask for the same sequence, and one
// asks for the same again with the same seed.
func TestConnectionsDiffer(t *testing.T) {
	p := builtin(t, "session")
	pops := prepare(p, 1)
	sequence := func(seed uint64, i int) string {
		var b batch
		g := newGenerator(pops, seed, 5, i)
		for range 20 {
			g.next(&b, 0)
		}
		return string(b.buf)
	}
	first, again := sequence(1, 0), sequence(1, 0)
	if first != again || first == sequence(1, 1) || first == sequence(2, 0) {
		t.Error("seeds do not make sequences")
	}
}

func TestZipf(t *testing.T) {
	const keys, draws = 1000, 1_000_000
	c := newChooser(Zipf, keys)
	r := rand.New(rand.NewPCG(3, 4))
	var count [keys]float64
	for range draws {
		count[c.next(r)]++
	}
	sum := 0.0
	for k := 1; k <= keys; k++ {
		sum += math.Pow(float64(k), -zipfExponent)
	}
	chi := 0.0
	for k := range count {
		want := draws * math.Pow(float64(k+1), -zipfExponent) / sum
		chi += (count[k] - want) * (count[k] - want) / want
	}
	// 999 degrees of freedom: mean 999, standard deviation 45.
	if chi > 999+6*45 {
		t.Errorf("chi squared is %f", chi)
	}
	for _, n := range []int{1, 2} {
		c := newChooser(Zipf, n)
		for range 1000 {
			if k := c.next(r); k >= uint64(n) {
				t.Fatalf("got %d of %d", k, n)
			}
		}
	}
}

func TestHotset(t *testing.T) {
	c := newChooser(Hotset, 1000)
	r := rand.New(rand.NewPCG(3, 4))
	hot := 0.0
	for range 100_000 {
		if c.next(r) < 100 {
			hot++
		}
	}
	if math.Abs(hot/100_000-hotsetTraffic) > 0.01 {
		t.Errorf("got %f", hot/100_000)
	}
	one := newChooser(Hotset, 1)
	if one.next(r) != 0 {
		t.Error("one key")
	}
}

func TestPacer(t *testing.T) {
	p := newPacer(100, 1, 4) // every 40 ms, from 10 ms on
	for _, want := range []time.Duration{10, 50, 90} {
		if got := p.due(); got != want*time.Millisecond {
			t.Errorf("got %v, want %v ms", got, want)
		}
		p.advance(1)
	}
	for end, want := range map[time.Duration]int64{5: 0, 130: 0, 131: 1, 170: 1, 171: 2} {
		if got := p.dueBefore(end * time.Millisecond); got != want {
			t.Errorf("before %d ms: got %d, want %d", end, got, want)
		}
	}
}

// TestNoAllocations: making requests costs nothing but their bytes.
func TestNoAllocations(t *testing.T) {
	p := builtin(t, "session")
	g := newGenerator(prepare(p, 1), 1, 1, 0)
	b := batch{buf: make([]byte, 0, 1<<20), ops: make([]op, 0, 2000)}
	if n := testing.AllocsPerRun(1000, func() { g.next(&b, 0) }); n != 0 {
		t.Errorf("got %f allocations a request", n)
	}
}
