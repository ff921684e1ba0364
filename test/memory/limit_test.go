package memory_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestLoweredLimit: the resident set follows a lowered limit by itself, while clients are served.
func TestLoweredLimit(t *testing.T) {
	const limit = 100 << 20
	s := serve(t, "--max-memory", "300mb")
	if s.resident() == 0 {
		t.Skip("skipped, because the resident set is not known")
	}
	s.fill(0, 100_000, 3000)
	if s.resident() < 250<<20 {
		t.Fatalf("%d bytes are resident before", s.resident())
	}
	if err := s.client.ConfigSet(t.Context(), "maxmemory", fmt.Sprint(limit)).Err(); err != nil {
		t.Fatal(err)
	}
	s.Eventually("the resident set is within the new limit", func() bool {
		if err := s.client.Set(t.Context(), "k", "v", 0).Err(); err != nil {
			t.Fatal(err)
		}
		return s.resident() <= limit*103/100
	})
	if n := s.client.DBSize(t.Context()).Val(); n < 20_000 { // 60 MB
		t.Errorf("%d keys are left", n)
	}
	if err := s.client.ConfigSet(t.Context(), "maxmemory", "300mb").Err(); err != nil {
		t.Fatal(err)
	}
	s.fill(0, 100_000, 3000)
	if s.resident() < 250<<20 {
		t.Errorf("%d bytes are resident when the limit is as it was", s.resident())
	}
}

// TestAnyMixOfSizes: as long as a value fits into the limit beside the buffer that it arrives in, SET never fails, whatever the cache is
// full of.
func TestAnyMixOfSizes(t *testing.T) {
	const limit = 512 << 20
	s := serve(t, "--max-memory", fmt.Sprint(limit))
	rng := rand.New(rand.NewPCG(3, 4))
	val := strings.Repeat("v", 160<<20)
	for i := range 1500 {
		size := 1 << rng.IntN(21) // up to 1 MB
		switch {
		case i%300 == 299:
			size = len(val) / 2
		case i%500 == 499:
			size = len(val)
		case i%20 == 19:
			size = 8 << 20
		}
		size -= rng.IntN(size/3 + 1)
		key := fmt.Sprint("key", i)
		pipe := s.client.Pipeline()
		pipe.Set(t.Context(), key, val[:size], 0)
		length := pipe.StrLen(t.Context(), key)
		if _, err := pipe.Exec(t.Context()); err != nil {
			t.Fatalf("SET of %d bytes after %d others: %v\n%v", size, i, err, s.info())
		}
		if n := length.Val(); n != int64(size) {
			t.Fatalf("STRLEN is %d, want %d", n, size)
		}
	}
	if n := s.info()["evicted_keys"]; n == 0 {
		t.Error("nothing had to be evicted")
	}
}
