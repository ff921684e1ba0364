package engine_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/redistill/redistill/engine"
)

func (f *fixture) sadd(key, member string) bool {
	f.Helper()
	added, err := f.tx.SAdd(f.k(key), []byte(member))
	f.check(err)
	return added
}

func (f *fixture) srem(key, member string) bool {
	f.Helper()
	ok, err := f.tx.SRem(f.k(key), []byte(member))
	f.check(err)
	return ok
}

func (f *fixture) shas(key, member string) bool {
	f.Helper()
	ok, err := f.tx.SHas(f.k(key), []byte(member))
	f.check(err)
	return ok
}

func (f *fixture) slen(key string) int {
	f.Helper()
	n, err := f.tx.SLen(f.k(key))
	f.check(err)
	return n
}

// members returns a set in the order of SEach.
func (f *fixture) members(key string) (got []string) {
	f.Helper()
	f.check(f.tx.SEach(f.k(key), func(member []byte) bool {
		got = append(got, string(member))
		return true
	}))
	return got
}

// sfill makes a set of n members, with a prefix.
func (f *fixture) sfill(key, prefix string, n int) {
	f.Helper()
	for i := range n {
		f.sadd(key, fmt.Sprint(prefix, i))
	}
}

func (f *fixture) sstore(key string, members ...string) int {
	f.Helper()
	n, err := f.tx.SStore(f.k(key), func(add func([]byte) error) error {
		for _, m := range members {
			f.check(add([]byte(m)))
		}
		return nil
	})
	f.check(err)
	return n
}

// setKinds are names of members, of sets that are kept in every way.
var setKinds = map[string]func(i int) string{
	"integers":          func(i int) string { return fmt.Sprint(i) },
	"integers backward": func(i int) string { return fmt.Sprint(-i) },
	"far integers":      func(i int) string { return fmt.Sprint(i * (1 - i%2*2) << 52) },
	"texts":             func(i int) string { return fmt.Sprint("member:", i) },
	"both":              func(i int) string { return []string{"", "x"}[i%2] + fmt.Sprint(i) },
	"long texts":        func(i int) string { return fmt.Sprint(i) + strings.Repeat("m", i%400) },
	"very long texts":   func(i int) string { return fmt.Sprint(i) + strings.Repeat("m", 20*i) },
}

func TestSetMembers(t *testing.T) {
	for name, member := range setKinds {
		for _, n := range []int{1, 10, 120, 1000} {
			t.Run(fmt.Sprint(n, " ", name), func(t *testing.T) {
				f := open(t, engine.Options{})
				var want []string
				for i := range n {
					m := member(i)
					equal(t, "there", f.shas("s", m), false)
					equal(t, "removed", f.srem("s", m), false)
					equal(t, "added", f.sadd("s", m), true)
					equal(t, "added again", f.sadd("s", m), false)
					want = append(want, m)
				}
				f.check(f.unlockedCheck())
				equal(t, "length", f.slen("s"), n)
				equal(t, "type", f.tx.Type(f.k("s")), engine.Set)
				slices.Sort(want)
				got := f.members("s")
				slices.Sort(got)
				equal(t, "members", strings.Join(got, " "), strings.Join(want, " "))
				for i := range n {
					m := member(i)
					equal(t, "there", f.shas("s", m), true)
					equal(t, "removed", f.srem("s", m), true)
					equal(t, "removed again", f.srem("s", m), false)
					equal(t, "there still", f.shas("s", m), false)
					equal(t, "length", f.slen("s"), n-i-1)
				}
				equal(t, "key goes with the last member", f.tx.Exists(f.k("s")), false)
				equal(t, "data", f.stats().DataBytes, 0)
			})
		}
	}
}

