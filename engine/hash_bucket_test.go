package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// A bucket holds what was added and not removed, in order, and its directory leads there, however many groups it has.
func TestHashBucketAgainstSlice(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var b hashBucket
	var want []string
	for i := range 3000 {
		if grow := i%600 < 350; len(want) == 0 || r.IntN(10) < 2 != grow {
			field := fmt.Sprint("f", i)
			it := inline([]byte(field), make([]byte, r.IntN(40)))
			var off int
			b, off = b.add(uint8(1+r.IntN(255)), it.size())
			it.store(b, off)
			want = append(want, field)
		} else {
			n := r.IntN(len(want))
			b = b.remove(n, b.entry(n))
			want = slices.Delete(want, n, n+1)
		}
		if len(want) == 0 {
			if len(b) != 0 {
				t.Fatalf("%d bytes without an entry", len(b))
			}
			continue
		}
		if err := checkBucket(b); err != nil {
			t.Fatal(err)
		}
		var got []string
		eachEntry(b, b.entries(), func(e entry) bool { got = append(got, string(e.field)); return true })
		if !slices.Equal(got, want) {
			t.Fatalf("fields %q, want %q", got, want)
		}
	}
}
