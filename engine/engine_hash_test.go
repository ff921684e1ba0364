package engine_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/redistill/redistill/engine"
)

func (f *fixture) hset(key, field, val string) bool {
	f.Helper()
	added, err := f.tx.HSet(f.k(key), []byte(field), []byte(val))
	f.check(err)
	return added
}

func (f *fixture) hget(key, field string) string {
	v, ok, err := f.tx.HGet(f.k(key), []byte(field))
	return show(v, ok, err)
}

func (f *fixture) hdel(key, field string) bool {
	f.Helper()
	ok, err := f.tx.HDel(f.k(key), []byte(field))
	f.check(err)
	return ok
}

func (f *fixture) hlen(key string) int {
	f.Helper()
	n, err := f.tx.HLen(f.k(key))
	f.check(err)
	return n
}

// pairs returns a hash as field=value, in the order of HEach.
func (f *fixture) pairs(key string) []string {
	f.Helper()
	var got []string
	f.check(f.tx.HEach(f.k(key), func(field []byte, val engine.Value) bool {
		got = append(got, string(field)+"="+string(val.AppendTo(nil)))
		return true
	}))
	return got
}

func (f *fixture) encoding(key string) string {
	enc, _ := f.tx.Encoding(f.k(key))
	return enc
}

// fill makes a hash of n fields f0=v0, f1=v1 ...
func (f *fixture) fill(key string, n int) {
	f.Helper()
	for i := range n {
		f.hset(key, fmt.Sprint("f", i), fmt.Sprint("v", i))
	}
}

// Sizes of hashes that are small and large in every sense of Redis's limits.
const smallHash, largeHash = 10, 1000

func TestHashFields(t *testing.T) {
	for _, n := range []int{1, smallHash, largeHash} {
		f := open(t, engine.Options{})
		equal(t, "missing key", f.hget("h", "f0"), "(missing)")
		equal(t, "length of missing", f.hlen("h"), 0)
		equal(t, "delete from missing", f.hdel("h", "f0"), false)
		equal(t, "each of missing", len(f.pairs("h")), 0)
		equal(t, "reads make no key", f.tx.Len(), 0)
		for i := range n {
			equal(t, "added", f.hset("h", fmt.Sprint("f", i), "old"), true)
			equal(t, "replaced", f.hset("h", fmt.Sprint("f", i), fmt.Sprint("v", i)), false)
		}
		equal(t, "length", f.hlen("h"), n)
		equal(t, "type", f.tx.Type(f.k("h")), engine.Hash)
		equal(t, "missing field", f.hget("h", "nosuch"), "(missing)")
		for i := range n {
			equal(t, "value", f.hget("h", fmt.Sprint("f", i)), fmt.Sprint("v", i))
		}
		got := f.pairs("h")
		slices.Sort(got)
		equal(t, "pairs", len(slices.Compact(got)), n)
		for i := range n {
			equal(t, "key is there", f.tx.Exists(f.k("h")), true)
			equal(t, "deleted", f.hdel("h", fmt.Sprint("f", i)), true)
			equal(t, "deleted again", f.hdel("h", fmt.Sprint("f", i)), false)
			equal(t, "length", f.hlen("h"), n-i-1)
			equal(t, "last field", f.hget("h", fmt.Sprint("f", n-1)) != "(missing)", i < n-1)
		}
		equal(t, "key goes with the last field", f.tx.Exists(f.k("h")), false)
		equal(t, "Len", f.tx.Len(), 0)
	}
}

func TestHashOddFields(t *testing.T) {
	f := open(t, engine.Options{})
	odd := []string{"", "a", "a\x00", "\x00", "1", "01", strings.Repeat("k", 300), "a\r\n"}
	for i, field := range odd {
		f.hset("h", field, odd[len(odd)-1-i])
	}
	for i, field := range odd {
		equal(t, fmt.Sprintf("%q", field), f.hget("h", field), odd[len(odd)-1-i])
	}
}

func TestHSetCopiesItsInput(t *testing.T) {
	f := open(t, engine.Options{})
	field, val := []byte("field"), []byte("value")
	_, err := f.tx.HSet(f.k("h"), field, val)
	f.check(err)
	copy(field, "xxxxx")
	copy(val, "xxxxx")
	equal(t, "value", f.hget("h", "field"), "value")
}

func TestSmallHashKeepsOrder(t *testing.T) {
	f := open(t, engine.Options{})
	for _, field := range []string{"d", "a", "c", "b"} {
		f.hset("h", field, "1")
	}
	f.hset("h", "a", "longer than before")
	f.hdel("h", "c")
	f.hset("h", "c", "2")
	_, err := f.tx.HIncrBy(f.k("h"), []byte("d"), 41)
	f.check(err)
	equal(t, "order", strings.Join(f.pairs("h"), " "), "d=42 a=longer than before b=1 c=2")
}

