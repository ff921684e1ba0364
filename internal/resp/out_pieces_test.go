package resp

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestPieces: replies in pieces are, from every offset on and in slices of any number and length, what they would be in one.
func TestPieces(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var o Out
		var want []byte
		var ends, lengths []int // where the replies end in B, and in all
		for range r.IntN(8) {
			b := randomBytes(r, 5)
			o.B = append(o.B, b...)
			want = append(want, b...)
			pieces := make([][]byte, r.IntN(3))
			for i := range pieces {
				pieces[i] = randomBytes(r, 9)
				want = append(want, pieces[i]...)
			}
			o.Share(pieces)
			o.EndBulk()
			want = append(want, "\r\n"...)
			ends, lengths = append(ends, len(o.B)), append(lengths, len(want))
		}
		for from := 0; from < len(want); {
			slices := o.Rest(make([][]byte, 0, 1+r.IntN(4)), from, 1+r.IntN(30))
			got := bytes.Join(slices, nil)
			if len(got) == 0 || !bytes.HasPrefix(want[from:], got) {
				t.Fatalf("from %d: got %q of %q", from, got, want)
			}
			from += len(got)
		}
		if o.Len() != len(want) {
			t.Fatalf("length %d, want %d", o.Len(), len(want))
		}
		if len(ends) > 0 {
			i := r.IntN(len(ends))
			o.Truncate(ends[i])
			got := bytes.Join(o.Rest(make([][]byte, 0, 100), 0, 1<<20), nil)
			if !bytes.Equal(got, want[:lengths[i]]) || o.Len() != lengths[i] {
				t.Fatalf("cut off at %d: got %q, want %q", ends[i], got, want[:lengths[i]])
			}
		}
		o.Unshare()
		if o.Len() != len(o.B) {
			t.Fatal("pieces are left")
		}
	}
}

func randomBytes(r *rand.Rand, most int) []byte {
	b := make([]byte, r.IntN(most))
	for i := range b {
		b[i] = byte('a' + r.IntN(26))
	}
	return b
}