func TestSetOddMembers(t *testing.T) {
	f := open(t, engine.Options{})
	odd := []string{"", "0", "-0", "00", "+1", "1", "01", " 1", "1 ", "-1", "\x00", "\x01",
		"a", "a\x00", "a\r\n", "127", "128", "-128", "-129", "9223372036854775807",
		"9223372036854775808", "-9223372036854775808", "-9223372036854775809",
		"99999999999999999999"}
	for _, n := range []int{127, 128, 129, 1024, 1025, 16364, 16365, 32 << 10} {
		odd = append(odd, strings.Repeat("m", n))
	}
	back := slices.Clone(odd)
	slices.Reverse(back)
	for _, order := range [][]string{odd, back} {
		for i, m := range order {
			equal(t, fmt.Sprintf("added %.20q", m), f.sadd("s", m), true)
			equal(t, "length", f.slen("s"), i+1)
			f.check(f.unlockedCheck())
		}
		for i, m := range order {
			equal(t, fmt.Sprintf("there %.20q", m), f.shas("s", m), true)
			equal(t, fmt.Sprintf("removed %.20q", m), f.srem("s", m), true)
			equal(t, "length", f.slen("s"), len(odd)-i-1)
			f.check(f.unlockedCheck())
		}
	}
	_, err := f.tx.SAdd(f.k("s"), make([]byte, engine.MaxKey+1))
	f.wantErr("a member of more than 32 KB", err, engine.ErrKeyTooLong)
	_, err = f.tx.SStore(f.k("s"), func(add func([]byte) error) error {
		return add(make([]byte, engine.MaxKey+1))
	})
	f.wantErr("the same of a set that is stored", err, engine.ErrKeyTooLong)
	equal(t, "keys", f.tx.Len(), 0)
}

func TestSetOfSeveralTypes(t *testing.T) {
	f := open(t, engine.Options{})
	f.set("string", "v")
	f.hset("hash", "f", "v")
	f.sadd("set", "m")
	for _, key := range []string{"string", "hash"} {
		k := f.k(key)
		_, add := f.tx.SAdd(k, []byte("m"))
		_, rem := f.tx.SRem(k, []byte("m"))
		_, has := f.tx.SHas(k, []byte("m"))
		_, length := f.tx.SLen(k)
		_, scan := f.tx.SScan(k, 0, 10, func([]byte) bool { t.Error("called"); return true })
		_, random := f.tx.SRandom(k, func([]byte) { t.Error("called") })
		each := f.tx.SEach(k, func([]byte) bool { t.Error("called"); return true })
		for _, err := range []error{add, rem, has, length, scan, random, each} {
			f.wantErr(key, err, engine.ErrWrongType)
		}
	}
	_, err := f.tx.HSet(f.k("set"), []byte("f"), nil)
	f.wantErr("HSet", err, engine.ErrWrongType)
	_, err = f.tx.Append(f.k("set"), []byte("f"))
	f.wantErr("Append", err, engine.ErrWrongType)
	equal(t, "stored over a string", f.sstore("string", "a"), 1)
	equal(t, "stored over a hash", f.sstore("hash", "a", "b"), 2)
	equal(t, "type", f.tx.Type(f.k("string")), engine.Set)
	equal(t, "type", f.tx.Type(f.k("hash")), engine.Set)
}

func TestSetReadsOfAMissingKey(t *testing.T) {
	f := open(t, engine.Options{})
	equal(t, "has", f.shas("s", "m"), false)
	equal(t, "length", f.slen("s"), 0)
	equal(t, "members", len(f.members("s")), 0)
	ok, err := f.tx.SRandom(f.k("s"), func([]byte) { t.Error("called") })
	equal(t, "random", ok || err != nil, false)
	next, err := f.tx.SScan(f.k("s"), 5, 10, func([]byte) bool { t.Error("called"); return true })
	equal(t, "scan", next != 0 || err != nil, false)
	equal(t, "misses", f.stats().Misses, 5)
	equal(t, "hits", f.stats().Hits, 0)
	equal(t, "keys", f.tx.Len(), 0)
}

