package snapshot

import (
	"os"
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

// Save writes a snapshot, which it ends in any case, to a file. version is what the file says of Redis's version. After an error an older
// file is as it was, as atomicfile has it.
func Save(sn *engine.Snapshot, path, version string) (Saved, error) {
	began := time.Now()
	f, err := atomicfile.Create(path)
	if err != nil {
		sn.Fail(err)
		return Saved{}, sn.Write(nil)
	}
	saved, err := write(sn, f.File, version)
	if err != nil {
		f.Discard()
		return Saved{}, err
	}
	err = f.Commit()
	saved.Time = time.Since(began)
	return saved, err
}

// write writes a snapshot to an open file.
func write(sn *engine.Snapshot, f *os.File, version string) (Saved, error) {
	var begin func()
	if sn.Gentle.Load() {
		begin = standBack
	}
	w := rdb.NewWriter(f, begin)
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
	err := sn.Write(s) // the writer keeps its error, so this is the first one, whosever it is
	if e := w.Close(); err == nil {
		err = e
	}
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
	err := s.Writer.Key(rdbTypes[k.Type], k.Key, k.Deadline, k.Idle, k.Frequency)
	if err != nil || k.Type == engine.String {
		return err
	}
	return s.Len(k.Elements)
}
