package snapshot_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/rdb"
	"github.com/redistill/redistill/internal/snapshot"
)

func openStore(t testing.TB, o engine.Options) (*engine.Store, *engine.Tx) {
	t.Helper()
	s, err := engine.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	tx := s.NewTx()
	tx.Now = time.Now().UnixMilli()
	return s, tx
}

// fill stores n strings, hashes and sets of all sizes in two databases, some with a deadline. One in ten is large.
func fill(t testing.TB, s *engine.Store, tx *engine.Tx, n int) {
	t.Helper()
	tx.LockAll()
	defer tx.Unlock()
	for i := range n {
		tx.DB = i % 2 * 7
		longest, fieldLongest := 10_000, 300
		if i%10 == 9 {
			longest, fieldLongest = 200_000, 5000
		}
		deadline := engine.NoDeadline
		if i%3 == 0 {
			deadline = tx.Now + 3600_000 + int64(i)
		}
		var err error
		if i%5 == 0 {
			err = tx.Set(s.Key(fmt.Appendf(nil, "n%d", i)), fmt.Appendf(nil, "%d", i*1000003), deadline)
		} else {
			err = tx.Set(s.Key(fmt.Appendf(nil, "s%d", i)), bytes.Repeat([]byte{byte(i)}, i*i%longest), deadline)
		}
		for f := 0; err == nil && f < i%300; f++ {
			_, err = tx.HSet(s.Key(fmt.Appendf(nil, "h%d", i)), fmt.Appendf(nil, "f%d", f), bytes.Repeat([]byte{byte(f)}, f*i%fieldLongest))
		}
		for m := 0; err == nil && m < i%300; m++ {
			_, err = tx.SAdd(s.Key(fmt.Appendf(nil, "t%d", i)), bytes.Repeat([]byte{byte(m)}, m*i%fieldLongest))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	tx.DB = 0
}

// isMember is the value of a member of a set where fields of hashes have theirs.
const isMember = "is a member"

// contents describes every key of a store.
func contents(s *engine.Store, tx *engine.Tx) map[string]string {
	all := map[string]string{}
	tx.LockAll()
	defer tx.Unlock()
	for db := range engine.Databases {
		tx.DB = db
		for cursor := uint64(0); ; {
			var keys []string
			cursor = tx.Scan(cursor, 1000, func(key []byte, _ engine.Type) bool { keys = append(keys, string(key)); return true })
			for _, key := range keys {
				k := s.Key([]byte(key))
				at, _ := tx.Deadline(k)
				text := fmt.Sprint(at, " ")
				if v, ok, err := tx.Get(k); ok && err == nil {
					text += string(v.AppendTo(nil))
				}
				fields := map[string]string{}
				_ = tx.HEach(k, func(f []byte, v engine.Value) bool { fields[string(f)] = string(v.AppendTo(nil)); return true })
				_ = tx.SEach(k, func(m []byte) bool { fields[string(m)] = isMember; return true })
				all[fmt.Sprint(db, " ", key)] = text + fmt.Sprint(fields)
			}
			if cursor == 0 {
				break
			}
		}
	}
	tx.DB = 0
	return all
}

func same(t *testing.T, got, want map[string]string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d keys, want %d", len(got), len(want))
	}
	for k, v := range want {
		if got[k] != v {
			t.Fatalf("%s: got %.80q, want %.80q", k, got[k], v)
		}
	}
}

func begin(t testing.TB, tx *engine.Tx) *engine.Snapshot {
	t.Helper()
	tx.LockAll()
	defer tx.Unlock()
	sn, err := tx.BeginSnapshot()
	if err != nil {
		t.Fatal(err)
	}
	return sn
}

func save(t testing.TB, tx *engine.Tx, path string) {
	t.Helper()
	if _, err := snapshot.Save(begin(t, tx), path, "7.0.15"); err != nil {
		t.Fatal(err)
	}
}

func load(s *engine.Store, path string) (*snapshot.Loader, error) {
	l := &snapshot.Loader{Store: s, Path: path, MaxString: 512 << 20}
	return l, l.Run()
}

func TestRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dump.rdb")
	s, tx := openStore(t, engine.Options{})
	fill(t, s, tx, 600)
	save(t, tx, path)
	want := contents(s, tx)
	s2, tx2 := openStore(t, engine.Options{Shards: 1})
	if _, err := load(s2, path); err != nil {
		t.Fatal(err)
	}
	same(t, contents(s2, tx2), want)
	if err := s2.Check(); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

// A snapshot that cannot be written leaves the old file as it is.
func TestSaveFails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "dump.rdb")
	s, tx := openStore(t, engine.Options{})
	fill(t, s, tx, 10)
	if _, err := snapshot.Save(begin(t, tx), filepath.Join(dir, "missing", "dump.rdb"), "7"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("into a missing directory: %v", err)
	}
	save(t, tx, path)
	want, _ := os.ReadFile(path)
	sn := begin(t, tx)
	tx.LockAll()
	tx.FlushAll()
	tx.Unlock()
	if _, err := snapshot.Save(sn, path, "7"); err != engine.ErrFlushed {
		t.Errorf("after a flush: %v", err)
	}
	if got, _ := os.ReadFile(path); !bytes.Equal(got, want) {
		t.Error("the old file changed")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
	save(t, tx, path) // and the next one is written
}

