package engine_test

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redistill/redistill/engine"
)

// fixture is a Store with a Tx that has everything locked. Its clock starts an hour ahead, so that the Store's own background
// expiry, which goes by the real clock, leaves the deadlines of the tests alone.
type fixture struct {
	*testing.T
	s    *engine.Store
	tx   *engine.Tx
	base int64
}

func open(t *testing.T, o engine.Options) *fixture {
	t.Helper()
	s, err := engine.OpenArena(o)
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{T: t, s: s, tx: s.NewTx(), base: time.Now().Add(time.Hour).UnixMilli()}
	f.tx.Now = f.base
	f.tx.LockAll()
	t.Cleanup(func() {
		f.tx.Unlock()
		if err := s.Check(); err != nil {
			t.Error(err)
		}
		s.Close()
	})
	return f
}

// unlocked runs do without locks, as Reserve, Stats and ExpireCycle want it.
func (f *fixture) unlocked(do func()) {
	f.tx.Unlock()
	defer f.tx.LockAll()
	do()
}

// waiting returns how many goroutines wait for a mutex in a function, named as in a stack trace.
func waiting(function string) (n int) {
	stacks := make([]byte, 1<<20)
	for stack := range strings.SplitSeq(string(stacks[:runtime.Stack(stacks, true)]), "\n\n") {
		state, calls, _ := strings.Cut(stack, "\n")
		if strings.Contains(state, "[sync.Mutex.Lock") && strings.Contains(calls, function) {
			n++
		}
	}
	return n
}

func (f *fixture) stats() engine.Stats { return f.tx.Stats() }

func (f *fixture) k(name string) engine.Key { return f.s.Key([]byte(name)) }

func (f *fixture) check(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) set(key, val string) {
	f.Helper()
	f.check(f.tx.Set(f.k(key), []byte(val), engine.NoDeadline))
}

func (f *fixture) setUntil(key, val string, deadline int64) {
	f.Helper()
	f.check(f.tx.Set(f.k(key), []byte(val), deadline))
}

// get returns the string that a key holds, "(missing)" if it does not exist, or the error.
func (f *fixture) get(key string) string {
	v, ok, err := f.tx.Get(f.k(key))
	return show(v, ok, err)
}

