package engine_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/redistill/redistill/engine"
)

// changed watches k in database 0 after before, does something, and returns whether it counts as a change.
func changed(t *testing.T, before, do func(f *fixture)) bool {
	f := open(t, engine.Options{})
	before(f)
	token := f.tx.Watch(f.k("k"))
	do(f)
	f.tx.DB = 0
	got := f.tx.Changed(f.k("k"), token)
	f.tx.Unwatch(f.k("k"))
	equal(t, "Watched after Unwatch", f.stats().Watched, 0)
	return got
}

func missing(*fixture)    {}
func str(f *fixture)      { f.set("k", "10") }
func volatile(f *fixture) { f.setUntil("k", "10", f.base+1000) }
func hash(f *fixture)     { f.fill("k", 3) }

func later(f *fixture)                     { f.tx.Now = f.base + 2000 }
func expireCycle(f *fixture)               { f.unlocked(func() { f.s.ExpireCycle(f.base + 2000) }) }
func (f *fixture) in1(do func(f *fixture)) { f.inDB(1, func() { do(f) }) }

func TestWatch(t *testing.T) {
	for name, c := range map[string]struct {
		before, do func(f *fixture)
		want       bool
	}{
		"nothing":                   {str, missing, false},
		"reads":                     {str, func(f *fixture) { f.get("k"); f.exists("k"); f.tx.Touch(f.k("k")); f.scanAll(10) }, false},
		"other key":                 {str, func(f *fixture) { f.set("k2", "v") }, false},
		"other database":            {str, func(f *fixture) { f.in1(str) }, false},
		"set":                       {str, str, true},
		"set of missing":            {missing, str, true},
		"set and delete":            {missing, func(f *fixture) { f.set("k", "v"); f.tx.Delete(f.k("k")) }, true},
		"delete":                    {str, func(f *fixture) { f.tx.Delete(f.k("k")) }, true},
		"delete of missing":         {missing, func(f *fixture) { f.tx.Delete(f.k("k")) }, false},
		"append":                    {str, func(f *fixture) { _, _ = f.tx.Append(f.k("k"), []byte("x")) }, true},
		"setrange":                  {str, func(f *fixture) { _, _ = f.tx.SetRange(f.k("k"), 1, []byte("x")) }, true},
		"setrange of nothing":       {str, func(f *fixture) { _, _ = f.tx.SetRange(f.k("k"), 1, nil) }, false},
		"incr":                      {str, func(f *fixture) { _, _ = f.tx.IncrBy(f.k("k"), 1) }, true},
		"failed incr":               {hash, func(f *fixture) { _, _ = f.tx.IncrBy(f.k("k"), 1) }, false},
		"hset":                      {hash, func(f *fixture) { f.hset("k", "f0", "v0") }, true},
		"hset of missing":           {missing, func(f *fixture) { f.hset("k", "f0", "v0") }, true},
		"hdel":                      {hash, func(f *fixture) { f.hdel("k", "f0") }, true},
		"hdel of missing":           {hash, func(f *fixture) { f.hdel("k", "nosuch") }, false},
		"hincrby":                   {hash, func(f *fixture) { _, _ = f.tx.HIncrBy(f.k("k"), []byte("n"), 1) }, true},
		"failed hincrby":            {hash, func(f *fixture) { _, _ = f.tx.HIncrBy(f.k("k"), []byte("f0"), 1) }, false},
		"deadline":                  {str, func(f *fixture) { f.tx.SetDeadline(f.k("k"), f.base+1000) }, true},
		"deadline in the past":      {str, func(f *fixture) { f.tx.SetDeadline(f.k("k"), 1) }, true},
		"persist":                   {volatile, func(f *fixture) { f.tx.SetDeadline(f.k("k"), engine.NoDeadline) }, true},
		"persist without deadline":  {str, func(f *fixture) { f.tx.SetDeadline(f.k("k"), engine.NoDeadline) }, false},
		"rename from":               {str, func(f *fixture) { f.rename(f.k("k"), f.k("x")) }, true},
		"rename to":                 {str, func(f *fixture) { f.set("x", "v"); f.rename(f.k("x"), f.k("k")) }, true},
		"rename of missing":         {str, func(f *fixture) { f.rename(f.k("x"), f.k("k")) }, false},
		"copy from":                 {str, func(f *fixture) { _, _ = f.tx.Copy(f.k("k"), f.k("x"), 0, true) }, false},
		"copy to":                   {str, func(f *fixture) { f.set("x", "v"); _, _ = f.tx.Copy(f.k("x"), f.k("k"), 0, true) }, true},
		"copy refused":              {str, func(f *fixture) { f.set("x", "v"); _, _ = f.tx.Copy(f.k("x"), f.k("k"), 0, false) }, false},
		"move from":                 {str, func(f *fixture) { f.move(f.k("k"), 1) }, true},
		"move to":                   {missing, func(f *fixture) { f.in1(func(f *fixture) { str(f); f.move(f.k("k"), 0) }) }, true},
		"flush":                     {str, func(f *fixture) { f.tx.Flush() }, true},
		"flush of missing":          {missing, func(f *fixture) { f.set("x", "v"); f.tx.Flush() }, false},
		"flush of other":            {str, func(f *fixture) { f.in1(func(f *fixture) { f.tx.Flush() }) }, false},
		"flushall":                  {str, func(f *fixture) { f.in1(func(f *fixture) { f.tx.FlushAll() }) }, true},
		"flushall of missing":       {missing, func(f *fixture) { f.tx.FlushAll() }, false},
		"swap away":                 {str, func(f *fixture) { f.tx.SwapDB(0, 1) }, true},
		"swap in":                   {func(f *fixture) { f.in1(str) }, func(f *fixture) { f.tx.SwapDB(1, 0) }, true},
		"swap of missing":           {missing, func(f *fixture) { f.tx.SwapDB(0, 1) }, false},
		"swap of others":            {str, func(f *fixture) { f.in1(str); f.tx.SwapDB(1, 2) }, false},
		"swap with itself":          {str, func(f *fixture) { f.tx.SwapDB(0, 0) }, false},
		"swap in of expired":        {func(f *fixture) { f.in1(volatile) }, func(f *fixture) { later(f); f.tx.SwapDB(0, 1) }, false},
		"not expired yet":           {volatile, func(f *fixture) { f.tx.Now = f.base + 500 }, false},
		"expired":                   {volatile, later, true},
		"expired and looked at":     {volatile, func(f *fixture) { later(f); f.get("k") }, true},
		"expired by the cycle":      {volatile, expireCycle, true},
		"expired, then flushed":     {volatile, func(f *fixture) { later(f); f.tx.Flush() }, true},
		"expired, then swapped":     {volatile, func(f *fixture) { later(f); f.tx.SwapDB(0, 1) }, true},
		"expired and made anew":     {volatile, func(f *fixture) { later(f); str(f) }, true},
		"expired before":            {func(f *fixture) { volatile(f); later(f) }, func(f *fixture) { f.get("k"); f.exists("k") }, false},
		"expired before, cycle":     {func(f *fixture) { volatile(f); later(f) }, expireCycle, false},
		"expired before, flush":     {func(f *fixture) { volatile(f); later(f) }, func(f *fixture) { f.tx.Flush() }, false},
		"expired before, made anew": {func(f *fixture) { volatile(f); later(f) }, str, true},
	} {
		t.Run(name, func(t *testing.T) { equal(t, "changed", changed(t, c.before, c.do), c.want) })
	}
}

