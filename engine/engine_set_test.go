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
	f.check(f.tx.SEach(f.k(key), func(member []byte) bool { got = append(got, string(member)); return true }))
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
	"far integers":      func(i int) string { return fmt.Sprint(int64(i) * (math.MaxInt64 / 1000) * int64(1-i%2*2)) },
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
	odd := []string{"", "0", "-0", "00", "+1", "1", "01", " 1", "1 ", "-1", "\x00", "\x01", "a", "a\x00", "a\r\n", "127", "128", "-128", "-129",
		"9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "99999999999999999999",
		strings.Repeat("m", 127), strings.Repeat("m", 128), strings.Repeat("m", 129), strings.Repeat("m", 1024), strings.Repeat("m", 1025),
		strings.Repeat("m", 16364), strings.Repeat("m", 16365), strings.Repeat("m", 32<<10)}
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
	_, err = f.tx.SStore(f.k("s"), func(add func([]byte) error) error { return add(make([]byte, engine.MaxKey+1)) })
	f.wantErr("the same of a set that is stored", err, engine.ErrKeyTooLong)
	equal(t, "keys", f.tx.Len(), 0)
}
