//go:build !race

package snapshot_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/redistill/redistill/engine"
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
