//go:build !race

package snapshot_test

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/rdb"
)

// What does not fit into the memory is evicted, or the file is refused.
func TestLoadWithLittleMemory(t *testing.T) {
	const keys, limit = 200_000, 128 << 20
	path := filepath.Join(t.TempDir(), "dump.rdb")
	s, err := engine.Open(engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	tx := s.NewTx()
	tx.LockAll()
	for i := range keys {
		_ = tx.Set(s.Key(fmt.Appendf(nil, "k%d", i)), bytes.Repeat([]byte{byte(i)}, 1000), engine.NoDeadline)
	}
	tx.Unlock()
	save(t, tx, path)
	s.Close() // the limit is for the process
	debug.FreeOSMemory()
	small, _ := openStore(t, engine.Options{MaxMemory: limit, Policy: engine.AllKeysLRU})
	if _, err := load(small, path); err != nil {
		t.Error(err)
	}
	if n := small.Stats().Keys[0]; n == 0 || n == keys {
		t.Errorf("%d keys stayed", n)
	}
	strict, _ := openStore(t, engine.Options{MaxMemory: limit, Policy: engine.NoEviction})
	if _, err := load(strict, path); err == nil || !strings.Contains(err.Error(), "out of memory") {
		t.Errorf("without eviction: %v", err)
	}
}

// A hash that is evicted while it is loaded goes with all of its fields, and what is loaded after it stays.
func TestLoadHashBeyondMemory(t *testing.T) {
	const limit, fields = 64 << 20, 100_000
	path := writeFile(t, func(w *rdb.Writer) {
		_ = w.Key(rdb.Hash, []byte("large"), 0, -1, -1)
		_ = w.Len(fields)
		for i := range fields {
			_ = w.String(fmt.Appendf(nil, "f%d", i))
			_ = w.String(bytes.Repeat([]byte{byte(i)}, 1500))
		}
		_ = w.Key(rdb.Hash, []byte("h"), 0, -1, -1)
		_ = w.Len(1000)
		for i := range 1000 {
			_ = w.String(fmt.Appendf(nil, "f%d", i))
			_ = w.String(bytes.Repeat([]byte{byte(i)}, 500))
		}
	})
	debug.FreeOSMemory()
	s, tx := openStore(t, engine.Options{MaxMemory: limit, Policy: engine.AllKeysLRU})
	if _, err := load(s, path); err != nil {
		t.Fatal(err)
	}
	tx.LockAll()
	defer tx.Unlock()
	if n, err := tx.HLen(s.Key([]byte("large"))); n != 0 || err != nil {
		t.Errorf("%d of %d fields are left: %v", n, fields, err)
	}
	if n, err := tx.HLen(s.Key([]byte("h"))); n != 1000 || err != nil {
		t.Errorf("%d of 1000 fields are left: %v", n, err)
	}
}

// Room is made for what strings have when they are not compressed any more.
func TestLoadCompressedHashes(t *testing.T) {
	const limit, hashes, fields = 64 << 20, 300, 10
	packed := append([]byte{0, 'x'}, bytes.Repeat([]byte{7 << 5, 255, 0}, 1000)...) // one byte, then 264 a thousand times
	value := rdb.AppendLen([]byte{0xc3}, uint64(len(packed)))
	value = append(rdb.AppendLen(value, 264_001), packed...)
	path := writeFile(t, func(w *rdb.Writer) {
		for i := range hashes {
			_ = w.Key(rdb.Hash, fmt.Appendf(nil, "h%d", i), 0, -1, -1)
			_ = w.Len(fields)
			for j := range fields {
				_ = w.String(fmt.Appendf(nil, "f%d", j))
				_ = w.Bytes(value)
			}
		}
	})
	debug.FreeOSMemory()
	s, tx := openStore(t, engine.Options{MaxMemory: limit, Policy: engine.AllKeysLRU})
	if _, err := load(s, path); err != nil {
		t.Fatal(err)
	}
	if n := s.Stats().Keys[0]; n == 0 || n == hashes {
		t.Errorf("%d of %d hashes are left", n, hashes)
	}
	for key, text := range contents(s, tx) {
		if n := strings.Count(text, ":"); n != fields {
			t.Errorf("%s has %d fields", key, n)
		}
	}
}

// A string that is longer than the memory is not even read.
func TestLoadStringBeyondMemory(t *testing.T) {
	path := writeFile(t, func(w *rdb.Writer) {
		_ = w.Key(rdb.String, []byte("k"), 0, -1, -1)
		_ = w.String(make([]byte, 40<<20))
	})
	s, _ := openStore(t, engine.Options{MaxMemory: 32 << 20})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := load(s, path)
	runtime.ReadMemStats(&after)
	e := (*rdb.Error)(nil)
	if !errors.As(err, &e) || !e.Foreign || after.TotalAlloc-before.TotalAlloc > 4<<20 {
		t.Errorf("%v, and %d bytes were allocated", err, after.TotalAlloc-before.TotalAlloc)
	}
}