// Servers that are told to write the same file do not spoil it, though they may have the same process ID, each in a container.
func TestTwoWriters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dump.rdb")
	var writers sync.WaitGroup
	for n := range 2 {
		s, tx := openStore(t, engine.Options{})
		fill(t, s, tx, 20*(n+1))
		writers.Go(func() {
			for range 30 {
				if _, err := snapshot.Save(begin(t, tx), path, "7"); err != nil {
					t.Error(err)
				}
				s, _ := openStore(t, engine.Options{})
				if _, err := load(s, path); err != nil && !errors.Is(err, fs.ErrNotExist) {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(left) != 1 {
		t.Errorf("there is %v", left)
	}
}

// A file that is cut off or changed is refused, with where and why, and stays as it is.
func TestLoadRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dump.rdb")
	s, tx := openStore(t, engine.Options{})
	fill(t, s, tx, 50)
	save(t, tx, path)
	whole, _ := os.ReadFile(path)
	// A letter of a key's name, so that nothing but the checksum tells.
	changed := bytes.Replace(whole, []byte("\x03h49"), []byte("\x03j49"), 1)
	for name, bad := range map[string][]byte{
		"empty": nil, "cut off": whole[:len(whole)/2], "changed": changed,
		"text": []byte("not a snapshot at all, just text"),
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			s, _ := openStore(t, engine.Options{})
			_, err := load(s, path)
			refused, where := (*snapshot.Refused)(nil), (*rdb.Error)(nil)
			if !errors.As(err, &refused) || !errors.As(err, &where) || refused.Path != path || where.Reason == "" {
				t.Errorf("got %v", err)
			}
			if got, _ := os.ReadFile(path); !bytes.Equal(got, bad) {
				t.Error("the file changed")
			}
		})
	}
	if _, err := load(s, path+"x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

// writeFile writes a file and returns its path.
func writeFile(t *testing.T, fill func(w *rdb.Writer)) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "dump.rdb")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := rdb.NewWriter(f, nil)
	fill(w)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// withList is a file with a list between two strings.
func withList(w *rdb.Writer) {
	_ = w.Key(rdb.String, []byte("a"), 0, -1, -1)
	_ = w.String([]byte("1"))
	_ = w.Key(1, []byte("the list"), 0, -1, -1)
	_ = w.Len(2)
	_ = w.String([]byte("x"))
	_ = w.String([]byte("y"))
	_ = w.Key(rdb.String, []byte("gone"), 1000, -1, -1)
	_ = w.String([]byte("3"))
	_ = w.Key(rdb.String, []byte("b"), 0, -1, 255)
	_ = w.String([]byte("2"))
}

func TestUnsupportedTypes(t *testing.T) {
	path := writeFile(t, withList)
	s, _ := openStore(t, engine.Options{})
	if _, err := load(s, path); err == nil || !strings.Contains(err.Error(), `key "the list" is a list`) {
		t.Errorf("refused with %v", err)
	}
	s, tx := openStore(t, engine.Options{})
	l := &snapshot.Loader{Store: s, Path: path, MaxString: 1 << 20, Skip: true}
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
	same(t, contents(s, tx), map[string]string{"0 a": "0 1map[]", "0 b": "0 2map[]"})
	if l.Keys.Load() != 2 || l.Expired.Load() != 1 || l.Skipped.Load() != 1 {
		t.Errorf("%d keys, %d expired, %d skipped", l.Keys.Load(), l.Expired.Load(), l.Skipped.Load())
	}
}

// A large hash whose time has come is one key that has expired, though it comes in several pieces.
func TestExpiredHash(t *testing.T) {
	path := writeFile(t, func(w *rdb.Writer) {
		_ = w.Key(rdb.Hash, []byte("gone"), 1000, -1, -1)
		_ = w.Len(5000)
		for i := range 5000 {
			_ = w.String(fmt.Appendf(nil, "f%d", i))
			_ = w.String(make([]byte, 100))
		}
	})
	s, tx := openStore(t, engine.Options{})
	l, err := load(s, path)
	if err != nil || len(contents(s, tx)) > 0 || l.Expired.Load() != 1 || l.Keys.Load() != 0 {
		t.Errorf("%d keys, %d expired: %v", l.Keys.Load(), l.Expired.Load(), err)
	}
}

// A library of functions is not lost without a word: the next snapshot would take the place of the file that has it.
func TestFunctions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dump.rdb")
	const code = "#!lua name=lib \nredis.register_function('f', function() return 1 end)"
	file := "REDIS0010\xf5\x40" + string(rune(len(code))) + code + "\x00\x01a\x011\xff" + strings.Repeat("\x00", 8)
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	s, _ := openStore(t, engine.Options{})
	if _, err := load(s, path); err == nil || !strings.Contains(err.Error(), `"lib" is a library of functions, which is not supported`) {
		t.Errorf("refused with %v", err)
	}
	s, tx := openStore(t, engine.Options{})
	l := &snapshot.Loader{Store: s, Path: path, MaxString: 1 << 20, Skip: true}
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
	same(t, contents(s, tx), map[string]string{"0 a": "0 1map[]"})
	if l.Keys.Load() != 1 || l.Skipped.Load() != 1 {
		t.Errorf("%d keys, %d skipped", l.Keys.Load(), l.Skipped.Load())
	}
}

func TestStop(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dump.rdb")
	s, tx := openStore(t, engine.Options{})
	fill(t, s, tx, 50)
	save(t, tx, path)
	l := &snapshot.Loader{Store: s, Path: path, MaxString: 1 << 20}
	stopped := errors.New("stopped")
	l.Stop(stopped)
	if err := l.Run(); !errors.Is(err, stopped) {
		t.Errorf("got %v", err)
	}
}
