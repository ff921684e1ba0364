package engine

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// A run has what was added and not removed, in order, and finds it.
func TestRunAgainstSlice(t *testing.T) {
	type element struct {
		tag  uint8
		c    code
		kept string
	}
	for _, tagged := range []bool{false, true} {
		r := rand.New(rand.NewPCG(5, 6))
		x := run{tagged: tagged}
		var want []element
		for i := range 4000 {
			if grow := i%600 < 350; len(want) == 0 || r.IntN(10) < 2 != grow {
				kept := fmt.Sprint(i, string(bytes.Repeat([]byte("k"), r.IntN(20))))
				if i > 2000 && r.IntN(50) == 0 {
					kept += string(bytes.Repeat([]byte("k"), r.IntN(300)))
				}
				e := element{0, code(len(kept)), kept}
				if tagged {
					e.tag = uint8(1 + r.IntN(255))
				}
				if r.IntN(3) == 0 {
					e.kept = kept[:1+r.IntN(min(len(kept), 8))]
					e.c = intCode(len(e.kept))
				}
				x.b = append(x.b, make([]byte, x.growth(e.c))...)
				x.add(e.tag, e.c, []byte(e.kept))
				want = append(want, e)
			} else {
				n := r.IntN(len(want))
				x.remove(n)
				want = slices.Delete(want, n, n+1)
			}
			if !x.bounded() || len(x.b) != runSize(x.n, len(x.b)-x.heap(), tagged, x.wide) {
				t.Fatalf("%d bytes for %d elements", len(x.b), x.n)
			}
			var got []element
			x.each(func(i int, c code, kept []byte) bool {
				e := element{0, c, string(kept)}
				if tagged {
					e.tag = x.b[i]
				}
				if string(x.at(i)) != e.kept || x.code(i) != c {
					t.Fatalf("element %d is %q, and %q", i, x.at(i), kept)
				}
				got = append(got, e)
				return true
			})
			if !slices.Equal(got, want) {
				at := 0
				for at < min(len(got), len(want)) && got[at] == want[at] {
					at++
				}
				t.Fatalf("%d elements, want %d, the first %d are right", len(got), len(want), at)
			}
			if n := len(want); n > 0 {
				e := want[r.IntN(n)]
				at, ok := 0, false
				if tagged {
					at, ok = x.candidate(0, e.tag, e.c)
				} else {
					at, ok = x.find(e.c, []byte(e.kept))
				}
				first := slices.IndexFunc(want, func(o element) bool {
					return o.tag == e.tag && o.c == e.c && (tagged || o.kept == e.kept)
				})
				if !ok || at != first {
					t.Fatalf("found %v at %d, %v, want %d", e, at, ok, first)
				}
			}
		}
	}
}

// Integers come back from as few bytes as they need.
func TestIntSizes(t *testing.T) {
	for k := 1; k <= 8; k++ {
		most := int64(math.MaxInt64) >> (64 - 8*k)
		for _, n := range []int64{most, -most - 1, most / 3, 0} {
			b := make([]byte, k)
			if storeInt(b, n); loadInt(b) != n {
				t.Errorf("%d in %d bytes becomes %d", n, k, loadInt(b))
			}
		}
		if intSize(most) != k || intSize(-most-1) != k {
			t.Errorf("%d takes %d bytes, %d takes %d", most, intSize(most), -most-1, intSize(-most-1))
		}
		if k < 8 && (intSize(most+1) != k+1 || intSize(-most-2) != k+1) {
			t.Errorf("%d and %d take too few bytes", most+1, -most-2)
		}
	}
}