// The encodings are what OBJECT ENCODING of Redis 7.2 says after the same commands.
func TestSetEncoding(t *testing.T) {
	f := open(t, engine.Options{})
	fill := func(key string, from, to int) {
		for i := range to - from {
			f.sadd(key, fmt.Sprint(from+i))
		}
	}
	is := func(what, key, want string) {
		t.Helper()
		equal(t, what, f.encoding(key), want)
		ok, err := f.tx.Copy(f.k(key), f.k("copy"), 0, true)
		equal(t, "copied", ok && err == nil, true)
		equal(t, what+", copied", f.encoding("copy"), want)
	}
	fill("ints", 0, 512)
	is("512 integers", "ints", "intset")
	fill("ints", 512, 513)
	is("513 integers", "ints", "hashtable")
	for i := range 512 {
		f.srem("ints", fmt.Sprint(i))
	}
	is("few again", "ints", "hashtable")
	f.sadd("ints", "7")
	f.sadd("ints", "x")
	is("and more of them", "ints", "hashtable")
	for i := range 512 {
		f.sadd("far", fmt.Sprint(int64(i)<<54))
	}
	is("512 integers of 8 bytes", "far", "intset")
	f.sadd("far", "x")
	is("a text among 512 integers", "far", "hashtable")
	fill("both", 0, 127)
	f.sadd("both", "x")
	is("a text as member 128", "both", "listpack")
	f.srem("both", "x")
	is("integers again", "both", "listpack")
	fill("both", 127, 129)
	is("129 members", "both", "hashtable")
	fill("more", 0, 128)
	f.sadd("more", "x")
	is("a text as member 129", "more", "hashtable")
	f.sadd("text", strings.Repeat("m", 64))
	is("64 bytes", "text", "listpack")
	f.sadd("text", strings.Repeat("m", 65))
	is("65 bytes", "text", "hashtable")
	f.srem("text", strings.Repeat("m", 65))
	f.sadd("text", "x")
	is("short ones again", "text", "hashtable")
	f.sadd("long", strings.Repeat("m", 65))
	is("65 bytes at once", "long", "hashtable")
	for i := range 128 {
		f.sadd("wide", fmt.Sprintf("%064d", i))
	}
	is("128 texts of 64 bytes", "wide", "listpack")
	f.sadd("wide", "x")
	is("129 texts", "wide", "hashtable")
	f.sstore("stored", "1", "2", "3")
	is("stored integers", "stored", "intset")
	f.sstore("wide", "1", "x")
	is("stored over another", "wide", "listpack")
}

// A set of words may get shorter by a member that needs another frame, and has every integer in
// every frame.
func TestSetFramesOfIntegers(t *testing.T) {
	f := open(t, engine.Options{})
	for _, first := range []int64{0, math.MaxInt64, math.MinInt64, -1, 256, 1 << 40, -1 << 40} {
		for _, then := range []int64{math.MinInt64, math.MaxInt64, math.MaxInt64 - 300, 1 << 33} {
			want := map[string]bool{fmt.Sprint(first): true}
			f.sadd("s", fmt.Sprint(first))
			f.sadd("s", "1000000007")
			f.srem("s", "1000000007")
			for i := range int64(100) {
				m := fmt.Sprint(then + i*i) // past the last one the first ones follow
				equal(t, "added", f.sadd("s", m), !want[m])
				want[m] = true
				if i%10 == 0 {
					f.check(f.unlockedCheck())
				}
			}
			got := f.members("s")
			equal(t, "length", len(got), len(want))
			for _, m := range got {
				equal(t, "there", want[m] && f.shas("s", m), true)
			}
			f.srem("s", fmt.Sprint(first))
			f.check(f.unlockedCheck())
			equal(t, "encoding", f.encoding("s"), "intset")
			f.tx.Delete(f.k("s"))
		}
	}
}

func TestSmallSetKeepsOrder(t *testing.T) {
	f := open(t, engine.Options{})
	for _, m := range []string{"5", "-7", "3", "d", "a", "10", "b"} {
		f.sadd("s", m)
	}
	f.srem("s", "a")
	f.sadd("s", "a")
	equal(t, "order", strings.Join(f.members("s"), " "), "-7 3 5 d 10 b a")
}

func TestSAddCopiesItsInput(t *testing.T) {
	f := open(t, engine.Options{})
	member := []byte("member")
	_, err := f.tx.SAdd(f.k("s"), member)
	f.check(err)
	copy(member, "xxxxxx")
	equal(t, "member", f.shas("s", "member"), true)
}

