package snapshot

import (
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/atomicfile"
	"github.com/redistill/redistill/internal/rdb"
)

// Saved is what Save did.
type Saved struct {
	Keys, Bytes int64
	Time        time.Duration
}

// Save writes a snapshot, which it ends in any case, to a file. version is what the file says of Redis's version.
func Save(sn *engine.Snapshot, path, version string) (Saved, error) {
	began := time.Now()
	temp := filepath.Join(filepath.Dir(path), "temp-"+strconv.Itoa(os.Getpid())+".rdb")
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		sn.Fail(err)
		return Saved{}, sn.Write(nil)
	}
	saved, err := write(sn, f, version)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		os.Remove(temp)
		return Saved{}, err
	}
	saved.Time = time.Since(began)
	return saved, atomicfile.SyncDir(filepath.Dir(path))
}

// write writes a snapshot to an open file.
func write(sn *engine.Snapshot, f *os.File, version string) (Saved, error) {
	w := rdb.NewWriter(f)
	_ = w.Aux("redis-ver", version)
	_ = w.Aux("redis-bits", strconv.Itoa(strconv.IntSize))
	_ = w.Aux("ctime", strconv.FormatInt(time.Now().Unix(), 10))
	s := &sink{Writer: w, db: -1}
	for db, n := range sn.Keys {
		if n > 0 { // for a reader that wants to know before the keys come
			_ = s.choose(db)
			_ = w.Resize(n, sn.Expires[db])
		}
	}
	if err := sn.Write(s); err != nil { // the writer keeps its error, so this is the first one, whosever it is
		return Saved{}, err
	}
	err := w.Close()
	return Saved{Keys: s.keys, Bytes: w.Written()}, err
}

// sink is the engine's view of the file.
type sink struct {
	*rdb.Writer
	db   int // the database that was selected last
	keys int64
}

func (s *sink) choose(db int) error {
	if db == s.db {
		return nil
	}
	s.db = db
	return s.Select(db)
}

// Key begins a key.
func (s *sink) Key(k *engine.SnapshotKey) error {
	if err := s.choose(k.DB); err != nil {
		return err
	}
	s.keys++
	if k.Type == engine.Hash {
		if err := s.Writer.Key(rdb.Hash, k.Key, k.Deadline, k.Frequency); err != nil {
			return err
		}
		return s.Len(k.Fields)
	}
	return s.Writer.Key(rdb.String, k.Key, k.Deadline, k.Frequency)
}