func TestHEachStops(t *testing.T) {
	f := open(t, engine.Options{})
	for key, n := range map[string]int{"small": smallHash, "large": largeHash} {
		f.fill(key, n)
		calls := 0
		f.check(f.tx.HEach(f.k(key), func(_ []byte, _ engine.Value) bool { calls++; return calls < 3 }))
		equal(t, key, calls, 3)
	}
}

// The encodings are what OBJECT ENCODING of Redis 7.0.15 says after the same commands.
func TestHashEncoding(t *testing.T) {
	f := open(t, engine.Options{})
	a64 := strings.Repeat("a", 64)
	f.fill("h", smallHash)
	f.hset("h", "f", a64)
	f.hset("h", a64, "v")
	equal(t, "64 bytes", f.encoding("h"), "listpack")
	f.hset("h", "f", a64+"a")
	equal(t, "65 bytes", f.encoding("h"), "hashtable")
	f.hset("h", "f", "v")
	equal(t, "short again", f.encoding("h"), "hashtable")
	ok, err := f.tx.Copy(f.k("h"), f.k("copy"), 0, false)
	f.check(err)
	equal(t, "copied", ok, true)
	equal(t, "copy", f.encoding("copy"), "hashtable")
	f.hset("long", a64+"a", "v")
	equal(t, "long field", f.encoding("long"), "hashtable")
	f.fill("many", largeHash)
	equal(t, "many fields", f.encoding("many"), "hashtable")
	for i := range largeHash - 1 {
		f.hdel("many", fmt.Sprint("f", i))
	}
	equal(t, "few again", f.encoding("many"), "hashtable")
	f.tx.Delete(f.k("many"))
	f.fill("many", 1)
	equal(t, "made anew", f.encoding("many"), "listpack")
}

func TestHIncrBy(t *testing.T) {
	f := open(t, engine.Options{})
	n, err := f.tx.HIncrBy(f.k("h"), []byte("f"), math.MaxInt64)
	f.check(err)
	equal(t, "missing key", n, math.MaxInt64)
	_, err = f.tx.HIncrBy(f.k("h"), []byte("f"), 1)
	f.wantErr("overflow", err, engine.ErrOverflow)
	equal(t, "unchanged", f.hget("h", "f"), "9223372036854775807")
	n, err = f.tx.HIncrBy(f.k("h"), []byte("g"), -3)
	f.check(err)
	equal(t, "missing field", n, -3)
	v, _, _ := f.tx.HGet(f.k("h"), []byte("g"))
	n, ok := v.Int()
	equal(t, "as integer", ok && n == -3, true)
	for _, bad := range []string{"", "x", "1x", " 5", "007", "1.5"} {
		f.hset("h", "bad", bad)
		_, err := f.tx.HIncrBy(f.k("h"), []byte("bad"), 1)
		f.wantErr(bad, err, engine.ErrNotInteger)
		equal(t, "unchanged", f.hget("h", "bad"), bad)
	}
}

func TestHashWritesKeepTheDeadline(t *testing.T) {
	f := open(t, engine.Options{})
	f.fill("h", 2)
	f.tx.SetDeadline(f.k("h"), f.base+1000)
	f.hset("h", "new", strings.Repeat("x", 100))
	f.hdel("h", "f0")
	_, err := f.tx.HIncrBy(f.k("h"), []byte("n"), 1)
	f.check(err)
	equal(t, "deadline", f.deadline("h"), f.base+1000)
	f.tx.Now = f.base + 1001
	equal(t, "expired", f.hget("h", "n"), "(missing)")
	f.hset("h", "f", "v")
	equal(t, "fields of the new hash", f.hlen("h"), 1)
	equal(t, "deadline of the new hash", f.deadline("h"), engine.NoDeadline)
}

func TestHScanSmall(t *testing.T) {
	f := open(t, engine.Options{})
	f.fill("h", smallHash)
	var got []string
	next, err := f.tx.HScan(f.k("h"), 0, 1, func(field []byte, val engine.Value) bool {
		got = append(got, string(field)+"="+string(val.AppendTo(nil)))
		return true
	})
	f.check(err)
	equal(t, "cursor", next, 0)
	equal(t, "fields", strings.Join(got, " "), strings.Join(f.pairs("h"), " "))
	next, err = f.tx.HScan(f.k("missing"), 0, 1, func(_ []byte, _ engine.Value) bool { t.Error("called for a missing key"); return true })
	f.check(err)
	equal(t, "cursor of missing", next, 0)
}