func TestSEachStops(t *testing.T) {
	for name, member := range setKinds {
		for _, n := range []int{10, 1000} {
			f := open(t, engine.Options{})
			for i := range n {
				f.sadd("s", member(i))
			}
			calls := 0
			f.check(f.tx.SEach(f.k("s"), func([]byte) bool { calls++; return calls < 3 }))
			equal(t, name, calls, 3)
		}
	}
}

// What SEach passes stays while other sets are looked at, and added to a set that is being stored.
func TestSEachInSEach(t *testing.T) {
	f := open(t, engine.Options{})
	for _, n := range []int{10, 2000} {
		f.sfill("a", "", n)
		f.sfill("b", "", n/2)
		f.sadd("a", "text")
		seen := 0
		f.check(f.tx.SEach(f.k("a"), func(a []byte) bool {
			text := string(a)
			f.check(f.tx.SEach(f.k("b"), func(b []byte) bool { return string(b) != "7" }))
			_, err := f.tx.SRandom(f.k("b"), func([]byte) {})
			f.check(err)
			equal(t, "has", f.shas("a", string(a)), true)
			equal(t, "still", string(a), text)
			seen++
			return true
		}))
		equal(t, "seen", seen, n+1)
	}
}

func TestSetChangesTellWatchers(t *testing.T) {
	f := open(t, engine.Options{})
	for _, n := range []int{10, 2000} {
		f.sfill("s", "m", n)
		changes := func(do func()) bool {
			token := f.tx.Watch(f.k("s"))
			do()
			changed := f.tx.Changed(f.k("s"), token)
			f.tx.Unwatch(f.k("s"))
			return changed
		}
		equal(t, "add", changes(func() { f.sadd("s", "new") }), true)
		equal(t, "add again", changes(func() { f.sadd("s", "new") }), false)
		equal(t, "remove", changes(func() { f.srem("s", "new") }), true)
		equal(t, "remove again", changes(func() { f.srem("s", "new") }), false)
		equal(t, "look", changes(func() { f.shas("s", "m1"); f.slen("s"); f.members("s") }), false)
		equal(t, "store", changes(func() { f.sstore("s", f.members("s")...) }), true)
		equal(t, "store nothing", changes(func() { f.sstore("s") }), true)
		equal(t, "store nothing again", changes(func() { f.sstore("s") }), false)
	}
}

func TestSetWritesKeepTheDeadline(t *testing.T) {
	f := open(t, engine.Options{})
	for _, n := range []int{2, 1000} {
		f.tx.Now = f.base
		f.sfill("s", "m", n)
		f.tx.SetDeadline(f.k("s"), f.base+1000)
		f.sadd("s", "new")
		f.sadd("s", strings.Repeat("x", 2000))
		f.srem("s", "m0")
		equal(t, "deadline", f.deadline("s"), f.base+1000)
		f.tx.Now = f.base + 1001
		equal(t, "expired", f.shas("s", "new"), false)
		f.sadd("s", "m")
		equal(t, "members of the new set", f.slen("s"), 1)
		equal(t, "its deadline", f.deadline("s"), engine.NoDeadline)
		f.tx.SetDeadline(f.k("s"), f.tx.Now+1000)
		f.sstore("s", "m")
		equal(t, "deadline of what is stored", f.deadline("s"), engine.NoDeadline)
		f.tx.Delete(f.k("s"))
	}
}

// Looking for a member is a use of the key, and adding one is, also where it is there.
func TestSetsAreUsed(t *testing.T) {
	for _, n := range []int{10, 1000} {
		f := open(t, engine.Options{Policy: engine.AllKeysLFU})
		for what, use := range map[string]func(key string){
			"SAdd": func(key string) { f.sadd(key, "m0") },
			"SHas": func(key string) { f.shas(key, "none") },
		} {
			f.sfill(what, "m", n)
			f.sstore("new "+what, f.members(what)...)
			before, _ := f.tx.Frequency(f.k("new " + what))
			for range 200 {
				use("new " + what)
			}
			if after, _ := f.tx.Frequency(f.k("new " + what)); after <= before {
				t.Errorf("%s: the frequency was %d and is %d", what, before, after)
			}
		}
	}
}