func show(v engine.Value, ok bool, err error) string {
	switch {
	case err != nil:
		return err.Error()
	case !ok:
		return "(missing)"
	}
	s := string(v.AppendTo(nil))
	if v.Len() != len(s) {
		return fmt.Sprintf("Len is %d for %q", v.Len(), s)
	}
	return s
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func (f *fixture) wantErr(what string, got, want error) {
	f.Helper()
	if !errors.Is(got, want) {
		f.Errorf("%s: got error %v, want %v", what, got, want)
	}
}

func TestOpenRejectsBadOptions(t *testing.T) {
	for _, o := range []engine.Options{{Shards: 3}, {Shards: -1}, {MaxMemory: -1}, {Policy: 200}} {
		if s, err := engine.OpenArena(o); err == nil {
			s.Close()
			t.Errorf("Open(%+v) succeeded", o)
		}
	}
}

func TestGetSet(t *testing.T) {
	for _, shards := range []int{0, 1, 8} {
		f := open(t, engine.Options{Shards: shards})
		equal(t, "missing", f.get("k"), "(missing)")
		for _, val := range []string{"v", "", "12", "-7", "007", "a\x00b\r\n", strings.Repeat("x", 45), strings.Repeat("y", 1<<20)} {
			f.set("k", val)
			equal(t, "get", f.get("k"), val)
		}
		f.set("", "empty key")
		equal(t, "empty key", f.get(""), "empty key")
		equal(t, "Len", f.tx.Len(), 2)
	}
}

func TestSetCopiesItsInput(t *testing.T) {
	f := open(t, engine.Options{})
	key, val := []byte("key"), []byte("value")
	f.check(f.tx.Set(f.s.Key(key), val, engine.NoDeadline))
	copy(key, "xxx")
	copy(val, "xxxxx")
	equal(t, "value", f.get("key"), "value")
	prefix := []byte("got ")
	v, _, _ := f.tx.Get(f.k("key"))
	equal(t, "AppendTo", string(v.AppendTo(prefix)), "got value")
}

func TestSetReplacesAnyType(t *testing.T) {
	f := open(t, engine.Options{})
	f.hset("k", "f", "v")
	f.set("k", "v")
	equal(t, "type", f.tx.Type(f.k("k")), engine.String)
	equal(t, "value", f.get("k"), "v")
}

func TestSetDeadlines(t *testing.T) {
	f := open(t, engine.Options{})
	f.setUntil("k", "1", f.base+1000)
	f.setUntil("k", "2", engine.KeepDeadline)
	equal(t, "kept", f.deadline("k"), f.base+1000)
	f.setUntil("k", "3", engine.NoDeadline)
	equal(t, "removed", f.deadline("k"), engine.NoDeadline)
	f.setUntil("k", "4", engine.KeepDeadline)
	equal(t, "none to keep", f.deadline("k"), engine.NoDeadline)
	f.setUntil("new", "1", engine.KeepDeadline)
	equal(t, "no key to keep it from", f.deadline("new"), engine.NoDeadline)
	f.setUntil("gone", "1", f.base+10)
	f.tx.Now += 20
	f.setUntil("gone", "2", engine.KeepDeadline)
	equal(t, "not kept from an expired key", f.deadline("gone"), engine.NoDeadline)
	f.setUntil("past", "1", f.base-1000)
	equal(t, "deadline in the past", f.get("past"), "(missing)")
}

func (f *fixture) deadline(key string) int64 {
	f.Helper()
	at, ok := f.tx.Deadline(f.k(key))
	if !ok {
		f.Errorf("Deadline: %q is missing", key)
	}
	return at
}

func TestValueInt(t *testing.T) {
	f := open(t, engine.Options{})
	for text, want := range map[string]bool{
		"0": true, "-1": true, "9223372036854775807": true, "-9223372036854775808": true,
		"": false, "-": false, "-0": false, "+1": false, "01": false, " 1": false, "1 ": false, "1.0": false, "0x1": false, "1_0": false,
		"9223372036854775808": false, "-9223372036854775809": false, "99999999999999999999": false,
	} {
		f.set("k", text)
		v, _, _ := f.tx.Get(f.k("k"))
		n, ok := v.Int()
		equal(t, fmt.Sprintf("%q is an integer", text), ok, want)
		if ok {
			equal(t, "integer", fmt.Sprint(n), text)
		}
	}
}

func TestAppend(t *testing.T) {
	f := open(t, engine.Options{})
	for _, step := range []struct{ val, want string }{{"", ""}, {"ab", "ab"}, {"", "ab"}, {"c", "abc"}, {strings.Repeat("d", 5000), "abc" + strings.Repeat("d", 5000)}} {
		n, err := f.tx.Append(f.k("k"), []byte(step.val))
		f.check(err)
		equal(t, "length", n, len(step.want))
		equal(t, "value", f.get("k"), step.want)
	}
	f.setUntil("n", "10", f.base+1000)
	n, err := f.tx.Append(f.k("n"), []byte("5"))
	f.check(err)
	equal(t, "length", n, 3)
	equal(t, "value", f.get("n"), "105")
	equal(t, "deadline", f.deadline("n"), f.base+1000)
}

func TestSetRange(t *testing.T) {
	f := open(t, engine.Options{})
	for _, step := range []struct {
		key, old  string
		off       int
		val, want string
	}{
		{"missing", "", 0, "", "(missing)"}, {"missing2", "", 5, "", "(missing)"},
		{"made", "", 0, "x", "x"}, {"padded", "", 3, "x", "\x00\x00\x00x"},
		{"inside", "Hello World", 6, "Redis", "Hello Redis"}, {"start", "abc", 0, "X", "Xbc"},
		{"over", "abc", 2, "XYZ", "abXYZ"}, {"gap", "abc", 5, "X", "abc\x00\x00X"},
		{"nothing", "abc", 10, "", "abc"}, {"int", "123", 1, "9", "193"},
	} {
		if step.old != "" {
			f.setUntil(step.key, step.old, f.base+1000)
		}
		n, err := f.tx.SetRange(f.k(step.key), step.off, []byte(step.val))
		f.check(err)
		equal(t, step.key, f.get(step.key), step.want)
		if step.want != "(missing)" {
			equal(t, step.key+" length", n, len(step.want))
		}
		if step.old != "" {
			equal(t, step.key+" deadline", f.deadline(step.key), f.base+1000)
		}
	}
	// Bytes that an earlier, longer value left must not show through the padding.
	f.set("long", strings.Repeat("z", 100))
	f.set("long", "a")
	_, err := f.tx.SetRange(f.k("long"), 3, []byte("b"))
	f.check(err)
	equal(t, "padding", f.get("long"), "a\x00\x00b")
}

func TestIncrBy(t *testing.T) {
	f := open(t, engine.Options{})
	for _, step := range []struct {
		old   string
		delta int64
		want  string
		err   error
	}{
		{"(missing)", 5, "5", nil}, {"(missing)", 0, "0", nil}, {"10", -15, "-5", nil}, {"7", 0, "7", nil},
		{"(missing)", math.MinInt64, "-9223372036854775808", nil},
		{"9223372036854775806", 1, "9223372036854775807", nil},
		{"9223372036854775807", 1, "", engine.ErrOverflow}, {"-1", math.MinInt64, "", engine.ErrOverflow},
		{"-9223372036854775808", -1, "", engine.ErrOverflow}, {"-9223372036854775808", math.MaxInt64, "-1", nil},
		{"abc", 1, "", engine.ErrNotInteger}, {"", 1, "", engine.ErrNotInteger}, {"01", 1, "", engine.ErrNotInteger},
		{" 1", 1, "", engine.ErrNotInteger}, {"9223372036854775808", 1, "", engine.ErrNotInteger},
	} {
		f.tx.Delete(f.k("k"))
		if step.old != "(missing)" {
			f.setUntil("k", step.old, f.base+1000)
		}
		what := fmt.Sprintf("%q + %d", step.old, step.delta)
		n, err := f.tx.IncrBy(f.k("k"), step.delta)
		f.wantErr(what, err, step.err)
		if step.err != nil {
			equal(t, what+" unchanged", f.get("k"), step.old)
			continue
		}
		equal(t, what, fmt.Sprint(n), step.want)
		equal(t, what+" stored", f.get("k"), step.want)
		if step.old != "(missing)" {
			equal(t, what+" deadline", f.deadline("k"), f.base+1000)
		}
	}
}

func TestWrongType(t *testing.T) {
	f := open(t, engine.Options{})
	f.set("s", "1")
	f.hset("h", "f", "1")
	s, h, field := f.k("s"), f.k("h"), []byte("f")
	var errs []error
	add := func(_ any, err error) { errs = append(errs, err) }
	_, _, err := f.tx.Get(h)
	errs = append(errs, err)
	add(f.tx.Append(h, []byte("x")))
	add(f.tx.SetRange(h, 0, []byte("x")))
	add(f.tx.SetRange(h, 0, nil))
	add(f.tx.IncrBy(h, 1))
	_, _, err = f.tx.HGet(s, field)
	errs = append(errs, err, f.tx.HEach(s, func(_ []byte, _ engine.Value) bool { return true }))
	add(f.tx.HSet(s, field, field))
	add(f.tx.HDel(s, field))
	add(f.tx.HLen(s))
	add(f.tx.HIncrBy(s, field, 1))
	add(f.tx.HScan(s, 0, 10, func(_ []byte, _ engine.Value) bool { return true }))
	add(f.tx.HRandom(s, func(_ []byte, _ engine.Value) {}))
	for i, err := range errs {
		f.wantErr(fmt.Sprintf("call %d", i), err, engine.ErrWrongType)
	}
	equal(t, "string", f.get("s"), "1")
	equal(t, "hash", f.hget("h", "f"), "1")
}

// The encodings are what OBJECT ENCODING of Redis 7.0.15 says after the same commands.
func TestStringEncoding(t *testing.T) {
	long := strings.Repeat("a", 45)
	appendTo := func(f *fixture, s string) { _, err := f.tx.Append(f.k("k"), []byte(s)); f.check(err) }
	setRange := func(f *fixture, s string) { _, err := f.tx.SetRange(f.k("k"), 0, []byte(s)); f.check(err) }
	incr := func(f *fixture) { _, err := f.tx.IncrBy(f.k("k"), 1); f.check(err) }
	setText := func(f *fixture, s string) { f.check(f.tx.SetText(f.k("k"), []byte(s), engine.KeepDeadline)) }
	for name, c := range map[string]struct {
		do   func(f *fixture)
		want string
	}{
		"integer":               {func(f *fixture) { f.set("k", "10") }, "int"},
		"longest integer":       {func(f *fixture) { f.set("k", "-9223372036854775808") }, "int"},
		"not canonical":         {func(f *fixture) { f.set("k", "01") }, "embstr"},
		"beyond int64":          {func(f *fixture) { f.set("k", "99999999999999999999") }, "embstr"},
		"empty":                 {func(f *fixture) { f.set("k", "") }, "embstr"},
		"44 bytes":              {func(f *fixture) { f.set("k", long[1:]) }, "embstr"},
		"45 bytes":              {func(f *fixture) { f.set("k", long) }, "raw"},
		"append to integer":     {func(f *fixture) { f.set("k", "10"); appendTo(f, "1") }, "raw"},
		"append to missing":     {func(f *fixture) { appendTo(f, "x") }, "embstr"},
		"append int to missing": {func(f *fixture) { appendTo(f, "12") }, "int"},
		"append nothing":        {func(f *fixture) { f.set("k", "5"); appendTo(f, "") }, "raw"},
		"append, incr":          {func(f *fixture) { f.set("k", "10"); appendTo(f, "1"); incr(f) }, "int"},
		"append, set":           {func(f *fixture) { f.set("k", "a"); appendTo(f, "b"); f.set("k", "c") }, "embstr"},
		"incr":                  {func(f *fixture) { incr(f) }, "int"},
		"text":                  {func(f *fixture) { setText(f, "10") }, "embstr"},
		"integer, text":         {func(f *fixture) { f.set("k", "10"); setText(f, "11") }, "embstr"},
		"text, incr":            {func(f *fixture) { setText(f, "10"); incr(f) }, "int"},
		"setrange":              {func(f *fixture) { setRange(f, "5") }, "raw"},
		"setrange nothing":      {func(f *fixture) { f.set("k", "5"); setRange(f, "") }, "int"},
		"setrange, incr":        {func(f *fixture) { setRange(f, "5"); incr(f) }, "int"},
		"append, rename": {func(f *fixture) {
			f.set("k", "x")
			appendTo(f, "y")
			f.rename(f.k("k"), f.k("a"))
			f.rename(f.k("a"), f.k("k"))
		}, "raw"},
		"get leaves the integer": {func(f *fixture) { f.set("k", "10"); f.get("k") }, "int"},
	} {
		t.Run(name, func(t *testing.T) {
			f := open(t, engine.Options{})
			c.do(f)
			enc, ok := f.tx.Encoding(f.k("k"))
			equal(t, "there", ok, true)
			equal(t, "encoding", enc, c.want)
		})
	}
	f := open(t, engine.Options{})
	_, ok := f.tx.Encoding(f.k("missing"))
	equal(t, "missing", ok, false)
}

func TestConcurrentTransactions(t *testing.T) {
	f := open(t, engine.Options{Shards: 8})
	f.set("a", "0")
	f.set("b", "0")
	f.tx.Unlock()
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			tx := f.s.NewTx()
			src, dst, n := f.k("a"), f.k("b"), f.k("n")
			if i%2 == 1 {
				src, dst = dst, src
			}
			for j := range 500 {
				tx.LockKeys([]engine.Key{src, dst, src})
				_, err1 := tx.IncrBy(src, -int64(j))
				_, err2 := tx.IncrBy(dst, int64(j))
				tx.Unlock()
				tx.LockKey(n)
				_, err3 := tx.IncrBy(n, 1)
				tx.Unlock()
				if err := errors.Join(err1, err2, err3); err != nil {
					t.Error(err)
				}
				if j%50 == 0 {
					tx.LockAll()
					equal(t, "Len", tx.Len(), 3)
					tx.Unlock()
					tx.Scan(0, 1, func([]byte, engine.Type) bool { return true })
					f.s.NewTx().Stats()
				}
			}
		})
	}
	wg.Wait()
	f.tx.LockAll()
	equal(t, "count", f.get("n"), "2000")
	equal(t, "a", f.get("a"), "0")
	equal(t, "b", f.get("b"), "0")
}