// Fields that stay must be passed whatever comes and goes between the calls, also while the hash grows from small to large.
func TestHScanWhileTheHashChanges(t *testing.T) {
	for _, count := range []int{0, 1, 10, 1000} {
		f := open(t, engine.Options{})
		f.fill("h", largeHash)
		for i := range 100 {
			f.hset("h", fmt.Sprint("going", i), "x")
		}
		seen := make(map[string]bool)
		cursor, calls := uint64(0), 0
		for {
			var err error
			cursor, err = f.tx.HScan(f.k("h"), cursor, count, func(field []byte, val engine.Value) bool {
				seen[string(field)] = true
				if field[0] == 'f' && string(val.AppendTo(nil)) != "v"+string(field[1:]) {
					t.Errorf("%q has value %q", field, val.AppendTo(nil))
				}
				return true
			})
			f.check(err)
			if cursor == 0 {
				break
			}
			f.hdel("h", fmt.Sprint("going", calls%100))
			f.hset("h", fmt.Sprint("coming", calls%5000), "x")
			if calls++; calls > 100*largeHash {
				t.Fatal("the scan does not end")
			}
		}
		for i := range largeHash {
			if !seen[fmt.Sprint("f", i)] {
				t.Fatalf("count %d: f%d was not passed", count, i)
			}
		}
		if count == 10 && calls < 3 {
			t.Errorf("%d calls with a count of 10 passed %d fields", calls, largeHash)
		}
	}
}

func TestHRandom(t *testing.T) {
	f := open(t, engine.Options{})
	ok, err := f.tx.HRandom(f.k("missing"), func(_ []byte, _ engine.Value) { t.Error("called for a missing key") })
	f.check(err)
	equal(t, "missing", ok, false)
	for key, n := range map[string]int{"small": smallHash, "large": largeHash} {
		f.fill(key, n)
		got := make(map[string]int)
		for range 50 * n {
			ok, err := f.tx.HRandom(f.k(key), func(field []byte, val engine.Value) {
				got[string(field)]++
				equal(t, "value", string(val.AppendTo(nil)), "v"+string(field[1:]))
			})
			f.check(err)
			equal(t, key, ok, true)
		}
		// A field is expected 50 times, or 35 to 65 in a bucket of a large hash that is unusually full or empty. Then fewer than 2 or more than
		// 150 times come once in 10^13 fields.
		equal(t, key+" fields", len(got), n)
		for field, times := range got {
			if times < 2 || times > 150 {
				t.Errorf("%s: %s was chosen %d times of %d among %d fields", key, field, times, 50*n, n)
			}
		}
	}
}

// Redis keeps a hash of short fields as a listpack whatever its size in all.
func TestHashEncodingOfManyBytes(t *testing.T) {
	f := open(t, engine.Options{})
	for i := range 500 {
		f.hset("h", fmt.Sprint("f", i), strings.Repeat("v", 60))
	}
	equal(t, "500 fields", f.encoding("h"), "listpack")
	f.hset("h", "f0", strings.Repeat("v", 65))
	equal(t, "a long value", f.encoding("h"), "hashtable")
}

// Fields of 32 KB must not make a hash split until no two of them share a bucket.
func TestHashLongFields(t *testing.T) {
	f := open(t, engine.Options{})
	name := func(i int) string { return strings.Repeat("F", 32<<10-8) + fmt.Sprintf("%08d", i) }
	const n = 300
	before := f.stats().DataBytes
	for i := range n {
		f.hset("h", name(i), fmt.Sprint("v", i))
	}
	_, err := f.tx.HSet(f.k("h"), []byte(name(0)+"x"), nil)
	f.wantErr("longer", err, engine.ErrKeyTooLong)
	for i := range n {
		equal(t, "value", f.hget("h", name(i)), fmt.Sprint("v", i))
		equal(t, "replaced", f.hset("h", name(i), val), false)
	}
	equal(t, "pairs", len(f.pairs("h")), n)
	if used, size := f.stats().DataBytes, int64(n*(32<<10+valSize)); used > size*5/4 {
		t.Errorf("%d bytes are used for %d", used, size)
	}
	for i := range n {
		equal(t, "deleted", f.hdel("h", name(i)), true)
	}
	equal(t, "bytes left", f.stats().DataBytes, before)
}

// The parts of long values have 31-bit numbers, which a hash whose values change often runs through.
func TestHashRunsOutOfPartNumbers(t *testing.T) {
	f := open(t, engine.Options{Shards: 1})
	long := func(i int) string { return strings.Repeat(fmt.Sprintf("%06d", i), 5000) } // two parts
	f.hset("h", "first", long(0))
	f.s.SkipPartNumbers(f.k("h"), 1<<31-7)
	for i := range 20 {
		f.hset("h", "f", long(i))
		equal(t, "value", f.hget("h", "f"), long(i))
		f.check(f.unlockedCheck())
	}
	equal(t, "first", f.hget("h", "first"), long(0))
	f.tx.Delete(f.k("h"))
	equal(t, "data", f.stats().DataBytes, 0)
}
