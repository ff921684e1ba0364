package command

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"time"

	"github.com/redistill/redistill/internal/info"
	"github.com/redistill/redistill/internal/rdb"
	"github.com/redistill/redistill/internal/snapshot"
)

const errLoading = Error("LOADING Redis is loading the dataset in memory")

// loading is the snapshot that is loaded at the start.
type loading struct {
	*snapshot.Loader
	began time.Time
}

// Loading reports whether a snapshot is being loaded, or will be: clients are told so until Load has returned nil.
func (srv *Server) Loading() bool { return srv.alert.Load()&alertLoading != 0 }

// Load loads the snapshot, if the settings say so and there is one. It is called once, and may be called while clients are served. With an
// error the keyspace is in no state to be used or to be saved.
func (srv *Server) Load() error {
	v := srv.Config.Values()
	if v.Persistence {
		err := srv.load(v.SnapshotPath, v.SnapshotUnsupported == "skip")
		refused, corrupt := (*snapshot.Refused)(nil), (*rdb.Error)(nil)
		if errors.As(err, &refused) && errors.As(err, &corrupt) && !corrupt.Foreign && v.SnapshotCorrupt == "rename" {
			err = srv.putAside(refused)
		}
		if err != nil {
			return err
		}
	}
	srv.loaded()
	return nil
}

// loaded lets clients in, and snapshots be taken.
func (srv *Server) loaded() {
	srv.alert.And(^alertLoading)
	s := &srv.saver
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes = srv.writes()
	s.arm(srv.Config.Values())
}

// load loads a file. Where there is none it logs that.
func (srv *Server) load(path string, skip bool) error {
	l := loading{&snapshot.Loader{Store: srv.Store, Path: path, MaxString: srv.longestString(), Skip: skip}, time.Now()}
	srv.loader.Store(&l)
	if srv.stopLoading.Load() {
		return errStopping
	}
	err := l.Run()
	if errors.Is(err, fs.ErrNotExist) {
		srv.Log.Info("there is no snapshot to load", "path", path)
		return nil
	}
	if err != nil {
		return err
	}
	srv.Log.Info("snapshot loaded", "path", path, "keys", l.Keys.Load(), "expired", l.Expired.Load(), "skipped", l.Skipped.Load(),
		"empty", l.Empty.Load(), "bytes", l.Size.Load(), "took", time.Since(l.began).Round(time.Millisecond))
	return nil
}

// putAside gives a corrupt file another name, and empties the keyspace.
func (srv *Server) putAside(r *snapshot.Refused) error {
	aside := r.Path + ".corrupt-" + strconv.FormatInt(time.Now().Unix(), 10)
	if err := os.Rename(r.Path, aside); err != nil {
		return errors.Join(r, err)
	}
	tx := srv.Store.NewTx()
	tx.Now = time.Now().UnixMilli()
	tx.LockAll()
	tx.FlushAll()
	tx.Unlock()
	srv.Log.Error("snapshot refused and renamed, starting without data", "path", aside, "error", r.Err)
	return nil
}

// StopLoading ends Load with an error, also if it has not begun.
func (srv *Server) StopLoading() {
	srv.stopLoading.Store(true)
	if l := srv.loader.Load(); l != nil {
		l.Stop(errStopping)
	}
}

// fillPersistence fills in what INFO shows of snapshots.
func (srv *Server) fillPersistence(i *info.State) {
	s := &srv.saver
	s.mu.Lock()
	i.LastSave, i.Saves, i.SaveFailed, i.SaveTime, i.SnapshotBytes = s.last, s.saves, s.err != nil, s.took, s.bytes
	if s.running != nil {
		i.Saving, i.SavingSince = true, s.began
		i.SavedKeys, i.AsideBytes = s.running.Progress()
		for _, n := range s.running.Keys {
			i.SavingKeys += n
		}
	}
	i.Changes = int64(srv.writes() - s.changes)
	s.mu.Unlock()
	if i.Changes < 0 {
		i.Changes = 0
	}
	if l := srv.loader.Load(); l != nil {
		i.LoadedKeys, i.LoadedExpired = l.Keys.Load(), l.Expired.Load()
		i.Loading = srv.Loading()
		i.LoadingSince, i.LoadingBytes, i.LoadedBytes = l.began, l.Size.Load(), l.Read.Load()
	}
}