// A frame has what it was made for, takes no byte more than that needs, and some more at either end
// if there is room.
func TestFrames(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		lo := int64(r.Uint64()) >> r.IntN(64)
		hi := int64(r.Uint64()) >> r.IntN(64)
		lo, hi = min(lo, hi), max(lo, hi)
		f := frameOf(lo, hi)
		if !f.has(lo) || !f.has(hi) {
			t.Fatalf("%+v does not have %d and %d", f, lo, hi)
		}
		if f.width > 1 && uint64(hi-lo) <= math.MaxUint64>>(64-8*(f.width-1)) {
			t.Fatalf("%+v is too wide for %d and %d", f, lo, hi)
		}
		w := words{make([]byte, 2*f.width), 2, f}
		w.set(0, lo)
		w.set(1, hi)
		if w.at(0) != lo || w.at(1) != hi {
			t.Fatalf("%+v makes %d and %d of %d and %d", f, w.at(0), w.at(1), lo, hi)
		}
	}
}

// FuzzSmallSet: what the check takes for a small set can be read, changed, and checked again.
func FuzzSmallSet(f *testing.F) {
	wide := string(make([]byte, 200))
	for _, texts := range [][]string{{"1"}, {"1", "300", "-5"}, {"a", "", "7"}, {"a", wide}} {
		s := slices.Clone(noWords)
		for _, text := range texts {
			s = withMember(s, text)
		}
		f.Add([]byte(s), texts[0])
	}
	f.Fuzz(func(t *testing.T, b []byte, text string) {
		s := packedSet(bytes.Clone(b))
		if len(s) < setHead || len(text) > inlineMember || checkSmallSet(s) != nil {
			return
		}
		n, seen := s.count(), 0
		s.each(func(m member) bool { seen++; return true })
		var scratch [8]byte
		m := newMember([]byte(text), &scratch)
		i, found := s.find(&m)
		if seen != n || found && string(textOf(s.at(i))) != text {
			t.Fatalf("%d of %d members were seen, %q was found: %v", seen, n, text, found)
		}
		if !found {
			s = withMember(s, text)
			if i, found = s.find(&m); !found || s.count() != n+1 {
				t.Fatalf("%q is not found among %d after it was added to %d", text, s.count(), n)
			}
		}
		if len(s) > setMax {
			return
		}
		if err := checkSmallSet(s); err != nil {
			t.Fatal(err)
		}
		if s.count() > 1 {
			if s = s.remove(i); checkSmallSet(s) != nil {
				t.Fatal(checkSmallSet(s))
			}
		}
	})
}

func textOf(m member) []byte { return m.text(make([]byte, 0, 20)) }

// withMember adds a member that a set does not have.
func withMember(s packedSet, text string) packedSet {
	var scratch [8]byte
	m := newMember([]byte(text), &scratch)
	a, _ := s.addition(&m)
	if a.anew {
		to := make(packedSet, a.size)
		s.rewrite(to, &m, a)
		return to
	}
	old := len(s)
	s = append(s, make([]byte, a.size-old)...)
	s.add(old, &m, a)
	return s
}

// FuzzSetBucket: what the check takes for a bucket can be read.
func FuzzSetBucket(f *testing.F) {
	for _, n := range []int{1, 9, 30} {
		b, fill := newBucket(nil, n, 3*n, n == 30)
		for i := range n {
			fill.put(uint8(i+1), 3, fmt.Appendf(nil, "m%02d", i))
		}
		f.Add(b, uint8(1))
	}
	f.Fuzz(func(t *testing.T, b []byte, tag uint8) {
		if (setType{}).checkPart(b) != nil {
			return
		}
		r, seen := bucketRun(b), 0
		setType{}.refs(b, func(first uint32, n int) {
			if first < refParts || n <= inlineMember || n > MaxKey {
				t.Fatalf("refers to %d bytes from part %d on", n, first)
			}
		})
		r.each(func(i int, c code, kept []byte) bool {
			if string(r.at(i)) != string(kept) {
				t.Fatalf("element %d is %q, and %q", i, kept, r.at(i))
			}
			seen++
			return true
		})
		tag = max(tag, 1)
		if i, ok := r.candidate(0, tag, r.code(0)); seen != r.n || ok && r.b[i] != tag {
			t.Fatalf("%d of %d elements were seen, candidate %d", seen, r.n, i)
		}
	})
}
