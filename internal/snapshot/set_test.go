package snapshot_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/rdb"
	"github.com/redistill/redistill/internal/snapshot"
	"github.com/redistill/redistill/test/servertest"
)

// fillLargeSets stores sets that do not fit into one frame of a file, and one of long members.
func fillLargeSets(t *testing.T, s *engine.Store, tx *engine.Tx) {
	t.Helper()
	tx.LockAll()
	defer tx.Unlock()
	add := func(key string, n int, member func(i int) []byte) {
		for i := range n {
			if _, err := tx.SAdd(s.Key([]byte(key)), member(i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	add("integers", 100_000, func(i int) []byte { return fmt.Appendf(nil, "%d", (i-50_000)*70_001) })
	add("texts", 50_000, func(i int) []byte { return fmt.Appendf(nil, "member:%d", i) })
	add("long", 40, func(i int) []byte { return bytes.Repeat([]byte{byte(i)}, (i+1)*engine.MaxKey/40) })
}

// Large sets go to redis-server and come back.
func TestLargeSets(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "dump.rdb")
	s, tx := openStore(t, engine.Options{})
	fillLargeSets(t, s, tx)
	save(t, tx, path)
	want := contents(s, tx)
	redis := servertest.StartIn(t, dir, servertest.Redis(t), "--port", servertest.Port, "--save", "").Dial()
	same(t, served(redis), want)
	redis.Do("SAVE")
	again, tx2 := openStore(t, engine.Options{Shards: 1})
	if _, err := load(again, path); err != nil {
		t.Fatal(err)
	}
	same(t, contents(again, tx2), want)
	if err := again.Check(); err != nil {
		t.Error(err)
	}
}

// A member of a set that is longer than a member may be is refused, not left out.
func TestLongMember(t *testing.T) {
	path := writeFile(t, func(w *rdb.Writer) {
		_ = w.Key(rdb.Set, []byte("s"), 0, -1, -1)
		_ = w.Len(1)
		_ = w.String(make([]byte, engine.MaxKey+1))
	})
	s, _ := openStore(t, engine.Options{})
	if _, err := load(s, path); err == nil || !strings.Contains(err.Error(), `key "s": `) {
		t.Errorf("refused with %v", err)
	}
}

// An intset without integers is damaged also for one who leaves out what is not supported.
func TestEmptyIntset(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dump.rdb")
	if err := os.WriteFile(path, withEmpty(emptyIntset), 0o600); err != nil {
		t.Fatal(err)
	}
	s, _ := openStore(t, engine.Options{})
	l := &snapshot.Loader{Store: s, Path: path, MaxString: 1 << 20, Skip: true}
	refused := (*snapshot.Refused)(nil)
	if err := l.Run(); !errors.As(err, &refused) || !strings.Contains(err.Error(), "a packed set is damaged") {
		t.Errorf("refused with %v", err)
	}
}
