package snapshot_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/rdb"
)

// use is what a file says of the use of a key.
type use struct {
	idle int64
	freq int
}

// uses reads what a file says of the use of its keys.
func uses(t *testing.T, path string) map[string]use {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, r, b, d := map[string]use{}, rdb.NewReader(f), &rdb.Batch{}, rdb.Decoder{MaxString: 1 << 20}
	for {
		if err := r.Next(b); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		for i := range b.Frames {
			key, err := d.Key(&b.Frames[i])
			if err != nil {
				t.Fatal(err)
			}
			all[string(key)] = use{b.Frames[i].Idle, b.Frames[i].Freq}
		}
	}
}

// What is known of the use of keys is in the file in Redis's terms, and known again when it was loaded.
func TestUseIsSaved(t *testing.T) {
	// As many keys, in as few bytes, as all are in the sample that the loader takes: then each group has one of the engine's eight epochs.
	const groups, each = 8, 100
	for _, p := range []engine.Policy{engine.AllKeysLRU, engine.VolatileLRU, engine.AllKeysLFU, engine.VolatileLFU, engine.AllKeysS3FIFO,
		engine.AllKeysDensity, engine.AllKeysRandom, engine.NoEviction} {
		t.Run(p.String(), func(t *testing.T) {
			s, tx := openStore(t, engine.Options{Policy: p, Shards: 1})
			var sample []int64
			for i := range int64(groups) {
				sample = append(sample, 100*i)
			}
			s.BeginRecall(tx.Now, sample)
			tx.LockAll()
			for i := range groups * each {
				k := s.Key(fmt.Appendf(nil, "%d-%d", i%groups, i))
				size := 10
				if i < groups {
					size = 200_000 // in parts, and too large to be copied at once
				}
				if err := tx.Set(k, make([]byte, size), engine.NoDeadline); err != nil {
					t.Fatal(err)
				}
				tx.SetIdle(k, sample[i%groups]*1000)
				tx.SetFrequency(k, 5+i%groups)
			}
			tx.Unlock()
			s.EndRecall()
			path := filepath.Join(t.TempDir(), "dump.rdb")
			save(t, tx, path)
			began := time.Now()
			again, tx2 := openStore(t, engine.Options{Policy: p, Shards: 1})
			if _, err := load(again, path); err != nil {
				t.Fatal(err)
			}
			tx2.Now = time.Now().UnixMilli()
			passed := int64(time.Since(began).Seconds()) + 1 // at most, and rounded up
			path2 := path + "2"
			save(t, tx2, path2)
			if err := again.Check(); err != nil {
				t.Error(err)
			}
			for i, file := range []map[string]use{uses(t, path), uses(t, path2)} {
				for key, got := range file {
					group := int(key[0] - '0')
					idle, freq := int64(-1), -1
					switch p {
					case engine.AllKeysLRU, engine.VolatileLRU:
						if idle = got.idle; idle < max(0, sample[group]-1) || idle > sample[group]+passed*int64(i) {
							idle = sample[group]
						}
					case engine.AllKeysLFU, engine.VolatileLFU, engine.AllKeysS3FIFO, engine.AllKeysDensity:
						freq = 5 + group
					}
					if want := (use{idle, freq}); got != want {
						t.Fatalf("file %d: key %s was used %v, want %v", i, key, got, want)
					}
				}
				if len(file) != groups*each {
					t.Errorf("file %d: %d keys", i, len(file))
				}
			}
		})
	}
}