func TestWatchers(t *testing.T) {
	f := open(t, engine.Options{})
	k := f.k("k")
	first := f.tx.Watch(k)
	f.set("k", "1")
	second := f.tx.Watch(k)
	equal(t, "first", f.tx.Changed(k, first), true)
	equal(t, "second", f.tx.Changed(k, second), false)
	equal(t, "Watched", f.stats().Watched, 1)
	f.inDB(1, func() { f.tx.Watch(k) })
	equal(t, "Watched in two databases", f.stats().Watched, 2)
	f.tx.Unwatch(k)
	f.set("k", "2")
	equal(t, "second", f.tx.Changed(k, second), true)
	f.tx.Unwatch(k)
	f.inDB(1, func() { f.tx.Unwatch(k) })
	equal(t, "Watched", f.stats().Watched, 0)
}

func TestWatchSeesEviction(t *testing.T) {
	f := open(t, engine.Options{MaxMemory: limit, Policy: engine.AllKeysRandom})
	n := f.overfill(0)
	tokens := make(map[string]uint64)
	for _, key := range keys(n) {
		if f.exists(key) {
			tokens[key] = f.tx.Watch(f.k(key))
		}
	}
	f.unlocked(func() { f.check(f.s.Reserve(limit / 2)) })
	gone := 0
	for key, token := range tokens {
		there := f.exists(key)
		equal(t, key+" changed", f.tx.Changed(f.k(key), token), !there)
		if !there {
			gone++
		}
		f.tx.Unwatch(f.k(key))
	}
	if gone == 0 {
		t.Error("nothing was evicted")
	}
}

// TestWatchesGiveMemoryBack: what many watched keys took is free when they are watched no more.
func TestWatchesGiveMemoryBack(t *testing.T) {
	f := open(t, engine.Options{})
	var keys []engine.Key
	for i := range 200_000 {
		keys = append(keys, f.s.Key(fmt.Appendf(nil, "watched:%d", i)))
	}
	live := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := live()
	each := func(do func(k engine.Key)) {
		for _, k := range keys {
			do(k)
		}
	}
	f.unlocked(func() {
		tx := f.s.NewTx()
		tx.LockAll()
		defer tx.Unlock()
		each(func(k engine.Key) { tx.Watch(k) })
		taken := live() - before
		each(tx.Unwatch)
		if left := live() - before; left > taken/10 {
			t.Errorf("of %d bytes %d are left", taken, left)
		}
		runtime.KeepAlive(keys)
	})
}
